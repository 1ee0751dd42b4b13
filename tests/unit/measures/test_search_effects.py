"""Searched against sampled traces, by hand."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from support.views import shown_estimates

from cot_assets.measures.search import effects
from cot_assets.statistics.estimates import jeffreys_interval
from cot_assets.study import Protocol
from cot_assets.warehouse.schema import polars_schema

PROTOCOL = Protocol(name="p", max_tokens=100, search_chunk=10, search_fresh_n=32)
NAMES = {"problem_set": "s", "model": "m"}
Cut = tuple[int | None, int | None]  #: right ones of 16 that chose, of 32 fresh ones
START = 16


def arm(
    problem: str, name: str, cuts: list[Cut], length: int, verdict: str | None
) -> tuple[dict, list[dict]]:
    """A trace whose fresh potential starts at 16/32; ``cuts`` are those before its end."""
    common = {**NAMES, "problem_id": problem, "arm": name, "trace_id": f"{problem} {name}"}
    counts: list[Cut] = [(None, START), *cuts]
    if verdict is not None:
        counts.append((None, None))
    steps: list[dict[str, Any]] = []
    for index, (chosen, fresh) in enumerate(counts):
        is_end = verdict is not None and index == len(counts) - 1
        end = length if is_end else 10 * index
        steps.append(
            {
                **common, "cut_index": index, "prefix_id": None if is_end else f"{problem} {name} {index}",
                "token_start": max(0, 10 * (index - 1)), "token_end": end, "char_start": max(0, index - 1),
                "char_end": index, "is_end": is_end, "n_candidates": 4, "n_ended": 0, "candidates_mean": 0.5,
                "selection_n": None if chosen is None else 16, "selection_n_correct": chosen,
                "n": None if is_end else 0 if fresh is None else 32,
                "n_correct": None if is_end else fresh or 0, "n_unscored": 0, "tokens_spent": 7,
            }
        )  # fmt: skip
    trace = {
        **common, "token_ids": [1] * length, "text": "x" * len(counts), "is_complete": verdict is not None,
        "answer": "1", "verdict": verdict, "n_tokens": length, "n_chunks": len(counts) - 1,
        "tokens_spent": 7 * len(counts), "model_revision": "r", "grader_version": "g",
    }  # fmt: skip
    return trace, steps


def tables(*arms: tuple[dict, list[dict]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    counted = pl.DataFrame([trace for trace, _ in arms], infer_schema_length=None)
    rows = pl.DataFrame([step for _, steps in arms for step in steps], infer_schema_length=None)
    steps = effects.judge_steps(rows, PROTOCOL)
    return effects.judge_searches(counted, steps, PROTOCOL), steps


def two_problems() -> tuple[pl.DataFrame, pl.DataFrame]:
    return tables(
        arm("a", "searched", [(16, 24), (14, 32)], 25, "correct"),
        arm("a", "sampled", [(None, 8)], 15, "incorrect"),
        arm("b", "searched", [(8, 8)], 12, "incorrect"),
        arm("b", "sampled", [(None, 16), (None, 4), (None, 30)], 38, "correct"),
    )


def test_every_step_has_both_estimates_with_intervals() -> None:
    _, steps = two_problems()
    row = steps.filter((pl.col("trace_id") == "a searched") & (pl.col("cut_index") == 1)).to_dicts()[0]
    assert (row["selection_potential"], row["potential"]) == (1.0, 0.75)
    assert (row["selection_low"], row["selection_high"]) == tuple(map(float, jeffreys_interval(16, 16)))
    assert (row["ci_low"], row["ci_high"]) == tuple(map(float, jeffreys_interval(24, 32)))
    assert (row["protocol"], row["protocol_hash"]) == (PROTOCOL.name, PROTOCOL.protocol_hash)
    ends = steps.filter("is_end")
    assert ends.height == 4
    assert ends["potential"].null_count() == ends["selection_potential"].null_count() == 4


def test_a_cut_without_scored_rollouts_is_unknown() -> None:
    traces, steps = tables(arm("a", "searched", [(0, None), (3, 10)], 25, "correct"))
    assert steps["potential"].to_list() == [0.5, None, 10 / 32, None]
    assert traces["n_known_cuts"].to_list() == [2]
    # No pair bridges the unknown cut; order is what the test goes by.
    assert traces["is_monotone_by_tolerance"].to_list() == [None]
    assert traces["p_value"].to_list() != [None]


def test_traces_are_judged_by_their_fresh_estimates() -> None:
    traces, _ = two_problems()
    rows = {row["trace_id"]: row for row in traces.to_dicts()}
    good, bad = rows["a searched"], rows["b sampled"]
    assert (good["n_known_cuts"], good["n0"], good["v0"]) == (3, 32, 0.5)
    assert (good["max_drop"], good["is_monotone_by_tolerance"]) == (0, True)
    assert (good["p_value"], good["is_monotone_by_test"]) == (1, True)
    assert good["mean_potential"] == pytest.approx((0.75 + 1) / 2)
    assert bad["max_drop"] == pytest.approx(12 / 32)
    assert bad["is_monotone_by_tolerance"] is False
    assert bad["p_value"] < 0.05
    assert bad["is_monotone_by_test"] is False


def test_values_are_taken_at_equal_tokens_and_end_in_the_verdict() -> None:
    values = effects.stopped_values(*two_problems(), 10)
    found = {
        key: group.sort("position")["value"].to_list() for key, group in values.group_by("problem_id", "arm")
    }
    assert found == {
        ("a", "searched"): [0.5, 0.75, 1.0, 1.0],
        ("a", "sampled"): [0.5, 0.25, 0.0, 0.0],
        ("b", "searched"): [0.5, 0.25, 0.0, 0.0, 0.0],
        ("b", "sampled"): [0.5, 0.5, 0.125, 0.9375, 1.0],
    }


def test_a_search_that_was_cut_short_has_no_value_after_it() -> None:
    traces, steps = tables(
        arm("a", "searched", [(9, 24)], 10, None), arm("a", "sampled", [(None, 8)], 15, "correct")
    )
    values = effects.stopped_values(traces, steps, 10)
    last = values.group_by("arm").agg(pl.col("position").max()).sort("arm")
    assert last.rows() == [("sampled", 20), ("searched", 10)]
    sampled = traces.filter(pl.col("arm") == "sampled").select("problem_id", "verdict", "n_tokens")
    rows = effects_of(traces, steps, sampled)
    assert rows["correct"]["n"] == rows["n_tokens"]["n"] == 0
    assert rows["correct"]["difference"] is None
    assert rows["potential"]["difference"] == pytest.approx(0.5)


def effects_of(traces: pl.DataFrame, steps: pl.DataFrame, sampled: pl.DataFrame) -> dict[str, dict]:
    rows = effects.search_effects(traces, steps, sampled, PROTOCOL)
    frame = shown_estimates("search_effects", rows)
    return {row["measure"]: row for row in frame.to_dicts()}


def test_effects_are_paired_by_problem() -> None:
    traces, steps = two_problems()
    sampled = pl.DataFrame(
        {
            "problem_id": ["a", "a", "b", "b", "c"],
            "verdict": ["incorrect", "correct", "correct", "unscored", "correct"],
            "n_tokens": [15, 25, 38, 42, 99],
        }
    )
    rows = effects_of(traces, steps, sampled)
    assert set(rows) == set(effects.MEASURES)
    means = {name: (row["value"], row["reference"], row["difference"]) for name, row in rows.items()}
    assert means["correct"] == pytest.approx((0.5, 0.75, -0.25))
    assert means["n_tokens"] == pytest.approx((18.5, 30, -11.5))
    # At 10, 20, 30 of a, and 10 to 40 of b.
    better, worse = (0.75 + 1 + 1) / 3 - 0.25 / 3, 0.25 / 4 - (0.5 + 0.125 + 0.9375 + 1) / 4
    assert means["potential"][2] == pytest.approx((better + worse) / 2)
    assert means["monotone_by_tolerance"][:2] == (0.5, 0.0)  # 0.25 is a fall from 0.5
    for name, row in rows.items():
        assert row["n_problems"] == 2, name
        assert row["difference_low"] <= row["difference"] <= row["difference_high"]
        assert row["value_low"] <= row["value"] <= row["value_high"]
        assert row["reference_low"] <= row["reference"] <= row["reference_high"]


def test_the_selection_bias_is_the_mean_of_pairs_of_chosen_chunks() -> None:
    row = effects_of(*two_problems(), pl.DataFrame(schema={"problem_id": pl.String, "verdict": pl.String, "n_tokens": pl.Int32}))["selection_bias"]  # fmt: skip
    pairs = [(16 / 16, 24 / 32), (14 / 16, 32 / 32), (8 / 16, 8 / 32)]
    assert row["n"] == 3
    assert row["difference"] == pytest.approx(sum(s - f for s, f in pairs) / 3)
    assert row["value"] == pytest.approx(sum(s for s, _ in pairs) / 3)
    assert row["reference"] == pytest.approx(sum(f for _, f in pairs) / 3)


def test_no_traces_have_no_effects() -> None:
    empty, steps = (polars_schema(name).to_frame() for name in ("search_traces", "search_steps"))
    assert effects.search_effects(empty, steps, empty, PROTOCOL).is_empty()
    assert effects.mean_curves(empty, steps, PROTOCOL).is_empty()


def test_mean_curves_keep_all_problems_to_the_end() -> None:
    curves = effects.mean_curves(*two_problems(), PROTOCOL)
    means = {key: group.sort("position")["mean"].to_list() for key, group in curves.group_by("model", "arm")}
    assert means["m", "searched"] == pytest.approx([0.5, 0.5, 0.5, 0.5, 0.5])
    assert means["m", "sampled"] == pytest.approx([0.5, 0.375, 0.0625, 0.46875, 0.5])
    assert (curves["n_problems"] == 2).all()
    assert (curves["ci_low"] <= curves["mean"]).all()
