"""What a DuckDB file still holds: whether it can be read to its end, and how many rows it has of each partition."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import duckdb

from cot_assets.warehouse.errors import reason

#: Rows by table, problem set and model (empty where a table tells no model).
RowCounts = Mapping[tuple[str, str, str], int]
#: What DuckDB says of a file that is cut, overwritten or flipped, and not of one that is locked or forbidden.
DAMAGE = re.compile(
    r"corrupt|checksum|not a valid DuckDB|could not read|read .* bytes|replaying WAL|serializ|Failed to load",
    re.IGNORECASE,
)
_HEADERS = 3 * 4096  #: bytes before the first block
#: Columns that name a partition's model, the first that a table has.
_MODEL = ("model", "reader")
#: Rows come with every run, and are not made again.
_LEDGER = "sampling_runs"


def damage(path: Path, *, is_thorough: bool = False) -> str | None:
    """Why a database cannot be read to its end, None where it can or is used by others."""
    try:
        con = duckdb.connect(path)
    except duckdb.Error as error:
        return reason(error) if DAMAGE.search(str(error)) else None
    try:
        blocks, size = con.execute("SELECT used_blocks, block_size FROM pragma_database_size()").fetchall()[0]
        least = _HEADERS + int(blocks) * int(size)  # free blocks at the end may not have been written
        if path.stat().st_size < least:
            return f"it ends after {path.stat().st_size:,} of at least {least:,} bytes"
        for (table,) in con.execute("SELECT table_name FROM duckdb_tables() WHERE NOT internal").fetchall():
            what = "max(hash(t))" if is_thorough else "count(*)"
            con.execute(f'SELECT {what} FROM "{table}" AS t').fetchall()  # noqa: S608 - the catalog's own name
    except duckdb.Error as error:
        return reason(error) if DAMAGE.search(str(error)) else None
    finally:
        con.close()
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
