"""Estimates from counts, checked against SciPy and statsmodels."""

import itertools

import numpy as np
import polars as pl
import pytest
from scipy import integrate, stats
from statsmodels.stats.proportion import proportion_confint

from cot_assets.statistics.estimates import (
    add_potential,
    delta_interval,
    jeffreys_interval,
    probability_below,
    probability_change_beyond,
)


def test_jeffreys_interval_agrees_with_statsmodels_inside():
    k, n = np.arange(1, 64), 64
    low, high = jeffreys_interval(k, n)
    theirs = proportion_confint(k, n, method="jeffreys")
    np.testing.assert_allclose(low, theirs[0], rtol=1e-10)
    np.testing.assert_allclose(high, theirs[1], rtol=1e-10)


def test_jeffreys_interval_is_one_sided_at_the_ends_and_never_of_zero_width():
    low, high = jeffreys_interval([0, 64], 64)
    assert low[0] == 0
    assert high[1] == 1
    assert high[0] == pytest.approx(stats.beta.ppf(0.975, 0.5, 64.5))
    assert low[1] == pytest.approx(stats.beta.ppf(0.025, 64.5, 0.5))


def test_no_rollouts_means_nothing_known():
    low, high = jeffreys_interval([0, np.nan], [0, np.nan])
    assert np.isnan([*low, *high]).all()
    assert np.isnan(probability_below(0, 0, 0.5))
    assert np.isnan(probability_change_beyond(0, 0, 5, 10, 0.1, "rise"))
    assert np.isnan(delta_interval(5, 10, 0, 0)).all()


@pytest.mark.parametrize(("k", "n"), [(5, 4), (-1, 4), (0, -1)])
def test_counts_that_cannot_be_are_named(k, n):
    with pytest.raises(ValueError, match=f"k = {k}, n = {n}"):
        jeffreys_interval([1, k], [2, n])


def test_jeffreys_coverage_averages_to_its_level():
    # Exact, by enumeration: coverage oscillates in p and is 95% on average over p (Brown et al. 2001).
    n, p = 64, np.linspace(0.02, 0.98, 961)
    low, high = jeffreys_interval(np.arange(n + 1), n)
    mass = stats.binom.pmf(np.arange(n + 1)[:, None], n, p[None, :])
    covered = (low[:, None] <= p) & (p <= high[:, None])
    coverage = (mass * covered).sum(axis=0)
    assert coverage.mean() == pytest.approx(0.95, abs=0.005)
    assert coverage.min() > 0.88


def test_add_potential_is_null_exactly_where_nothing_is_known():
    frame = pl.DataFrame({"id": [1, 2, 3, 4], "n": [64, 0, None, 64], "n_correct": [16, 0, None, 0]})
    got = add_potential(frame)
    assert got["id"].to_list() == [1, 2, 3, 4]
    assert got["potential"].to_list() == [0.25, None, None, 0.0]
    assert got["ci_low"].is_null().to_list() == [False, True, True, False]
    assert got["ci_high"].is_null().to_list() == [False, True, True, False]
    assert got["ci_high"].is_nan().sum() == 0


def test_add_potential_takes_empty_and_all_null_frames():
    empty = add_potential(
        pl.DataFrame({"n": [], "n_correct": []}, schema={"n": pl.Int32, "n_correct": pl.Int32})
    )
    assert empty.schema["potential"] == pl.Float64
    unknown = add_potential(pl.DataFrame({"n": [None, None], "n_correct": [None, None]}))
    assert unknown["potential"].to_list() == [None, None]


@pytest.mark.parametrize("row", [(10, 11), (10, None), (10, -1), (-1, 0)])
def test_add_potential_refuses_counts_that_cannot_be(row):
    with pytest.raises(ValueError, match="cannot be"):
        add_potential(pl.DataFrame({"n": [row[0]], "n_correct": [row[1]]}))


def by_scipy(k0, n0, k1, n1, t):
    """P(p1 - p0 > t) by adaptive quadrature in the variable in which both posteriors are smooth."""
    before, after = stats.beta(k0 + 0.5, n0 - k0 + 0.5), stats.beta(k1 + 0.5, n1 - k1 + 0.5)

    def integrand(phi):
        x = np.sin(phi) ** 2
        return before.pdf(x) * after.sf(x + t) * np.sin(2 * phi)

    middle = np.arcsin(np.sqrt(np.clip((k0 + 0.5) / (n0 + 1), 0, 1)))
    points = sorted({0.0, middle, np.arcsin(np.sqrt(np.clip(1 - t, 0, 1))), np.pi / 2})
    return sum(
        integrate.quad(integrand, a, b, limit=400, epsabs=1e-13)[0] for a, b in itertools.pairwise(points)
    )


@pytest.mark.parametrize(
    ("k0", "n0", "k1", "n1", "t"),
    [
        (10, 64, 40, 64, 0.4),
        (0, 64, 26, 64, 0.4),
        (0, 16, 16, 16, 0.3),
        (64, 64, 40, 64, 0.1),
        (3, 32, 500, 1024, 0.4),
        (500, 1024, 3, 32, 0.05),
        (0, 128, 0, 128, 0.05),
        (0, 128, 0, 128, 0.0),
        (1, 1, 0, 1, 0.0),
    ],
)
def test_probability_of_a_change_agrees_with_adaptive_quadrature(k0, n0, k1, n1, t):
    got = float(probability_change_beyond(k0, n0, k1, n1, t, "rise"))
    assert got == pytest.approx(by_scipy(k0, n0, k1, n1, t), abs=1e-9)


#: P(p1 - p0 > t) in arithmetic of 30 digits, where the ends of both posteriors all but coincide.
NEAR_THE_ENDS = [
    (0, 1, 0, 1, 1.2e-7, 0.49999915755561), (1, 1, 1, 1, -3e-6, 0.500017147426045), (0, 16, 0, 16, 1e-9, 0.499999901284371),
    (1, 2, 1, 3, 1e-4, 0.355790690522222), (0, 4, 1, 30, -1e-5, 0.441047431716356), (0, 1, 0, 1, 0.0, 0.5),
    (0, 1, 1, 1, 0.4, 0.641771827724974), (0, 2, 2, 2, 0.9999999, 2.26353679746137e-7),
    (0, 3, 3, 3, -0.999999, 1.0), (5, 5, 0, 1, -1.2154358842187454e-06, 0.0169179514738434),
]  # fmt: skip


def test_probability_of_a_change_is_exact_to_many_digits_at_thresholds_near_the_ends():
    *counts, t, expected = np.array(NEAR_THE_ENDS).T
    np.testing.assert_allclose(probability_change_beyond(*counts, t, "rise"), expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(
        probability_change_beyond(*counts, -t, "drop"), 1 - expected, rtol=0, atol=1e-12
    )


def test_a_drop_is_the_rise_of_the_reverse():
    k, n = np.array([3, 20, 60]), np.array([64, 64, 64])
    drop = probability_change_beyond(k, n, k[::-1], n, 0.3, "drop")
    rise = probability_change_beyond(k[::-1], n, k, n, 0.3, "rise")
    np.testing.assert_allclose(drop, rise, atol=1e-12)


def test_probability_of_any_change_at_negative_thresholds():
    # P(p1 - p0 > -t) and P(p0 - p1 >= t) make up 1.
    above = probability_change_beyond(20, 64, 9, 64, -0.1, "rise")
    below = probability_change_beyond(20, 64, 9, 64, 0.1, "drop")
    assert float(above + below) == pytest.approx(1, abs=1e-10)


def test_probability_of_a_change_keeps_shape_and_broadcasts():
    got = probability_change_beyond(np.zeros((2, 1)), 64, np.array([10, 20, 30]), 64, 0.1, "rise")
    assert got.shape == (2, 3)
    np.testing.assert_allclose(got[0], got[1])


def test_delta_interval_agrees_with_draws_from_the_posteriors():
    rng = np.random.default_rng(11)
    cases = [(10, 64, 40, 64), (0, 32, 0, 32), (128, 128, 60, 128), (0, 16, 15, 16)]
    low, high = delta_interval(*map(np.array, zip(*cases, strict=True)))
    for i, (k0, n0, k1, n1) in enumerate(cases):
        drawn = rng.beta(k1 + 0.5, n1 - k1 + 0.5, 400_000) - rng.beta(k0 + 0.5, n0 - k0 + 0.5, 400_000)
        assert (low[i], high[i]) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.003)


def test_a_change_across_the_whole_scale_may_be_as_large_as_it_looks():
    low, high = delta_interval([0, 16, 0, 16], [16, 16, 16, 16], [64, 0, 63, 1], [64, 64, 64, 64])
    assert (high[0], low[1]) == (1.0, -1.0)
    assert low[0] > 0.8
    assert high[1] < -0.8
    assert high[2] < 1
    assert low[3] > -1


def test_delta_interval_ends_have_the_stated_mass():
    low, high = delta_interval([10, 3], [64, 32], [40, 3], [64, 64], level=0.9)
    np.testing.assert_allclose(
        probability_change_beyond([10, 3], [64, 32], [40, 3], [64, 64], low, "rise"), 0.95, atol=1e-6
    )
    np.testing.assert_allclose(
        probability_change_beyond([10, 3], [64, 32], [40, 3], [64, 64], high, "rise"), 0.05, atol=1e-6
    )


def test_probability_below_is_the_posterior_cdf():
    got = probability_below([0, 5, 64], 64, 0.05)
    np.testing.assert_allclose(got, stats.beta.cdf(0.05, [0.5, 5.5, 64.5], [64.5, 59.5, 0.5]), rtol=1e-9)


EXTREME = [
    (32, 64, 9200, 10_000), (9200, 10_000, 32, 64), (0, 100_000, 100_000, 100_000), (3, 10, 50_000, 100_000),
    (1, 1, 99_999, 100_000), (0, 1, 0, 100_000), (0, 16, 3_000, 1_000_000), (64, 64, 1_999, 2_000),
]  # fmt: skip


def by_quantiles(k0: int, n0: int, k1: int, n1: int, d: float, prior: float = 0.5) -> float:
    """P(p1 - p0 > d) by the mean over quantiles of the posterior that is narrower, where the other is smooth."""
    a, b = (stats.beta(k + prior, n - k + prior) for k, n in ((k0, n0), (k1, n1)))
    at = (np.arange(2_000) + 0.5) / 2_000
    return float(np.mean(b.sf(a.ppf(at) + d)) if a.std() < b.std() else np.mean(a.cdf(b.ppf(at) - d)))


@pytest.mark.parametrize("counts", EXTREME)
def test_probabilities_of_unlike_counts_agree_with_the_mean_over_quantiles(counts):
    for d in (0.05, 0.3, 0.42, 0.5):
        got = float(probability_change_beyond(*counts, d, "rise"))
        assert got == pytest.approx(by_quantiles(*counts, d), abs=2e-4)
        k0, n0, k1, n1 = counts
        assert float(probability_change_beyond(*counts, d, "drop")) == pytest.approx(
            by_quantiles(k1, n1, k0, n0, d), abs=2e-4
        )
