"""When rows become a shard: after a number of rollouts or of seconds, the earlier of the two.

Belongs here: collecting the rows of finished blocks and deciding when to write them. Does not belong here:
how a shard is written (:mod:`cot_assets.sampling.shards`) and where rows come from
(:mod:`cot_assets.sampling.run`).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import TracebackType

from cot_assets.sampling.shards import ShardStore

ROLLOUTS = 5_000  #: most rollouts of a batch, up to a block
SECONDS = 10.0  #: most seconds that a finished block waits for its shard

Row = dict[str, object]


class Batch:
    """Rows on their way to a shard; leaving the ``with`` block writes what is left, however it is left.

    A timer writes a batch that is old although no further block has finished: long completions may leave
    minutes between two blocks, and what waits in memory would be lost with the process.
    """

    def __init__(self, store: ShardStore) -> None:
        self._store = store
        self._rows: list[Row] = []
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._error: BaseException | None = None

    def __enter__(self) -> Batch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            try:
                self._write()
            except Exception:
                raise
            except BaseException:  # a signal came while it was written
                self._write()
                raise

    def add(self, rows: Sequence[Row]) -> None:
        """Take the rows of a finished block.

        Raises:
            ShardWriteError: A shard cannot be written, now or since the last call.
        """
        with self._lock:
            self._rows.extend(rows)
            if self._error is not None:
                raise self._error
            if len(self._rows) >= ROLLOUTS:
                self._write()
            elif self._timer is None:
                self._timer = threading.Timer(SECONDS, self._write_old)
                self._timer.daemon = True
                self._timer.start()

    def _write(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._rows:
            self._store.write(self._rows)
            self._rows = []

    def _write_old(self) -> None:
        with self._lock:
            if self._timer is not threading.current_thread():
                return  # written and canceled while this thread waited for the lock
            try:
                self._write()
            except BaseException as error:  # noqa: BLE001 - raised where the caller sees it
                self._error = error
