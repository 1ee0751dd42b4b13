"""Where the SQL files are, how a connection is configured, and one SELECT on it.

Belongs here: what reading the warehouse and reading the published results have in common, and the limits of SQL that
somebody typed. Does not belong here: opening either of them.
"""

from __future__ import annotations

import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb

from cot_assets.warehouse.errors import WarehouseError, reason, shown

if TYPE_CHECKING:
    import polars as pl

Params = Mapping[str, Any] | Sequence[Any] | None
T = TypeVar("T")

#: No variable of Python is ever taken for a table, and nothing is fetched from the network.
CONNECTION_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "python_enable_replacements": False,
    "autoinstall_known_extensions": False,
}
_GB = 1 << 30
_AT_ONCE = 1000  #: rows fetched at a time
_GRACE_S = 10.0  #: for a statement to end after it was asked to
_NUMBERS = {
    f"{sign}{kind}"
    for sign in ("", "U")
    for kind in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL")
}


def sql_folder() -> Path:
    """The folder ``sql/``: inside the package in a wheel, next to the package in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for candidate in (package / "sql", package.parent / "sql"):
        if (candidate / "tables").is_dir():
            return candidate
    raise WarehouseError(
        f"the SQL files are neither in {package / 'sql'} nor in {package.parent / 'sql'}; "
        "install the package again"
    )


def transform_sql(name: str) -> str:
    """The text of ``sql/transforms/<name>.sql``; raises :class:`WarehouseError` where there is none."""
    folder = sql_folder() / "transforms"
    known = sorted(p.stem for p in folder.glob("*.sql"))
    if name not in known:
        raise WarehouseError(f"no transform {shown(name)} in {folder}; known: {', '.join(known) or 'none'}")
    return (folder / f"{name}.sql").read_text(encoding="utf-8")


def sql_text(value: str) -> str:
    """A SQL string literal."""
    return "'" + value.replace("'", "''") + "'"


@dataclass(frozen=True, slots=True)
class Rows:
    """What a SELECT gives, without a data frame: names of columns, which of them are numbers, and values."""

    columns: Sequence[str]
    are_numbers: Sequence[bool]
    values: Sequence[tuple[Any, ...]]


def select(con: duckdb.DuckDBPyConnection, sql: str, params: Params = None) -> pl.DataFrame:
    """Rows of one statement as a frame, ``$name`` or ``?`` in it bound to ``params``.

    Raises:
        WarehouseError: The SQL is wrong, or anything but one statement that reads.
    """
    import polars as pl

    def take() -> pl.DataFrame:
        try:
            return pl.DataFrame(
                _relation(con, sql, params)
            )  # which loads no pyarrow, as DuckDB's own `pl` does
        except pl.exceptions.ComputeError as error:  # of DuckDB, past the first rows
            raise duckdb.Error(str(error).removeprefix("got external error: ")) from error

    return _answer(con, sql, take)


def select_rows(con: duckdb.DuckDBPyConnection, sql: str, params: Params = None) -> Rows:
    """The same as plain values: polars takes longer to load than most questions to answer."""

    def take() -> Rows:
        relation = _relation(con, sql, params)
        are_numbers = [str(kind).partition("(")[0] in _NUMBERS for kind in relation.types]
        return Rows(relation.columns, are_numbers, relation.fetchall())

    return _answer(con, sql, take)


def stream(
    con: duckdb.DuckDBPyConnection, sql: str, params: Params, use: Callable[[dict[str, Any]], object]
) -> int:
    """The number of rows of one statement, each handed to ``use``; they are fetched some at a time."""

    def take() -> int:
        cursor, n = con.execute(sql, params), 0
        columns = [column[0] for column in cursor.description or ()]
        while rows := cursor.fetchmany(_AT_ONCE):
            n += len(rows)
            for row in rows:
                use(dict(zip(columns, row, strict=True)))
        return n

    return _answer(con, sql, take)


def _relation(con: duckdb.DuckDBPyConnection, sql: str, params: Params) -> duckdb.DuckDBPyRelation:
    return con.sql(sql, params=params) if params else con.sql(sql)


def _answer(con: duckdb.DuckDBPyConnection, sql: str, take: Callable[[], T]) -> T:
    """What ``take`` gives, once the SQL is known to be one statement that reads."""
    try:
        statements = con.extract_statements(sql)
        if len(statements) != 1:
            raise WarehouseError(f"one SQL statement is run at a time, not {len(statements)}: {shown(sql)}")
        if (kind := statements[0].type) != duckdb.StatementType.SELECT:
            raise WarehouseError(
                f"only a SELECT is run, and this is {kind.name}: {shown(sql)}; `--output FILE` writes rows to a file"
            )
        return take()
    except duckdb.Error as error:
        raise WarehouseError(f"this SQL cannot be run: {reason(error)}") from error


def enclose(con: duckdb.DuckDBPyConnection, folder: Path, files: Iterable[str]) -> None:
    """Let SQL read the database that is open, what is in a folder and some files, and nothing else, for good."""
    for setting in (
        "temp_directory = ''",
        f"memory_limit = '{_memory() // 2**20}MiB'",
        f"allowed_directories = [{sql_text(str(folder))}]",
        f"allowed_paths = [{', '.join(map(sql_text, files))}]",
        "enable_external_access = false",
        "lock_configuration = true",
    ):
        con.execute(f"SET {setting}")


@contextmanager
def bounded(
    con: duckdb.DuckDBPyConnection, seconds: float, stuck: Callable[[str], object] = lambda _: None
) -> Iterator[None]:
    """End what runs on a connection in the block after some seconds, or with too much memory.

    Args:
        con: The connection.
        seconds: The limit.
        stuck: Told where the statement goes on although it was asked to end.

    Raises:
        WarehouseError: It was ended.
    """
    memory, done, told = _memory(), threading.Event(), ""
    most = _peak() + memory
    deadline = time.monotonic() + seconds
    too_large = f"this SQL needs more than {memory / _GB:.1f} GB of memory; read fewer rows or columns, or add a LIMIT"

    def watch() -> None:
        nonlocal told
        while not done.wait(0.05):
            if time.monotonic() > deadline:
                told = (
                    told
                    or f"this SQL was ended after {seconds:g} s; read fewer rows, or give more by --timeout"
                )
            elif _peak() > most:
                told = told or too_large
            if told:
                con.interrupt()
            if time.monotonic() > deadline + _GRACE_S:
                stuck(told)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    except WarehouseError as error:
        if told or isinstance(error.__cause__, duckdb.OutOfMemoryException):
            raise WarehouseError(told or too_large) from error
        raise
    finally:
        done.set()
        watcher.join()


def _memory() -> int:
    """Bytes that SQL may take: 4 GB, or half of a small machine."""
    return min(4 * _GB, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2)


def _peak() -> int:
    """Most bytes that this process had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
