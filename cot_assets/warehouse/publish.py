"""``results.duckdb``: the copy that SQL users open.

Belongs here: making the copy, its views, and putting it in place. Does not belong here: queries over
it (:mod:`cot_assets.warehouse.queries`).

The copy is written in a storage format that older DuckDB releases read, and replaced by an atomic
rename: a shell that has it open goes on reading the old file and blocks nobody.
"""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb
import polars as pl

from cot_assets.study.files import DAMAGED, flush_folder, replacing
from cot_assets.study.home import SHARDS, DataHome, plain
from cot_assets.study.manifest import file_hash
from cot_assets.warehouse.errors import WarehouseError, reason
from cot_assets.warehouse.lock import lock_of
from cot_assets.warehouse.reading import sql_folder, sql_text
from cot_assets.warehouse.schema import reads_shards

#: The oldest storage format with everything in use here; DuckDB 1.2.0 and later read it.
STORAGE_VERSION = "v1.2.0"
#: Columns of the Parquet shards; an empty one lets views work before anything was sampled.
SHARD_COLUMNS: Mapping[str, pl.DataType] = {
    "block_key": pl.String(),
    "sample_index": pl.Int32(),
    "prefix_id": pl.String(),
    "finish_reason": pl.String(),
    "n_tokens": pl.Int32(),
    "token_ids": pl.List(pl.Int32()),
    "text": pl.String(),
}
EMPTY_SHARD = "none/none/empty.parquet"
_TEMPORARY = ".publishing-"


def publish(home: DataHome, lock_timeout_s: float, snapshot: Callable[[Path], None]) -> Path:
    """Make the results anew; returns their path.

    Args:
        home: The data home.
        lock_timeout_s: Longest wait for another process that publishes.
        snapshot: Writes a consistent copy of the warehouse to the path it is given.

    Raises:
        WarehouseLockedError: Another process published for too long.
        WarehouseError: A view cannot be created, or the disk refuses the file.
    """
    target = home.results
    # Without this lock an older copy could replace a newer one.
    with lock_of(target, lock_timeout_s).hold("publish"):
        for leftover in target.parent.glob(f"{_TEMPORARY}*"):  # of a process that was killed
            leftover.unlink()
        copy = target.with_name(f"{_TEMPORARY}{os.getpid()}-copy.duckdb")
        fresh = target.with_name(f"{_TEMPORARY}{os.getpid()}.duckdb")
        try:
            seed_empty_shard(home)
            snapshot(copy)
            _convert(copy, fresh)
            _add_views(fresh, home)
            _put_in_place(fresh, target)
        finally:
            for path in target.parent.glob(f"{_TEMPORARY}{os.getpid()}*"):
                path.unlink()
    return target


def copy_file(source: Path, target: Path) -> None:
    """Copy a closed database file."""
    if source.with_name(source.name + ".wal").exists():
        raise WarehouseError(
            f"{source} has a write-ahead log although it is closed; is another program using it?"
        )
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        raise WarehouseError(
            f"cannot copy {source} to {target}: {reason(error)}; is the disk full?"
        ) from error


def seed_empty_shard(home: DataHome) -> Path:
    """Write the shard without rows if it is missing or damaged: ``read_parquet`` refuses a pattern without files."""
    path, empty = home.shards / EMPTY_SHARD, io.BytesIO()
    pl.DataFrame(schema=dict(SHARD_COLUMNS)).write_parquet(empty)
    if not path.exists() or path.read_bytes() != empty.getvalue():
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as fresh:
            fresh.write_bytes(empty.getvalue())
    return path


def set_damaged_aside(shards: Path) -> list[str]:
    """Rename every shard whose bytes are not those of its name; returns what they are called now."""
    damaged = [f for f in shards.glob(SHARDS) if f != shards / EMPTY_SHARD and file_hash(f) != f.stem]
    return [file.rename(file.with_suffix(DAMAGED)).name for file in damaged]


def _convert(source: Path, target: Path) -> None:
    try:
        with duckdb.connect(":memory:") as con:
            con.execute(f"ATTACH {sql_text(str(source))} AS warehouse (READ_ONLY)")
            con.execute(f"ATTACH {sql_text(str(target))} AS results (STORAGE_VERSION '{STORAGE_VERSION}')")
            con.execute("COPY FROM DATABASE warehouse TO results")
            con.execute("DETACH results")
    except duckdb.Error as error:
        raise WarehouseError(
            f"cannot write the results to {target}: {reason(error)}; is the disk full?"
        ) from error


def _add_views(path: Path, home: DataHome) -> None:
    with duckdb.connect(path, config={"file_search_path": str(plain(home.shards).parent)}) as con:
        for file in filter(reads_shards, sorted((sql_folder() / "views").glob("*.sql"))):
            sql = file.read_text(encoding="utf-8").replace("CREATE VIEW", "CREATE OR REPLACE VIEW")
            sql = sql.replace("$shards_glob", sql_text(f"{home.shards.name}/{SHARDS}"))
            try:
                con.execute(sql)
            except duckdb.Error as error:
                if not set_damaged_aside(home.shards):
                    raise WarehouseError(f"view {file.name}: {reason(error)}") from error
                con.execute(sql)
        con.execute("CHECKPOINT")


def _put_in_place(fresh: Path, target: Path) -> None:
    with fresh.open("rb") as file:
        os.fsync(file.fileno())
    # The log of somebody who wrote into the old copy must not be replayed into the new one.
    target.with_name(target.name + ".wal").unlink(missing_ok=True)
    fresh.replace(target)
    flush_folder(target.parent)
