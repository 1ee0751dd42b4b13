"""What the report shows of the greedy search, with its picture."""

from __future__ import annotations

from typing import Any

import polars as pl
from matplotlib.figure import Figure

from cot_assets.measures.search.effects import mean_curves
from cot_assets.report.numbers import counted
from cot_assets.report.plots import FIRST, THIRD, legend, line, panels, title
from cot_assets.report.sections import Section
from cot_assets.report.source import Source
from cot_assets.report.text import natural, one_line

_LOOKS = {"searched": (FIRST, "o"), "sampled": (THIRD, "s")}
_MEASURES = dict.fromkeys(("correct", "monotone_by_tolerance", "monotone_by_test"), "share") | {
    "n_tokens": "count"
}


def search_figure(curves: pl.DataFrame) -> Figure | None:
    """Mean potential of searched and sampled traces over tokens, a panel per model.

    Args:
        curves: Columns model, arm, position (tokens), mean, ci_low, ci_high, n_problems.
    """
    models = sorted(set(curves["model"]), key=natural)[:12]
    if not models:
        return None
    figure, grid = panels(len(models))
    handles: dict[str, Any] = {}
    for axes, model in zip(grid, models, strict=True):
        own = curves.filter(pl.col("model") == model).sort("position")
        for arm, (color, marker) in _LOOKS.items():
            handles[arm] = line(axes, own.filter(arm=arm), "position", "mean", color, marker=marker)
        axes.set(ylim=(-0.03, 1.03), xlabel="tokens of the trace", ylabel="mean potential")
        n = counted(own.select(pl.max("n_problems")).item(), "problem")
        title(axes, f"{one_line(model, 40)}\n{n}")
    legend(figure, handles)
    return figure


def _figure(source: Source, _: pl.DataFrame) -> Figure | None:
    searched = source.view("search_traces", "* EXCLUDE (token_ids, text)")
    if searched.is_empty():
        return None
    return search_figure(mean_curves(searched, source.view("search_steps"), source.protocol))


SECTIONS = (
    Section(
        "search_effects", "search", "Searched traces and sampled ones",
        by="measure", kinds=_MEASURES, across=(), n=("n",), names={"reference": "Sampled"},
        picture=_figure, caption="Mean potential; a trace that has ended keeps its verdict, 0 or 1. Bands: 95%.",
    ),
)  # fmt: skip
