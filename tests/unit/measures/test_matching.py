"""Rates matched on V0, and differences between models."""

import numpy as np
import polars as pl
import pytest
from build import PROTOCOL
from support.views import shown_estimates

from cot_assets.measures.rates import matching
from cot_assets.measures.rates.matching import EQUAL_WEIGHTS, matched_rates, model_differences
from cot_assets.statistics.estimates import jeffreys_interval
from cot_assets.statistics.guesses import V0_BINS

SCHEMA = {
    **dict.fromkeys(("problem_set", "model", "cut_policy", "trace_id", "problem_id", "verdict"), pl.String),
    **{"v0": pl.Float64, "is_solved_without_cot": pl.Boolean, "has": pl.Boolean},
}


def decided(*rows, model="m", verdict="correct"):
    """Traces from (v0, has) of one problem each."""
    return pl.DataFrame(
        [
            ("set", model, "lines", f"{model}{i}", f"p{i}", verdict, v0, (v0 or 0) >= 0.95, has)
            for i, (v0, has) in enumerate(rows)
        ],
        schema=SCHEMA,
        orient="row",
    )


def rates(frame, trace_filter="all"):
    table = shown_estimates("matched_rates", matched_rates({("threshold", "insight"): frame}, PROTOCOL))
    return {row["v0_bin"]: row for row in table.filter(trace_filter=trace_filter).to_dicts()}


def test_bins_count_the_same_whatever_they_hold():
    got = rates(decided(*[(0.1, True)] * 6, *[(0.1, False)] * 2, (0.9, False), (None, True)))
    assert list(got) == [*V0_BINS, EQUAL_WEIGHTS]
    assert (got[V0_BINS[0]]["rate"], got[V0_BINS[4]]["rate"], got[V0_BINS[2]]["rate"]) == (0.75, 0.0, None)
    mean = got[EQUAL_WEIGHTS]
    assert (mean["rate"], mean["n_traces"], mean["n_with"], mean["n_empty_bins"]) == (0.375, 9, 6, 3)
    assert 0 < mean["ci_low"] < 0.375 < mean["ci_high"] < 1


def test_an_interval_never_has_zero_width_and_reaches_what_may_be():
    none, every = (rates(decided(*[(0.1, has), (0.5, has)]))[EQUAL_WEIGHTS] for has in (False, True))
    assert none["ci_low"] == 0 < none["ci_high"]
    assert every["ci_low"] < 1 == every["ci_high"]
    nothing = rates(decided((0.1, True)), "incorrect")[EQUAL_WEIGHTS]
    assert (nothing["rate"], nothing["ci_low"], nothing["n_empty_bins"]) == (None, None, 5)


def test_the_filter_is_that_of_rates():
    frame = decided((0.1, True), (0.97, True))
    assert rates(frame, "paper")[EQUAL_WEIGHTS]["n_traces"] == 1
    assert rates(frame, "correct")[EQUAL_WEIGHTS]["n_traces"] == 2


def test_the_matched_interval_covers_the_mean_of_the_bins():
    rng = np.random.default_rng(1)
    truth = {0.1: 0.5, 0.5: 0.2, 0.9: 0.05}
    held = 0
    for _ in range(40):
        frame = decided(*[(v0, bool(rng.random() < p)) for v0, p in truth.items() for _ in range(8)])
        found = matched_rates({("threshold", "insight"): frame}, PROTOCOL)
        row = found.row(
            by_predicate=(pl.col("part") == EQUAL_WEIGHTS) & (pl.col("trace_filter") == "all"), named=True
        )
        held += row["ci_low"] <= np.mean(list(truth.values())) <= row["ci_high"]
    assert held >= 34  # 38 expected


def test_the_mean_of_bins_of_unlike_size_covers_as_often_as_it_says():
    """Bins of 2 to 40 traces, most without events, seed 2: an interval from a pooled variance covers .69."""
    rng, truth, sizes = (
        np.random.default_rng(2),
        np.array([0.3, 0.1, 0.02, 0, 0]),
        np.array([2, 6, 10, 20, 40]),
    )
    held = 0
    for k in rng.binomial(sizes, truth, size=(2000, 5)):
        low, high = jeffreys_interval(k, sizes)
        rows = [
            {"estimate": r, "ci_low": a, "ci_high": b, "n": int(n), "k": int(x), "n_problems": int(n)}
            for r, a, b, n, x in zip(k / sizes, low, high, sizes, k, strict=True)
        ]
        found = matching._equal_weights(rows)
        held += found.low <= truth.mean() <= found.high
    assert 0.925 <= held / 2000 <= 0.995  # .94


def differences(a, b, traces=None):
    traces = pl.concat([a, b]) if traces is None else traces
    rows = model_differences({("threshold", "insight"): pl.concat([a, b])}, traces, PROTOCOL)
    table = shown_estimates("model_differences", rows)
    return {row["measure"]: row for row in table.filter(trace_filter="all").to_dicts()}


def test_differences_are_paired_by_problem():
    a = decided((0.1, True), (0.5, True), (0.5, False), model="a")
    b = decided((0.3, True), (0.7, False), model="b")
    got = differences(a, b)
    assert (got["insight"]["n_problems"], got["insight"]["difference"]) == (2, 0.5)
    assert (got["insight"]["value_a"], got["insight"]["value_b"]) == (1.0, 0.5)
    assert got["insight"]["value_a_low"] < got["insight"]["value_a_high"] == 1.0
    assert got["insight"]["value_b_low"] < 0.5 < got["insight"]["value_b_high"]
    assert got["v0"]["difference"] == pytest.approx(-0.2)
    assert (got["v0"]["n_bins"], got["v0"]["matched_difference"]) == (0, None)
    assert got["v0"]["ci_low"] < -0.2 < got["v0"]["ci_high"]


def test_matching_undoes_a_difference_of_difficulty():
    """Both have the pattern in half of the hard and none of the easy; b meets more hard ones."""
    hard, easy = [(0.1, True), (0.1, False)], [(0.9, False)]
    a, b = decided(*hard, *easy * 8, model="a"), decided(*hard * 4, *easy * 2, model="b")
    got = differences(a, b)["insight"]
    assert got["difference"] < 0
    assert (got["matched_difference"], got["n_bins"]) == (0.0, 2)
    assert got["matched_low"] < 0 < got["matched_high"]


def test_models_without_a_common_problem_or_bin_are_not_compared():
    a = decided((0.1, True), model="a")
    b = decided((0.9, True), model="b").with_columns(pl.lit("other").alias("problem_id"))
    got = differences(a, b)["insight"]
    assert (got["n_problems"], got["value_a"], got["difference"], got["ci_low"]) == (0, None, None, None)
    assert (got["value_a_low"], got["value_b_high"]) == (None, None)
    assert (got["n_bins"], got["matched_difference"]) == (0, None)
    only = model_differences({("threshold", "insight"): a}, a, PROTOCOL)
    assert only.is_empty()
