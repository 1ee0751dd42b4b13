"""What the tables and views are: names, columns, types, keys and comments, all from ``sql/``.

Belongs here: reading the DDL, and checking frames against it. Does not belong here: databases on disk
(:mod:`cot_assets.warehouse.store`, :mod:`cot_assets.warehouse.preparing`). The DDL is the one description of a table:
to change one, change its file. A column that means the same everywhere takes its comment from ``sql/columns.toml``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb
import polars as pl
from polars.datatypes import DataType, DataTypeClass

from cot_assets.warehouse.errors import WarehouseError, reason, shown
from cot_assets.warehouse.reading import sql_folder, sql_text

_POLARS_TYPES: Mapping[str, DataTypeClass | DataType] = {
    "VARCHAR": pl.String,
    "INTEGER": pl.Int32,
    "BIGINT": pl.Int64,
    "DOUBLE": pl.Float64,
    "BOOLEAN": pl.Boolean,
    "TIMESTAMP": pl.Datetime("us"),
}
#: Read here and not by DuckDB, which takes most of a short command's time for them.
_COMMENT = re.compile(
    r"^COMMENT ON (?:TABLE|VIEW|COLUMN) (\w+)(?:\.(\w+))?\s+IS\s+'((?:[^']|'')*)';?\n?", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class ColumnSchema:
    """One column. ``type`` is DuckDB's name of it, such as ``INTEGER[]``."""

    name: str
    type: str
    is_nullable: bool
    comment: str

    @property
    def polars_type(self) -> DataTypeClass | DataType:
        """The polars type that holds the column."""
        return _polars_type(self.type)


@dataclass(frozen=True, slots=True)
class TableSchema:
    """One table or view; ``primary_key`` holds column names, ``ddl`` what creates it with all comments."""

    name: str
    comment: str
    columns: tuple[ColumnSchema, ...]
    primary_key: tuple[str, ...]
    ddl: str
    is_view: bool = False

    def column(self, name: str) -> ColumnSchema:
        """The column ``name``. Raises :class:`WarehouseError` with the known names."""
        for column in self.columns:
            if column.name == name:
                return column
        known = ", ".join(c.name for c in self.columns)
        raise WarehouseError(f"table {self.name!r} has no column {name!r}; it has: {known}")


def read_schema(folder: Path, *, has_views: bool = True) -> dict[str, TableSchema]:
    """Tables and views of a folder ``sql/`` by name, each after those that it reads.

    Without ``has_views`` views are left out, which takes a third of the time.

    Raises :class:`WarehouseError` where a file is not valid SQL, does not create exactly what it is named after, or
    leaves a column without a comment.
    """
    path = folder / "columns.toml"
    shared = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    with duckdb.connect(":memory:") as con:
        tables = {path.stem: path for path in sorted((folder / "tables").glob("*.sql"))}
        for path in tables.values():
            _execute(con, path)
        views = view_files(folder) if has_views else {}
        order = _create_views(con, views)
        found = describe(con)
        if odd := sorted(found.keys() ^ (tables | views).keys()):
            raise WarehouseError(
                f"{folder}: each file creates the one table or view that it is named after; see {', '.join(odd)}"
            )
    return {name: _commented(found[name], (tables | views)[name], shared) for name in (*tables, *order)}


def view_files(folder: Path) -> dict[str, Path]:
    """The files of views by name; those that read the shards exist only in the published file, and are left out."""
    return {path.stem: path for path in sorted((folder / "views").glob("*.sql")) if not reads_shards(path)}


def reads_shards(path: Path) -> bool:
    """Whether a view reads the Parquet shards, whose place is known only when results are published."""
    return "$shards_" in path.read_text(encoding="utf-8")


def _create_views(con: duckdb.DuckDBPyConnection, files: Mapping[str, Path]) -> list[str]:
    """Create views that may read one another; returns their names, each after those that it reads."""
    done: list[str] = []
    while len(done) < len(files):
        before, problem = len(done), None
        for name in (n for n in files if n not in done):
            try:
                _execute(con, files[name])
                done.append(name)
            except WarehouseError as error:
                problem = problem or error
        if problem is not None and len(done) == before:
            raise problem
    return done


def _execute(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    try:
        con.execute(_COMMENT.sub("", path.read_text(encoding="utf-8")))
    except duckdb.Error as error:
        raise WarehouseError(f"{path}: {reason(error)}") from error


def _commented(table: TableSchema, path: Path, shared: Mapping[str, str]) -> TableSchema:
    """The table with the comments of its file, and shared ones on columns that have none there, in its DDL too."""
    ddl, names = path.read_text(encoding="utf-8"), [c.name for c in table.columns]
    own: dict[str, str] = {}
    for of, column, comment in _COMMENT.findall(ddl):
        if of != table.name or column not in ("", *names):
            raise WarehouseError(f"{path}: a comment on {of}.{column}, which it does not create")
        own[column] = comment.replace("''", "'")
    if silent := [name for name in names if name not in {**own, **shared}]:
        raise WarehouseError(f"{path}: no comment on {', '.join(silent)}, here or in columns.toml")
    statements = [
        f"COMMENT ON COLUMN {table.name}.{name} IS {sql_text(shared[name])};"
        for name in names
        if name not in own
    ]
    columns = tuple(replace(c, comment=own.get(c.name) or shared[c.name]) for c in table.columns)
    return replace(
        table, comment=own.get("", ""), columns=columns, ddl="\n".join([ddl.rstrip(), *statements, ""])
    )


def describe(con: duckdb.DuckDBPyConnection) -> dict[str, TableSchema]:
    """The tables and views of a connection's current database as they are, ``ddl`` left empty."""
    here = "database_name = current_database() AND schema_name = 'main' AND NOT internal"
    columns: dict[str, list[ColumnSchema]] = {}
    for table, name, kind, nullable, comment in con.execute(
        f"SELECT table_name, column_name, data_type, is_nullable, comment FROM duckdb_columns() "  # noqa: S608
        f"WHERE {here} ORDER BY table_name, column_index"
    ).fetchall():
        columns.setdefault(table, []).append(ColumnSchema(name, kind, nullable, comment or ""))
    keys = dict(
        con.execute(
            "SELECT table_name, constraint_column_names FROM duckdb_constraints() "
            "WHERE database_name = current_database() AND schema_name = 'main' "
            "AND constraint_type = 'PRIMARY KEY'"
        ).fetchall()
    )
    found = con.execute(
        f"SELECT table_name, comment, false FROM duckdb_tables() WHERE {here} "  # noqa: S608
        f"UNION ALL SELECT view_name, comment, true FROM duckdb_views() WHERE {here}"
    ).fetchall()
    return {
        name: TableSchema(name, comment or "", tuple(columns[name]), tuple(keys.get(name, ())), "", is_view)
        for name, comment, is_view in sorted(found)
    }


@cache
def tables() -> Mapping[str, TableSchema]:
    """The tables of this code by name."""
    return MappingProxyType(read_schema(sql_folder(), has_views=False))


@cache
def views() -> Mapping[str, TableSchema]:
    """The views of this code by name, each after those that it reads."""
    return MappingProxyType({name: view for name, view in read_schema(sql_folder()).items() if view.is_view})


def table_schema(table: str) -> TableSchema:
    """The schema of a table or view. Raises :class:`WarehouseError` with the known names."""
    found = tables().get(table) or views().get(table)
    if found is None:
        raise WarehouseError(f"no table {shown(table)}; known: {', '.join((*tables(), *views()))}")
    return found


def polars_schema(
    table: str, only: Collection[str] | None = None, without: Collection[str] = ()
) -> pl.Schema:
    """Column name to polars type, in the order of the DDL, of all columns or of some."""
    columns = [c for c in table_schema(table).columns if c.name not in without]
    return pl.Schema({c.name: c.polars_type for c in columns if only is None or c.name in only})


def conform(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with columns in the order of the DDL, cast where no information can be lost.

    Casts: between widths of integers and of floats, integer to float, an all-null column to any type,
    categories to text, UTC or naive times to naive ones, and the same inside lists. What cannot be cast
    is left as it is, for :func:`check_frame` to report, and so are missing and extra columns.
    """
    casts: list[pl.Expr] = []
    for name, wanted in polars_schema(table).items():
        found = frame.schema.get(name)
        if found is None or found == wanted or not _is_safe_cast(found, wanted):
            continue
        column = pl.col(name)
        if isinstance(found, pl.Datetime) and found.time_zone is not None:
            column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        casts.append(column.cast(wanted))
    try:
        frame = frame.with_columns(casts)
    except pl.exceptions.InvalidOperationError as error:
        raise WarehouseError(f"table {table!r}: a value does not fit its column: {reason(error)}") from error
    known = [c.name for c in table_schema(table).columns if c.name in frame.columns]
    return frame.select(*known, *(c for c in frame.columns if c not in known))


def check_frame(table: str, frame: pl.DataFrame, *, keys: bool = True) -> list[str]:
    """What is wrong with a frame as rows of a table; an empty list if nothing.

    Reports missing and extra columns, wrong types, nulls in NOT NULL columns, numbers that are not
    finite (an unknown value is NULL) and, with ``keys``, rows that share a primary key.
    """
    schema = table_schema(table)
    found: list[str] = []
    names = [c.name for c in schema.columns]
    if missing := [n for n in names if n not in frame.columns]:
        found.append(f"column(s) missing: {', '.join(missing)}")
    if extra := [n for n in frame.columns if n not in names]:
        found.append(f"column(s) not in the schema: {', '.join(map(shown, extra))}")
    for column in schema.columns:
        if column.name not in frame.columns:
            continue
        values = frame.get_column(column.name)
        if values.dtype != column.polars_type:
            found.append(f"{column.name}: type {values.dtype}, expected {column.polars_type}")
            continue
        if not column.is_nullable and (nulls := values.null_count()):
            found.append(f"{column.name}: {nulls} null(s) in a NOT NULL column")
        if column.type == "DOUBLE" and (odd := int((~values.is_finite()).sum())):
            found.append(f"{column.name}: {odd} value(s) not finite; an unknown value is NULL")
    if keys and not set(schema.primary_key) - set(frame.columns):
        found.extend(duplicate_keys(schema, frame))
    return found


def duplicate_keys(schema: TableSchema, frame: pl.DataFrame) -> list[str]:
    """A violation that counts the rows sharing a primary key and shows one; empty if there are none."""
    if not schema.primary_key:
        return []
    key = frame.select(schema.primary_key)
    repeated = key.is_duplicated()
    if not repeated.any():
        return []
    example = ", ".join(f"{k} = {shown(v)}" for k, v in key.filter(repeated).row(0, named=True).items())
    return [f"{repeated.sum()} row(s) share a primary key, such as {example}"]


def require(table: str, violations: list[str]) -> None:
    """Raise :class:`WarehouseError` if there are violations."""
    if violations:
        raise WarehouseError(f"rows refused by table {table!r}: {'; '.join(violations)}")


def _polars_type(name: str) -> DataTypeClass | DataType:
    if name.endswith("[]"):
        return pl.List(_polars_type(name[:-2]))
    if name not in _POLARS_TYPES:
        raise WarehouseError(f"column type {name} has no polars type here; known: {', '.join(_POLARS_TYPES)}")
    return _POLARS_TYPES[name]


def _is_safe_cast(found: Any, wanted: Any) -> bool:
    if found == pl.Null:
        return True
    if isinstance(found, pl.List | pl.Array) and isinstance(wanted, pl.List):
        return found.inner == wanted.inner or _is_safe_cast(found.inner, wanted.inner)
    if wanted.is_integer():
        return found.is_integer()
    if wanted.is_float():
        return found.is_integer() or found.is_float()
    if wanted == pl.String:
        return isinstance(found, pl.Categorical | pl.Enum)
    return isinstance(found, pl.Datetime) and wanted.is_temporal()
