"""Late spikes and lucky guesses."""

import numpy as np
import polars as pl
import pytest
from build import PROTOCOL, curve
from support.judged import judge_guesses

from cot_assets.statistics.estimates import probability_below
from cot_assets.statistics.guesses import V0_BINS, guess_bound


def judged(*curves: pl.DataFrame) -> dict[str, dict]:
    got = judge_guesses(pl.concat(curves), PROTOCOL)
    return {row["rule"]: row for row in got.to_dicts()}


def test_both_rules_judge_the_last_cut_where_the_answer_comes_at_the_end():
    rows = judged(curve([(40, 64), (1, 64)]))
    for rule in ("late_spike", "lucky_guess"):
        assert rows[rule]["cut_index"] == 1
        assert rows[rule]["by_threshold"]
        assert rows[rule]["probability"] == pytest.approx(float(probability_below(1, 64, 0.05)))
        assert rows[rule]["v0"] == 40 / 64
        assert rows[rule]["v0_bin"] == "[0.6, 0.8)"


def test_the_lucky_guess_looks_before_the_answer_is_stated():
    # The answer is stated by cut 2; from there the model is sure, so the paper's rule sees nothing.
    rows = judged(curve([(40, 64), (1, 64), (64, 64), (64, 64)], states_from=2))
    assert rows["lucky_guess"]["cut_index"] == 1
    assert rows["lucky_guess"]["by_threshold"]
    assert rows["late_spike"]["cut_index"] == 3
    assert not rows["late_spike"]["by_threshold"]


def test_a_cut_without_rollouts_is_undecided_and_not_replaced():
    rows = judged(curve([(40, 64), (1, 64), (0, 0)]))
    for row in rows.values():
        assert row["cut_index"] is None
        assert row["by_threshold"] is row["probability"] is row["is_confirmed"] is row["n"] is None


def test_an_answer_stated_from_the_start_or_never_leaves_nothing_to_judge():
    assert judged(curve([(40, 64)], states_from=0))["lucky_guess"]["cut_index"] is None
    assert judged(curve([(40, 64)], states_from=9))["lucky_guess"]["cut_index"] is None


def test_only_correct_traces_are_judged():
    wrong = curve([(40, 64), (0, 64)], verdict="incorrect")
    assert judge_guesses(wrong, PROTOCOL).height == 0
    assert judge_guesses(wrong.clear(), PROTOCOL).is_empty()


def test_the_threshold_itself_is_not_below():
    assert not judged(curve([(10, 20), (1, 20)]))["late_spike"]["by_threshold"]


def test_the_bound_is_an_odds_ratio_of_at_most_one():
    got = guess_bound([0.0, 0.05, 0.5, 0.9, 1.0, np.nan], 0.05)
    np.testing.assert_allclose(got[:5], [1, 1, 0.05 / 0.95, 0.05 / 0.95 / 9, 0])
    assert np.isnan(got[5])


def test_the_bound_holds_and_is_reached_by_a_walk_that_stops_at_the_threshold():
    # V jumps from v0 to b or to 1; then from b to 0 or 1: the worst case, computed exactly.
    v0, b = 0.4, 0.05
    reach = (1 - v0) / (1 - b)
    assert reach * b / v0 == pytest.approx(float(guess_bound(v0, b)))


@pytest.mark.parametrize(("k", "name"), [(0, 0), (19, 0), (20, 1), (60, 3), (80, 4), (100, 4)])
def test_v0_bins_have_closed_lower_edges(k, name):
    assert judged(curve([(k, 100), (50, 100)]))["late_spike"]["v0_bin"] == V0_BINS[name]
