"""The law of changes and false-discovery control."""

import numpy as np
import polars as pl
import pytest
from build import PROTOCOL, curve
from scipy import integrate, stats
from support.judged import change_priors, find_insights, find_tangents, judge_changes

from cot_assets.statistics.change_law import (
    CENTERS,
    FALSE_DISCOVERY_RATE,
    change_likelihoods,
    confirm,
    fit_change_prior,
    probability_beyond,
)


def floats(*values):
    return np.array(values, dtype=float)


@pytest.mark.parametrize(
    ("k0", "n0", "k1", "n1"), [(10, 64, 40, 64), (0, 32, 0, 32), (128, 128, 3, 16), (1, 1, 0, 1)]
)
def test_likelihoods_agree_with_adaptive_quadrature(k0, n0, k1, n1):
    got = change_likelihoods(floats(k0), floats(n0), floats(k1), floats(n1))[0]
    for index, d in [(0, 0.0), (1 + 70, CENTERS[70]), (1 + 10, CENTERS[10]), (100, CENTERS[99])]:
        low, high = max(0, -d), min(1, 1 - d)
        expected = integrate.quad(
            lambda x, d=d: stats.binom.pmf(k0, n0, x) * stats.binom.pmf(k1, n1, x + d),
            low,
            high,
            points=[np.clip(k0 / n0, low + 1e-9, high - 1e-9)],
            epsabs=1e-14,
            limit=200,
        )[0] / (high - low)
        assert got[index] == pytest.approx(expected, rel=1e-5, abs=1e-12)


def test_likelihoods_sum_to_one_over_all_outcomes():
    n = 6
    k0, k1 = (a.ravel().astype(float) for a in np.meshgrid(np.arange(n + 1), np.arange(n + 1)))
    table = change_likelihoods(k0, np.full(len(k0), float(n)), k1, np.full(len(k0), float(n)))
    np.testing.assert_allclose(table.sum(axis=0), 1, rtol=1e-8)


def test_the_fitted_law_finds_the_share_without_change():
    rng = np.random.default_rng(3)
    for share in (0.9, 0.3):
        change = np.where(rng.random(600) < share, 0, rng.choice([-0.5, 0.5], 600))
        before = np.where(change == 0, rng.random(600), 0.5 - change / 2)
        k0, k1 = rng.binomial(128, before).astype(float), rng.binomial(128, before + change).astype(float)
        n = np.full(600, 128.0)
        prior = fit_change_prior(change_likelihoods(k0, n, k1, n))
        assert prior.at_zero + prior.cells.sum() == pytest.approx(1)
        near = prior.at_zero + prior.cells[np.abs(CENTERS) < 0.1].sum()
        assert near == pytest.approx(share, abs=0.05)
        assert prior.cells[np.abs(CENTERS - 0.5) < 0.1].sum() == pytest.approx((1 - share) / 2, abs=0.05)


def test_without_pairs_the_prior_errs_toward_no_change():
    prior = fit_change_prior(np.empty((0, 1 + len(CENTERS))))
    assert prior.at_zero > 0.6
    assert (prior.cells > 0).all()


def test_a_threshold_inside_a_cell_counts_its_share():
    likelihoods = change_likelihoods(floats(20), floats(64), floats(45), floats(64))
    prior = fit_change_prior(likelihoods)
    at = [float(probability_beyond(likelihoods, prior, t, "rise")[0]) for t in (0.40, 0.41, 0.42)]
    assert at[0] > at[1] > at[2]
    assert at[1] == pytest.approx((at[0] + at[2]) / 2)


def test_confirmed_events_keep_the_expected_false_share():
    probability = floats(0.99, 0.97, 0.95, 0.9, 0.85, 0.5)
    got = confirm(probability)
    assert got.tolist() == [True, True, True, True, False, False]  # mean of 1 - p: 0.0475, then 0.068
    assert np.mean(1 - probability[got]) <= FALSE_DISCOVERY_RATE
    assert confirm(floats(0.79)).tolist() == [False]
    assert confirm(floats()).tolist() == []


def test_equal_probabilities_are_confirmed_together_or_not_at_all():
    probability = floats(0.99, 0.9, 0.9, 0.9)  # with one of the three 0.055, and 0.99 by itself
    assert confirm(probability).tolist() == [True, False, False, False]
    assert confirm(floats(0.99, 0.95, 0.95, 0.95)).all()


def test_a_lone_jump_among_flat_pairs_is_confirmed_and_a_doubtful_one_is_not():
    flat = [curve([(32, 64)] * 6, trace_id=f"f{i}") for i in range(20)]
    sure = curve([(4, 64), (60, 64)], trace_id="sure")
    doubtful = curve([(10, 64), (37, 64)], trace_id="doubtful")
    insights = find_insights(pl.concat([*flat, sure, doubtful]), PROTOCOL)
    verdict = dict(insights.select("trace_id", "is_confirmed").rows())
    assert verdict == {"sure": True, "doubtful": False}
    assert insights.filter(trace_id="doubtful")["by_threshold"].to_list() == [True]


def test_changes_list_every_known_pair_and_agree_with_the_events():
    curves = pl.concat(
        [
            curve([(50, 64), (10, 64), (0, 0), (5, 64), (60, 64)], trace_id="a"),
            curve([(30, 64)], trace_id="b"),
        ]
    )
    got = judge_changes(curves, PROTOCOL)
    assert got.select("trace_id", "cut_index").rows() == [("a", 0), ("a", 3)]
    tangents, insights = find_tangents(curves, PROTOCOL), find_insights(curves, PROTOCOL)
    assert got["is_tangent_confirmed"].to_list() == [True, False]
    assert got["is_insight_confirmed"].to_list() == [False, True]
    assert tangents["probability"][0] == got["tangent_probability"][0]
    assert tangents["fitted_probability"][0] == got["tangent_fitted"][0]
    assert insights["fitted_probability"][0] == got["insight_fitted"][1]
    assert insights["is_confirmed"][0] == got["is_insight_confirmed"][1]
    assert got["delta_fitted"][0] == pytest.approx(got["delta"][0], abs=0.1)
    assert judge_changes(curves.clear(), PROTOCOL).is_empty()


def test_models_have_laws_of_their_own():
    quiet = [curve([(30, 64)] * 8, trace_id=f"q{i}", model="quiet") for i in range(10)]
    lively = [curve([(4, 64), (60, 64)] * 4, trace_id=f"l{i}", model="lively") for i in range(10)]
    laws = change_priors(pl.concat([*quiet, *lively]), PROTOCOL)
    for model in ("quiet", "lively"):
        assert laws.filter(model=model)["mass"].sum() == pytest.approx(1)
        assert laws.filter(model=model).height == 21
    assert laws.filter(model="quiet", change_low=0, change_high=0)["mass"][0] > 0.9
    assert laws.filter((pl.col("model") == "lively") & (pl.col("change_low") >= 0.7))["mass"].sum() > 0.3
    assert laws.filter((pl.col("model") == "quiet") & (pl.col("change_low") >= 0.7))["mass"].sum() < 0.01
    assert change_priors(quiet[0].clear(), PROTOCOL).is_empty()


UNLIKE = [
    (0, 100_000, 100_000, 100_000), (0, 100_000, 0, 100_000), (100_000, 100_000, 1, 100_000), (7, 10_000, 9_000, 10_000),
    (32, 64, 9_200, 10_000), (9_200, 10_000, 32, 64), (500_000, 1_000_000, 500_300, 1_000_000), (0, 1, 100_000, 100_000),
]  # fmt: skip


@pytest.mark.parametrize("counts", UNLIKE)
def test_likelihoods_of_large_and_unlike_counts_are_those_of_cells(counts):
    """A cell's likelihood is the posterior mass under flat priors over its area; here by means over quantiles."""
    got = change_likelihoods(*(floats(value) for value in counts))[0]
    assert np.isfinite(got).all()
    k0, n0, k1, n1 = counts
    a, b = (stats.beta(k + 1, n - k + 1) for k, n in ((k0, n0), (k1, n1)))
    at, edges = (np.arange(2_000) + 0.5) / 2_000, np.linspace(-1, 1, 101)[:, None]
    above = b.sf(a.ppf(at) + edges) if a.std() < b.std() else a.cdf(b.ppf(at) - edges)
    mass = -np.diff(above.mean(axis=1))
    wanted = mass / (0.02 * (1 - np.abs(CENTERS))) / ((n0 + 1) * (n1 + 1))
    np.testing.assert_allclose(got[1:], wanted, atol=0.01 * wanted.max())


@pytest.mark.parametrize("n", [100, 1_000, 100_000, 10_000_000])
def test_a_change_across_the_whole_scale_is_an_insight_however_many_rollouts_say_so(n):
    curves = pl.concat(
        [curve([(0, n), (n, n)], trace_id="p"), curve([(2, 64), (60, 64)], trace_id="q", problem_id="q")]
    )
    got = judge_changes(curves, PROTOCOL)
    assert got["insight_probability"].to_list() == pytest.approx([1, 1], abs=1e-6)
    assert got["insight_fitted"].to_list() == pytest.approx([1, 1], abs=1e-3)
    assert got["is_insight_confirmed"].to_list() == [True, True]
    assert change_priors(curves, PROTOCOL)["mass"].sum() == pytest.approx(1)
