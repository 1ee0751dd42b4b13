"""Views and named queries over a small study whose numbers are known."""

from __future__ import annotations

import json
import shutil
import statistics
from pathlib import Path

import duckdb
import polars as pl
import pytest
from warehouse_rows import ROOT
from warehouse_study import ENDS, LINES, PROTOCOL, TRANSFER, N, ask

from cot_assets.cli.sql import format_rows
from cot_assets.measures.frames import CURVES as CURVES_SCHEMA
from cot_assets.measures.rates.passk import Rule, pass_at_k_by_problem
from cot_assets.study import DataHome
from cot_assets.warehouse import queries
from cot_assets.warehouse.queries import named_queries, run_query
from cot_assets.warehouse.reading import select_rows
from cot_assets.warehouse.schema import views
from cot_assets.warehouse.store import Warehouse

SHOWN = {*views(), "rollout_texts"}  #: the last one exists only where shards lie, in the published file


@pytest.fixture
def study(published: Warehouse) -> Warehouse:
    return published


def test_every_view_has_rows_and_says_what_its_columns_are(study: Warehouse) -> None:
    found = ask(study, "SELECT view_name, comment FROM duckdb_views() WHERE NOT internal")
    assert {v["view_name"] for v in found} == SHOWN
    assert all(v["comment"] for v in found)
    silent = "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND comment IS NULL"
    assert ask(study, silent) == []
    for view in SHOWN:
        assert ask(study, f"SELECT * FROM {view}"), view


@pytest.mark.parametrize("name", [p.stem for p in sorted((ROOT / "sql" / "queries").glob("*.sql"))])
def test_every_query_answers_a_question_with_rows(study: Warehouse, name: str) -> None:
    query = named_queries()[name]
    assert "?" in query.question
    with duckdb.connect() as con:
        assert con.extract_statements(query.sql)[0].named_parameters == {p.name for p in query.parameters}
    frame = run_query(study.home, name)
    assert frame.height > 0
    for form in ("table", "csv", "json"):
        text = format_rows(queries.ask(study.home, name, None, select_rows), form)
        assert "\x1b" not in text
    assert [list(row) for row in json.loads(text)] == [frame.columns] * frame.height
    if any(p.name == "problem_set" for p in query.parameters):
        assert run_query(study.home, name, {"problem_set": "nowhere"}).height == 0


def test_the_curves_transform_gives_what_the_statistics_take(study: Warehouse) -> None:
    frame = study.read_transform("curves", {"problem_set": "s", "model": "strong"})
    assert dict(frame.schema) == dict(CURVES_SCHEMA)
    assert frame.height == 15


def test_readers_are_given_the_cuts_of_the_protocol_and_not_those_that_exploration_found(
    study: Warehouse, tmp_path: Path
) -> None:
    warehouse = Warehouse(DataHome(shutil.copytree(study.home.root, tmp_path / "home")))
    where, asked = {"problem_set": "s", "model": "strong"}, {"problem_set": "s", "reader": "weak"}
    traces = warehouse.read_table("traces", **where)
    ends = pl.Series([ENDS[1:]] * traces.height, dtype=traces.schema["char_ends"])
    warehouse.write_partition("traces", traces.with_columns(char_ends=ends), where)
    before = warehouse.read_transform("transfer_traces", asked)
    assert before["cut_tokens"].to_list() == [[0, 1, 2, 3]] * traces.height
    cuts = warehouse.read_table("trace_cuts", **where)
    found = cuts.with_columns(cut_policy=pl.lit("adaptive"))
    warehouse.write_partition("trace_cuts", pl.concat([cuts, found]), where)
    assert warehouse.read_transform("transfer_traces", asked).equals(before)


def test_a_curve_ends_in_the_verdict(study: Warehouse) -> None:
    found = ask(study, "SELECT * FROM trace_curves WHERE trace_id = 'strong-p1' ORDER BY cut_index")
    assert [r["value"] for r in found] == [8 / 64, 40 / 64, 16 / 64, 1.0, 1.0]
    assert [r["potential"] for r in found] == [8 / 64, 40 / 64, 16 / 64, 1.0, None]
    assert [r["delta"] for r in found] == [None, 0.5, -0.375, 0.75, None]
    assert {r["v0"] for r in found} == {8 / 64}
    assert [r["chunk"] for r in found] == ["", *LINES]
    wrong = ask(study, "SELECT value FROM trace_curves WHERE is_end ORDER BY trace_id")
    assert [r["value"] for r in wrong] == [1, 1, 0, 0, 1, 0]


def test_events_of_all_kinds_stand_in_one_view(study: Warehouse) -> None:
    found = ask(
        study,
        "SELECT pattern, trace_id, cut_index, span FROM events WHERE by_threshold AND model = 'strong' ORDER BY ALL",
    )
    assert [tuple(r.values()) for r in found] == [
        ("insight", "strong-p1", 0, LINES[0]),
        ("insight", "strong-p1", 2, LINES[2]),
        ("insight", "strong-p2", 1, LINES[1]),
        ("late_spike", "strong-p2", 3, LINES[3]),
        ("lucky_guess", "strong-p2", 3, LINES[3]),
        ("tangent", "strong-p1", 1, LINES[1]),
        ("tangent", "strong-p2", 2, LINES[2]),
    ]


def test_the_pattern_table_is_pattern_rates_turned(study: Warehouse) -> None:
    row = ask(
        study,
        "SELECT * FROM pattern_table WHERE model = 'strong' AND rule = 'threshold' AND trace_filter = 'paper'",
    )[0]
    # p3 is solved without CoT; of p1 and p2 both have an insight and a tangent, p2 is a guess.
    assert (row["n_traces"], row["insight"], row["tangent"], row["late_spike"], row["monotone"]) == (
        2,
        1,
        1,
        0.5,
        0,
    )
    rates = study.read_table("pattern_rates", model="strong", rule="threshold", trace_filter="paper")
    for rate in rates.to_dicts():
        for column, ending in (("rate", ""), ("ci_low", "_low"), ("ci_high", "_high")):
            assert row[rate["pattern"] + ending] == rate[column]


def test_rates_stand_beside_those_of_the_paper(study: Warehouse) -> None:
    found = {r["pattern"]: r for r in ask(study, "second_hand")}
    assert {r["model"] for r in found.values()} == {"Qwen/Qwen3-32B"}
    assert {p: r["paper_second_hand"] for p, r in found.items()} == {
        "insight": 0.36, "tangent": 0.18, "late_spike": 0, "monotone": 0.36,
    }  # fmt: skip
    rates = study.read_table("pattern_rates", model="strong", rule="threshold", trace_filter="paper")
    expected = {r["pattern"]: (r["rate"], r["n_with"], r["n_traces"]) for r in rates.to_dicts()}
    assert {p: (r["rate"], r["n_with"], r["n_traces"]) for p, r in found.items()} == {
        p: expected[p] for p in found
    }


def test_entropy_says_how_open_the_answer_is(study: Warehouse) -> None:
    found = ask(study, "answer_entropy", trace_id="weak-p1")
    # Of 64 rollouts 62 say 3 and two say nothing; at the last cut 8 say 2, 54 say 3 and two say nothing.
    assert [(r["n_answers"], r["top_answer"], r["top_share"], r["is_top_correct"]) for r in found] == [
        *[(2, "3", 0.969, False)] * 3, (3, "3", 0.844, False),
    ]  # fmt: skip


def test_steps_are_bounded_by_what_was_open_before_them(study: Warehouse) -> None:
    found = [
        (r["model"], r["open_before"][0], r["n_steps"], r["n_problems"], r["largest_change"])
        for r in run_query(study.home, "headroom").to_dicts()
    ]
    # Strong always gives the same answer on p3; weak has even odds at the two middle cuts of p2.
    assert found == [
        ("strong", "1", 3, 1, 0),
        ("strong", "2", 6, 2, 0.75),
        ("weak", "2", 7, 3, 0.5),
        ("weak", "3", 2, 1, 0.438),
    ]


def test_the_lift_is_paired_by_trace(study: Warehouse) -> None:
    row = ask(study, "transfer", leaks="kept")[1]
    lifts = [(at[1] - at[0]) / N for at in TRANSFER.values()]
    assert (row["control"], row["fraction"], row["n_paired"]) == ("none", 0.2, 3)
    assert row["lift"] == pytest.approx(statistics.mean(lifts), abs=5e-4)
    assert row["lift_low"] < row["lift"] < row["lift_high"]


def test_the_matrix_holds_each_pair_once(study: Warehouse) -> None:
    row = ask(study, "transfer", leaks="kept")[1]
    assert [{**row, **found} for found in ask(study, "transfer_matrix")] == [row]


def test_unlocks_are_counted_by_trace_and_by_problem(study: Warehouse) -> None:
    found = [r for r in ask(study, "unlocked_problems") if r["control"] == "none" and r["leaks"] == "kept"]
    names = ("n_unsolved", "n_unlocked", "n_not_unlocked", "n_solved_before", "share_low", "share_high")
    assert [tuple(r[name] for name in names) for r in found] == [(2, 1, 1, 1, 0.5, 0.5)]
    assert (found[0]["n_problems_unlocked"], found[0]["n_problems_unsolved"]) == (1, 2)
    assert found[0]["problems_ci_low"] < 0.5 < found[0]["problems_ci_high"]


def test_the_first_unlock_is_the_shortest(study: Warehouse) -> None:
    found = {r["problem_id"]: r for r in ask(study, "first_unlock")}
    assert found.keys() == {"p1", "p2"}
    assert (found["p1"]["share"], found["p1"]["n_tokens"], found["p1"]["leaks_answer_there"]) == (
        0.2,
        1,
        False,
    )
    assert found["p2"]["n_tokens"] is None


def test_controls_that_do_not_exist_are_missing(study: Warehouse) -> None:
    found = {
        r["control"]: r
        for r in ask(study, "transfer_controls")
        if r["trace_filter"] == "all" and r["leaks"] == "kept"
    }
    assert {c: (r["n_traces"], r["n_missing"]) for c, r in found.items()} == {
        "own": (0, 3), "shuffled": (3, 0), "wrong": (1, 2),
    }  # fmt: skip
    assert found["own"]["control_value"] is None
    assert found["wrong"]["difference"] == pytest.approx((30 - 2) / N, abs=1e-3)


def test_steps_join_the_writers_potential_at_the_same_cut(study: Warehouse) -> None:
    steps = study.read_table("transfer_steps").filter(problem_id="p1")
    assert steps.select("cut_from", "cut_to", "kind").rows() == [(0, 1, "insight"), (1, 2, "tangent")]
    assert steps["writer_change"].to_list() == [32 / 64, -24 / 64]
    assert steps["reader_change"].to_list() == [30 / 64, 30 / 64]
    found = {r["kind"]: r for r in ask(study, "transfer_steps")}
    assert (found["all"]["n_steps"], found["all"]["n_problems"]) == (6, 3)


@pytest.mark.parametrize("rule", ["lucky_guess", "late_spike"])
def test_pass_at_k_shows_the_rule_that_is_asked_for(study: Warehouse, rule: Rule) -> None:
    traces, guesses = study.read_table("monotonicity"), study.read_table("lucky_guesses")
    by_problem = pass_at_k_by_problem(traces, guesses, [1], rule)
    expected = by_problem.group_by("model").agg(
        pl.col("pass_at_k", "pass_at_k_without_guesses").mean().round(4)
    )
    found = run_query(study.home, "pass_at_k", {"rule": rule}).select(expected.columns)
    assert found.sort("model").equals(expected.sort("model"))


def test_models_are_compared_on_the_problems_they_share(study: Warehouse) -> None:
    found = {r["measure"]: r for r in ask(study, "model_pairs")}
    # Right: strong 2 of 3, weak 1 of 3; V0 of strong 8, 8, 64 and of weak 0, 0, 16 of 64.
    assert (found["accuracy"]["value_a"], found["accuracy"]["value_b"]) == (0.667, 0.333)
    assert found["v0"]["difference"] == pytest.approx((80 - 16) / 3 / 64, abs=1e-3)
    assert found["v0"]["ci_low"] < found["v0"]["difference"] < found["v0"]["ci_high"]
    assert found["insight"]["n_problems"] == 3
    of_paper = {r["measure"]: r["n_problems"] for r in ask(study, "model_pairs", trace_filter="paper")}
    assert of_paper["insight"] == 1
    assert not {"accuracy", "v0"} & set(of_paper)


def test_difficulty_of_all_problems_and_of_parts(study: Warehouse) -> None:
    parts = {r["split_by"] for r in ask(study, "difficulty")}
    assert parts >= {"none", "level"}
    assert {(r["split_by"], r["part"]) for r in ask(study, "difficulty", split_by="none")} == {
        ("none", "all")
    }


def test_guesses_by_v0_stand_beside_their_bound(study: Warehouse) -> None:
    found = {(r["model"], r["v0_bin"]): r for r in ask(study, "guesses_by_v0")}
    # Correct traces: p1 and p2 of strong, both with V0 = 8 of 64; of weak p2, with V0 = 0.
    strong = found["strong", "[0.0, 0.2)"]
    assert (strong["n_guesses"], strong["n_traces"], strong["guess_rate"]) == (1, 2, 0.5)
    assert strong["mean_bound"] == pytest.approx(0.05 / 0.95 * 7, abs=1e-3)
    weak = found["weak", "[0.0, 0.2)"]
    assert (weak["n_guesses"], weak["n_traces"], weak["mean_bound"]) == (0, 1, 1)
    assert found["strong", "equal weights"]["ci_low"] < 0.5 < found["strong", "equal weights"]["ci_high"]
    assert found["strong", "equal weights"]["mean_bound"] is None


def test_every_estimate_of_a_figure_has_an_interval_and_n(study: Warehouse) -> None:
    figures = {r["figure"] for r in ask(study, "SELECT DISTINCT figure FROM summaries")}
    assert figures <= set(named_queries()), "a figure has the name of its query"
    shown = {name for name, query in named_queries().items() if "FROM summaries" in query.sql}
    assert shown - {"training_curve"} | {"guesses_by_v0"} == figures
    for name in shown:
        columns = set(run_query(study.home, name).columns)
        assert {"estimate", "ci_low", "ci_high", "n_problems"} <= columns, name
        assert columns & {"n", "n_steps", "n_traces", "n_events", "n_cuts"} or name in (
            "difficulty",
            "training_curve",
        )


def test_checkpoints_come_in_the_order_of_their_training(study: Warehouse) -> None:
    found = [(r["step"], r["model"]) for r in ask(study, "training_curve") if r["measure"] == "v0"]
    assert found == [(1000, "weak"), (2000, "strong")]
    assert ask(study, "training_curve", series="another") == []


def test_recovery_counts_tangents_and_the_traces_they_are_in(study: Warehouse) -> None:
    found = {r["measure"]: r for r in ask(study, "recovery") if r["model"] == "strong"}
    # strong falls by 24 of 64 on p1 and comes back, by 38 of 64 on p2 and does not.
    assert (found["recovered"]["n_with"], found["recovered"]["n"], found["recovered"]["estimate"]) == (
        1,
        2,
        0.5,
    )
    assert found["recovery_tokens_50"]["estimate"] == 1
    assert found["recovery_tokens_50"]["ci_low"] is None
    assert (found["ends_correct"]["n_with"], found["ends_correct"]["n_of"]) == (2, "traces")


def test_a_rollout_is_followed_to_its_evidence(study: Warehouse) -> None:
    (found,) = ask(study, "provenance", trace_id="strong-p1", cut_index="0", sample_index="2")
    assert found["read"] == "Find: 1 + 1\n"  # the prompt; the prefix is empty
    assert found["wrote"] == "strong-p1-0 says 2\x1b[2J"
    assert (found["verdict"], found["gold_answer"], found["seed"]) == ("correct", "2", "0")
    assert found["decided_by"] == "by this grader", "not by one of another version"
    named = {"trace_id": "strong-p1", "cut_index": "0", "sample_index": "2"}
    assert ask(study, "provenance", **named, cut_policy="sentences") == []
    (policy,) = {
        r["cut_policy"] for r in ask(study, "SELECT cut_policy FROM trace_cuts WHERE trace_id = 'strong-p1'")
    }
    assert ask(study, "provenance", **named, cut_policy=policy) == [found]
    assert (found["audit"], found["audit_z"], found["sampled_with"]) == ("passed", 1.3, '{"engine": "e"}')
    rollouts = ask(study, "provenance", block="weak-p2-1-3", limit="99")
    assert [r["sample_index"] for r in rollouts] == list(range(48, 64))
    assert {(r["model"], r["audit"]) for r in rollouts} == {("weak", "not audited")}
    assert {r["decided_by"] for r in rollouts if r["verdict"] == "truncated"} <= {
        "out of tokens without a final answer"
    }
    assert len(ask(study, "provenance")) == 1
    assert ask(study, "provenance", block="none") == []


def test_audits_show_the_least_likely_blocks(study: Warehouse) -> None:
    found = ask(study, "audits")
    assert [(r["model"], r["asset"], r["audited"], r["z"], r["verdict"]) for r in found] == [
        ("strong", "completions", 1, 1.3, "passed"),
        ("weak", "completions", 1, 1.3, "passed"),
        ("weak", "transfer_completions", 1, 1.3, "passed"),
    ]
    assert ask(study, "audits", verdict="failed") == []


def test_texts_of_rollouts_are_reached(study: Warehouse) -> None:
    found = ask(study, "completions", trace_id="strong-p1", cut_index="1", limit="3", verdict="correct")
    assert [r["sample_index"] for r in found] == [0, 1, 2]
    assert found[2]["text"] == "strong-p1-1 says 2\x1b[2J"
    assert {r["cut_index"] for r in ask(study, "completions", trace_id="strong-p2")} == {3}
    # By default the place of the largest change: strong-p1 rises by 0.75 to cut 3.
    assert {(r["trace_id"], r["cut_index"]) for r in ask(study, "completions")} == {("strong-p1", 3)}
    assert {r["trace_id"] for r in ask(study, "trace")} == {"strong-p1"}


def test_cost_adds_up(study: Warehouse) -> None:
    found = {r["asset"]: r for r in ask(study, "SELECT * FROM cost")}
    completions = found["completions"]
    assert (completions["n_runs"], completions["n_rollouts"], completions["cached_share"]) == (2, 768, 0.85)
    assert completions["tokens_per_second"] == 384
    assert found["traces"]["cached_share"] is None


def test_quality_counts_what_is_unknown(study: Warehouse) -> None:
    found = {r["model"]: r for r in ask(study, "sampling_quality")}
    assert found["strong"]["n_prefixes"] == 12
    assert found["strong"]["n_rollouts"] == 12 * N
    assert found["strong"]["protocol_hash"] == PROTOCOL.sampling_hash


def test_chunks_of_a_search_stand_with_their_text_and_both_estimates(study: Warehouse) -> None:
    found = ask(study, "search_steps")
    assert [row["chunk"] for row in found] == ["", "first\n", "end"]
    assert [(row["selection"], row["fresh"]) for row in found] == [(None, 0.125), (0.75, 0.625), (None, None)]
    assert [row["verdict"] for row in found] == [None, None, "correct"]
