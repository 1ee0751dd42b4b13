"""Sensitivity of rates to threshold and n, and the noise floor."""

import numpy as np
import polars as pl
import pytest
from build import PROTOCOL, curve
from scipy import stats
from support.judged import judged_views
from support.views import shown_estimates

from cot_assets.measures.estimates import FILTERS
from cot_assets.measures.frames import CURVE, checked_curves, measured_cuts
from cot_assets.measures.patterns import guesses
from cot_assets.measures.rates.pattern_rates import decided_traces, pattern_rates
from cot_assets.measures.rates.sensitivity import rate_sensitivity


def some_curves(truth, traces=30, n=64, seed=1):
    rng = np.random.default_rng(seed)
    verdicts = ("correct", "correct", "incorrect")
    return pl.concat(
        [
            curve(
                [(int(k), n) for k in rng.binomial(n, truth)],
                trace_id=f"t{i:02d}",
                problem_id=f"p{i // 2}",
                verdict=verdicts[i % 3],
            )
            for i in range(traces)
        ]
    )


def sensitivity(curves, protocol):
    """With the cuts at which guesses are looked for, and nothing else judged."""
    checked = checked_curves(curves)
    traces = checked.select(*CURVE, "verdict").unique().with_columns(v0=pl.lit(None, pl.Float64))
    judged = guesses.judge_guesses(traces, checked, measured_cuts(checked), protocol)
    rules = judged.unpivot(
        ["late_spike_cut", "lucky_guess_cut"], index=CURVE, variable_name="rule", value_name="cut_index"
    )
    at = rules.with_columns(pl.col("rule").str.strip_suffix("_cut")).drop_nulls("cut_index")
    return shown_estimates("sensitivity", rate_sensitivity(curves, at, protocol))


def test_curves_without_any_rollouts_decide_nothing():
    got = sensitivity(curve([(None, None), (0, 0)]), PROTOCOL)
    assert got.height > 0
    assert got["n_traces"].unique().to_list() == [0]


JUMP = np.array([0.3, 0.3, 0.75, 0.3, 0.5, 0.02])
FLAT = np.full(12, 0.5)


def test_at_the_protocols_numbers_it_gives_the_published_rates():
    curves = pl.concat(
        [some_curves(JUMP, traces=9), curve([(0, 0), (20, 64)], trace_id="x"), curve([(5, 64)], trace_id="y")]
    )
    views = judged_views(curves, PROTOCOL)
    tables = [views[name] for name in ("tangents", "spikes", "lucky_guesses", "monotonicity")]
    rates = shown_estimates("pattern_rates", pattern_rates(decided_traces(*tables), PROTOCOL)).filter(
        rule="threshold"
    )
    got = sensitivity(curves, PROTOCOL)
    own = {"insight": 0.4, "tangent": 0.3, "monotone": 0.1, "late_spike": 0.05, "lucky_guess": 0.05}
    assert set(got.filter("is_in_use").select("pattern", "threshold").unique().iter_rows()) == set(
        own.items()
    )
    for pattern, threshold in own.items():
        for name in FILTERS:
            row = got.filter(pattern=pattern, trace_filter=name, threshold=threshold, n=64).row(0, named=True)
            published = rates.filter(pattern=pattern, trace_filter=name).row(0, named=True)
            assert row["n_traces"] == published["n_traces"]
            assert row["rate"] == (pytest.approx(published["rate"]) if published["n_traces"] else None)
            for end in ("ci_low", "ci_high"):
                assert row[end] == (pytest.approx(published[end]) if published["n_traces"] else None)
            assert row["n_problems"] == published["n_problems"]


def test_rates_fall_as_the_threshold_grows():
    got = sensitivity(some_curves(JUMP), PROTOCOL).filter(trace_filter="all", n=32)
    for pattern, sign in (
        ("insight", -1),
        ("tangent", -1),
        ("monotone", 1),
        ("late_spike", 1),
        ("lucky_guess", 1),
    ):
        rates = got.filter(pattern=pattern).sort("threshold")["rate"].to_numpy()
        assert (sign * np.diff(rates) >= -1e-12).all()


def test_fewer_rollouts_mean_more_events_by_chance():
    got = sensitivity(some_curves(FLAT), PROTOCOL).filter(
        pattern="tangent", trace_filter="all", threshold=0.2
    )
    by_n = {row["n"]: row for row in got.to_dicts()}
    assert sorted(by_n) == [16, 32, 64]
    assert by_n[16]["rate"] > by_n[32]["rate"] > by_n[64]["rate"]
    for floor in ("noise_flat", "noise_monotone"):
        assert by_n[16][floor] > by_n[32][floor] > by_n[64][floor]


def test_rates_of_flat_curves_are_those_of_flat_noise():
    got = sensitivity(some_curves(FLAT, traces=200), PROTOCOL).filter(trace_filter="all", n=64)
    for pattern in ("tangent", "insight", "monotone"):
        for threshold in (0.1, 0.15, 0.2):
            row = got.filter(pattern=pattern, threshold=threshold).row(0, named=True)
            assert row["noise_flat"] == pytest.approx(row["rate"], abs=0.12)


def test_noise_of_flat_curves_agrees_with_binomials_drawn_apart():
    # Two cuts of 64 at one half: the share of falls beyond 0.15 is a sum over two binomials.
    curves = pl.concat(
        [curve([(32, 64), (32, 64)], trace_id=f"t{i}", problem_id=f"p{i}") for i in range(200)]
    )
    row = sensitivity(curves, PROTOCOL).filter(pattern="tangent", trace_filter="all", threshold=0.15, n=64)
    mass = stats.binom.pmf(np.arange(65), 64, 0.5)
    k = np.arange(65)
    exact = (mass[:, None] * mass * ((k[:, None] - k) / 64 > 0.15 + 1e-9)).sum()
    assert row["rate"].item() == 0
    for floor in ("noise_flat", "noise_monotone"):
        # 10,000 curves; four standard errors.
        assert row[floor].item() == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 10_000))


def test_curves_that_never_fall_keep_their_rises_and_lose_their_falls():
    got = sensitivity(some_curves(JUMP), PROTOCOL).filter(trace_filter="all", n=64)
    insight, tangent = (
        got.filter(pattern=pattern, threshold=threshold).row(0, named=True)
        for pattern, threshold in (("insight", 0.4), ("tangent", 0.3))
    )
    assert insight["rate"] > 0.6
    assert tangent["rate"] == 1
    assert insight["noise_flat"] < 0.02
    assert tangent["noise_flat"] < 0.05
    assert tangent["noise_monotone"] < 0.05
    steps = sensitivity(some_curves(np.array([0.1, 0.1, 0.8, 0.8])), PROTOCOL)
    row = steps.filter(pattern="insight", trace_filter="all", threshold=0.4, n=64).row(0, named=True)
    assert row["noise_monotone"] == row["rate"] == 1
    assert row["noise_flat"] < 0.05


def test_a_guess_is_looked_for_where_the_guess_rules_look():
    low_then_stated = curve([(40, 64), (1, 64), (64, 64)], trace_id="a", states_from=2)
    got = sensitivity(low_then_stated, PROTOCOL).filter(trace_filter="correct", threshold=0.05, n=64)
    assert got.filter(pattern="lucky_guess")["rate"].item() == 1
    assert got.filter(pattern="late_spike")["rate"].item() == 0


def test_it_is_reproducible_and_takes_nothing():
    curves = some_curves(JUMP, traces=6)
    assert sensitivity(curves, PROTOCOL).equals(sensitivity(curves[::-1], PROTOCOL))
    assert sensitivity(curves.clear(), PROTOCOL).is_empty()
