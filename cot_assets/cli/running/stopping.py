"""Ctrl-C and SIGTERM: the first stops in order, the second at once.

Python's handlers are replaced by Dagster's while a run is under way; the wake-up descriptor of signals is not, so a
thread reads there which signal came.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from functools import cache

import click

_GENERAL = "Stopped. Nothing that was finished is lost; run the command again."


class _Stop:
    """Which signal asked this process to stop, if one did."""

    def __init__(self) -> None:
        self._signal = self._handled = 0  #: ``_handled`` counts what came past Dagster's handlers
        self._seen, self._leaving = threading.Event(), threading.Lock()
        self._line: Callable[[], str] = lambda: _GENERAL
        self._is_due = False
        self._last: Callable[[], object] = lambda: None

    def before_leaving(self, last: Callable[[], object]) -> None:
        """What is done when a second signal ends this process at once."""
        self._last = last

    def say_with(self, line: Callable[[], str]) -> None:
        """What the command at work says of itself when it was stopped."""
        self._line = line

    @property
    def line(self) -> str:
        """One line for the person who stopped it."""
        return f"Time is up. {self._line()}" if self._is_due else self._line()

    def after(self, seconds: float) -> None:
        """Stop in order, as at Ctrl-C, once so much time has passed."""

        def is_up() -> None:
            if self._signal:
                return  # a second signal would leave at once
            self._is_due = True
            os.kill(os.getpid(), signal.SIGINT)

        timer = threading.Timer(seconds, is_up)
        timer.daemon = True
        timer.start()

    @property
    def code(self) -> int:
        """The exit code: 130 after Ctrl-C, 143 after SIGTERM."""
        self._seen.wait(1.0)  # the thread may not have read it yet
        return 128 + (self._signal or signal.SIGINT)

    def heed(self) -> None:
        """Stop now if a signal came that nobody has heeded: Dagster drops one that comes as a run ends.

        Raises:
            KeyboardInterrupt: One came.
        """
        if self._signal:
            raise KeyboardInterrupt

    def next_step(self, line: str) -> None:
        """Say what comes next, unless a signal came meanwhile; see :meth:`heed`."""
        self.heed()
        click.echo(f"  {line}", err=True)

    def listen(self) -> None:
        """Treat SIGTERM as Ctrl-C from now on, and leave at once at the second of either."""
        if threading.current_thread() is not threading.main_thread():
            return
        self._signal = self._handled = 0
        self._seen, self._line, self._last = threading.Event(), lambda: _GENERAL, lambda: None
        signal.set_wakeup_fd(self._watched(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)

    def _handle(self, number: int, _: object) -> None:
        self._handled += 1
        if self._handled > 1:
            self._leave(number)
        self._signal = self._signal or number
        raise KeyboardInterrupt

    @cache  # noqa: B019 - one for all commands of a process
    def _watched(self) -> int:
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        threading.Thread(target=self._watch, args=(reading,), daemon=True).start()
        return writing

    def _watch(self, reading: int) -> None:
        for byte in iter(lambda: os.read(reading, 1), b""):
            if byte[0] not in (signal.SIGINT, signal.SIGTERM):
                continue
            if self._seen.is_set():
                self._leave(byte[0])
            self._signal = self._signal or byte[0]
            self._seen.set()

    def _leave(self, number: int) -> None:
        if not self._leaving.acquire(blocking=False):
            return  # handler and thread both see the signal; one of them is on its way out
        self._last()
        os.write(2, b"Stopped at once.\n")
        os._exit(128 + number)


stop = _Stop()
