"""Properties of the statistics that hold for every input."""

import itertools

import numpy as np
import polars as pl
import pytest
from build import PROTOCOL, curve
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from support.judged import judged_views
from support.views import shown_estimates

from cot_assets.measures.patterns.drawdowns import (
    change_bound,
    largest_change,
    simultaneous_band,
    split_estimate,
)
from cot_assets.measures.rates.passk import pass_at_k
from cot_assets.measures.rates.pattern_rates import decided_traces, pattern_rates
from cot_assets.measures.transfer.unlocks import judge_unlocks
from cot_assets.statistics.change_law import confirm
from cot_assets.statistics.clusters import cluster_bootstrap_mean
from cot_assets.statistics.effective_size import effective_sample_size
from cot_assets.statistics.estimates import (
    delta_interval,
    jeffreys_interval,
    probability_below,
    probability_change_beyond,
)
from cot_assets.statistics.guesses import guess_bound
from cot_assets.statistics.isotonic import fall_statistic, isotonic_fit

relaxed = settings(deadline=None, max_examples=60)
slow = settings(deadline=None, max_examples=15)

PATTERNS = ("tangents", "spikes", "lucky_guesses", "monotonicity")
counts = st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
cells = st.one_of(counts, counts, st.sampled_from([(None, None), (0, 0)]))
# Few sizes of n, since curves of the same n share their simulations; and few cuts, which show as much as many.
few = st.sampled_from([1, 5, 32]).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
curves = st.lists(st.one_of(few, few, few, st.sampled_from([(None, None), (0, 0)])), min_size=1, max_size=5)
verdicts = st.sampled_from(["correct", "incorrect", "no_answer", "truncated"])
traces = st.lists(st.tuples(curves, verdicts, st.integers(0, 3)), min_size=1, max_size=5)


def frame_of(several) -> pl.DataFrame:
    return pl.concat(
        [
            curve(cuts, trace_id=f"t{i}", problem_id=f"p{problem}", verdict=verdict)
            for i, (cuts, verdict, problem) in enumerate(several)
        ]
    )


def known(cell) -> bool:
    return bool(cell[1])


@relaxed
@given(counts, st.floats(0.5, 0.999))
def test_interval_contains_the_estimate_and_mirrors(count, level):
    k, n = count
    low, high = jeffreys_interval(k, n, level)
    assert 0 <= low <= k / n <= high <= 1
    assert high > low
    mirrored = jeffreys_interval(n - k, n, level)
    assert (1 - float(mirrored[1]), 1 - float(mirrored[0])) == pytest.approx((float(low), float(high)))


@relaxed
@given(counts, st.floats(0, 1), st.floats(0, 1))
def test_probability_below_grows_with_the_bound(count, a, b):
    a, b = sorted((a, b))
    low, high = probability_below(*count, a), probability_below(*count, b)
    assert 0 <= low <= high <= 1


@relaxed
@given(counts, counts, st.floats(-1, 1), st.floats(-1, 1))
def test_probability_of_a_change_falls_with_the_threshold(before, after, s, t):
    s, t = sorted((s, t))
    wide = float(probability_change_beyond(*before, *after, s, "rise"))
    narrow = float(probability_change_beyond(*before, *after, t, "rise"))
    assert 0 <= narrow <= wide + 1e-9 <= 1 + 2e-9
    back = float(probability_change_beyond(*before, *after, -t, "drop"))
    assert narrow + back == pytest.approx(1, abs=1e-9)


@slow
@given(counts, counts)
def test_interval_of_a_change_mirrors_when_the_ends_are_swapped(before, after):
    low, high = delta_interval(*before, *after)
    assert -1 <= low < high <= 1
    swapped = delta_interval(*after, *before)
    assert (-float(swapped[1]), -float(swapped[0])) == pytest.approx((float(low), float(high)), abs=1e-6)


@slow
@given(traces)
def test_what_is_said_of_the_same_curves_agrees(several):
    views = judged_views(frame_of(several), PROTOCOL)
    assert_events_are_the_neighboring_known_pairs_beyond_the_threshold(several, views)
    assert_changes_name_the_events_of_the_tables(views)
    assert_rates_and_traces_agree(views)


def assert_events_are_the_neighboring_known_pairs_beyond_the_threshold(several, views):
    for name, sign, num in (("spikes", 1, 40), ("tangents", -1, 30)):
        expected = set()
        for i, (cuts, _, _) in enumerate(several):
            for j, (a, b) in enumerate(itertools.pairwise(cuts)):
                # Compared in integers: 100 * (b/nb - a/na) > num.
                if known(a) and known(b) and sign * 100 * (b[0] * a[1] - a[0] * b[1]) > num * a[1] * b[1]:
                    expected.add((f"t{i}", j))
        got = views[name]
        assert set(got.filter("by_threshold").select("trace_id", "cut_index").iter_rows()) == expected
        assert (got["by_threshold"] | got["is_confirmed"] | (got["probability"] >= 0.5)).all()
        assert ((got["delta_low"] < got["delta_high"]) & got["probability"].is_between(0, 1)).all()


def assert_changes_name_the_events_of_the_tables(views):
    changes = views["changes"]
    assert (changes["delta_fitted"].abs() <= 1).all()
    for pattern, name in (("insight", "spikes"), ("tangent", "tangents")):
        listed = views[name].filter("is_confirmed").select("trace_id", "cut_index").rows()
        assert changes.filter(f"is_{pattern}_confirmed").select("trace_id", "cut_index").rows() == listed


def assert_rates_and_traces_agree(views):
    tables = [views[name] for name in PATTERNS]
    rates = shown_estimates("pattern_rates", pattern_rates(decided_traces(*tables), PROTOCOL))
    present = rates.filter(pl.col("n_traces") > 0)
    assert rates.filter(pl.col("n_traces") == 0)["rate"].is_null().all()
    assert (present["ci_low"] <= present["rate"] + 1e-12).all()
    assert (present["rate"] <= present["ci_high"] + 1e-12).all()
    assert (present["ci_high"] > present["ci_low"]).all()
    assert (present["n_eff"] <= present["n_traces"] + 1e-9).all()
    tangents, _, _, monotone = tables
    dropped = tangents.filter("by_threshold")["trace_id"]
    assert not monotone.filter(pl.col("trace_id").is_in(dropped.implode()))["by_threshold"].any()


@settings(slow, max_examples=8)  # each judges twice
@given(traces, st.randoms(use_true_random=False))
def test_results_do_not_depend_on_the_order_of_rows(several, random):
    frame = frame_of(several)
    order = list(range(frame.height))
    random.shuffle(order)
    views, shuffled = judged_views(frame, PROTOCOL), judged_views(frame[order], PROTOCOL)
    for name in PATTERNS:
        assert views[name].equals(shuffled[name])


@relaxed
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=1, max_size=40))
def test_effective_size_is_bounded(rows):
    flags, clusters = zip(*rows, strict=True)
    sizes = np.unique(clusters, return_counts=True)[1]
    n_eff = effective_sample_size(flags, clusters)
    assert min(len(sizes), len(rows) ** 2 / (sizes**2).sum()) - 1e-9 <= n_eff <= len(rows) + 1e-9


@relaxed
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 4)), min_size=1, max_size=30), st.integers(0, 99))
def test_bootstrap_interval_has_width_and_stays_in_bounds(rows, seed):
    values, clusters = zip(*rows, strict=True)
    got = cluster_bootstrap_mean(values, clusters, seed)
    assert 0 <= got.low <= got.high <= 1
    assert got.high > got.low
    assert got.mean == pytest.approx(np.mean(values))


@relaxed
@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_pass_at_k_grows_with_k_and_with_right_traces(case):
    n, c, k = case
    here = float(pass_at_k(n, c, k))
    assert -1e-12 <= here <= 1
    assert float(pass_at_k(n, c, 1)) == pytest.approx(c / n)
    if k < n:
        assert float(pass_at_k(n, c, k + 1)) >= here - 1e-12
    if c:
        assert float(pass_at_k(n, c - 1, k)) <= here + 1e-12


tree = st.lists(st.tuples(st.floats(0.01, 0.99), st.floats(0.05, 0.95)), min_size=1, max_size=5)


@relaxed
@given(st.floats(0.05, 0.99), tree, st.sampled_from([0.05, 0.1, 0.3]))
def test_no_martingale_beats_the_guess_bound(v0, steps, b):
    # Every step splits each value v into v * (1 - a) and a higher value, so that the mean stays v; then
    # the trace ends right with probability v. P(ever <= b | correct), summed over all paths.
    paths = [(1.0, v0, v0 <= b)]
    for a, chance in steps:
        following = []
        for mass, v, seen in paths:
            low = v * (1 - a)
            high = min(1.0, (v - chance * low) / (1 - chance))
            p = 0.0 if high == low else (high - v) / (high - low)
            following += [(mass * p, low, seen or low <= b), (mass * (1 - p), high, seen or high <= b)]
        paths = following
    right = sum(mass * v for mass, v, _ in paths)
    assert right == pytest.approx(v0)
    seen = sum(mass * v for mass, v, was_low in paths if was_low)
    if v0 > b:
        assert seen / right <= float(guess_bound(v0, b)) + 1e-9


@relaxed
@given(st.floats(1e-6, 1), st.integers(1, 60), st.floats(0, 1))
def test_no_later_value_makes_an_e_value_too_large(v, n0, stake):
    # An e-value is linear in V, so its mean depends on the law of V only through v.
    k = np.arange(n0 + 1)
    mass = stats.binom.pmf(k, n0, v)
    up = (1 - stake) + stake * v * (n0 + 1) / (k + 1)
    down = (1 - stake) + stake * (1 - v) * (n0 + 1) / (n0 - k + 1)
    assert float(mass @ up) <= 1 + 1e-9
    assert float(mass @ down) <= 1 + 1e-9


@relaxed
@given(cells, cells)
def test_unlock_statuses_follow_from_the_probabilities(start, later):
    identity = {"problem_set": "s", "reader": "r", "writer": "w", "problem_id": "p", "trace_id": "t"}
    rest = {"control": "none", "trace_verdict": "correct", "leaks_answer": False, "share": 0.2, "n_tokens": 9}
    rows = [
        {**identity, **rest, "fraction": f, "n": n, "n_correct": k}
        for f, (k, n) in ((0.0, start), (0.2, later))
    ]
    got = judge_unlocks(pl.DataFrame(rows, infer_schema_length=None), PROTOCOL).row(0, named=True)
    unsolved, lifted = got["probability_unsolved"], got["probability_lifted"]
    assert (unsolved is None) == (not known(start))
    assert (lifted is None) == (not known(later))
    if got["status"] == "unlocked":
        assert unsolved >= 0.95
        assert lifted >= 0.95
    elif got["status"] == "not_unlocked":
        assert unsolved >= 0.95
        assert lifted <= 0.05
    elif got["status"] == "solved_before":
        assert unsolved <= 0.05
    else:
        assert unsolved is None or lifted is None or 0.05 < unsolved < 0.95 or 0.05 < lifted < 0.95


@relaxed
@given(st.lists(counts, min_size=1, max_size=12))
def test_the_isotonic_fit_never_falls_and_keeps_the_total(cuts):
    k, n = np.array(cuts, dtype=float).T
    fit = isotonic_fit(k, n)
    assert (np.diff(fit) >= -1e-12).all()
    assert float(fit @ n) == pytest.approx(k.sum())
    assert float(fall_statistic(k, n)) >= 0
    if (np.diff(k / n) >= 0).all():
        np.testing.assert_allclose(fit, k / n)


@relaxed
@given(st.lists(counts, min_size=2, max_size=10))
def test_largest_changes_bound_and_estimate_agree(cuts):
    k, n = np.array(cuts, dtype=float).T
    low, high = simultaneous_band(k, n)
    assert ((low <= k / n + 1e-12) & (k / n <= high + 1e-12)).all()
    for kind, sign in (("drawdown", 1.0), ("run_up", -1.0)):
        i, j, size = largest_change(k / n, kind)
        assert i < j
        assert size == pytest.approx(max(sign * (a - b) for a, b in itertools.combinations(k / n, 2)))
        assert 0 <= change_bound(k, n, kind) <= max(0.0, size) + 1e-12
        if (n >= 2).all():
            assert -1 <= split_estimate(k, n, kind, seed=1) <= 1


@relaxed
@given(st.lists(st.floats(0, 1), max_size=40))
def test_confirmation_is_a_cut_by_probability_within_the_rate(values):
    probability = np.array(values, dtype=float)
    chosen = confirm(probability)
    if chosen.any():
        assert np.mean(1 - probability[chosen]) <= 0.05 + 1e-12
        assert probability[chosen].min() >= 0.8
        assert (probability[~chosen] < probability[chosen].min()).all()
