"""Monotone by test."""

import itertools

import numpy as np
import polars as pl
import pytest
from build import PROTOCOL, curve
from scipy import stats
from sklearn.isotonic import IsotonicRegression
from support.judged import judge_falls

from cot_assets.statistics import isotonic
from cot_assets.statistics.isotonic import (
    DRAWS,
    LEVELS,
    fall_p_value,
    fall_statistic,
    isotonic_fit,
    tail_bound,
)


def test_the_fit_agrees_with_scikit_learn():
    rng = np.random.default_rng(1)
    for _ in range(100):
        cuts = int(rng.integers(1, 20))
        n = rng.integers(1, 100, cuts)
        k = rng.binomial(n, rng.random(cuts))
        theirs = IsotonicRegression().fit_transform(np.arange(cuts), k / n, sample_weight=n)
        np.testing.assert_allclose(isotonic_fit(k, n), theirs, atol=1e-12)


def test_many_curves_are_fitted_as_each_alone():
    rng = np.random.default_rng(2)
    k = rng.binomial(32, 0.4, (50, 7))
    together = isotonic_fit(k, np.full(7, 32))
    np.testing.assert_allclose(together, [isotonic_fit(row, np.full(7, 32)) for row in k])


def test_the_statistic_is_the_likelihood_ratio_of_scipy():
    k, n = np.array([40, 20, 30, 60]), np.array([64, 64, 32, 64])
    free = stats.binom.logpmf(k, n, k / n).sum()
    isotonic = stats.binom.logpmf(k, n, isotonic_fit(k, n)).sum()
    assert float(fall_statistic(k, n)) == pytest.approx(2 * (free - isotonic))


def test_curves_that_never_fall_have_p_value_one():
    assert float(fall_statistic([0, 10, 64], [64, 64, 64])) == 0
    assert fall_p_value(np.array([0, 10, 10, 64]), np.full(4, 64), seed=1) == 1
    assert fall_p_value(np.array([3]), np.array([64]), seed=1) == 1


@pytest.mark.parametrize(
    ("k", "n"), [([12, 5], [16, 16]), ([74, 56], [128, 128]), ([9, 20, 6], [24, 32, 16])]
)
def test_the_p_value_is_the_largest_exact_probability_over_flat_curves(k, n):
    # Every outcome of the cuts enumerated; the simulation may exceed the exact value by its own error.
    outcomes = np.array(list(itertools.product(*(range(size + 1) for size in n))))
    is_beyond = fall_statistic(outcomes, n) >= float(fall_statistic(k, n)) - 1e-9
    levels = [*LEVELS, round(sum(k) / sum(n), 2)]
    exact = max(float(stats.binom.pmf(outcomes[is_beyond], n, level).prod(axis=1).sum()) for level in levels)
    error = np.sqrt(exact * (1 - exact) / DRAWS)
    got = fall_p_value(np.array(k), np.array(n), seed=1)
    assert exact - 2 * error < got < exact + 4 * error + 1 / DRAWS


@pytest.mark.parametrize("level", [0.03, 0.5, 0.97])
def test_size_is_kept_at_flat_curves(level):
    rng, n = np.random.default_rng(3), np.full(12, 64)
    p = [fall_p_value(rng.binomial(64, level, 12), n, seed=1) for _ in range(200)]
    assert np.mean(np.array(p) < 0.05) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 200)


def test_a_real_fall_is_found():
    n = np.full(12, 64)
    rng = np.random.default_rng(4)
    truth = np.r_[np.linspace(0.3, 0.8, 6), np.linspace(0.8, 0.4, 6)]
    p = [fall_p_value(rng.binomial(64, truth), n, seed=1) for _ in range(50)]
    assert np.mean(np.array(p) < 0.05) > 0.95


@pytest.mark.parametrize(
    ("cuts", "draws"),
    [(2, 2000), (200, 2000), (400, 1000), (799, 500), (1000, 400), (4000, 100), (50_000, 50)],
)
def test_long_curves_are_compared_with_fewer(cuts, draws, monkeypatch):
    drawn = []
    monkeypatch.setattr(isotonic, "fall_statistic", lambda k, n: drawn.append(k.shape) or np.zeros(len(k)))
    assert len(isotonic._null_statistics((1,) * cuts, 0.5, seed=draws)) == draws
    assert {shape[1] for shape in drawn} == {cuts}
    assert sum(rows for rows, _ in drawn) * cuts <= max(isotonic._MOST_CUTS_DRAWN, isotonic.FEWEST * cuts)


def test_results_depend_on_counts_and_seed_only():
    k, n = np.array([40, 30, 35]), np.array([64, 48, 64])
    assert fall_p_value(k, n, seed=1) == fall_p_value(k, n, seed=1)


def test_traces_are_judged_with_q_values():
    falling = [(60, 64), (5, 64), (60, 64), (4, 64)]
    rising = [(1, 64), (20, 64), (0, 0), (60, 64)]
    wobbly = [(32, 64), (28, 64), (33, 64)]
    curves = pl.concat(
        [
            curve(falling, trace_id="a", verdict="incorrect"),
            curve(rising, trace_id="b"),
            curve(wobbly, trace_id="c"),
            curve([(5, 64)], trace_id="d"),
        ]
    )
    got = judge_falls(curves, PROTOCOL)
    assert got["trace_id"].to_list() == ["a", "b", "c", "d"]
    assert got["is_monotone"].to_list() == [False, True, True, None]
    assert got["n_known_cuts"].to_list() == [4, 3, 3, 1]
    p = got["p_value"].to_list()
    assert p[1] == 1
    assert p[3] is got["statistic"][3] is got["q_value"][3] is None
    theirs = stats.false_discovery_control(p[:3])
    assert got["q_value"].to_list()[:3] == pytest.approx(theirs.tolist())
    assert judge_falls(curves.clear(), PROTOCOL).is_empty()


def test_q_values_agree_with_scipy_on_many_traces_in_any_order():
    rng = np.random.default_rng(6)
    curves = pl.concat(
        [
            curve([(int(k), 64) for k in rng.binomial(64, 0.5, 4)], trace_id=f"{i:02d}")
            for i in rng.permutation(30)
        ]
    )
    got = judge_falls(curves, PROTOCOL)
    theirs = stats.false_discovery_control(got["p_value"].to_numpy())
    np.testing.assert_allclose(got["q_value"].to_numpy(), theirs)


@pytest.mark.parametrize("trials", [(16, 16), (8, 8, 8), (5, 11, 7), (1, 2, 30), (40, 3)])
@pytest.mark.parametrize("level", [LEVELS[0], 0.05, 0.3, 0.5, 0.9, LEVELS[-1]])
def test_the_tail_bound_is_never_below_the_tail(trials, level):
    """By enumeration of every outcome, so that tails of 1e-30 are checked too."""
    outcomes = np.stack(np.meshgrid(*(np.arange(n + 1) for n in trials), indexing="ij"), axis=-1)
    outcomes = outcomes.reshape(-1, len(trials))
    chance = stats.binom.pmf(outcomes, trials, level).prod(axis=1)
    statistic = fall_statistic(outcomes, np.array(trials))
    order = np.argsort(-statistic)
    tail = np.cumsum(chance[order])
    bounds = [tail_bound(value, trials, level) for value in statistic[order]]
    assert np.all(tail <= np.array(bounds) * (1 + 1e-9))
    assert min(bounds) < 0.2


def test_beyond_every_simulated_curve_p_values_shrink_with_the_fall():
    falls = [fall_p_value([64, 64, 64 - d, 64 - d], [64] * 4, 1) for d in (24, 32, 48, 64)]
    assert all(small < large for large, small in itertools.pairwise(falls))
    assert falls[0] < 1 / (1 + DRAWS)
    assert falls[-1] < 1e-60


def test_one_falling_trace_of_many_is_found():
    """With a floor of 1 / 2001 under p, one trace of more than 100 could never have q below 0.05."""
    flat = [curve([(32, 64)] * 6, trace_id=f"{i:04}") for i in range(120)]
    got = judge_falls(pl.concat([*flat, curve([(64, 64)] * 3 + [(0, 64)] * 3, trace_id="x")]), PROTOCOL)
    found = got.filter(pl.col("q_value") < 0.05)
    assert found["trace_id"].to_list() == ["x"]
    assert found["q_value"][0] < 0.001
    assert got.filter(~pl.col("is_monotone")).equals(found)


def test_of_many_flat_traces_none_is_called_falling_for_its_number():
    """At a level of 5% each, five of a hundred flat traces would be."""
    rng = np.random.default_rng(8)
    flat = [curve([(int(k), 64) for k in rng.binomial(64, 0.5, 5)], trace_id=f"{i:03}") for i in range(100)]
    got = judge_falls(pl.concat(flat), PROTOCOL)
    assert (got["p_value"] < 0.05).any()
    assert got["is_monotone"].all()
