"""Bringing an open database to the schema of this code.

Belongs here: opening it, creating tables and views, telling a database that other code made or that is damaged,
counting rows and deleting those of a model. Does not belong here: what the schema is (:mod:`cot_assets.warehouse.schema`).

There are no migrations: everything can be made again from the shards (``cot-assets rebuild``). A table that is missing,
a changed view and a changed comment appear by themselves; a changed column or key asks for a rebuild.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import duckdb

from cot_assets.warehouse.errors import WarehouseError, is_of_no_room, reason
from cot_assets.warehouse.lock import when_free
from cot_assets.warehouse.reading import CONNECTION_CONFIG, sql_folder, sql_text
from cot_assets.warehouse.schema import (
    TableSchema,
    describe,
    tables,
    view_files,
    views,
)

#: Rows by table, problem set and model (empty where a table tells no model).
RowCounts = Mapping[tuple[str, str, str], int]
#: What DuckDB says of a file that is cut, overwritten or flipped, and not of one that is locked or forbidden.
DAMAGE = re.compile(
    r"corrupt|checksum|not a valid DuckDB|could not read|read .* bytes|replaying WAL|serializ|Failed to load",
    re.IGNORECASE,
)
#: What it says, in errors of any kind, where the disk takes no more bytes.
_OF_SQL = (duckdb.DataError, duckdb.IntegrityError, duckdb.ProgrammingError)  #: they may cite what is in rows
_HEADERS = 3 * 4096  #: bytes before the first block
#: Columns that name a partition's model, the first that a table has.
_MODEL = ("model", "reader")
#: All columns that name models.
_NAMING = (*_MODEL, "writer", "other")
#: Rows come with every run, and are not made again.
_LEDGER = "sampling_runs"
#: Values that had another name in an earlier release.
_RENAMED = (
    "UPDATE models SET engine = 'imported' WHERE engine = 'recorded'",
    "UPDATE problems SET source = replace(source, 'recorded:', 'published:') WHERE starts_with(source, 'recorded:')",
)
_VERSIONS = """
CREATE TABLE schema_version (name VARCHAR PRIMARY KEY, version VARCHAR NOT NULL, applied_at TIMESTAMP NOT NULL);
COMMENT ON TABLE schema_version IS 'What made this database: a row for its creation and one for its present schema.';
COMMENT ON COLUMN schema_version.name IS 'created or present';
COMMENT ON COLUMN schema_version.version IS 'Hash of the SQL that describes tables and views';
COMMENT ON COLUMN schema_version.applied_at IS 'When, UTC';
"""


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection, *, read_only: bool = False) -> Iterator[None]:
    """Commit at the end of the block; roll back and raise on where it fails."""
    con.execute("BEGIN TRANSACTION READ ONLY" if read_only else "BEGIN TRANSACTION")
    try:
        yield
        con.execute("COMMIT")
    except BaseException:
        # A failed COMMIT has ended the transaction already; the first error is the one that matters.
        with suppress(duckdb.Error):
            con.execute("ROLLBACK")
        raise


@cache
def version() -> str:
    """12 hex digits of a hash over the SQL of the tables and views that this code writes and reads."""
    folder = sql_folder()
    files = (
        folder / "columns.toml",
        *sorted((folder / "tables").glob("*.sql")),
        *view_files(folder).values(),
    )
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:12]


def is_current(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether the database says that it has the schema of this code."""
    try:
        found = con.execute("SELECT version FROM schema_version WHERE name = 'present'").fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        return False
    return found == [(version(),)]


def attach(root: duckdb.DuckDBPyConnection, path: Path, name: str, purpose: str, deadline: float) -> None:
    """Open the file within a DuckDB that is there, under a name; waits for others who have it open until the deadline."""
    try:
        when_free(lambda: root.execute(f"ATTACH {sql_text(str(path))} AS {name}"), path, purpose, deadline)
    except duckdb.Error as error:
        _require_room(path, error)
        way_out = (
            "Give yourself the right to read and write it"
            if "Permission denied" in str(error)
            else "If it is damaged, 'cot-assets run' sets it aside and makes it again from the shards, and "
            "'cot-assets rebuild' all of it"
        )
        raise WarehouseError(f"{path} cannot be opened: {reason(error)}. {way_out}") from error


def is_fixed(path: Path) -> bool:
    """Whether a database is there that this process may read at most, as on a disk that is mounted read-only."""
    return path.exists() and not all(os.access(place, os.W_OK) for place in (path, path.parent))


@contextmanager
def as_it_is(path: Path, purpose: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for the block to a database that :func:`is_fixed`, of whatever release."""
    with duckdb.connect(config=CONNECTION_CONFIG) as con, naming_damage(path):
        attach(con, path, "fixed (READ_ONLY)", purpose, time.monotonic())
        con.execute("USE fixed")
        yield con


@contextmanager
def naming_damage(path: Path) -> Iterator[None]:
    """Say which database is damaged, and what to do, where one that is open shows in the block that it is."""
    try:
        yield
    except (duckdb.Error, WarehouseError) as error:
        cause = error.__cause__ or error
        _require_room(path, cause)
        if isinstance(cause, _OF_SQL) or not DAMAGE.search(str(cause)):
            raise
        with suppress(OSError):  # an index is read where rows are written: reading may miss it
            suspect(path).touch()
        raise WarehouseError(
            f"{path} is damaged: {reason(error)}. `cot-assets run` sets it aside and makes it again from the shards"
        ) from error


def _require_room(path: Path, error: BaseException) -> None:
    if is_of_no_room(error):
        raise WarehouseError(
            f"{path} cannot be written: {reason(error)}. Make room and start again: nothing that was finished is lost"
        ) from error


def suspect(path: Path) -> Path:
    """The mark beside a database that showed itself to be damaged when it was used."""
    return path.with_name(f"{path.name}.suspect")


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Create tables and views in a new database; in an older one, what is missing and what changed in words only.

    Args:
        con: An open database, alone in its process.

    Raises:
        WarehouseError: Something else made the database, or a table of it has other columns or keys.
    """
    present = describe(con)
    if present and "schema_version" not in present:
        raise WarehouseError(
            "the database holds tables but no schema_version: cot-assets did not make it. "
            "Move the file away, or point COT_ASSETS_HOME at another folder"
        )
    differences = [_difference(present[t.name], t) for t in tables().values() if t.name in present]
    names = view_files(sql_folder()).keys()
    differences += [
        f"{name} is not a view" for name in names if name in present and not present[name].is_view
    ]
    if present and [c.name for c in present["schema_version"].columns] != ["name", "version", "applied_at"]:
        differences.append("it is of an earlier release")
    if found := [d for d in differences if d]:
        raise WarehouseError(
            f"another release of cot-assets made the warehouse: {'; '.join(found)}. "
            "'cot-assets rebuild' makes it again from the shards"
        )
    if is_current(con) and tables().keys() | names <= present.keys():
        return
    with transaction(con):
        if not present:
            con.execute(_VERSIONS)
            _record(con, "created")
        for name in (t.name for t in present.values() if t.is_view):
            con.execute(f'DROP VIEW IF EXISTS "{name}"')
        for table in (*tables().values(), *views().values()):
            con.execute(table.ddl)
        rename_values(con)
        _record(con, "present")


def rename_values(con: duckdb.DuckDBPyConnection) -> None:
    """Give values of an earlier release the names that they have now."""
    for statement in _RENAMED:
        con.execute(statement)


def _record(con: duckdb.DuckDBPyConnection, name: str) -> None:
    con.execute(
        "INSERT OR REPLACE INTO schema_version VALUES (?, ?, (now() AT TIME ZONE 'UTC')::TIMESTAMP)",
        [name, version()],
    )


def _difference(found: TableSchema, wanted: TableSchema) -> str:
    """What differs, the order of columns aside; empty if nothing."""

    def facts(table: TableSchema) -> set[str]:
        null = {True: "", False: " NOT NULL"}
        columns = {f"{c.name} {c.type}{null[c.is_nullable]}" for c in table.columns}
        return columns | {f"PRIMARY KEY ({', '.join(table.primary_key)})"}

    lacks, extra = sorted(facts(wanted) - facts(found)), sorted(facts(found) - facts(wanted))
    if not lacks and not extra:
        return ""
    return (
        f"table {wanted.name} has {', '.join(extra) or 'nothing'} in place of {', '.join(lacks) or 'nothing'}"
    )


def damage(path: Path, *, is_thorough: bool = False) -> str | None:
    """Why a database cannot be read to its end, None where it can or is used by others."""
    if not path.exists():
        return "a link to nothing"
    if suspect(path).exists():
        return "it was when it was last used"
    try:
        with duckdb.connect(path, read_only=True) as con:
            sizes = con.execute("SELECT used_blocks, block_size FROM pragma_database_size()").fetchall()
            blocks, size = sizes[0]
            least = _HEADERS + int(blocks) * int(size)  # free blocks at the end may not have been written
            if path.stat().st_size < least:
                return f"it ends after {path.stat().st_size:,} of at least {least:,} bytes"
            for (table,) in con.execute(
                "SELECT table_name FROM duckdb_tables() WHERE NOT internal"
            ).fetchall():
                what = "max(hash(t))" if is_thorough else "count(*)"
                con.execute(f'SELECT {what} FROM "{table}" AS t').fetchall()  # noqa: S608 - the catalog's own name
    except duckdb.Error as error:
        return reason(error) if DAMAGE.search(str(error)) else None
    return None


def row_counts(con: duckdb.DuckDBPyConnection) -> RowCounts:
    """Rows by table, problem set and model, of every table that tells the problem set."""
    columns: dict[str, list[str]] = {}
    for table, column in con.execute(
        "SELECT c.table_name, c.column_name FROM duckdb_columns() AS c JOIN duckdb_tables() AS t USING (table_oid) "
        "WHERE NOT c.internal"
    ).fetchall():
        columns.setdefault(table, []).append(column)
    counts: dict[tuple[str, str, str], int] = {}
    for table, names in columns.items():
        if "problem_set" not in names or table == _LEDGER:
            continue
        model = next((f'"{name}"' for name in _MODEL if name in names), "''")
        sql = f'SELECT problem_set, {model}, count(*) FROM "{table}" GROUP BY ALL'  # noqa: S608
        for problem_set, name, n in con.execute(sql).fetchall():
            counts[table, problem_set, name or ""] = n
    return counts


def forget_rows(con: duckdb.DuckDBPyConnection, model: str, problem_set: str | None = None) -> int:
    """Delete the rows of a model, as a reader, as a writer and where it is compared; returns how many there were.

    With a problem set only those on it: what the model is stays.
    """
    n, given = 0, {"model": model} | ({"problem_set": problem_set} if problem_set else {})
    for schema in tables().values():
        columns = {c.name for c in schema.columns}
        where = " OR ".join(f'"{name}" = $model' for name in _NAMING if name in columns)
        if where and (problem_set is None or "problem_set" in columns):
            only = " AND problem_set = $problem_set" if problem_set else ""
            sql = f'DELETE FROM "{schema.name}" WHERE ({where}){only}'  # noqa: S608 - names of our schema
            n += con.execute(sql, given).fetchall()[0][0]
    return n
