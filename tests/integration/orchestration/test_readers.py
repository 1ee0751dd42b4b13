"""A model that only reads: transfer from others' traces, and nothing of its own, in every command."""

from __future__ import annotations

import json
import shutil
from unittest import mock

import polars as pl
import pytest
from click.testing import CliRunner
from support.lab import Lab, ScriptedEngines
from support.sameness import assert_same_tables

from cot_assets.cli import cli
from cot_assets.definitions import build_defs
from cot_assets.orchestration.forgetting import forget_model
from cot_assets.orchestration.rebuild import rebuild, shards_only
from cot_assets.orchestration.runs import PipelineError, bring_up_to_date
from cot_assets.study import DataHome
from cot_assets.warehouse.store import Warehouse

pytestmark = pytest.mark.heavy

PAIRS = [("writer", "sums"), ("reader", "sums")]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A study of a writer and of a reader that has another tokenizer."""
    lab = Lab(tmp_path_factory.mktemp("readers"))
    lab.write_sums(n=2, protocol={"bare_n": 48})
    lab.write_script("writer")
    lab.write_script("reader", tokenizer="characters")
    lab.write(models={"reader": {**lab.entry("reader"), "reads_only": True}})
    return lab


def _output(lab: Lab, *args: str) -> str:
    with lab.environment():
        result = CliRunner().invoke(cli, list(args), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_reader_is_measured_on_the_traces_of_others_and_writes_none(lab: Lab) -> None:
    with mock.patch("cot_assets.engines.survey.require"):  # no engine takes scripted models
        planned = _output(lab, "plan", "--model", "writer", "--model", "reader", "--problem-set", "sums")
    of_writer, of_reader = planned.split("\nreader\n")
    assert "rollouts of its own prefixes" in of_writer
    assert "reading" not in of_writer.partition("own prefixes")[2]
    assert "reading writer" in of_reader
    assert "rollouts of the bare problems" in of_reader
    assert "own prefixes" not in of_reader

    done = [(want.unit.job, want.unit.model) for want in lab.bring_up_to_date(PAIRS)]
    assert done == [
        ("load_problems", ""), ("evaluate_model", "writer"), ("measure_transfer", "reader"), ("compare_models", ""),
    ]  # fmt: skip
    assert lab.table("traces")["model"].unique().to_list() == ["writer"]
    assert lab.table("given")["reader"].unique().to_list() == ["reader"]
    assert lab.table("rollouts", model="reader")["origin"].unique().to_list() == ["given"]
    counts = lab.table("transfer_potentials").group_by("fraction").agg(pl.col("n").unique()).sort("fraction")
    assert counts["n"].to_list() == [[48], [16]]
    compared = (lab.home.reports / "sums" / "compare.html").read_text()
    assert ">writer, reader<" in compared
    assert "What the first part of a writer" in compared

    assert lab.bring_up_to_date(PAIRS[1:]) == []
    rows = json.loads(_output(lab, "status", "--format", "json"))
    assert {(row["model"], row["state"]) for row in rows if row["problem_set"] == "sums"} == {
        ("", "fresh"), ("writer", "fresh"), ("reader", "fresh"),
    }  # fmt: skip


def test_a_reader_comes_back_with_a_rebuild(lab: Lab) -> None:
    before = DataHome(shutil.copytree(lab.home.root, lab.root / "before"))
    definitions = build_defs(resource_overrides={"engines": shards_only(ScriptedEngines)})
    with lab.instance() as instance:
        done = rebuild(definitions, instance, lab.config(), lab.home)
    assert sorted(done.pairs) == sorted(PAIRS)
    assert_same_tables(before, lab.home)


def test_forgetting_a_writer_leaves_no_reader_stale(lab: Lab) -> None:
    """What a run counts as partitions is what the table of the state has rows for."""
    lab.write_script("other")
    lab.bring_up_to_date([("other", "sums"), *PAIRS])
    definitions = build_defs(resource_overrides={"engines": ScriptedEngines()})
    with lab.instance() as instance:
        asked = instance, Warehouse(lab.home), lab.config()
        _, others = forget_model(*asked, "writer", with_shards=False)
        assert others == [("other", "sums"), ("reader", "sums")]
        outcome = bring_up_to_date(definitions, instance, lab.config(), others)
        rows = json.loads(_output(lab, "status", "--format", "json"))
        assert {(row["model"], row["state"]) for row in rows if row["problem_set"] == "sums"} == {
            ("", "fresh"), ("other", "fresh"), ("reader", "fresh"),
        }  # fmt: skip
        assert (outcome.n_made, outcome.n_skipped) == (3, 0)
        _, others = forget_model(*asked, "other", with_shards=False)
        assert others == []
        with pytest.raises(PipelineError, match="run a model that writes some first"):
            bring_up_to_date(definitions, instance, lab.config(), PAIRS[1:])
