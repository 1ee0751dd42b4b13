"""Many comparisons, each in a process with a bound on time and memory.

Belongs here: which pair is judged where, feeding, ending and replacing workers. Does not belong here: what a
comparison is (:mod:`.verify`), one worker (:mod:`.workers`), and texts (:mod:`.judge`).

Pairs that need no computer algebra never reach a worker. What evaluates text runs in a sandbox: verifiers in
workers that are there, programs in two processes for each.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from cot_assets.grading.judgement import Judgement, Pair
from cot_assets.grading.sandbox.bubblewrap import SandboxError, require_sandbox
from cot_assets.grading.sandbox.code import run_tests
from cot_assets.grading.tasks import is_evaluating
from cot_assets.grading.verify import quick_verdict
from cot_assets.grading.worker import Room
from cot_assets.grading.workers import START_SECONDS, Worker

_PAIRS_PER_WORKER = 100  #: a further worker takes as long to start as these comparisons
#: Wall-clock seconds per second of processor time. On a machine that is busy elsewhere a comparison may get
#: a small share of a processor, and must not be unscored for that; this ends a process that is stopped.
_WALL_FACTOR = 30
_LOOK_SECONDS = 1.0  #: how often to look whether an interpreter has ended


class GraderError(RuntimeError):
    """Workers cannot be started or used; the message says why."""


Place = Room | Literal["code"]


def _by_place(pairs: Iterable[Pair]) -> Mapping[Place, list[Pair]]:
    """Pairs by where they are judged."""
    places = defaultdict[Place, list[Pair]](list)
    for pair in pairs:
        _, judged_by, kind = pair
        if kind == "verifier":
            places["sandbox" if is_evaluating(judged_by) else "verifier"].append(pair)
        else:
            places["code" if kind == "code" else "algebra"].append(pair)
    return places


class GraderPool:
    """Compares pairs of answers; use it as a context manager, from any thread.

    Args:
        workers: most processes of a kind at a time. They start when first needed.
        seconds: processor time of one comparison. Thirty times as much wall-clock time ends it too.
        memory_mb: growth of the address space in one comparison.
    """

    def __init__(self, workers: int | None = None, *, seconds: float = 2.0, memory_mb: int = 512) -> None:
        if (workers is not None and workers < 1) or seconds <= 0 or memory_mb < 1:
            raise ValueError(
                f"GraderPool(workers={workers}, seconds={seconds}, memory_mb={memory_mb}): all must be positive"
            )
        self._most = workers or min(4, os.cpu_count() or 1)
        self._seconds = seconds
        self._growth = memory_mb * 2**20
        self._workers: list[Worker] = []
        self._lock = threading.Lock()
        self._closed = False

    def __enter__(self) -> GraderPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.close()

    def close(self) -> None:
        """End all workers; may be called twice."""
        with self._lock:
            self._closed = True
            self._end_all()

    def grade(self, pairs: Iterable[Pair]) -> dict[Pair, Judgement]:
        """The judgement of every distinct pair, in the order of first appearance.

        A comparison that takes too long, needs too much memory or ends its worker is ``unscored``.

        Raises:
            GraderError: the pool is closed, workers do not start, or text would have to be evaluated and
                there is no sandbox.
            ValueError: an answer kind is not known.
        """
        quick = {pair: quick_verdict(*pair) for pair in dict.fromkeys(pairs)}
        judged = {pair: judgement for pair, judgement in quick.items() if judgement}
        slow = _by_place(pair for pair in quick if pair not in judged)
        if slow:
            with self._lock:
                if self._closed:
                    raise GraderError("this GraderPool is closed; open another")
                try:
                    self._judge(slow, judged)
                except BaseException:
                    self._end_all()  # a worker may still be busy with a pair that nobody waits for
                    raise
        return {pair: judged[pair] for pair in quick}

    def _judge(self, slow: Mapping[Place, list[Pair]], judged: dict[Pair, Judgement]) -> None:
        if "sandbox" in slow or "code" in slow:
            try:
                require_sandbox()
            except SandboxError as error:
                raise GraderError(str(error)) from error
        for place, pairs in slow.items():
            if place == "code":
                with ThreadPoolExecutor(self._most) as threads:
                    found = threads.map(lambda pair: run_tests(pair[0], pair[1]), pairs)
                    judged.update(zip(pairs, found, strict=True))
            else:
                self._run(place, deque(pairs), judged)

    def _run(self, room: Room, waiting: deque[Pair], judged: dict[Pair, Judgement]) -> None:
        with selectors.DefaultSelector() as selector:
            for worker in self._workers:
                selector.register(worker.replies, selectors.EVENT_READ, worker)
            timeout = 0.0  # first hear what has happened since the last call
            while True:
                for key, _ in selector.select(max(0.0, timeout)):
                    self._take(key.data, judged, selector)
                for worker in list(self._workers):
                    is_late = worker.has_deadline and time.monotonic() > worker.deadline
                    # An interpreter that has ended may leave the pipe to its comparing process for a while.
                    if worker.has_ended or (is_late and worker.child is None):
                        self._lose(worker, judged, selector)
                    elif is_late:
                        worker.kill_child()
                self._hand_out(room, waiting, selector)
                if not waiting and all(worker.pair is None for worker in self._workers):
                    return
                deadline = min(w.deadline for w in self._workers if w.has_deadline)
                timeout = min(deadline - time.monotonic(), _LOOK_SECONDS)

    def _hand_out(self, room: Room, waiting: deque[Pair], selector: selectors.BaseSelector) -> None:
        own = [worker for worker in self._workers if worker.room == room]
        for worker in own:
            if waiting and worker.child is not None and worker.pair is None:
                worker.send(waiting.popleft(), _WALL_FACTOR * self._seconds)
        wanted = min(self._most, -(-len(waiting) // _PAIRS_PER_WORKER))
        for _ in range(wanted - len(own)):
            worker = Worker(room, self._seconds, self._growth)
            self._workers.append(worker)
            selector.register(worker.replies, selectors.EVENT_READ, worker)

    def _take(self, worker: Worker, judged: dict[Pair, Judgement], selector: selectors.BaseSelector) -> None:
        try:
            messages = worker.receive()
        except EOFError:
            self._lose(worker, judged, selector)
            return
        for kind, *values in messages:
            if kind == "ready":
                worker.starts(values[0])
            elif kind == "verdict":
                number, verdict, reason, unit, is_worn = values
                if worker.pair is not None and worker.number == number:
                    judged[worker.pair] = Judgement(verdict, reason, unit)
                    worker.pair = None
                if is_worn:
                    worker.restarts()
            elif kind == "ended":
                if worker.pair is not None:
                    judged[worker.pair] = Judgement("unscored", self._cause(values[0], worker.is_overdue))
                worker.restarts()

    def _cause(self, status: int, is_overdue: bool) -> str:
        if is_overdue or status == -signal.SIGPROF:
            return f"took more than {self._seconds:g} s"
        if status < 0:
            return f"the comparing process was ended by signal {-status}"
        return f"the comparing process ended with status {status}"

    def _lose(self, worker: Worker, judged: dict[Pair, Judgement], selector: selectors.BaseSelector) -> None:
        """An interpreter has ended or does not answer: its pair is unscored, and it is not used again."""
        is_late = time.monotonic() > worker.deadline
        selector.unregister(worker.replies)
        self._workers.remove(worker)
        status, errors = worker.close()
        if not worker.has_started:
            cause = f"not ready after {START_SECONDS:.0f} s" if is_late else f"exit status {status}"
            raise GraderError(f"a grader worker did not start ({cause}): {errors or 'no message'}")
        if worker.pair is not None:
            judged[worker.pair] = Judgement("unscored", self._cause(status, worker.is_overdue or is_late))

    def _end_all(self) -> None:
        while self._workers:
            self._workers.pop().close()
