"""The one class that opens DuckDB.

Belongs here: reading and writing the warehouse. Does not belong here: the schema (:mod:`.schema`), the published
copy (:mod:`.publish`) and named queries over it (:mod:`.queries`).

Every call opens the file, works and closes it, under one lock over threads and processes; a write is
one transaction. Nothing is held between calls, so no asset blocks the file while an engine runs. What is kept is a
DuckDB without a file: making one takes five times as long as attaching a file to it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import duckdb
import polars as pl

from cot_assets.study import DataHome
from cot_assets.warehouse import publish
from cot_assets.warehouse.errors import WarehouseError, reason, shown
from cot_assets.warehouse.lock import lock_of
from cot_assets.warehouse.preparing import (
    RowCounts,
    as_it_is,
    attach,
    damage,
    forget_rows,
    is_current,
    is_fixed,
    naming_damage,
    prepare,
    row_counts,
    transaction,
)
from cot_assets.warehouse.reading import CONNECTION_CONFIG, Params, select, sql_text, transform_sql
from cot_assets.warehouse.schema import (
    TableSchema,
    check_frame,
    conform,
    duplicate_keys,
    polars_schema,
    require,
    table_schema,
)

_ATTACHED = "warehouse"  #: as DuckDB names the file when it is opened alone
Conflict = Literal["refuse", "replace", "keep"]
_VERBS: Mapping[Conflict, str] = {
    "refuse": "INSERT",
    "replace": "INSERT OR REPLACE",
    "keep": "INSERT OR IGNORE",
}


class Warehouse:
    """The DuckDB file of a data home. Cheap to make; safe for threads and several processes.

    Args:
        home: Where the file lies; it is created by the first call.
        lock_timeout_s: Longest wait for another user of the file.

    Every method raises :class:`~cot_assets.warehouse.errors.WarehouseLockedError` where the wait was too
    short and :class:`~cot_assets.warehouse.errors.WarehouseError` where table, rows or SQL are wrong.
    """

    def __init__(self, home: DataHome, lock_timeout_s: float = 60) -> None:
        self.home, self.lock_timeout_s = home, lock_timeout_s
        self._prepared: tuple[int, int] | None = None
        self._duckdb: duckdb.DuckDBPyConnection | None = None
        self._of_thread = threading.local()
        self._lock = lock_of(home.warehouse, lock_timeout_s)

    def write_partition(
        self,
        table: str,
        rows: pl.DataFrame | Iterable[pl.DataFrame],
        partition: Mapping[str, str],
        on_conflict: Conflict = "refuse",
    ) -> int:
        """Replace the rows of a partition by a frame or by the parts of one, in one transaction.

        Parts are held packed until the last has come, so that nobody waits for the file while they are made.

        Args:
            table: A table of the schema.
            rows: All columns of the table in any order, but perhaps for the partition's; no rows clear the partition.
            partition: Column to value, at least one; every row of the frame must have these values, or gets them.
            on_conflict: Where a row's key is in another partition: an error, the new row for that one, or that one stays.

        Returns:
            The number of rows.
        """
        schema = table_schema(table)
        if isinstance(rows, pl.DataFrame):
            ready = _rows(schema, rows, partition)
        else:
            ready = _Parts(_rows(schema, part, partition) for part in rows)
        with self._open(f"write {table} {_named(partition)}") as con, transaction(con):
            con.execute(f'DELETE FROM "{table}"{_where(schema, partition)}', list(partition.values()))  # noqa: S608
            _insert(con, schema, ready, _VERBS[on_conflict])
        return ready.height

    def merge(self, table: str, frame: pl.DataFrame) -> int:
        """Insert rows, replacing those with the same primary key; returns the rows of the frame."""
        schema = table_schema(table)
        frame = conform(table, frame)
        require(table, check_frame(table, frame))
        with self._open(f"merge into {table}") as con, transaction(con):
            _insert(con, schema, frame, "INSERT OR REPLACE")
        return frame.height

    def forget(self, model: str, problem_set: str | None = None) -> int:
        """Delete the rows of a model, on one problem set if it is given; see :func:`.preparing.forget_rows`."""
        with self._open(f"forget {shown(model)}") as con, transaction(con):
            return forget_rows(con, model, problem_set)

    def read(self, sql: str, params: Params = None) -> pl.DataFrame:
        """Rows of a SELECT; ``$name`` or ``?`` in it are bound to ``params``."""
        with self._reading("read") as con, transaction(con, read_only=True):
            return select(con, sql, params)

    def read_table(self, table: str, **equals: object) -> pl.DataFrame:
        """Rows of a table or view whose columns equal the values given, such as ``model="demo-weak"``; None is NULL.

        The frame has the types of :func:`~cot_assets.warehouse.schema.polars_schema` and the order of
        the primary key; a view has that of its first columns.
        """
        schema = table_schema(table)
        columns = ", ".join(f'"{c.name}"' for c in schema.columns)
        order = ", ".join(f'"{c}"' for c in schema.primary_key) or "ALL"
        sql = f'SELECT {columns} FROM "{schema.name}"{_where(schema, equals)} ORDER BY {order}'  # noqa: S608
        with self._reading(f"read {table}") as con:
            return select(con, sql, list(equals.values())).cast(polars_schema(table))

    def read_transform(self, name: str, params: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """Rows of ``sql/transforms/<name>.sql``, its ``$name`` bound to ``params``."""
        return self.read(transform_sql(name), params)

    @contextmanager
    def together(self, purpose: str) -> Iterator[None]:
        """Let this thread's calls in the block share one opening of the file: opening takes longer than most statements.

        Every write is a transaction of its own all the same. Nobody else gets at the file meanwhile: only reading and
        writing belongs into the block.
        """
        outer = getattr(self._of_thread, "con", None)
        with self._open(purpose) as con:
            self._of_thread.con = con
            try:
                yield
            finally:
                self._of_thread.con = outer

    def row_counts(self) -> RowCounts:
        """Rows by table, problem set and model; of tables that tell no problem set, nothing."""
        with self._open("count rows") as con:
            return row_counts(con)

    def damage(self, *, is_thorough: bool = False) -> str | None:
        """Why the file cannot be read to its end, None where it can; ``is_thorough`` reads all of it."""
        if not (self.home.warehouse.exists() or self.home.warehouse.is_symlink()):
            return None
        with self._lock.hold("look for damage"):
            return damage(self.home.warehouse, is_thorough=is_thorough)

    @contextmanager
    def beside(self, other: Path, purpose: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection for the block in which the database at ``other`` is attached as ``beside``."""
        with self._open(purpose) as con:
            con.execute(f"ATTACH {sql_text(str(other))} AS beside")
            yield con
            con.execute("DETACH beside")

    def publish(self) -> Path:
        """Write ``results.duckdb`` anew and put it in place atomically; returns its path.

        The warehouse is held only while its file is copied; see :mod:`cot_assets.warehouse.publish`.
        """
        return publish.publish(self.home, self._lock.timeout_s, self._snapshot)

    def _prepare(self, con: duckdb.DuckDBPyConnection) -> None:
        # The full comparison takes longer than most statements, so it is made once per file.
        found = self.home.warehouse.stat()
        if self._prepared != (found.st_dev, found.st_ino) or not is_current(con):
            prepare(con)
            self._prepared = (found.st_dev, found.st_ino)

    def _snapshot(self, target: Path) -> None:
        with self._open("copy for publishing", copy_to=target) as con:
            con.execute("CHECKPOINT")

    def _reading(self, purpose: str) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """:meth:`_open`; of a home that this process may not write to, the file as it is, without the lock beside it."""
        path = self.home.warehouse
        return as_it_is(path, purpose) if is_fixed(path) else self._open(purpose)

    @contextmanager
    def _open(self, purpose: str, copy_to: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection for the block, the schema up to date; the file may be copied after it is closed."""
        path = self.home.warehouse
        if (shared := getattr(self._of_thread, "con", None)) is not None:
            with shared.cursor() as con:
                con.execute(f"USE {_ATTACHED}")
                yield con
            return
        with self._lock.hold(purpose) as seconds_left:
            root = self._duckdb = self._duckdb or duckdb.connect(config=CONNECTION_CONFIG)
            try:
                attach(root, path, _ATTACHED, purpose, time.monotonic() + seconds_left)
                with naming_damage(path):
                    with root.cursor() as con:
                        con.execute(f"USE {_ATTACHED}")
                        self._prepare(con)
                        yield con
                    root.execute(f"DETACH {_ATTACHED}")  # writes what is in the log
            except BaseException:
                # An error may be fatal to all that this DuckDB would attach later.
                self._duckdb = None
                root.close()
                raise
            if copy_to is not None:
                publish.copy_file(path, copy_to)


class _Parts:
    """Parts of a frame, packed as they come, and read as one stream: DuckDB then holds some of the rows only."""

    def __init__(self, frames: Iterable[pl.DataFrame]) -> None:
        self.height, self._packed = 0, list[bytes]()
        for frame in frames:
            frame.write_parquet(packed := BytesIO())
            self._packed.append(packed.getvalue())
            self.height += frame.height

    def stream(self) -> object:
        """The rows of all parts, of which there is one at least, as Arrow's reader of batches."""
        import pyarrow as pa

        schema = pl.read_parquet(self._packed[0], n_rows=0).to_arrow().schema
        tables = (pl.read_parquet(part).to_arrow() for part in self._packed)
        return pa.RecordBatchReader.from_batches(schema, (b for table in tables for b in table.to_batches()))


def _rows(schema: TableSchema, frame: pl.DataFrame, partition: Mapping[str, str]) -> pl.DataFrame:
    """The frame ready to be inserted as the partition."""
    if schema.is_view:
        raise WarehouseError(f"{schema.name!r} is a view; rows are written to the tables that it reads")
    if not partition:
        raise WarehouseError(f"table {schema.name!r}: a partition names at least one column and its value")
    for column, value in partition.items():
        if schema.column(column).type != "VARCHAR" or not isinstance(value, str):
            raise WarehouseError(
                f"table {schema.name!r}: {column} = {shown(value)} is not a partition; a text column is"
            )
    lacking = [pl.lit(value).alias(c) for c, value in partition.items() if c not in frame.columns]
    frame = conform(schema.name, frame.with_columns(lacking))
    # Keys are left to the database's own constraint: the same check here would double the memory.
    require(schema.name, check_frame(schema.name, frame, keys=False))
    outside = frame.filter(pl.any_horizontal(pl.col(c) != v for c, v in partition.items()))
    if outside.height:
        example = _named(dict(zip(partition, outside.select(partition.keys()).row(0), strict=True)))
        raise WarehouseError(
            f"rows refused by table {schema.name!r}: {outside.height} lie outside the partition "
            f"{_named(partition)}, such as {example}"
        )
    return frame


def _where(schema: TableSchema, equals: Mapping[str, object]) -> str:
    equal = {name: "IS NOT DISTINCT FROM" if value is None else "=" for name, value in equals.items()}
    terms = [f'"{schema.column(name).name}" {sign} ?' for name, sign in equal.items()]
    return f" WHERE {' AND '.join(terms)}" if terms else ""


def _named(partition: Mapping[str, str]) -> str:
    return ", ".join(f"{k} = {shown(v)}" for k, v in partition.items())


def _insert(
    con: duckdb.DuckDBPyConnection, schema: TableSchema, rows: pl.DataFrame | _Parts, verb: str
) -> None:
    """Insert all rows by ``verb``; raises :class:`WarehouseError` where a key is there already."""
    if not rows.height:
        return
    con.register("incoming_rows", rows.stream() if isinstance(rows, _Parts) else rows)  # until it closes
    try:
        con.execute(f'{verb} INTO "{schema.name}" BY NAME SELECT * FROM incoming_rows')  # noqa: S608
    except duckdb.ConstraintException as error:
        if isinstance(rows, pl.DataFrame):
            require(schema.name, duplicate_keys(schema, rows))
        raise WarehouseError(
            f"rows refused by table {schema.name!r}: a primary key ({', '.join(schema.primary_key)}) "
            f"is in another partition already: {reason(error)}"
        ) from error
