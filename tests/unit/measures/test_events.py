"""Tangents and insights."""

import polars as pl
import pytest
from build import PROTOCOL, curve
from support.judged import find_insights, find_tangents

from cot_assets.statistics.estimates import delta_interval, probability_change_beyond


def test_a_fall_and_a_rise_are_found_with_their_spans():
    curves = curve([(50, 64), (10, 64), (45, 64)])
    tangents, insights = find_tangents(curves, PROTOCOL), find_insights(curves, PROTOCOL)
    fall = tangents.row(0, named=True)
    assert (fall["cut_index"], fall["span"], fall["token_start"], fall["token_end"]) == (
        0,
        "line 0 ü\n",
        0,
        3,
    )
    assert fall["delta"] == pytest.approx(-40 / 64)
    assert fall["is_recovered"]
    assert fall["is_confirmed"]
    rise = insights.row(0, named=True)
    assert (rise["cut_index"], rise["span"]) == (1, "line 1 ü\n")
    assert rise["probability"] == pytest.approx(float(probability_change_beyond(10, 64, 45, 64, 0.4, "rise")))
    low, high = delta_interval(10, 64, 45, 64)
    assert (rise["delta_low"], rise["delta_high"]) == pytest.approx((float(low), float(high)))
    assert rise["protocol_hash"] == PROTOCOL.sampling_hash


def test_the_threshold_itself_is_no_event_whatever_the_rounding():
    # 0.7 - 0.3 and 0.55 - 0.15 fall on either side of 0.4 in floating point; both are exactly 0.4.
    for before, after in ((30, 70), (15, 55), (50, 90)):
        assert not find_insights(curve([(before, 100), (after, 100)]), PROTOCOL)["by_threshold"].any()
    assert find_insights(curve([(30, 100), (71, 100)]), PROTOCOL)["by_threshold"].to_list() == [True]


def test_a_pair_with_an_unknown_end_is_no_event_and_is_not_bridged():
    for hole in ((None, None), (0, 0)):
        curves = curve([(60, 64), hole, (0, 64)])
        assert find_tangents(curves, PROTOCOL).height == 0


def test_a_missing_cut_is_not_bridged():
    curves = curve([(60, 64), (30, 64), (0, 64)]).filter(pl.col("cut_index") != 1)
    assert find_tangents(curves, PROTOCOL).height == 0


def test_the_end_of_the_trace_takes_no_part():
    curves = curve([(60, 64)], verdict="incorrect")
    as_if_sampled = curves.with_columns(pl.col("n").fill_null(64), pl.col("n_correct").fill_null(0))
    assert find_tangents(as_if_sampled, PROTOCOL).height == 0


def test_recovery_needs_a_later_cut_within_tolerance():
    assert not find_tangents(curve([(60, 64), (10, 64), (40, 64)]), PROTOCOL)["is_recovered"][0]
    assert find_tangents(curve([(60, 64), (10, 64), (54, 64)]), PROTOCOL)["is_recovered"][0]
    assert not find_tangents(curve([(60, 64), (10, 64)]), PROTOCOL)["is_recovered"][0]


def test_pairs_of_probability_one_half_are_listed_below_the_threshold():
    # 0.600 of 5 to 0.995 of 1000: the estimate rises by 0.395, its posterior median by more than 0.4.
    listed = find_insights(curve([(3, 5), (995, 1000)]), PROTOCOL)
    assert listed["by_threshold"].to_list() == [False]
    assert listed["probability"][0] > 0.5
    assert find_insights(curve([(30, 64), (50, 64)]), PROTOCOL).height == 0


def test_curves_of_two_traces_do_not_touch():
    both = pl.concat([curve([(60, 64)], trace_id="a"), curve([(0, 64)], trace_id="b")])
    assert find_tangents(both, PROTOCOL).height == 0


def test_a_cut_given_twice_is_named():
    curves = curve([(60, 64), (1, 64)])
    with pytest.raises(ValueError, match="cut 0 of trace 't'"):
        find_tangents(pl.concat([curves, curves]), PROTOCOL)


def test_no_curves_give_an_empty_frame_of_the_right_type():
    nothing = curve([(1, 2)]).clear()
    assert find_tangents(nothing, PROTOCOL).is_empty()
    assert find_insights(nothing, PROTOCOL).height == 0
