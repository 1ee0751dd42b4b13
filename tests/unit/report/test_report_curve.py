"""Coordinates of curves: unknown leaves a gap, events sit on their cuts, the end is the verdict."""

from __future__ import annotations

from typing import Any

import pytest

from cot_assets.report.curve import _ticks, build_chart, spark


def _cuts(values: list[float | None], ended: float | None = 1.0) -> list[dict[str, Any]]:
    total = 10 * len(values)
    rows = [
        {
            "cut_index": i,
            "token_end": 10 * i,
            "fraction": 10 * i / total,
            "is_end": False,
            "states_answer": False,
            "leaks_answer": False,
            "potential": v,
            "value": v,
            "ci_low": None if v is None else max(0, v - 0.1),
            "ci_high": None if v is None else min(1, v + 0.1),
        }
        for i, v in enumerate(values)
    ]
    last = {**rows[0], "cut_index": len(values), "token_end": total, "fraction": 1.0, "is_end": True}
    return [*rows, {**last, "potential": None, "ci_low": None, "ci_high": None, "value": ended}]


def test_an_unknown_potential_breaks_line_and_band_and_is_never_at_zero() -> None:
    chart = build_chart(_cuts([0.5, 0.6, None, 0.7, 0.8]), 50, [])
    assert chart.line.count("M") == 2
    assert chart.band.count("Z") == 2
    assert len(chart.points) == 4
    assert chart.unknown.count("M") == 1
    assert chart.ys.split()[2] == "-"
    assert str(chart.floor) not in chart.ys.split()


def test_all_unknown_draws_no_line() -> None:
    chart = build_chart(_cuts([None, None], ended=None), 20, [])
    assert (chart.line, chart.band, chart.points, chart.end, chart.to_end) == ("", "", [], None, "")
    assert chart.ys == "- - -"


@pytest.mark.parametrize("value", [1.0, 0.0])
def test_the_end_is_the_verdict(value: float) -> None:
    chart = build_chart(_cuts([0.5, 0.6], ended=value), 20, [])
    assert chart.end is not None
    assert float(chart.end.y) == (chart.top if value else chart.floor)
    assert float(chart.end.x) == chart.edge


def test_events_lie_on_the_cuts_that_they_name() -> None:
    cuts = _cuts([0.1, 0.9, 0.2])
    events = [
        {"kind": "insight", "cut_index": 0, "is_pair": True},
        {"kind": "tangent", "cut_index": 1, "is_pair": True},
        {"kind": "late_spike", "cut_index": 2, "is_pair": False},
        {"kind": "lucky_guess", "cut_index": 2, "is_pair": False},
        {"kind": "insight", "cut_index": 2, "is_pair": True},  # no cut after it: nothing to draw
    ]
    strokes = build_chart(cuts, 30, events).strokes
    xs = build_chart(cuts, 30, []).xs.split()
    assert [stroke.kind for stroke in strokes] == ["insight", "tangent", "late_spike", "lucky_guess"]
    assert strokes[0].path.startswith(f"M{xs[0]} ")
    assert f"L{xs[1]} " in strokes[0].path
    assert strokes[2].x == xs[2]
    assert strokes[3].x != xs[2], "two signs at one cut would hide one another"


def test_flags_name_the_first_cut_only() -> None:
    cuts = _cuts([0.1, 0.2, 0.3, 0.4])
    for cut in cuts[2:]:
        cut["states_answer"] = cut["leaks_answer"] = True
    chart = build_chart(cuts, 40, [])
    assert [(flag.label, flag.x) for flag in chart.flags] == [
        ("answer stated", chart.xs.split()[2]),
        ("gold answer in text", chart.xs.split()[2]),
    ]


@pytest.mark.parametrize("total", [1, 5, 7, 61, 129, 3919, 32768])
def test_ticks_are_few_and_round(total: int) -> None:
    ticks = _ticks(total)
    assert ticks[0] == 0
    assert 2 <= len(ticks) <= 7
    assert ticks[-1] <= total


def test_a_spark_of_hundreds_of_cuts_stays_small_and_keeps_gaps() -> None:
    values: list[float | None] = [0.5] * 300
    values[100:110] = [None] * 10
    runs = spark(_cuts(values))
    assert sum(len(run) // 2 for run in runs) <= 62
    assert len(runs) == 2


def test_a_curve_without_cuts_is_empty() -> None:
    assert build_chart([], 10, []).line == ""
    assert spark([]) == []
