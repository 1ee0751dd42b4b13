"""Setting a warehouse aside and starting a new one in its place.

Belongs here: the file names, what is carried over because nothing can make it again, putting the old file
back. Does not belong here: what is run to fill the new warehouse (:mod:`cot_assets.orchestration.rebuild`).

At every moment either the old warehouse or the new one, with everything carried over, is in place, and
the old one is kept next to it: a process that is killed loses nothing.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl

from cot_assets.study import PUBLISHED, DataHome
from cot_assets.warehouse.errors import WarehouseError, WarehouseLockedError, reason
from cot_assets.warehouse.lock import lock_of, when_free
from cot_assets.warehouse.preparing import rename_values, suspect
from cot_assets.warehouse.reading import CONNECTION_CONFIG, select
from cot_assets.warehouse.schema import check_frame, conform, describe, polars_schema
from cot_assets.warehouse.store import Warehouse

SUFFIX = ".before-rebuild"
_NEW = ".rebuilding"
_WAIT_S = 5.0
_SETS = "(SELECT problem_set FROM problems WHERE starts_with(source, $prefix))"
#: What no shard holds: the cost ledger, when models were first seen, audits, and what others published.
_CARRIED: Mapping[str, str] = {
    "sampling_runs": "true",
    "models": "true",
    "audits": "true",
    "import_notes": "true",
    "problems": "starts_with(source, $prefix)",
    **dict.fromkeys(("traces", "trace_cuts", "rollouts", "potentials"), f"problem_set IN {_SETS}"),
}
_BLOCKS = {
    "problem_set": pl.String, "model": pl.String, "asset": pl.String, "block_key": pl.String,
    "n": pl.Int32, "sampling_hash": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Old:
    """What was found in the warehouse that is replaced.

    ``path``: where it was read; None if there was none. ``problem``: why it could not be read. ``frames``:
    rows that are carried over, by table; ``left``: why a table's rows are not. ``blocks``: what the
    sampling assets had asked for.
    """

    path: Path | None = None
    problem: str = ""
    frames: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    left: Mapping[str, str] = field(default_factory=dict)
    blocks: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_BLOCKS))


def aside_path(home: DataHome) -> Path:
    """Where the warehouse before the last rebuild is kept."""
    return home.warehouse.with_name(home.warehouse.name + SUFFIX)


def start_anew(home: DataHome, check: Callable[[Old], None] = lambda _: None) -> Old:
    """Put a new warehouse in place, with what cannot be made again; the old file is kept next to it.

    The one copy that is kept is replaced by the next rebuild. Where no warehouse is there, the kept copy
    of an earlier rebuild gives what is carried over, and stays.

    Args:
        home: The data home.
        check: Sees what was found before anything is changed; may raise.

    Returns:
        What was found.

    Raises:
        WarehouseLockedError: Another process uses the warehouse.
        WarehouseError: The disk refuses the new file.
    """
    with lock_of(home.warehouse, _WAIT_S).hold("rebuild the warehouse"):
        old = _read_old(home)
        check(old)
        folder = home.root / _NEW
        shutil.rmtree(folder, ignore_errors=True)  # of a process that was killed
        try:
            fresh = Warehouse(DataHome(folder))
            fresh.read("SELECT 1")  # makes the file even where nothing is carried over
            for table, frame in old.frames.items():
                fresh.merge(table, frame)
            if home.warehouse.exists():
                _keep(home)
            fresh.home.warehouse.replace(home.warehouse)
            suspect(home.warehouse).unlink(missing_ok=True)
        except OSError as error:
            raise WarehouseError(f"cannot make a new warehouse in {home.root}: {reason(error)}") from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return old


def put_back(home: DataHome) -> None:
    """Replace the new warehouse by the one that was set aside, as if it had been made just now.

    Runs of the rebuild have told Dagster of rows that are gone with the new file; with the moment of making
    moved, Dagster's memory counts for nothing, and the next run makes sure of everything.
    """
    with lock_of(home.warehouse, _WAIT_S).hold("put the warehouse back"):
        _log(home.warehouse).unlink(missing_ok=True)
        aside_path(home).replace(home.warehouse)
        with duckdb.connect(home.warehouse, config=CONNECTION_CONFIG) as con:
            con.execute(
                "UPDATE schema_version SET applied_at = ? WHERE name = 'created'",
                [datetime.now(UTC).replace(tzinfo=None)],
            )


def _log(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


def _keep(home: DataHome) -> None:
    """Give the warehouse its second name, in place of an earlier kept copy; it also stays where it is."""
    path, kept = home.warehouse, aside_path(home)
    fresh = kept.with_name(kept.name + ".new")
    fresh.unlink(missing_ok=True)
    try:
        os.link(path, fresh)
    except OSError:  # no hard links on this file system
        shutil.copy2(path, fresh)
    _log(kept).unlink(missing_ok=True)
    fresh.replace(kept)
    if _log(path).exists():  # of a file that could not be opened; a new file must not find it
        _log(path).replace(_log(kept))


def _read_old(home: DataHome) -> Old:
    path = home.warehouse if home.warehouse.exists() else aside_path(home)
    if not path.exists():
        return Old()
    try:
        if path == home.warehouse:
            _settle(path)
        with duckdb.connect(path, read_only=True, config=CONNECTION_CONFIG) as con:
            return _found(con, path)
    except WarehouseLockedError:
        raise
    except (duckdb.Error, WarehouseError) as error:
        return Old(path, reason(error))


def _settle(path: Path) -> None:
    """Bring the file's log into it; refuse where another program has it open, past the lock."""
    deadline = time.monotonic() + _WAIT_S
    with when_free(
        lambda: duckdb.connect(path, config=CONNECTION_CONFIG), path, "rebuild the warehouse", deadline
    ) as con:
        with suppress(duckdb.Error):
            con.execute("CHECKPOINT")
        with suppress(duckdb.Error):
            rename_values(con)


def _found(con: duckdb.DuckDBPyConnection, path: Path) -> Old:
    there = describe(con)
    frames: dict[str, pl.DataFrame] = {}
    left: dict[str, str] = {}
    for table, condition in _CARRIED.items():
        if table not in there or (_SETS in condition and "problems" not in there):
            continue  # made by an older version, which had nothing to carry
        try:
            frame = _rows(con, table, condition)
        except (duckdb.Error, WarehouseError) as error:
            left[table] = reason(error)
            continue
        if frame.height:
            frames[table] = frame
    blocks = pl.DataFrame(schema=_BLOCKS)
    if "blocks" in there:
        with suppress(duckdb.Error, WarehouseError, pl.exceptions.PolarsError):
            blocks = select(con, f"SELECT {', '.join(_BLOCKS)} FROM blocks").cast(_BLOCKS)  # type: ignore[arg-type]  # noqa: S608
    return Old(path, "", frames, left, blocks)


def _rows(con: duckdb.DuckDBPyConnection, table: str, condition: str) -> pl.DataFrame:
    """Rows of a table that may be of an older version; raises where they do not fit the present one."""
    params = {"prefix": PUBLISHED} if "$prefix" in condition else None
    frame = select(con, f'SELECT * FROM "{table}" WHERE {condition}', params)  # noqa: S608
    wanted = polars_schema(table)
    if "sampling_hash" in wanted and "sampling_hash" not in frame.columns:
        frame = frame.rename({"protocol_hash": "sampling_hash"}, strict=False)
    if "origin" in wanted and "origin" not in frame.columns:
        frame = frame.with_columns(origin=pl.lit("own"))  # nothing else is carried over
    frame = frame.select([c for c in frame.columns if c in wanted])
    frame = conform(table, pl.concat([wanted.to_frame(), frame], how="diagonal_relaxed"))
    if violations := check_frame(table, frame):
        raise WarehouseError(f"rows of {table} do not fit its present schema: {'; '.join(violations)}")
    return frame
