"""Unlocks and the transfer curve."""

import polars as pl
import pytest
from build import PROTOCOL
from support.views import shown_estimates

from cot_assets.measures.transfer import unlocks
from cot_assets.measures.transfer.unlocks import judge_unlocks
from cot_assets.statistics.clusters import cluster_bootstrap_mean
from cot_assets.statistics.estimates import jeffreys_interval, probability_below
from cot_assets.warehouse.schema import polars_schema


def transfer_curve(potentials, protocol):
    return shown_estimates("transfer_curve", unlocks.transfer_curve(potentials, protocol))


def unlock_rates(judged, protocol):
    return shown_estimates("unlock_rates", unlocks.unlock_rates(judged, protocol))


SCHEMA = {
    **dict.fromkeys(("problem_set", "reader", "writer", "problem_id", "trace_id"), pl.String),
    **{"fraction": pl.Float64, "control": pl.String, "trace_verdict": pl.String, "leaks_answer": pl.Boolean},
    **{"n": pl.Int32, "n_correct": pl.Int32, "share": pl.Float64, "n_tokens": pl.Int32},
}


def row(fraction, k, n, *, trace="t", problem="p", control="none", verdict="correct", leaks=False):
    identity = ("set", "weak", "strong", problem, trace)
    values = (*identity, fraction, control, verdict, leaks, n, k, fraction, round(100 * fraction))
    return dict(zip(SCHEMA, values, strict=True))


def frame(*rows):
    return pl.DataFrame(list(rows), schema=SCHEMA)


def status(v0, vf):
    got = judge_unlocks(frame(row(0.0, *v0), row(0.2, *vf)), PROTOCOL)
    assert got.schema == polars_schema("unlocks")
    assert got.height == 1
    return got.row(0, named=True)


@pytest.mark.parametrize(
    ("v0", "vf", "expected"),
    [
        ((0, 64), (20, 64), "unlocked"),
        ((0, 64), (0, 64), "not_unlocked"),
        ((0, 64), (6, 64), "undecided"),
        ((0, 16), (16, 16), "undecided"),  # 16 rollouts cannot show that a problem is unsolved
        ((2, 64), (60, 64), "undecided"),
        ((30, 64), (60, 64), "solved_before"),
        ((0, 64), (None, None), "undecided"),
        ((0, 0), (60, 64), "undecided"),
    ],
)
def test_status(v0, vf, expected):
    assert status(v0, vf)["status"] == expected


def test_probabilities_are_the_posteriors():
    got = status((0, 64), (20, 64))
    assert got["probability_unsolved"] == pytest.approx(float(probability_below(0, 64, 0.05)))
    assert got["probability_lifted"] == pytest.approx(1 - float(probability_below(20, 64, 0.10)))
    assert (got["n0"], got["v0"], got["n"], got["potential"]) == (64, 0.0, 64, 20 / 64)
    assert got["is_unsolved"]
    assert not got["is_solved"]
    assert status((0, 64), (32, 64))["is_solved"]


def test_unknown_values_stay_unknown():
    got = status((0, 0), (None, None))
    for name in ("v0", "potential", "probability_unsolved", "probability_lifted", "is_unsolved", "is_solved"):
        assert got[name] is None


def test_the_bare_prompt_is_shared_by_the_traces_of_a_problem():
    got = judge_unlocks(
        frame(row(0.0, 0, 64, trace="a"), row(0.2, 30, 64, trace="b"), row(0.2, 1, 64, control="shuffled")),
        PROTOCOL,
    )
    assert got["v0"].to_list() == [0.0, 0.0]
    assert got.filter(control="none")["status"].to_list() == ["unlocked"]


def test_without_fraction_zero_nothing_is_decided():
    got = judge_unlocks(frame(row(0.2, 30, 64)), PROTOCOL)
    assert got["status"].to_list() == ["undecided"]


def test_curve_has_means_by_filter_and_control():
    rows = [
        row(0.2, 32, 64, trace="a", problem="1"),
        row(0.2, 0, 64, trace="b", problem="2", verdict="incorrect"),
        row(0.2, 0, 0, trace="c", problem="3"),
        row(0.2, 16, 64, trace="a", problem="1", control="shuffled"),
        row(0.2, 64, 64, trace="d", problem="4", leaks=True),
    ]
    table = transfer_curve(frame(*rows), PROTOCOL)
    got = table.filter(leaks="kept")
    everything = got.filter(control="none", trace_filter="all").row(0, named=True)
    assert (everything["potential"], everything["n_traces"], everything["n_problems"]) == (0.5, 3, 3)
    assert 0 <= everything["ci_low"] < 0.5 < everything["ci_high"] <= 1
    assert got.filter(control="none", trace_filter="correct")["potential"][0] == 0.75
    assert got.filter(control="shuffled", trace_filter="all")["potential"][0] == 0.25
    clean = table.filter(leaks="dropped")
    assert clean.filter(control="none", trace_filter="all")["potential"][0] == 0.25
    assert everything["n_paired"] == 0
    assert everything["lift"] is None, "no V0 was measured"


def test_the_lift_is_paired_by_trace_and_resamples_problems():
    counts = {"a": (8, 40), "b": (16, 16), "c": (0, 32), "d": (64, 48)}
    rows = [row(0.0, k, 64, trace=f"{name}1", problem=name) for name, (k, _) in counts.items()]
    rows += [
        row(0.5, k, 64, trace=f"{name}{i}", problem=name) for name, (_, k) in counts.items() for i in (1, 2)
    ]
    rows.append(row(0.5, 60, 64, trace="e1", problem="e"))
    got = transfer_curve(frame(*rows), PROTOCOL).filter(fraction=0.5, trace_filter="all", leaks="kept")
    found = got.row(0, named=True)
    lifts = [(after - before) / 64 for before, after in counts.values()]
    assert found["lift"] == pytest.approx(sum(lifts) / 4), "the start is shared by the traces of a problem"
    assert (found["n_traces"], found["n_problems"], found["n_paired"]) == (9, 5, 8)
    # Two traces of a problem are one observation: the interval is that of the four problems.
    alone = cluster_bootstrap_mean(lifts, list(counts), PROTOCOL.sampling.seed, bounds=(-1.0, 1.0))
    assert (found["lift_low"], found["lift_high"]) == pytest.approx((alone.low, alone.high))


def test_counts_show_the_undecided():
    rows = [row(0.0, 0, 64, problem=p, trace=p) for p in "abc"] + [row(0.0, 60, 64, problem="d", trace="d")]
    rows += [row(0.2, k, 64, problem=p, trace=p) for p, k in zip("abcd", (30, 0, 6, 60), strict=True)]
    table = unlock_rates(judge_unlocks(frame(*rows), PROTOCOL), PROTOCOL)
    assert table.height == 4
    got = table.filter(trace_filter="all", leaks="kept").row(0, named=True)
    assert (got["n_unlocked"], got["n_not_unlocked"], got["n_undecided"], got["n_solved_before"]) == (
        1,
        1,
        1,
        1,
    )
    assert (got["n_problems_unsolved"], got["n_problems_unlocked"]) == (3, 1)
    assert (got["share_low"], got["share_high"]) == pytest.approx((1 / 3, 2 / 3))
    low, high = (jeffreys_interval(k, 3) for k in (1, 2))
    assert (got["ci_low"], got["ci_high"]) == pytest.approx((float(low[0]), float(high[1])))
    assert (got["problems_ci_low"], got["problems_ci_high"]) == (got["ci_low"], got["ci_high"])


def test_a_problem_counts_as_unlocked_once_however_many_traces_do_it():
    rows = [row(0.0, 0, 64, problem=p, trace=f"{p}{i}") for p in "ab" for i in range(4)]
    rows += [row(0.2, 40, 64, problem="a", trace=f"a{i}", leaks=i == 0) for i in range(4)]
    rows += [row(0.2, 0, 64, problem="b", trace=f"b{i}") for i in range(4)]
    table = unlock_rates(judge_unlocks(frame(*rows), PROTOCOL), PROTOCOL).filter(trace_filter="all")
    kept = table.filter(leaks="kept").row(0, named=True)
    assert (kept["n_unlocked"], kept["n_unsolved"], kept["share_low"]) == (4, 8, 0.5)
    assert (kept["n_problems_unlocked"], kept["n_problems_unsolved"]) == (1, 2)
    # Traces of a problem do the same: eight of them tell no more than two.
    assert (kept["ci_low"], kept["ci_high"]) == pytest.approx(
        (kept["problems_ci_low"], kept["problems_ci_high"])
    )
    assert table.filter(leaks="dropped")["n_unlocked"].to_list() == [3]


def test_without_an_unsolved_problem_there_is_no_share():
    rows = [row(0.0, 40, 64), row(0.2, 60, 64)]
    got = unlock_rates(judge_unlocks(frame(*rows), PROTOCOL), PROTOCOL).row(0, named=True)
    assert (got["n_unsolved"], got["share_low"], got["ci_high"], got["problems_ci_low"]) == (
        0,
        None,
        None,
        None,
    )


def test_empty_frames():
    assert judge_unlocks(frame(), PROTOCOL).schema == polars_schema("unlocks")
    assert transfer_curve(frame(), PROTOCOL).is_empty()
    assert unlock_rates(judge_unlocks(frame(), PROTOCOL), PROTOCOL).is_empty()
