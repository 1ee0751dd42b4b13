"""Curves as coordinates for the inline SVG of the pages; unknown potentials break them and are never drawn at 0."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import Any

from cot_assets.report.numbers import step_class
from cot_assets.report.source import Row

_MOST_POINTS = 90  # beyond it the line alone is drawn: dots would touch
_MOST_SPARK = 60


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{_number(x)} {_number(y)}" for x, y in points)


def _runs(cuts: Sequence[Row]) -> Iterator[list[Row]]:
    """Stretches of neighboring cuts whose potential is known."""
    for known, group in groupby(cuts, key=lambda cut: cut["potential"] is not None):
        if known:
            yield list(group)


#: A cut in the picture, and the class of its potential.
Point = namedtuple("Point", "x y step")
#: A position on an axis.
Tick = namedtuple("Tick", "at label")
#: A vertical line with a label in the line of text ``row``.
Flag = namedtuple("Flag", "x label row anchor")
#: A thick piece of the curve for an event, or a sign at a point where ``path`` is empty.
Stroke = namedtuple("Stroke", "kind path x y")


@dataclass
class Chart:
    """Everything that the SVG of one curve holds; all coordinates in user units.

    ``floor`` is that of potential 0, ``edge`` that of the end of the trace.
    """

    width, height, left, top, floor, edge = 480, 250, 34, 34, 216, 468
    line: str = ""
    band: str = ""
    to_end: str = ""
    end: Point | None = None
    end_is_correct: bool = False
    is_fine: bool = False
    points: list[Point] = field(default_factory=list)
    unknown: str = ""
    x_ticks: list[Tick] = field(default_factory=list)
    y_ticks: list[Tick] = field(default_factory=list)
    flags: list[Flag] = field(default_factory=list)
    strokes: list[Stroke] = field(default_factory=list)
    xs: str = ""
    ys: str = ""


def _ticks(total: int) -> list[int]:
    """At most seven round token numbers from 0 to ``total``."""
    step = next(m * 10**power for power in range(12) for m in (1, 2, 5) if total <= 6 * m * 10**power)
    return list(range(0, total + 1, step))


def build_chart(cuts: Sequence[Row], n_tokens: int, events: Sequence[Row]) -> Chart:
    """Lay out the curve of one trace over its tokens.

    Args:
        cuts: Rows of ``trace_curves`` of one trace and policy, in order, the end among them if it is known.
        n_tokens: Tokens of the trace; the horizontal axis goes that far.
        events: ``kind``, ``cut_index`` and ``is_pair`` (between the cut and the next) of what is marked.
    """
    chart = Chart()
    total = max(n_tokens, max((cut["token_end"] for cut in cuts), default=0), 1)

    def x_of(token: int) -> float:
        return chart.left + (chart.edge - chart.left) * token / total

    def y_of(value: float) -> float:
        return chart.floor - (chart.floor - chart.top) * value

    sampled = [cut for cut in cuts if not cut["is_end"]]
    chart.is_fine = len(sampled) > _MOST_POINTS
    place = {
        cut["cut_index"]: (x_of(cut["token_end"]), y_of(cut["potential"]))
        for run in _runs(sampled)
        for cut in run
    }
    for run in _runs(sampled):
        chart.line += _path([place[cut["cut_index"]] for cut in run])
        if all(cut["ci_low"] is not None and cut["ci_high"] is not None for cut in run):
            upper = [(x_of(cut["token_end"]), y_of(cut["ci_high"])) for cut in run]
            lower = [(x_of(cut["token_end"]), y_of(cut["ci_low"])) for cut in reversed(run)]
            chart.band += _path(upper + lower) + "Z"
    if not chart.is_fine:
        chart.points = [
            Point(_number(place[index][0]), _number(place[index][1]), step_class(cut["potential"]))
            for cut in sampled
            if (index := cut["cut_index"]) in place
        ]
    # a cross on the axis, or a mere tick where crosses would run together
    sign = (0, -4, "v8") if chart.is_fine else (-3, -3, "l6 6m0-6l-6 6")
    chart.unknown = "".join(
        f"M{_number(x_of(cut['token_end']) + sign[0])} {chart.floor + sign[1]}{sign[2]}"
        for cut in sampled
        if cut["potential"] is None
    )
    value = next((cut["value"] for cut in cuts if cut["is_end"]), None)
    if value is not None:
        chart.end = Point(_number(chart.edge), _number(y_of(value)), step_class(value))
        chart.end_is_correct = value == 1
        if sampled and sampled[-1]["cut_index"] in place:
            chart.to_end = _path([place[sampled[-1]["cut_index"]], (chart.edge, y_of(value))])
    chart.x_ticks = [Tick(_number(x_of(token)), f"{token:,}") for token in _ticks(total)]
    chart.y_ticks = [Tick(_number(y_of(v)), f"{v:g}") for v in (0, 0.25, 0.5, 0.75, 1)]
    chart.flags = _flags(sampled, x_of, chart)
    chart.strokes = _strokes(sampled, events, place)
    chart.xs = " ".join(_number(x_of(cut["token_end"])) for cut in cuts)
    chart.ys = " ".join("-" if cut["value"] is None else _number(y_of(cut["value"])) for cut in cuts)
    return chart


def _flags(sampled: Sequence[Row], x_of: Any, chart: Chart) -> list[Flag]:
    """Where the trace first states its answer and where the text first holds the gold answer."""
    flags: list[Flag] = []
    for column, label in (("states_answer", "answer stated"), ("leaks_answer", "gold answer in text")):
        first = next((cut for cut in sampled if cut[column]), None)
        if first is not None:
            x = x_of(first["token_end"])
            is_left = x > (chart.left + chart.edge) / 2
            flags.append(Flag(_number(x), label, len(flags), "end" if is_left else "start"))
    return flags


def _strokes(
    sampled: Sequence[Row], events: Sequence[Row], place: dict[int, tuple[float, float]]
) -> list[Stroke]:
    following = {a["cut_index"]: b["cut_index"] for a, b in pairwise(sampled)}
    strokes: list[Stroke] = []
    for event in events:
        here = place.get(event["cut_index"])
        there = place.get(following.get(event["cut_index"], -1)) if event["is_pair"] else None
        if here is None or (event["is_pair"] and there is None):
            continue
        if there is None:
            # two rules may judge the same cut: their signs are side by side
            taken = sum(stroke.path == "" and stroke.y == _number(here[1]) for stroke in strokes)
            strokes.append(Stroke(event["kind"], "", _number(here[0] - 15 * taken), _number(here[1])))
        else:
            x, y = (here[0] + there[0]) / 2, (here[1] + there[1]) / 2
            strokes.append(Stroke(event["kind"], _path([here, there]), _number(x), _number(y)))
    return strokes


def spark(cuts: Sequence[Row]) -> list[list[int]]:
    """The curve in brief, for the gallery: runs of fraction and potential in hundredths, at most sixty points."""
    sampled = [cut for cut in cuts if not cut["is_end"]]
    thin = -(-len(sampled) // _MOST_SPARK) or 1
    return [
        [round(100 * value) for cut in run[::thin] for value in (cut["fraction"], cut["potential"])]
        for run in _runs(sampled)
    ]
