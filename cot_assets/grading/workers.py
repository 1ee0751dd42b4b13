"""An interpreter that compares answers, as the process that feeds it sees it.

Belongs here: starting it, in a sandbox where it may have to evaluate text, what is said to it and heard from it,
and its end. Does not belong here: what runs inside (:mod:`.worker`), and which worker gets what (:mod:`.pool`).

Workers are fresh interpreters started by ``subprocess``: this process is never forked, so its threads do
no harm, and the parent's ``__main__`` is not imported again (it may be the command line, pytest or a
Dagster daemon).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from typing import IO, Any

from cot_assets.grading.judgement import Pair
from cot_assets.grading.sandbox.bubblewrap import sandboxed
from cot_assets.grading.worker import Room

START_SECONDS = 600.0  #: most time to import sympy; a busy machine with a cold disk needs a lot
_DEATH_SECONDS = 10.0  #: most time from killing a process to the news of its end
_BOOTSTRAP = "import sys; sys.path[:] = {path!r}; from cot_assets.grading.worker import main; main({room!r}, {cpu!r}, {growth!r})"


class Worker:
    """An interpreter, the process that compares for it, and the pair that this one is busy with."""

    def __init__(self, room: Room, cpu_seconds: float, growth: int) -> None:
        self.room: Room = room
        self.pair: Pair | None = None
        self.child: int | None = None  #: the comparing process; None while it starts
        self.has_started = False
        self.is_overdue = False
        self.number = 0  #: of the pair at hand
        self._buffer = b""
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        path = [entry or os.getcwd() for entry in sys.path]  # noqa: PTH109 - as the import system reads it
        code = _BOOTSTRAP.format(path=path, room=room, cpu=cpu_seconds, growth=growth)
        self._process = subprocess.Popen(
            sandboxed(code, readable=filter(os.path.isdir, path))
            if room == "sandbox"
            else [sys.executable, "-P", "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            # One hash seed: sympy's order of terms, and with it its run time, does not vary.
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )
        self.deadline = time.monotonic() + START_SECONDS

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
        """What the interpreter and its process say."""
        assert self._process.stdout is not None  # noqa: S101 - made with a pipe above
        return self._process.stdout

    def send(self, pair: Pair, seconds: float) -> None:
        """Hand over a pair; a process that is gone shows when its replies end."""
        assert self._process.stdin is not None  # noqa: S101 - made with a pipe above
        self.pair, self.deadline, self.is_overdue = pair, time.monotonic() + seconds, False
        self.number += 1
        with contextlib.suppress(OSError):
            self._process.stdin.write(json.dumps([self.number, *pair]).encode() + b"\n")
            self._process.stdin.flush()

    def receive(self) -> list[list[Any]]:
        """The messages that have arrived; raises EOFError where the interpreter has ended."""
        chunk = os.read(self.replies.fileno(), 65536)
        if not chunk:
            raise EOFError
        *lines, self._buffer = (self._buffer + chunk).split(b"\n")
        return [json.loads(line) for line in lines]

    def starts(self, child: int) -> None:
        """The comparing process is ready. The number that one has in a sandbox means nothing outside of it."""
        self.child, self.has_started = self._process.pid if self.room == "sandbox" else child, True

    def restarts(self) -> None:
        """The comparing process has ended; the interpreter starts another."""
        self.pair, self.child, self.deadline = None, None, time.monotonic() + START_SECONDS

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
        if self.child not in (None, self._process.pid):
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
