"""Falls and rises over several cuts."""

import itertools

import numpy as np
import polars as pl
import pytest
from build import PROTOCOL, curve
from statsmodels.stats.proportion import proportion_confint
from support.judged import find_drawdowns, find_tangents

from cot_assets.measures.patterns.drawdowns import (
    change_bound,
    largest_change,
    simultaneous_band,
    split_estimate,
)


def true_largest(values, sign):
    return max(sign * (a - b) for a, b in itertools.combinations(values, 2))


def test_largest_change_equals_the_search_over_all_pairs():
    rng = np.random.default_rng(1)
    for _ in range(200):
        values = rng.integers(0, 9, int(rng.integers(2, 10))) / 8
        for kind, sign in (("drawdown", 1), ("run_up", -1)):
            i, j, size = largest_change(values, kind)
            assert i < j
            assert size == pytest.approx(true_largest(values, sign))
            assert size == pytest.approx(sign * (values[i] - values[j]))


def test_the_band_is_clopper_pearson_at_the_shared_level():
    k, n = np.array([0, 10, 63, 64]), np.full(4, 64)
    low, high = simultaneous_band(k, n)
    theirs = proportion_confint(k, n, alpha=0.05 / 4, method="beta")
    np.testing.assert_allclose(low, np.nan_to_num(theirs[0]), atol=1e-10)
    np.testing.assert_allclose(high, np.where(np.isnan(theirs[1]), 1, theirs[1]), atol=1e-10)


def test_the_bound_lies_below_the_truth_as_often_as_it_says():
    rng, misses = np.random.default_rng(2), 0
    truth = np.array([0.5, 0.55, 0.5, 0.3, 0.35, 0.2, 0.25, 0.15])
    for _ in range(400):
        k = rng.binomial(64, truth).astype(float)
        misses += change_bound(k, np.full(8, 64.0), "drawdown") > true_largest(truth, 1) + 1e-9
    assert misses / 400 <= 0.05


@pytest.mark.parametrize(("truth", "excess"), [(np.full(10, 0.5), 0.1), (np.linspace(0.8, 0.3, 10), 0.015)])
def test_the_split_estimate_is_not_too_large_where_the_plain_one_is(truth, excess):
    rng, plain, split = np.random.default_rng(3), [], []
    for seed in range(150):
        k, n = rng.binomial(64, truth).astype(float), np.full(10, 64.0)
        plain.append(largest_change(k / n, "drawdown")[2])
        split.append(split_estimate(k, n, "drawdown", seed))
    largest = max(0, true_largest(truth, 1))
    error = np.std(split) / np.sqrt(150)
    assert np.mean(plain) > largest + excess
    assert np.mean(split) <= largest + 3 * error
    assert np.mean(split) > largest - 0.1


def test_a_slow_fall_is_found_though_it_has_no_tangent():
    slow = curve([(60, 64), (50, 64), (38, 64), (24, 64), (12, 64), (3, 64)], verdict="incorrect")
    assert not find_tangents(slow, PROTOCOL)["by_threshold"].any()
    got = find_drawdowns(slow, PROTOCOL)
    fall, rise = got.row(0, named=True), got.row(1, named=True)
    assert (fall["kind"], fall["cut_from"], fall["cut_to"]) == ("drawdown", 0, 5)
    assert fall["change"] == pytest.approx(57 / 64)
    assert 0.5 < fall["change_low"] < fall["change_split"] + 0.1
    assert fall["is_confirmed"]
    assert (fall["token_start"], fall["token_end"]) == (0, 15)
    assert (rise["kind"], rise["change"], rise["change_low"]) == ("run_up", 0.0, 0.0)
    assert not rise["by_threshold"]


def test_unknown_cuts_are_passed_over_and_single_cuts_left_out():
    got = find_drawdowns(
        pl.concat([curve([(60, 64), (0, 0), (5, 64)], trace_id="a"), curve([(5, 64)], trace_id="b")]),
        PROTOCOL,
    )
    assert got["trace_id"].to_list() == ["a", "a"]
    assert got["n_known_cuts"].to_list() == [2, 2]
    assert (got["cut_from"][0], got["cut_to"][0]) == (0, 2)
    assert find_drawdowns(curve([(1, 2)]).clear(), PROTOCOL).is_empty()


def test_one_rollout_cannot_be_split():
    assert find_drawdowns(curve([(1, 1), (0, 1)]), PROTOCOL)["change_split"].to_list() == [None, None]
