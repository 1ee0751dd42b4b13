"""Ctrl-C and SIGTERM: the first stops in order, the second at once.

Python's handlers are replaced by Dagster's while a run is under way; the wake-up descriptor of signals is not, so a
thread reads there which signal came.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable

_GENERAL = "Stopped. What was sampled is kept; the same command goes on from there."


class _Stop:
    """Which signal asked this process to stop, if one did."""

    def __init__(self) -> None:
        self._signal = 0
        self._line: Callable[[], str] = lambda: _GENERAL

    def say_with(self, line: Callable[[], str]) -> None:
        """What the command at work says of itself when it was stopped."""
        self._line = line

    @property
    def line(self) -> str:
        """One line for the person who stopped it."""
        return self._line()

    @property
    def code(self) -> int:
        """The exit code: 130 after Ctrl-C, 143 after SIGTERM."""
        return 128 + (self._signal or signal.SIGINT)

    def listen(self) -> None:
        """Treat SIGTERM as Ctrl-C from now on, and leave at once at the second of either."""
        if threading.current_thread() is not threading.main_thread():
            return
        self.__init__()
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        threading.Thread(target=self._watch, args=(reading,), daemon=True).start()

    def _watch(self, reading: int) -> None:
        for number in iter(lambda: os.read(reading, 1), b""):
            if number[0] not in (signal.SIGINT, signal.SIGTERM):
                continue
            if self._signal:
                sys.stderr.write("Stopped at once.\n")
                sys.stderr.flush()
                os._exit(128 + number[0])
            self._signal = number[0]


stop = _Stop()
