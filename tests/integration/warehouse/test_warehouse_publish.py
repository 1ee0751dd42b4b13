"""The published copy for SQL users."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl
import pytest
from warehouse_rows import problems, rows

from cot_assets.study import DataHome
from cot_assets.warehouse import publish
from cot_assets.warehouse.errors import WarehouseError
from cot_assets.warehouse.publish import SHARD_COLUMNS
from cot_assets.warehouse.queries import run_query
from cot_assets.warehouse.schema import tables
from cot_assets.warehouse.store import Warehouse


@contextmanager
def reading(home: DataHome) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(home.results, read_only=True) as con:
        yield con


def test_rows_comments_and_keys_are_published(warehouse: Warehouse, home: DataHome) -> None:
    warehouse.write_partition("problems", problems("a", "b"), {"problem_set": "s"})
    assert warehouse.publish() == home.results
    with reading(home) as con:
        assert con.execute("SELECT problem_id FROM problems").fetchall() == [("a",), ("b",)]
        comments = con.execute(
            "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal"
        ).fetchall()
        assert [c for c in comments if not c[2]] == []
        found = {(t, c): text for t, c, text in comments}
        for table in tables().values():
            for column in table.columns:
                assert found[table.name, column.name] == column.comment
        said = dict(con.execute("SELECT table_name, comment FROM duckdb_tables()").fetchall())
        assert {n: said[n] for n in tables()} == {n: t.comment for n, t in tables().items()}
        keys = con.execute("SELECT count(*) FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY'")
        assert keys.fetchall()[0][0] == len(tables()) + 1


def test_older_releases_can_read_the_file(warehouse: Warehouse, home: DataHome) -> None:
    warehouse.publish()
    with reading(home) as con:
        tags = con.execute("SELECT tags FROM duckdb_databases() WHERE NOT internal").fetchall()
    assert tags[0][0]["storage_version"] == "v1.2.0+"
    # The format's number in the header: DuckDB 1.2 reads 64 and 65.
    assert int.from_bytes(home.results.read_bytes()[12:20], "little") in (64, 65)


def test_an_empty_warehouse_can_be_published(
    warehouse: Warehouse, home: DataHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.publish()
    monkeypatch.chdir(home.root)
    with reading(home) as con:
        views = [
            v for (v,) in con.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
        ]
        assert "rollout_texts" in views
        for view in views:
            assert con.execute(f'SELECT * FROM "{view}"').fetchall() == [], view


@pytest.mark.parametrize("name", ["home", "it's [a] {strange}, 100% * odd home#1\n", "ünï côde"])
def test_texts_are_joined_from_shards_wherever_the_home_is_moved(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = DataHome(tmp_path / name)
    warehouse = Warehouse(home)
    folder = home.shards / "rollouts" / "m"
    folder.mkdir(parents=True)
    for shard, text in (("one.parquet", "first copy"), ("two.parquet", "second copy")):
        pl.DataFrame(
            {
                "block_key": "k", "sample_index": [0, 1], "prefix_id": "p", "finish_reason": "stop",
                "n_tokens": 2, "token_ids": [[1, 2], [3, 4]], "text": [text, f"{text} too"],
            },
            schema=dict(SHARD_COLUMNS),
        ).write_parquet(folder / shard)  # fmt: skip
    (folder / "half.tmp").write_bytes(b"PAR1")
    # The same block twice (sampled again after a crash): the rollouts name the file they were graded from.
    rollouts = rows(
        "rollouts", problem_set="s", model="m", prefix_id="p", origin="own", sample_index=[0, 1], block_key="k",
        shard="rollouts/m/two.parquet",
    )  # fmt: skip
    warehouse.write_partition("rollouts", rollouts, {"problem_set": "s", "model": "m"})
    lost = rollouts.with_columns(model=pl.lit("n"), shard=pl.lit("rollouts/n/gone.parquet"))
    warehouse.write_partition("rollouts", lost, {"problem_set": "s", "model": "n"})
    warehouse.publish()
    assert str(tmp_path).encode() not in home.results.read_bytes() + home.warehouse.read_bytes()
    texts = "SELECT model, sample_index, text FROM rollout_texts ORDER BY ALL"
    expected = [("m", 0, "second copy"), ("m", 1, "second copy too"), ("n", 0, None), ("n", 1, None)]
    assert run_query(home, texts).rows() == expected
    moved = DataHome(home.root.rename(tmp_path / f"{name} moved"))
    assert run_query(moved, texts).rows() == expected
    assert run_query(moved, "SELECT count(*) FROM problems").item() == 0
    monkeypatch.chdir(moved.root)  # as a person does who opens the file in a shell of DuckDB
    with duckdb.connect("results.duckdb", read_only=True) as con:
        assert con.execute(texts).fetchall() == expected


@pytest.mark.parametrize("linked", ["", "rollouts", "rollouts/m", "rollouts/m/two.parquet"])
def test_shards_may_be_links_out_of_the_home(
    warehouse: Warehouse, home: DataHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, linked: str
) -> None:
    block = {"block_key": "k", "sample_index": [0], "prefix_id": "p", "finish_reason": "stop", "n_tokens": 1}
    shard = home.shards / "rollouts" / "m" / "two.parquet"
    shard.parent.mkdir(parents=True)
    frame = pl.DataFrame(block | {"token_ids": [[1]], "text": "a text"}, schema=dict(SHARD_COLUMNS))
    frame.write_parquet(shard)
    place = {"problem_set": "s", "model": "m"}
    keys = {"block_key": "k", "sample_index": [0], "prefix_id": "p"}
    rollouts = rows("rollouts", origin="own", shard="rollouts/m/two.parquet", **place, **keys)
    warehouse.write_partition("rollouts", rollouts, place)
    kept = (home.shards / linked).rename(tmp_path / "kept")
    (home.shards / linked).symlink_to(kept)
    (tmp_path / "kept beside").write_text("of nobody's business")
    warehouse.publish()
    texts = "SELECT text FROM rollout_texts"
    assert run_query(home, texts).rows() == [("a text",)]
    with pytest.raises(WarehouseError, match="disabled by configuration"):
        run_query(home, f"SELECT '{texts}', * FROM read_text('{tmp_path}/kept beside')")
    monkeypatch.chdir(home.root)
    with duckdb.connect("results.duckdb", read_only=True) as con:
        assert con.execute(texts).fetchall() == [("a text",)]


def test_results_that_take_the_place_of_the_warehouse_are_published_again(
    warehouse: Warehouse, home: DataHome
) -> None:
    warehouse.write_partition("problems", problems("a"), {"problem_set": "s"})
    warehouse.publish()
    home.results.replace(home.warehouse)
    warehouse.publish()
    assert run_query(home, "SELECT count(*) FROM problems").item() == 1


def test_a_failed_publish_leaves_the_old_results(
    warehouse: Warehouse, home: DataHome, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    warehouse.write_partition("problems", problems("a"), {"problem_set": "s"})
    warehouse.publish()
    before = home.results.read_bytes()
    (tmp_path / "sql" / "views").mkdir(parents=True)
    (tmp_path / "sql" / "views" / "broken.sql").write_text(
        "CREATE VIEW broken AS SELECT $shards_glob FROM nothing"
    )
    monkeypatch.setattr(publish, "sql_folder", lambda: tmp_path / "sql")
    with pytest.raises(WarehouseError, match=r"broken\.sql: .*nothing"):
        warehouse.publish()
    assert home.results.read_bytes() == before
    assert [p.name for p in home.root.iterdir() if "publishing" in p.name] == []


def test_leftovers_of_a_killed_publisher_go(warehouse: Warehouse, home: DataHome) -> None:
    home.create()
    (home.root / ".publishing-1-copy.duckdb").write_text("half")
    # Written by somebody who opened the old results for writing; it belongs to that copy only.
    (home.root / "results.duckdb.wal").write_text("stale")
    warehouse.publish()
    names = {p.name for p in home.root.iterdir()}
    assert not any("publishing" in n or n.endswith(".wal") for n in names)
    with reading(home) as con:
        assert con.execute("SELECT count(*) FROM problems").fetchall() == [(0,)]
