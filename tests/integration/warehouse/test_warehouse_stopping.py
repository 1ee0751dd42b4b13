"""Votes, stops and signs: queries against the same numbers counted by hand from the rollouts of the study."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from warehouse_study import CURVES, LINES, VERDICTS, N, ask

from cot_assets.warehouse.store import Warehouse


@pytest.fixture
def study(published: Warehouse) -> Warehouse:
    return published


def test_the_most_frequent_answer_wins_the_vote(study: Warehouse) -> None:
    found = {(r["model"], r["problem_id"]): r for r in ask(study, "majority_vote")}
    rollouts = study.read_table("rollouts", origin="own")
    assert len(found) == sum(map(len, CURVES.values()))
    for (model, problem), row in found.items():
        votes = Counter(
            ("", True) if verdict == "correct" else (answer, False)
            for prefix, verdict, answer in rollouts.select("prefix_id", "verdict", "answer").iter_rows()
            if prefix == f"{model}-{problem}-0" and (verdict == "correct" or answer is not None)
        )
        most = max(votes.values(), default=0)
        winners = [is_correct for (_, is_correct), n in votes.items() if n == most]
        assert row["n_votes"] == most
        assert row["vote_is_correct"] == pytest.approx(sum(winners) / len(winners) if winners else 0)
        assert (row["n"], row["v0"]) == (N, round(CURVES[model][problem][0] / N, 3))


@pytest.mark.parametrize("below", [0.05, 0.2, 0.6, 1.1])
def test_a_trace_is_lost_from_the_first_cut_after_which_none_reaches_the_limit(
    study: Warehouse, below: float
) -> None:
    expected = {}
    for model, curves in CURVES.items():
        for problem, counts in curves.items():
            after = [i for i in range(len(counts)) if max(counts[i:]) / N < below]
            if after:
                expected[f"{model}-{problem}"] = (
                    after[0],
                    len(after),
                    LINES[after[0] - 1] if after[0] else "",
                )
    found = ask(study, "no_return", below=below)
    assert {r["trace_id"]: (r["cut_index"], r["n_cuts"], r["chunk"]) for r in found} == expected
    assert expected, "the study has such traces"


@pytest.mark.parametrize("at", [0.95, 0.6, 0.1])
def test_stopping_saves_the_tokens_behind_the_first_cut_that_reaches_the_limit(
    study: Warehouse, at: float
) -> None:
    found = {r["model"]: r for r in ask(study, "early_stop", at=at)}
    for model, curves in CURVES.items():
        stops = {
            problem: next(
                (i for i, k in enumerate(counts) if k / N >= at), None
            )  # cut i stands after i tokens of 4
            for problem, counts in curves.items()
        }
        there = {problem: i for problem, i in stops.items() if i is not None}
        row = found[model]
        assert (row["n_traces"], row["n_stopped"]) == (len(curves), len(there))
        if not there:
            assert row["potential_there"] is row["share_correct_in_full"] is None
            continue
        saved = [len(LINES) - i for i in there.values()]
        assert row["share_of_tokens_saved"] == round(sum(saved) / (len(LINES) * len(curves)), 3)
        potentials = [curves[problem][i] / N for problem, i in there.items()]
        assert row["potential_there"] == pytest.approx(sum(potentials) / len(potentials), abs=5e-4)
        ends = [
            verdict == "correct"
            for problem, verdict in zip(curves, VERDICTS[model], strict=True)
            if problem in there
        ]
        assert row["share_correct_in_full"] == pytest.approx(sum(ends) / len(ends), abs=5e-4)


def test_steps_stand_with_their_text_and_change(study: Warehouse) -> None:
    found = ask(study, "text_signs", limit=100)
    expected = {
        (f"{model}-{problem}", i): ((after - before) / N, LINES[i])
        for model, curves in CURVES.items()
        for problem, counts in curves.items()
        for i, (before, after) in enumerate(pairwise(counts))
    }
    assert {(r["trace_id"], r["cut_index"]): r["text"] for r in found} == {
        key: text for key, (_, text) in expected.items()
    }
    for row in found:
        assert row["delta"] == pytest.approx(expected[row["trace_id"], row["cut_index"]][0], abs=6e-4)
    changes = [abs(r["delta"]) for r in found]
    assert changes == sorted(changes, reverse=True)
    none = ask(study, "text_signs", limit=100, sign="none")
    assert none == [r for r in found if r["signs"] == "none"]


@pytest.mark.parametrize(
    ("low", "high", "sometimes", "others"), [(0.1, 0.9, 32, 8), (0.1, 0.9, 1, 1), (0, 0.2, 2, 0)]
)
def test_problems_are_chosen_by_the_chance_before_the_first_token(
    study: Warehouse, low: float, high: float, sometimes: int, others: int
) -> None:
    bounds = {"low": low, "high": high, "sometimes": sometimes, "others": others}
    found = ask(study, "chosen_problems", **bounds)
    expected = []
    for model, curves in CURVES.items():
        chances = {problem: counts[0] / N for problem, counts in curves.items()}
        inside = [problem for problem, v0 in chances.items() if low <= v0 <= high][:sometimes]
        outside = [problem for problem, v0 in chances.items() if not low <= v0 <= high][:others]
        expected += [(model, p, round(chances[p], 3), p in inside) for p in sorted(inside + outside)]
    assert [(r["model"], r["problem_id"], r["v0"], r["is_sometimes"]) for r in found] == expected
    assert all(r["v0_low"] < r["v0_high"] and r["n"] == N for r in found)
