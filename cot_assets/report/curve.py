"""Curves in the units of the inline SVG of the pages; unknown potentials break them and are never drawn at 0.

Belongs here: places and stretches. Does not belong here: what is drawn there (the macro ``chart`` of the templates).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from cot_assets.report.source import Row

_MOST_POINTS = 90  # beyond it the line alone is drawn: dots would touch
_MOST_SPARK = 60
_FLAGS = {"states_answer": "answer stated", "leaks_answer": "gold answer in text"}


def _runs(cuts: Sequence[Row]) -> Iterator[list[Row]]:
    """Stretches of neighboring cuts whose potential is known."""
    for known, group in groupby(cuts, key=lambda cut: cut["potential"] is not None):
        if known:
            yield list(group)


def _ticks(total: int) -> list[int]:
    """At most seven round token numbers from 0 to ``total``."""
    step = next(m * 10**power for power in range(12) for m in (1, 2, 5) if total <= 6 * m * 10**power)
    return list(range(0, total + 1, step))


class Chart:
    """The curve of one trace over its tokens; ``floor`` is the height of potential 0, ``edge`` the end of the trace.

    Attributes:
        total: Tokens that the horizontal axis holds.
        sampled: Cuts but for the end of the trace.
        end: The end of the trace, where its verdict is known.
        runs: Stretches of neighboring cuts whose potential is known.
        is_fine: There are too many cuts for a dot at each.
        ticks: Round token numbers along the axis.
        flags: What the text first holds at a cut, and the cut.
        readers: Other models that were given parts of the text: ``name``, ``told``, ``points`` and which one unlocks.
        strokes: ``kind``, ``path`` (empty at a single cut), ``x`` and ``y`` of the sign of each event.

    Args:
        cuts: Rows of ``trace_curves`` of one trace and policy, in order, the end among them if it is known.
        n_tokens: Tokens of the trace.
        events: ``kind``, ``cut_index`` and ``is_pair`` (between the cut and the next) of what is marked.
    """

    width, left, top, floor, edge = 480, 34, 34, 216, 468

    def __init__(
        self, cuts: Sequence[Row], n_tokens: int, events: Sequence[Row], readers: Sequence[Row] = ()
    ) -> None:
        self.readers = [
            {**r, "known": [p for p in r["points"] if p["potential"] is not None]} for r in readers
        ]
        self.height = 250 + 16 * (len(readers) and len(readers) + 1)
        self.cuts, self.total = cuts, max([n_tokens, 1, *(cut["token_end"] for cut in cuts)])
        self.sampled = [cut for cut in cuts if not cut["is_end"]]
        self.end = next((cut for cut in cuts if cut["is_end"] and cut["value"] is not None), None)
        self.runs = list(_runs(self.sampled))
        self.is_fine = len(self.sampled) > _MOST_POINTS
        self.ticks = _ticks(self.total)
        firsts = {label: next((c for c in self.sampled if c[flag]), None) for flag, label in _FLAGS.items()}
        self.flags = [(label, cut) for label, cut in firsts.items() if cut]
        self.strokes = self._strokes(events)

    def x(self, token: float, shift: float = 0) -> str:
        """Where a number of tokens is, and so far beside it."""
        return _number(self.left + (self.edge - self.left) * token / self.total + shift)

    def y(self, value: float | None) -> str:
        """Where a potential is; ``-`` where it is unknown."""
        return "-" if value is None else _number(self.floor - (self.floor - self.top) * value)

    def path(self, cuts: Sequence[Row], column: str = "potential") -> str:
        """A line from cut to cut."""
        return "M" + "L".join(f"{self.x(cut['token_end'])} {self.y(cut[column])}" for cut in cuts)

    def band(self, run: Sequence[Row]) -> str:
        """The outline of the intervals of a run; empty where one is unknown."""
        if any(cut["ci_low"] is None or cut["ci_high"] is None for cut in run):
            return ""
        return f"{self.path(run, 'ci_high')}L{self.path(run[::-1], 'ci_low')[1:]}Z"

    def _strokes(self, events: Sequence[Row]) -> list[Row]:
        known = {cut["cut_index"]: cut for run in self.runs for cut in run}
        following = {a["cut_index"]: known.get(b["cut_index"]) for a, b in pairwise(self.sampled)}
        strokes: list[Row] = []
        for event in events:
            here = known.get(event["cut_index"])
            there = following.get(event["cut_index"]) if event["is_pair"] else here
            if here is None or there is None:
                continue
            x, y = ((here[name] + there[name]) / 2 for name in ("token_end", "potential"))
            # two rules may judge the same cut: their signs are side by side
            taken = 0 if event["is_pair"] else sum(s["path"] == "" and s["y"] == self.y(y) for s in strokes)
            path = self.path([here, there]) if event["is_pair"] else ""
            strokes.append({"kind": event["kind"], "path": path, "x": self.x(x, -15 * taken), "y": self.y(y)})
        return strokes


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def spark(cuts: Sequence[Row]) -> list[list[int]]:
    """The curve in brief, for the gallery: runs of fraction and potential in hundredths, at most sixty points."""
    sampled = [cut for cut in cuts if not cut["is_end"]]
    thin = -(-len(sampled) // _MOST_SPARK) or 1
    return [
        [round(100 * value) for cut in run[::thin] for value in (cut["fraction"], cut["potential"])]
        for run in _runs(sampled)
    ]
