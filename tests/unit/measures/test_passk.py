"""pass@k."""

import itertools

import numpy as np
import polars as pl
import pytest
from build import PROTOCOL, curve
from scipy import stats
from support.judged import judge_guesses, judge_monotonicity
from support.views import shown_estimates

from cot_assets.measures.rates.passk import (
    measured_pass_at_k,
    pass_at_k,
    pass_at_k_by_problem,
    sampled_pass_at_k,
)


def test_equals_the_share_of_subsets_with_a_right_one():
    for n, c, k in itertools.product(range(1, 7), range(7), range(1, 7)):
        if c > n or k > n:
            continue
        subsets = list(itertools.combinations([1] * c + [0] * (n - c), k))
        assert float(pass_at_k(n, c, k)) == pytest.approx(np.mean([max(s) for s in subsets]))


def test_equals_the_published_product_formula_at_large_n():
    n, c, k = 10_000, 37, 100
    product = 1 - np.prod(1 - k / np.arange(n - c + 1, n + 1))
    assert float(pass_at_k(n, c, k)) == pytest.approx(product, rel=1e-9)


def test_is_unbiased():
    # E over c ~ Bin(n, p) is 1 - (1 - p)^k, exactly.
    n, p, k = 12, 0.3, 5
    c = np.arange(n + 1)
    assert float((stats.binom.pmf(c, n, p) * pass_at_k(n, c, k)).sum()) == pytest.approx(1 - 0.7**5)


def test_k_above_n_has_no_estimate_and_nonsense_is_refused():
    assert np.isnan(pass_at_k(4, 4, 5))
    for bad in ((4, 5, 1), (4, -1, 1), (4, 1, 0)):
        with pytest.raises(ValueError, match="pass@k"):
            pass_at_k(*bad)


def tables():
    curves = pl.concat(
        [
            curve([(20, 64), (0, 64)], trace_id="guess", problem_id="a"),
            curve([(20, 64), (50, 64)], trace_id="right", problem_id="a"),
            curve([(20, 64), (0, 64)], trace_id="wrong", problem_id="a", verdict="incorrect"),
            curve([(20, 64), (0, 64)], trace_id="lost", problem_id="a", verdict="unscored"),
            curve([(20, 64), (0, 64)], trace_id="only guess", problem_id="b"),
        ]
    )
    return judge_monotonicity(curves, PROTOCOL), judge_guesses(curves, PROTOCOL)


def test_guesses_are_taken_as_wrong():
    got = pass_at_k_by_problem(*tables(), ks=[1, 2, 4])
    a = got.filter(problem_id="a")
    assert a.select("n_traces", "n_correct", "n_guesses").rows() == [(3, 2, 1)] * 3
    assert a["pass_at_k"].to_list() == pytest.approx([2 / 3, 1.0, None])
    assert a["pass_at_k_without_guesses"].to_list() == pytest.approx([1 / 3, 2 / 3, None])
    assert got.filter(problem_id="b")["pass_at_k_without_guesses"].to_list() == [0.0, None, None]


def measured(protocol=PROTOCOL, **tables_):
    frames = tables()
    rows = measured_pass_at_k(*(f.clear() if tables_.get("empty") else f for f in frames), protocol)
    return shown_estimates("pass_at_k", rows)


def test_means_are_over_problems_with_enough_traces():
    got = measured(PROTOCOL.model_copy(update={"measured_per_problem": 4}))
    kept = got.filter(guesses="kept")
    assert kept["k"].to_list() == [1, 2, 4]
    assert kept["pass_at_k"].to_list() == pytest.approx([(2 / 3 + 1) / 2, 1.0, None])
    assert kept.select("n_problems", "n_traces", "n_guesses").rows() == [(2, 4, 0), (1, 3, 0), (0, 0, 0)]
    without = got.filter(guesses="lucky_guess", k=1)
    assert without.select("pass_at_k", "n_guesses").row(0) == pytest.approx((1 / 6, 2))
    assert (without["ci_low"][0], without["ci_high"][0]) != (without["pass_at_k"][0],) * 2


def test_each_rule_takes_out_its_own_guesses():
    monotone, guesses = tables()
    guesses = guesses.with_columns(
        pl.when(pl.col("rule") == "late_spike").then(False).otherwise("by_threshold").alias("by_threshold")
    )
    got = {
        r["guesses"]: r["n_guesses"]
        for r in shown_estimates("pass_at_k", measured_pass_at_k(monotone, guesses, PROTOCOL)).to_dicts()
    }
    assert got == {"kept": 0, "late_spike": 0, "lucky_guess": 2}


def test_nothing_is_said_of_traces_picked_by_their_verdict():
    assert measured(PROTOCOL.model_copy(update={"measured": "correct"})).is_empty()
    assert measured(empty=True).is_empty()


def test_traces_without_a_curve_count_where_guesses_play_no_part():
    traces = pl.DataFrame(
        [
            {"problem_set": "s", "model": "m", "problem_id": problem, "trace_id": f"{problem}{i}", "verdict": verdict}
            for problem, verdicts in {"a": ["correct", "incorrect", "truncated", "no_answer"], "b": ["incorrect"] * 4}.items()
            for i, verdict in enumerate(verdicts)
        ]
    )  # fmt: skip
    protocol = PROTOCOL.model_copy(update={"measured": "correct", "traces_per_problem": 4})
    got = shown_estimates("pass_at_k", sampled_pass_at_k(traces, protocol))
    assert got["k"].to_list() == [1, 2, 4]
    assert got["pass_at_k"].to_list() == pytest.approx([1 / 8, 1 / 4, 1 / 2])
    assert set(got["n_traces"]) == {8}
    assert set(got["cut_policy"]) == {"any"}
