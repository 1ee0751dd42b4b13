"""One holder of a file at a time, over processes and threads.

Belongs here: the lock and the record of who holds it. Does not belong here: what is done under it.

The lock itself belongs to the operating system (``filelock``), so it ends with its process. The record
next to it (process, command, purpose, since when) only serves the message of those who wait in vain.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import duckdb
from filelock import FileLock, Timeout

from cot_assets.study.files import read_json, write_json
from cot_assets.warehouse.errors import WarehouseError, WarehouseLockedError, printable, reason

T = TypeVar("T")

_POLL_S = 0.02
_RETRY_S = 0.1


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock; ``since`` is UTC in ISO format."""

    pid: int
    command: str
    purpose: str
    since: str

    def __str__(self) -> str:
        return f"process {self.pid} ({printable(self.command)}), to {self.purpose}, since {self.since}"


_owners: dict[Path, int] = {}  #: the thread of this process that holds a lock


@dataclass(frozen=True)
class HolderLock:
    """A lock on ``path`` (a file that only serves as lock) with a bounded wait, over threads as over processes.

    ``what`` names the guarded thing and ``way_out`` what to do, both for the error message.
    """

    path: Path
    what: str
    way_out: str
    timeout_s: float

    @property
    def _record(self) -> Path:
        return self.path.with_name(self.path.name + ".holder.json")

    @contextmanager
    def hold(self, purpose: str) -> Iterator[float]:
        """Hold the lock for the block; yields the seconds of the wait that are left.

        Raises:
            WarehouseLockedError: It was not free within ``timeout_s``.
            WarehouseError: This thread holds it already.
        """
        deadline = time.monotonic() + self.timeout_s
        self.path.parent.mkdir(parents=True, exist_ok=True)
        place, thread = self.path.resolve(), threading.get_ident()
        if _owners.get(place) == thread:
            raise WarehouseError(
                f"{self.what} is used within its own transaction, to {purpose}; finish that first"
            )
        file_lock = FileLock(self.path, thread_local=False)
        try:
            file_lock.acquire(timeout=max(self.timeout_s, 0), poll_interval=_POLL_S)
        except Timeout as error:
            raise self._locked(purpose) from error
        try:
            _owners[place] = thread
            self._write_record(purpose)
            yield max(deadline - time.monotonic(), 0)
        finally:
            _owners.pop(place, None)
            with suppress(OSError):
                self._record.unlink(missing_ok=True)
            file_lock.release()

    def _write_record(self, purpose: str) -> None:
        command = " ".join(sys.argv)[:200] or "python"
        record = Holder(os.getpid(), command, purpose, datetime.now(UTC).isoformat(timespec="seconds"))
        with suppress(OSError):  # the lock is what counts
            write_json(self._record, asdict(record))

    def _locked(self, purpose: str) -> WarehouseLockedError:
        holder = read_json(self._record, Holder)
        return WarehouseLockedError(
            f"cannot {purpose}: {self.what} was in use for {self.timeout_s:g} s by "
            f"{holder or 'a process that left no record'}. {self.way_out}"
        )


def lock_of(database: Path, timeout_s: float) -> HolderLock:
    """The lock that every user of a database file takes."""
    return HolderLock(
        database.with_name(database.name + ".lock"),
        what=str(database),
        way_out="Wait for it to finish or stop that process, then try again; for SQL, 'cot-assets sql' "
        "reads the published results, which are never locked",
        timeout_s=timeout_s,
    )


def when_free(use: Callable[[], T], path: Path, purpose: str, deadline: float) -> T:
    """What ``use`` returns, called again while another program has the database at ``path`` open, past our lock.

    Raises:
        WarehouseLockedError: The program has it open at a moment of the monotonic clock.
        duckdb.Error: Something else is wrong.
    """
    while True:
        try:
            return use()
        except duckdb.Error as error:
            if "set lock on file" not in str(error):
                raise
            if time.monotonic() >= deadline:
                raise WarehouseLockedError(
                    f"cannot {purpose}: another program has {path} open: {reason(error)}. "
                    "Close it; for SQL, 'cot-assets sql' reads the published results"
                ) from error
        time.sleep(_RETRY_S)
