"""Questions to the published results: named queries and a user's own SQL.

Belongs here: finding, describing and running queries on ``results.duckdb``. Does not belong here: how
the rows are shown (:mod:`cot_assets.cli.sql`), and what a query computes (``sql/queries`` and
``sql/views``).

A named query is a file ``sql/queries/<name>.sql`` that opens with the question it answers, then perhaps
``-- note:`` lines about reading its rows, which the report shows as well, and one line per parameter, ``-- param NAME: DEFAULT = MEANING``, where DEFAULT is NULL, a number or 'text'.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from cot_assets.study.home import SHARDS, DataHome, plain
from cot_assets.warehouse.errors import WarehouseError, printable, reason, shown, unfit, unknown
from cot_assets.warehouse.reading import (
    CONNECTION_CONFIG,
    Params,
    T,
    bounded,
    enclose,
    select,
    sql_folder,
    sql_text,
)

if TYPE_CHECKING:
    import polars as pl

Value = str | int | float | bool | None
_PARAMETER = re.compile(r"-- param (\w+): (NULL|-?\d+(?:\.\d+)?|'(?:[^']|'')*') = (.+)")
_NOTE = "-- note:"
_NAME = re.compile(r"[A-Za-z0-9_-]+")
TEXTS = "rollout_texts"  #: the view that reads the shards
_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Parameter:
    """A ``$name`` of a query; values for it take the type of the default."""

    name: str
    default: Value
    meaning: str

    def read(self, value: Value) -> Value:
        """A value, perhaps typed on a command line, as the query takes it.

        Raises:
            WarehouseError: It is not a number where one is needed.
        """
        if value is None or not isinstance(self.default, int | float):
            return value
        kind = type(self.default)
        try:
            return kind(value)
        except ValueError as error:
            noun = "a whole number" if kind is int else "a number"
            raise WarehouseError(f"parameter {self.name} = {shown(value)} is not {noun}") from error


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """A query of ``sql/queries``: the question that it answers, its parameters, its SQL, and a note to readers."""

    name: str
    question: str
    parameters: tuple[Parameter, ...]
    sql: str
    note: str = ""


def named_queries() -> dict[str, NamedQuery]:
    """All named queries by name, in alphabetical order."""
    return {path.stem: read_query(path) for path in sorted((sql_folder() / "queries").glob("*.sql"))}


def read_query(path: Path) -> NamedQuery:
    """The query in a file. Raises :class:`WarehouseError` where its header is wrong."""
    sql = path.read_text(encoding="utf-8")
    question: list[str] = []
    notes: list[str] = []
    parameters: list[Parameter] = []
    for line in sql.splitlines():
        if not line.startswith("--"):
            break
        if match := _PARAMETER.fullmatch(line):
            parameters.append(Parameter(match[1], _literal(match[2]), match[3]))
        elif line.startswith(_NOTE):
            notes.append(line.removeprefix(_NOTE).strip())
        elif line.startswith("-- param"):
            raise WarehouseError(f"{path.name}: {shown(line)} is not '-- param NAME: DEFAULT = MEANING'")
        else:
            question.append(line.removeprefix("--").strip())
    if not question:
        raise WarehouseError(f"{path.name} does not open with the question that it answers")
    return NamedQuery(path.stem, " ".join(question), tuple(parameters), sql, " ".join(notes))


def run_query(
    home: DataHome, name_or_sql: str, params: Mapping[str, Value] | None = None, seconds: float = _SECONDS
) -> pl.DataFrame:
    """Rows as a frame of a named query or a SELECT over the published results; see :func:`ask`."""
    return ask(home, name_or_sql, params, select, seconds)


def ask(
    home: DataHome,
    name_or_sql: str,
    params: Mapping[str, Value] | None,
    read: Callable[[duckdb.DuckDBPyConnection, str, Params], T],
    seconds: float = _SECONDS,
    stuck: Callable[[str], object] = lambda _: None,
) -> T:
    """What a named query or a SELECT over the published results gives; it reads nothing else.

    Args:
        home: The data home.
        name_or_sql: A single word is a name; anything else is SQL.
        params: Values for ``$name``; a named query has defaults for those left out.
        read: Takes the rows: :func:`~cot_assets.warehouse.reading.select`, ``select_rows`` or ``stream``.
        seconds: When it is ended.
        stuck: Told where it cannot be ended.

    Raises:
        WarehouseError: Nothing was published yet, the name or a parameter is unknown, the SQL is wrong or takes
            too much time or memory, or another program has the results open for writing.
    """
    text = name_or_sql.strip()
    if problem := unfit(text, len(text)):
        raise WarehouseError(f"this SQL {problem}: {shown(text)}")
    given = dict(params or {})
    if _NAME.fullmatch(text):
        query = find_query(text)
        sql, given = query.sql, _values(query, given)
    else:
        sql = text
    try:
        with _open(home.results) as con:
            if TEXTS in sql.lower():
                _show_texts(con, home)
            enclose(con, plain(home.shards), _linked(home.shards))
            with bounded(con, seconds, stuck):
                return read(con, sql, given)
    except (duckdb.Error, WarehouseError) as error:
        is_forbidden = isinstance(error.__cause__, duckdb.PermissionException)  # to leave the folder by `..`
        if is_forbidden or str(plain(home.shards)) not in str(error):
            raise
        first = printable(str(error).splitlines()[0])
        raise WarehouseError(
            f"text in shards cannot be read: {first}. Give yourself the right to read it; if it is damaged or gone, "
            "`cot-assets run --verify` samples it again"
        ) from error


def find_query(name: str) -> NamedQuery:
    """The query of a name, ``-`` and ``_`` taken for the same.

    Raises:
        WarehouseError: There is none; the message lists near matches, or all names.
    """
    queries = named_queries()
    wanted = name.lower().replace("-", "_")
    if wanted in queries:
        return queries[wanted]
    raise WarehouseError(unknown("query named", name, [*queries]))


def _values(query: NamedQuery, given: Mapping[str, Value]) -> dict[str, Value]:
    known = {p.name: p for p in query.parameters}
    if unknown := [n for n in given if n not in known]:
        raise WarehouseError(
            f"query {query.name} has no parameter {', '.join(map(shown, unknown))}; "
            f"it has: {', '.join(known) or 'none'}"
        )
    return {name: p.read(given[name]) if name in given else p.default for name, p in known.items()}


def _literal(text: str) -> Value:
    if text == "NULL":
        return None
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    return float(text) if "." in text else int(text)


def _show_texts(con: duckdb.DuckDBPyConnection, home: DataHome) -> None:
    """Let a connection to the results read the text in the shards, wherever it was opened from.

    The published view looks for ``shards/`` in the working directory: a path would be wrong once the home is moved.
    """
    sql = (sql_folder() / "views" / f"{TEXTS}.sql").read_text(encoding="utf-8")
    view = con.extract_statements(sql.replace("$shards_glob", sql_text(f"{plain(home.shards)}/{SHARDS}")))[0]
    if not any(home.shards.glob(SHARDS)):
        raise WarehouseError(f"{home.shards} holds no shard")
    con.execute(view.query.replace("CREATE VIEW", "CREATE TEMP VIEW"))


def _linked(folder: Path) -> Iterator[str]:
    """Where the shards are that links in their folder lead to."""
    for place in folder.glob("*/*"):
        is_elsewhere = not Path(os.path.realpath(place)).is_relative_to(folder)
        with suppress(OSError), os.scandir(place) as entries:  # what cannot be read is told by who needs it
            for entry in entries:
                if entry.name.endswith(".parquet") and (is_elsewhere or entry.is_symlink()):
                    yield os.path.realpath(entry.path)


def _open(path: Path) -> duckdb.DuckDBPyConnection:
    if not path.exists():
        raise WarehouseError(
            f"there are no published results at {path} yet; 'cot-assets demo' or 'cot-assets run' makes them"
        )
    try:
        return duckdb.connect(path, read_only=True, config=CONNECTION_CONFIG)
    except duckdb.Error as error:
        raise WarehouseError(
            f"{path} cannot be read: {reason(error)}. Give yourself the right to read it; if a SQL shell has it open, "
            "open it there with -readonly; if it is damaged, `cot-assets run` makes it again"
        ) from error
