"""Imports in a real warehouse: they add up, replace what they bring again, and refuse to mix."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from cot_assets.importing import Imported
from cot_assets.importing.base import Counts, Cut, Problem, Source, Trace
from cot_assets.importing.frames import build
from cot_assets.study import Config, DataHome, load_config
from cot_assets.warehouse.aside import start_anew
from cot_assets.warehouse.imported import (
    TABLES,
    ImportedError,
    check_names,
    imported_pairs,
    refuse_imported,
    store,
    with_imported,
)
from cot_assets.warehouse.schema import polars_schema
from cot_assets.warehouse.store import Warehouse

SOURCE = Source("somewhere", "sentences", {"n": 10})
TEXT = "Add them. It is 7."


def trace(
    problem_id: str, k: int = 5, *, text: str = TEXT, statement: str = "3 + 4?", note: str = ""
) -> Trace:
    return Trace(
        Problem(problem_id, statement, "7"),
        text,
        4,
        "7",
        "correct",
        (Cut(0, 0, Counts(10, k)), Cut(9, 2, Counts(10, 9))),
        notes=(note,) if note else (),
    )


def an_import(
    *traces: Trace,
    model: str = "theirs",
    notes: Sequence[str] = (),
    source: Source = SOURCE,
    year: int = 2026,
) -> Imported:
    imported = build(source, model, "set", traces, notes=notes)
    models = imported.frames["models"].with_columns(first_seen_at=pl.lit(datetime(year, 1, 1)))
    return replace(imported, frames={**imported.frames, "models": models})


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(DataHome(tmp_path))


@pytest.fixture
def config() -> Config:
    return load_config()


def put(warehouse: Warehouse, config: Config, imported: Imported):
    return store(
        warehouse, with_imported(config, warehouse), imported.model, imported.problem_set, imported.frames
    )


def contents(warehouse: Warehouse) -> dict[str, pl.DataFrame]:
    return {table: warehouse.read_table(table) for table in TABLES}


def test_the_same_import_again_changes_no_row_even_later(warehouse: Warehouse, config: Config) -> None:
    first = put(warehouse, config, an_import(trace("a", note="a: odd"), notes=["all odd"]))
    assert set(first.changed) == set(TABLES) - {"rollouts"}
    before = contents(warehouse)
    again = put(warehouse, config, an_import(trace("a", note="a: odd"), notes=["all odd"], year=2027))
    assert (again.changed, again.n_replaced) == ((), 0)
    assert all(frame.equals(before[table]) for table, frame in contents(warehouse).items())


def test_imports_of_single_traces_add_up(warehouse: Warehouse, config: Config) -> None:
    put(warehouse, config, an_import(trace("a", note="a: odd"), notes=["all odd"]))
    stored = put(warehouse, config, an_import(trace("b"), notes=["all odd"]))
    assert stored.rows["traces"] == 2
    assert "models" not in stored.changed
    assert set(warehouse.read_table("problems")["problem_id"]) == {"a", "b"}
    assert warehouse.read_table("potentials").height == 4
    assert set(warehouse.read_table("import_notes")["note"]) == {"a: odd", "all odd"}


def test_models_of_a_set_keep_their_own_rows(warehouse: Warehouse, config: Config) -> None:
    put(warehouse, config, an_import(trace("a"), trace("b")))
    put(warehouse, config, an_import(trace("a", 1), model="others"))
    assert warehouse.read_table("potentials", model="theirs").height == 4
    assert warehouse.read_table("potentials", model="others").height == 2
    assert warehouse.read_table("problems").height == 2
    assert imported_pairs(warehouse) == [("others", "set"), ("theirs", "set")]


def test_what_comes_again_is_replaced_with_its_notes(warehouse: Warehouse, config: Config) -> None:
    put(warehouse, config, an_import(trace("a", note="a: odd"), notes=["all odd"]))
    stored = put(warehouse, config, an_import(trace("a", text="Other text. It is 7."), notes=["all even"]))
    assert stored.n_replaced == 1
    assert warehouse.read_table("traces")["text"].to_list() == ["Other text. It is 7."]
    assert warehouse.read_table("import_notes")["note"].to_list() == ["all even"]
    assert warehouse.read_table("prefixes").height == 2


def test_a_problem_that_others_have_traces_of_keeps_its_statement(
    warehouse: Warehouse, config: Config
) -> None:
    put(warehouse, config, an_import(trace("a")))
    corrected = an_import(trace("a", statement="3 + 4 = ?"))
    put(warehouse, config, corrected)  # the only model of the problem may correct it
    before = contents(warehouse)
    with pytest.raises(ImportedError, match=r"problem 'a' is in 'set' with another statement .* 'theirs'"):
        put(warehouse, config, an_import(trace("a"), model="others"))
    assert all(frame.equals(before[table]) for table, frame in contents(warehouse).items())


def test_rollouts_of_two_kinds_are_not_put_together(warehouse: Warehouse, config: Config) -> None:
    put(warehouse, config, an_import(trace("a")))
    other = Source("somewhere", "sentences", {"n": 20})
    with pytest.raises(ImportedError, match=r"'theirs' on 'set' holds 1 trace\(s\) from another source"):
        put(warehouse, config, an_import(trace("b"), source=other))
    assert put(warehouse, config, an_import(trace("a"), source=other)).rows["traces"] == 1


def test_imported_names_become_known_as_imported(warehouse: Warehouse, config: Config) -> None:
    assert with_imported(config, warehouse) is config  # there is no file yet, and none is made
    assert not warehouse.home.warehouse.exists()
    put(warehouse, config, an_import(trace("a")))
    known = with_imported(config, warehouse)
    assert known.model("theirs").is_imported
    assert known.problem_set("set").source == "published:somewhere"
    assert known.protocol_of("set").name == "imported"
    with pytest.raises(ImportedError, match="model 'theirs' is imported"):
        refuse_imported(known, "demo", "theirs")
    with pytest.raises(ImportedError, match="problem set 'set' is imported"):
        refuse_imported(known, "set", "demo-weak")
    refuse_imported(known, "demo", "demo-weak")


def test_a_sampled_set_is_refused_even_without_its_entry(warehouse: Warehouse, config: Config) -> None:
    row = dict.fromkeys(("statement", "prompt", "gold_answer", "revision"), "1") | {
        "problem_set": "set", "problem_id": "p", "answer_kind": "integer", "source": "hf://datasets/x"
    }  # fmt: skip
    warehouse.merge("problems", pl.DataFrame([row], polars_schema("problems")))
    with pytest.raises(
        ImportedError, match="'set' comes from 'hf://datasets/x', and models are sampled on it"
    ):
        check_names(warehouse, config, "theirs", "set")


@pytest.mark.parametrize("way", ["opened", "rebuilt"])
def test_an_import_of_an_earlier_release_is_known_by_its_present_names(
    warehouse: Warehouse, config: Config, way: str
) -> None:
    put(warehouse, config, an_import(trace("a")))
    with closing(duckdb.connect(warehouse.home.warehouse)) as con:
        con.execute("UPDATE models SET engine = 'recorded'")
        con.execute("UPDATE problems SET source = 'recorded:somewhere'")
        con.execute("UPDATE schema_version SET version = 'older' WHERE name = 'present'")
    if way == "rebuilt":
        old = start_anew(warehouse.home)
        assert old.frames["problems"]["source"].unique().to_list() == ["published:somewhere"]
        return
    again = Warehouse(warehouse.home)
    again.row_counts()
    known = with_imported(config, again)
    assert known.model("theirs").is_imported
    assert known.problem_set("set").source == "published:somewhere"
    assert imported_pairs(again) == [("theirs", "set")]
