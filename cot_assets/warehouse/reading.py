"""Where the SQL files are, how a connection is configured, and one SELECT on it.

Belongs here: what reading the warehouse and reading the published results have in common. Does not
belong here: opening either of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
_NUMBERS = {
    f"{sign}{kind}"
    for sign in ("", "U")
    for kind in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL")
}


def sql_folder() -> Path:
    """The folder ``sql/``: inside the package in a wheel, beside the package in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for candidate in (package / "sql", package.parent / "sql"):
        if (candidate / "tables").is_dir():
            return candidate
    raise WarehouseError(
        f"the SQL files are neither in {package / 'sql'} nor in {package.parent / 'sql'}; "
        "install the package again"
    )


@dataclass(frozen=True, slots=True)
class Rows:
    """What a SELECT gives, without a data frame: names of columns, which of them are numbers, and values."""

    columns: Sequence[str]
    are_numbers: Sequence[bool]
    values: Sequence[tuple[Any, ...]]


def select(con: duckdb.DuckDBPyConnection, sql: str, params: Params = None) -> pl.DataFrame:
    """Rows of one statement as a frame, ``$name`` or ``?`` in it bound to ``params``.

    Raises:
        WarehouseError: The SQL is wrong, holds several statements or none, or gives no rows.
    """
    return _answer(con, sql, params, lambda relation: relation.pl())


def select_rows(con: duckdb.DuckDBPyConnection, sql: str, params: Params = None) -> Rows:
    """The same as plain values: polars takes longer to load than most questions to answer."""

    def take(relation: duckdb.DuckDBPyRelation) -> Rows:
        are_numbers = [str(kind).partition("(")[0] in _NUMBERS for kind in relation.types]
        return Rows(relation.columns, are_numbers, relation.fetchall())

    return _answer(con, sql, params, take)


def _answer(
    con: duckdb.DuckDBPyConnection, sql: str, params: Params, take: Callable[[duckdb.DuckDBPyRelation], T]
) -> T:
    try:
        if (count := len(con.extract_statements(sql))) != 1:
            raise WarehouseError(f"one SQL statement is run at a time, not {count}: {shown(sql)}")
        relation = con.sql(sql, params=params) if params else con.sql(sql)
        if relation is None:
            raise WarehouseError(f"{shown(sql)} gives no rows; only a SELECT is read")
        return take(relation)
    except duckdb.Error as error:
        raise WarehouseError(f"this SQL cannot be run: {reason(error)}") from error
