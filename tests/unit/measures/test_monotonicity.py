"""Monotone traces."""

import polars as pl
import pytest
from build import PROTOCOL, curve
from support.judged import judge_monotonicity

from cot_assets.statistics.estimates import probability_change_beyond


def judged(curves: pl.DataFrame) -> dict:
    got = judge_monotonicity(curves, PROTOCOL)
    assert got.height == 1
    return got.row(0, named=True)


def test_drops_within_tolerance_are_monotone():
    row = judged(curve([(50, 100), (40, 100), (70, 100)]))
    assert row["by_threshold"]
    assert (row["max_drop"], row["max_rise"]) == pytest.approx((0.1, 0.3))
    assert (row["n_cuts"], row["n_pairs"], row["v0"]) == (3, 2, 0.5)
    assert not judged(curve([(50, 100), (39, 100)]))["by_threshold"]


def test_probability_is_the_product_over_pairs():
    row = judged(curve([(50, 64), (45, 64), (60, 64)]))
    drops = probability_change_beyond(
        [50, 45], 64, [45, 60], 64, PROTOCOL.analysis.monotone_tolerance, "drop"
    )
    assert row["probability"] == pytest.approx(float((1 - drops[0]) * (1 - drops[1])))
    assert row["is_confirmed"] == (row["probability"] >= 0.95)


def test_a_rising_curve_drops_by_nothing():
    assert judged(curve([(1, 64), (60, 64)]))["max_drop"] == 0


def test_without_pairs_nothing_is_decided():
    for counts in ([(50, 64)], [(50, 64), (0, 0), (60, 64)], []):
        row = judged(curve(counts))
        assert row["n_pairs"] == 0
        assert row["by_threshold"] is row["probability"] is row["is_confirmed"] is row["max_drop"] is None
        assert row["n_cuts"] == len(counts)


def test_solved_without_cot_is_unknown_where_v0_is():
    assert judged(curve([(95, 100), (1, 100)]))["is_solved_without_cot"]
    assert not judged(curve([(94, 100), (1, 100)]))["is_solved_without_cot"]
    assert judged(curve([(0, 0), (1, 100)]))["is_solved_without_cot"] is None


def test_the_end_takes_no_part_and_wrong_traces_are_judged():
    row = judged(curve([(60, 64), (60, 64)], verdict="incorrect"))
    assert row["by_threshold"]
    assert row["verdict"] == "incorrect"


def test_no_curves_give_an_empty_frame_of_the_right_type():
    assert judge_monotonicity(curve([(1, 2)]).clear(), PROTOCOL).is_empty()
