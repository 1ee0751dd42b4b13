"""Problem sets apart from the warehouse: what an import writes and concludes, before the warehouse takes it as a whole.

Belongs here: the private copy, and its way back. Does not belong here: what is written into it
(:mod:`cot_assets.warehouse.imported`, :mod:`cot_assets.orchestration.imports`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb

from cot_assets.warehouse.lock import HolderLock
from cot_assets.warehouse.preparing import prepare, transaction
from cot_assets.warehouse.reading import CONNECTION_CONFIG, sql_text
from cot_assets.warehouse.schema import tables
from cot_assets.warehouse.store import Warehouse

_FILE = "staging.duckdb"


class Staged(Warehouse):
    """A warehouse of some problem sets only, which no other process sees, open as long as it lasts."""

    def __init__(self, taken_by: Warehouse, path: Path, rows: Mapping[str, str]) -> None:
        """``rows`` says by table which rows of the warehouse are here."""
        super().__init__(taken_by.home)
        self._taken_by, self._path, self._rows = taken_by, path, rows
        self._con = _connect(path)

    def take_in(self) -> None:
        """Put what is here in place of the models and problem sets in the warehouse, in one transaction."""
        self._con.close()
        with self._taken_by.beside(self._path, "take in an import") as con, transaction(con):
            for table, where in self._rows.items():
                con.execute(f'DELETE FROM "{table}" WHERE {where}')  # noqa: S608 - names are quoted
                con.execute(f'INSERT INTO "{table}" BY NAME FROM beside."{table}"')
        self._con = _connect(self._path)

    @contextmanager
    def _open(self, purpose: str, copy_to: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:  # noqa: ARG002
        with closing(self._con.cursor()) as con:
            yield con

    def close(self) -> None:
        """Close the file."""
        self._con.close()


@contextmanager
def staging(warehouse: Warehouse, models: Collection[str], problem_sets: Collection[str]) -> Iterator[Staged]:
    """The rows of some models and problem sets to work on; nothing is in the warehouse before ``take_in``.

    One import at a time works on a data home, since the warehouse takes whole problem sets.

    Raises:
        WarehouseLockedError: Another process imports, or uses the warehouse for too long.
    """
    lock = HolderLock(
        warehouse.home.root / "imports.lock",
        what=f"imports into {warehouse.home.root}",
        way_out="Wait for it to finish or stop that process, then try again: it has stored nothing yet",
        timeout_s=warehouse.lock_timeout_s,
    )
    path, rows = warehouse.home.root / _FILE, _rows(models, problem_sets)
    with lock.hold("import rollouts"):
        _remove(path)  # of a process that was killed
        try:
            with closing(_connect(path)) as con:
                prepare(con)
            with warehouse.beside(path, "copy problem sets") as con, transaction(con):
                for table, where in rows.items():
                    con.execute(f'INSERT INTO beside."{table}" BY NAME FROM "{table}" WHERE {where}')
            with closing(Staged(warehouse, path, rows)) as staged:
                yield staged
        finally:
            _remove(path)


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(path, config=CONNECTION_CONFIG)


def _remove(path: Path) -> None:
    for file in (path, path.with_name(f"{path.name}.wal")):
        file.unlink(missing_ok=True)


def _rows(models: Collection[str], problem_sets: Collection[str]) -> dict[str, str]:
    """Which rows are copied and replaced, by table: those of the problem sets, and what the models are."""
    columns = {name: {column.name for column in table.columns} for name, table in tables().items()}
    of_sets = {
        name: _among("problem_set", problem_sets) for name, of in columns.items() if "problem_set" in of
    }
    return {"models": _among("model", models), **of_sets}


def _among(column: str, names: Collection[str]) -> str:
    return f"{column} IN ({', '.join(map(sql_text, names))})"
