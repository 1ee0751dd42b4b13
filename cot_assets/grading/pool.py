"""Many comparisons, each in a process with a bound on time and memory.

Belongs here: starting, feeding, ending and replacing workers. Does not belong here: what a comparison is
(:mod:`.verify`), what runs inside a worker (:mod:`.worker`), and texts (:mod:`.judge`).

Workers are fresh interpreters started by ``subprocess``: this process is never forked, so its threads do
no harm, and the parent's ``__main__`` is not imported again (it may be the command line, pytest or a
Dagster daemon). Pairs that need no computer algebra never reach a worker.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Any

from cot_assets.grading.verify import GradeVerdict, Judgement, quick_verdict

_START_SECONDS = 600.0  #: most time to import sympy; a busy machine with a cold disk needs a lot
_PAIRS_PER_WORKER = 100  #: a further worker takes as long to start as so many comparisons
#: Wall-clock seconds per second of processor time. On a machine that is busy elsewhere a comparison may get
#: a small share of a processor, and must not be unscored for that; this ends a process that is stopped.
_WALL_FACTOR = 30
_LOOK_SECONDS = 1.0  #: how often to look whether an interpreter has ended
_DEATH_SECONDS = 10.0  #: most time from killing a process to the news of its end
_BOOTSTRAP = "import sys; sys.path[:] = {path!r}; from cot_assets.grading.worker import main; main({cpu!r}, {growth!r})"

Pair = tuple[str, str, str]  #: answer, gold answer, answer kind


class GraderError(RuntimeError):
    """Workers cannot be started or used; the message says why."""


@dataclass(frozen=True, slots=True)
class Grade:
    """The verdict of one distinct pair; ``reason`` says how it was reached, or why it was not.

    ``unit``: see :class:`cot_assets.grading.verify.Judgement`.
    """

    answer: str
    gold_answer: str
    answer_kind: str
    verdict: GradeVerdict
    reason: str
    unit: str | None = None


class _Worker:
    """An interpreter, the process that compares for it, and the pair that this one is busy with."""

    def __init__(self, cpu_seconds: float, growth: int) -> None:
        self.pair: Pair | None = None
        self.child: int | None = None  #: the comparing process; None while it starts
        self.has_started = False
        self.is_overdue = False
        self._number = 0
        self._buffer = b""
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        path = [entry or os.getcwd() for entry in sys.path]  # noqa: PTH109 - as the import system reads it
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _BOOTSTRAP.format(path=path, cpu=cpu_seconds, growth=growth)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            # One hash seed: sympy's order of terms, and with it its run time, does not vary.
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )
        self.deadline = time.monotonic() + _START_SECONDS

    @property
    def has_deadline(self) -> bool:
        """Whether something is awaited: an idle worker may idle for ever."""
        return self.pair is not None or self.child is None

    @property
    def has_ended(self) -> bool:
        """Whether the interpreter is gone."""
        return self._process.poll() is not None

    @property
    def replies(self) -> IO[bytes]:
        assert self._process.stdout is not None  # noqa: S101 - made with a pipe above
        return self._process.stdout

    def send(self, pair: Pair, seconds: float) -> None:
        """Hand over a pair; a process that is gone shows when its replies end."""
        assert self._process.stdin is not None  # noqa: S101 - made with a pipe above
        self.pair, self.deadline, self.is_overdue = pair, time.monotonic() + seconds, False
        self._number += 1
        with contextlib.suppress(OSError):
            self._process.stdin.write(json.dumps([self._number, *pair]).encode() + b"\n")
            self._process.stdin.flush()

    def receive(self) -> list[list[Any]]:
        """The messages that have arrived; raises EOFError where the interpreter has ended."""
        chunk = os.read(self.replies.fileno(), 65536)
        if not chunk:
            raise EOFError
        *lines, self._buffer = (self._buffer + chunk).split(b"\n")
        return [json.loads(line) for line in lines]

    def is_reply(self, number: int) -> bool:
        """Whether the verdict with this number is for the pair at hand."""
        return self.pair is not None and number == self._number

    def restarts(self) -> None:
        """The comparing process has ended; the interpreter starts another."""
        self.pair, self.child, self.deadline = None, None, time.monotonic() + _START_SECONDS

    def kill_child(self) -> None:
        """End the comparing process; the interpreter will tell of its end."""
        if self.child is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.child, signal.SIGKILL)
        self.child, self.is_overdue, self.deadline = None, True, time.monotonic() + _DEATH_SECONDS

    def close(self) -> tuple[int, str]:
        """End both processes; returns the interpreter's exit status and the end of its error output."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            # One that has not started and closed its output is just ending: let it tell its own status.
            self._process.wait(0 if self.has_started else 0.2)
        self._process.kill()
        if self.child is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.child, signal.SIGKILL)
        status = self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()
        with self._errors as errors:
            errors.seek(0)
            return status, errors.read()[-2000:].decode(errors="replace").strip()


class GraderPool:
    """Compares pairs of answers; use it as a context manager, from any thread.

    Args:
        workers: most processes at a time. They start when first needed.
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
        self._workers: list[_Worker] = []
        self._lock = threading.Lock()
        self._closed = False

    def __enter__(self) -> GraderPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.close()

    @property
    def n_workers(self) -> int:
        """Workers that are running now."""
        return len(self._workers)

    def close(self) -> None:
        """End all workers; may be called twice."""
        with self._lock:
            self._closed = True
            self._end_all()

    def grade(self, pairs: Iterable[Pair]) -> list[Grade]:
        """Judge every distinct pair (answer, gold answer, kind) once, in the order of first appearance.

        A comparison that takes too long, needs too much memory or ends its worker is ``unscored``.

        Raises:
            GraderError: the pool is closed, or workers do not start.
            ValueError: an answer kind is not known.
        """
        distinct = list(dict.fromkeys(pairs))
        judged: dict[Pair, Judgement] = {}
        for pair in distinct:
            if judgement := quick_verdict(*pair):
                judged[pair] = judgement
        slow = deque(pair for pair in distinct if pair not in judged)
        if slow:
            with self._lock:
                if self._closed:
                    raise GraderError("this GraderPool is closed; open another")
                try:
                    self._run(slow, judged)
                except BaseException:
                    self._end_all()  # a worker may still be busy with a pair that nobody waits for
                    raise
        return [
            Grade(*pair, judged[pair].verdict, judged[pair].reason, judged[pair].unit) for pair in distinct
        ]

    def _run(self, waiting: deque[Pair], judged: dict[Pair, Judgement]) -> None:
        with selectors.DefaultSelector() as selector:
            for worker in self._workers:
                selector.register(worker.replies, selectors.EVENT_READ, worker)
            timeout = 0.0  # first hear what has happened since the last call
            while True:
                for key, _ in selector.select(max(0.0, timeout)):
                    self._take(key.data, judged, selector)
                for worker in list(self._workers):
                    if worker.has_ended:  # its comparing process may hold the pipe open for a while
                        self._lose(worker, judged, selector)
                    elif worker.has_deadline and time.monotonic() > worker.deadline:
                        self._overdue(worker, judged, selector)
                self._hand_out(waiting, selector)
                if not waiting and all(worker.pair is None for worker in self._workers):
                    return
                deadline = min(w.deadline for w in self._workers if w.has_deadline)
                timeout = min(deadline - time.monotonic(), _LOOK_SECONDS)

    def _hand_out(self, waiting: deque[Pair], selector: selectors.BaseSelector) -> None:
        for worker in self._workers:
            if waiting and worker.child is not None and worker.pair is None:
                worker.send(waiting.popleft(), _WALL_FACTOR * self._seconds)
        wanted = min(self._most, -(-len(waiting) // _PAIRS_PER_WORKER))
        while len(self._workers) < wanted:
            worker = _Worker(self._seconds, self._growth)
            self._workers.append(worker)
            selector.register(worker.replies, selectors.EVENT_READ, worker)

    def _take(self, worker: _Worker, judged: dict[Pair, Judgement], selector: selectors.BaseSelector) -> None:
        try:
            messages = worker.receive()
        except EOFError:
            self._lose(worker, judged, selector)
            return
        for kind, *values in messages:
            if kind == "ready":
                worker.child, worker.has_started = values[0], True
            elif kind == "verdict":
                number, verdict, reason, unit, is_worn = values
                if worker.pair is not None and worker.is_reply(number):
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

    def _overdue(
        self, worker: _Worker, judged: dict[Pair, Judgement], selector: selectors.BaseSelector
    ) -> None:
        if worker.child is not None:
            worker.kill_child()
        else:
            self._lose(worker, judged, selector)

    def _lose(self, worker: _Worker, judged: dict[Pair, Judgement], selector: selectors.BaseSelector) -> None:
        """An interpreter has ended or does not answer: its pair is unscored, and it is not used again."""
        is_late = time.monotonic() > worker.deadline
        selector.unregister(worker.replies)
        self._workers.remove(worker)
        status, errors = worker.close()
        if not worker.has_started:
            cause = f"not ready after {_START_SECONDS:.0f} s" if is_late else f"exit status {status}"
            raise GraderError(f"a grader worker did not start ({cause}): {errors or 'no message'}")
        if worker.pair is not None:
            judged[worker.pair] = Judgement("unscored", self._cause(status, worker.is_overdue or is_late))

    def _end_all(self) -> None:
        while self._workers:
            self._workers.pop().close()
