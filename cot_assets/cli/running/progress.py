"""How a run shows its progress: bars that move on a terminal, plain lines elsewhere.

Dagster points the descriptors 1 and 2 at files while a step runs, so everything here is written to a duplicate
of standard error that is taken before the run.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import IO, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from cot_assets.sampling.run import SamplingStatus

_EVERY_SECONDS = 10.0  #: between two plain lines of one stage


def _duplicate() -> IO[str]:
    """A duplicate of standard error, which stays as it is when its descriptor is changed."""
    try:
        return os.fdopen(os.dup(sys.stderr.fileno()), "w", buffering=1, encoding="utf-8", errors="replace")
    except (OSError, ValueError):  # a stream without a descriptor, as tests have
        return sys.stderr


class Screen:
    """The ``progress`` resource of the command line; a context manager while bars may be drawn."""

    def __init__(self) -> None:
        self.console = Console(file=_duplicate(), highlight=False)
        self._bars = Progress(
            TextColumn("  {task.description}"),
            BarColumn(bar_width=6),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
            TextColumn("{task.fields[tokens]}", style="dim"),
            TimeRemainingColumn(compact=True),
            console=self.console,
            disable=not self.console.is_terminal,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._stages: dict[str, tuple[int, int]] = {}

    def __enter__(self) -> Screen:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    @property
    def kept(self) -> tuple[int, int]:
        """Rollouts that are kept, and all, of the stages so far."""
        return sum(done for done, _ in self._stages.values()), sum(n for _, n in self._stages.values())

    def say(self, line: str) -> None:
        """Print one line, above the bars where there are any."""
        self.console.print(line, markup=False, soft_wrap=True)

    def _fit(self) -> None:
        """Write the labels in the room that the widest of the bars leaves."""
        most = max(task.total or 0 for task in self._bars.tasks)
        room = max(20, self.console.width - 39 - 2 * len(f"{most:,.0f}"))
        for task in self._bars.tasks:
            self._bars.update(task.id, description=_fitted(task.fields["label"], room))

    def track(self, label: str, log: Callable[[str], Any]) -> Callable[[SamplingStatus], None]:
        """One bar per stage and model; the run's log gets the last line."""
        task: TaskID | None = None
        waiting: str | None = None
        last = -_EVERY_SECONDS

        def report(status: SamplingStatus) -> None:
            nonlocal task, waiting, last
            if not status.n_total:  # nobody else's traces to read, say
                return
            done = status.n_before + status.n_done
            if not status.is_audit:
                self._stages[label] = done, status.n_total
            if task is None:
                task = self._bars.add_task(_fitted(label, 20), total=status.n_total, tokens="", label=label)
            self._bars.update(task, total=status.n_total, completed=done, tokens=_tokens(status))
            self._fit()
            if status.waiting_for and status.waiting_for != waiting:
                self.say(f"  {label}: {status.waiting_for}")
                log(f"{label}: {status.waiting_for}")
            waiting = status.waiting_for
            is_due = time.monotonic() - last >= _EVERY_SECONDS
            if status.is_finished:
                log(status.line(label))
            if not self.console.is_terminal and (is_due or status.is_finished):
                last = time.monotonic()
                self.say(f"  {status.line(label)}")

        return report


def _fitted(label: str, room: int) -> str:
    """Stage and model in the room: the problem set, the last word where no audit is named, goes first."""
    label = label.replace("audit of ", "audit ", 1)
    if len(label) <= room:
        return label
    stage, _, model = (label if label.startswith("audit ") else label.rpartition(" ")[0]).rpartition(" ")
    model = _shortened(model, max(room // 2, room - len(stage) - 1))
    return f"{_shortened(stage, room - len(model) - 1)} {model}"


def _shortened(text: str, room: int) -> str:
    """The text with its middle left out where it is longer than ``room``."""
    tail = room // 3
    return text if len(text) <= room else f"{text[: room - tail - 1]}…{text[len(text) - tail :]}"


def _tokens(status: SamplingStatus) -> str:
    """``1.2M tok 8.3k tok/s``."""
    rate = status.tokens / status.seconds if status.seconds else 0.0
    return f"{_brief(status.tokens)} tok {_brief(rate)} tok/s"


def _brief(n: float) -> str:
    """A count in four characters at most: ``950``, ``1.2k``, ``12M``."""
    size = 0
    while n >= 999.5:
        n, size = n / 1000, size + 1
    return f"{n:.{1 if size and n < 9.95 else 0}f}{' kMGTP'[size].strip()}"
