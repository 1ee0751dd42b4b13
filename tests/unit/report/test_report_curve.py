"""Coordinates of curves: unknown leaves a gap, events sit on their cuts, the end is the verdict."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from cot_assets.report.curve import Chart, _ticks, spark
from cot_assets.report.pages import _environment


class Drawn:
    """The picture of a curve, as pages hold it."""

    def __init__(self, chart: Chart) -> None:
        macros = _environment().get_template("macros.html.j2").module
        self.svg = ElementTree.fromstring(str(vars(macros)["chart"](chart, "token")))
        self.xs, self.ys = (self.svg.attrib[name].split() for name in ("data-x", "data-y"))

    def all(self, tag: str, kind: str = "") -> list[ElementTree.Element]:
        """Elements of a tag, and of a class where one is named."""
        return [e for e in self.svg.iter(tag) if not kind or kind in e.get("class", "").split()]

    def path(self, kind: str) -> str:
        """The only path of a class; empty where there is none."""
        return "".join(e.attrib["d"] for e in self.all("path", kind))


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
    drawn = Drawn(Chart(_cuts([0.5, 0.6, None, 0.7, 0.8]), 50, []))
    assert drawn.path("line").count("M") == 2
    assert drawn.path("band").count("Z") == 2
    assert len([dot for dot in drawn.all("circle") if dot.attrib["class"] != "dot"]) == 4
    assert drawn.path("no").count("M") == 1
    assert drawn.ys[2] == "-"
    assert str(Chart.floor) not in drawn.ys


def test_a_band_with_an_unknown_end_is_not_drawn() -> None:
    cuts = _cuts([0.5, 0.6])
    cuts[1]["ci_low"] = None
    assert Drawn(Chart(cuts, 20, [])).path("band") == ""


def test_all_unknown_draws_no_line() -> None:
    drawn = Drawn(Chart(_cuts([None, None], ended=None), 20, []))
    assert [drawn.path(kind) for kind in ("line", "band", "end", "toend")] == [""] * 4
    assert [dot.attrib["class"] for dot in drawn.all("circle")] == ["dot"]
    assert drawn.ys == ["-", "-", "-"]


@pytest.mark.parametrize("value", [1.0, 0.0])
def test_the_end_is_the_verdict(value: float) -> None:
    drawn = Drawn(Chart(_cuts([0.5, 0.6], ended=value), 20, []))
    y = Chart.top if value else Chart.floor
    assert drawn.path("end").startswith(f"M{Chart.edge} {y - 5.5}l")
    assert drawn.path("toend").endswith(f"L{Chart.edge} {y}")
    assert bool(drawn.all("path", "correct")) == bool(value)


def test_events_lie_on_the_cuts_that_they_name() -> None:
    cuts = _cuts([0.1, 0.9, 0.2])
    events = [
        {"kind": "insight", "cut_index": 0, "is_pair": True},
        {"kind": "tangent", "cut_index": 1, "is_pair": True},
        {"kind": "late_spike", "cut_index": 2, "is_pair": False},
        {"kind": "lucky_guess", "cut_index": 2, "is_pair": False},
        {"kind": "insight", "cut_index": 2, "is_pair": True},  # no cut after it: nothing to draw
    ]
    drawn = Drawn(Chart(cuts, 30, events))
    signs = drawn.all("text", "sign")
    assert [sign.attrib["class"] for sign in signs] == [f"sign {event['kind']}" for event in events[:4]]
    path = drawn.path("insight")
    assert path.startswith(f"M{drawn.xs[0]} ")
    assert f"L{drawn.xs[1]} " in path
    assert float(signs[2].attrib["x"]) == float(drawn.xs[2])
    assert signs[3].attrib["x"] != signs[2].attrib["x"], "two signs at one cut would hide one another"


def test_flags_name_the_first_cut_only() -> None:
    cuts = _cuts([0.1, 0.2, 0.3, 0.4])
    for cut in cuts[2:]:
        cut["states_answer"] = cut["leaks_answer"] = True
    drawn = Drawn(Chart(cuts, 40, []))
    texts = [text.text for text in drawn.all("text")]
    assert [texts.count(label) for label in ("answer stated", "gold answer in text")] == [1, 1]
    assert [flag.attrib["d"].split()[0] for flag in drawn.all("path", "flag")] == [f"M{drawn.xs[2]}"] * 2


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
    assert Drawn(Chart([], 10, [])).path("line") == ""
    assert spark([]) == []
