"""Bringing an open database to the schema of this code.

Belongs here: creating tables and views, and telling a database that other code made. Does not belong here: what the
schema is (:mod:`cot_assets.warehouse.schema`).

There are no migrations: everything can be made again from the shards (``cot-assets rebuild``). A table that is missing,
a changed view and a changed comment appear by themselves; a changed column or key asks for a rebuild.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache

import duckdb

from cot_assets.warehouse.errors import WarehouseError
from cot_assets.warehouse.schema import TableSchema, describe, tables, views

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
    text = "\n".join(table.ddl for schema in (tables(), views()) for _, table in sorted(schema.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def is_current(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether the database says that it has the schema of this code."""
    try:
        found = con.execute("SELECT version FROM schema_version WHERE name = 'present'").fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        return False
    return found == [(version(),)]


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
    differences += [f"{name} is no view" for name in views() if name in present and not present[name].is_view]
    if present and [c.name for c in present["schema_version"].columns] != ["name", "version", "applied_at"]:
        differences.append("it is of an earlier release")
    if found := [d for d in differences if d]:
        raise WarehouseError(
            f"another release of cot-assets made the warehouse: {'; '.join(found)}. "
            "'cot-assets rebuild' makes it again from the shards"
        )
    if is_current(con) and tables().keys() | views().keys() <= present.keys():
        return
    with transaction(con):
        if not present:
            con.execute(_VERSIONS)
            _record(con, "created")
        for name in (t.name for t in present.values() if t.is_view):
            con.execute(f'DROP VIEW IF EXISTS "{name}"')
        for table in (*tables().values(), *views().values()):
            con.execute(table.ddl)
        _record(con, "present")


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
