"""Adaptive sampling through the pipeline, on the real embedded engine: explore, confirm, publish."""

from __future__ import annotations

import polars as pl
import pytest
from support.lab import Lab

from cot_assets.sampling.shards import ShardStore
from cot_assets.warehouse.schema import check_frame, tables

MODEL, PROBLEM_SET = "demo-strong", "searched"


pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("adaptive"))
    protocol = {
        "extends": "quick", "max_cuts": 4, "sampling": "adaptive", "adaptive": {"resolution": "tokens"}
    }  # fmt: skip
    problems = {"extends": "demo-quick", "protocol": PROBLEM_SET, "limit": 2}
    lab.write(protocols={PROBLEM_SET: protocol}, problem_sets={PROBLEM_SET: problems})
    lab.bring_up_to_date([(MODEL, PROBLEM_SET)], is_scripted=False)
    return lab


def test_exploration_rollouts_enter_no_potential(lab: Lab) -> None:
    potentials, explored = lab.table("potentials"), lab.table("explorations")
    assert set(potentials["n"]) == {32}
    store = ShardStore(lab.home.shards, "exploration", MODEL)
    assert len(store.index()) * 16 == explored.group_by("prefix_id").agg(pl.max("n_asked"))["n_asked"].sum()
    assert not set(store.index()) & set(lab.table("rollouts")["block_key"])
    ledger = lab.table("sampling_runs", asset="exploration")
    assert ledger["n_rollouts"].sum() == len(store.index()) * 16


def test_what_was_chosen_is_confirmed_and_the_grid_is_too(lab: Lab) -> None:
    explored, cuts = lab.table("explorations"), lab.table("trace_cuts")
    chosen = explored.filter(step="confirm").select("trace_id", "token_end")
    adaptive = cuts.filter((pl.col("cut_policy") == "adaptive") & ~pl.col("is_end"))
    assert adaptive.select("trace_id", "token_end").sort(pl.all()).equals(chosen.sort(pl.all()))
    grid = cuts.filter(cut_policy="lines").select("trace_id", "token_end")
    found = cuts.filter(cut_policy="adaptive").select("trace_id", "token_end")
    assert grid.join(found, on=grid.columns, how="anti").is_empty()
    assert adaptive["trace_id"].n_unique() == cuts["trace_id"].n_unique() == 2
    asked = set(adaptive["prefix_id"])
    assert set(lab.table("prefixes")["prefix_id"]) == set(lab.table("potentials")["prefix_id"]) == asked
    # The text before a cut is that of the tokens before it.
    texts = dict(lab.table("prefixes").select("prefix_id", "text").iter_rows())
    whole = dict(lab.table("traces").select("trace_id", "text").iter_rows())
    for cut in adaptive.iter_rows(named=True):
        assert texts[cut["prefix_id"]] == whole[cut["trace_id"]][: cut["char_end"]]


def test_the_log_says_how_the_search_went(lab: Lab) -> None:
    explored = lab.table("explorations")
    assert check_frame("explorations", explored) == []
    first = explored.filter(round=1)
    assert set(first["step"]) == {"explore"}
    assert set(first["n_asked"]) == {16}
    grid = lab.table("trace_cuts").filter((pl.col("cut_policy") == "lines") & ~pl.col("is_end"))
    assert set(first["prefix_id"]) == set(grid["prefix_id"])
    assert set(explored.filter(step="confirm")["round"]) == {explored["round"].max()}
    assert explored["grader_version"].n_unique() == 1
    assert (explored["n_correct"] <= explored["n"]).all()


def test_rates_say_which_cuts_they_rest_on(lab: Lab) -> None:
    rates = lab.table("pattern_rates")
    assert set(rates["cut_policy"]) == {"lines", "adaptive"}
    assert set(lab.table("changes")["cut_policy"]) == {"lines", "adaptive"}
    assert (lab.home.reports / PROBLEM_SET / "index.html").exists()


def test_a_second_run_finds_every_round_in_the_shards(lab: Lab) -> None:
    before = {name: lab.table(name) for name in tables()}
    lab.home.warehouse.unlink()
    lab.bring_up_to_date([(MODEL, PROBLEM_SET)], is_scripted=False)
    assert lab.table("sampling_runs").is_empty()
    for name in set(tables()) - {"sampling_runs", "models"}:
        # Audits went with the warehouse and are made again, later.
        again, first = (frame.drop("audited_at", strict=False) for frame in (lab.table(name), before[name]))
        assert again.equals(first), name
