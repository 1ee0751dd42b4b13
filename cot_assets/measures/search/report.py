"""What the report shows of the greedy search, with its picture."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from cot_assets.measures.search.effects import mean_curves
from cot_assets.report.plots import FIRST, THIRD, facets, lines, most_of, parts
from cot_assets.report.sections import Section
from cot_assets.report.source import Source
from cot_assets.report.text import one_line

_LOOKS = {"searched": ("searched", FIRST, "o"), "sampled": ("sampled", THIRD, "s")}


def search_figure(curves: pl.DataFrame) -> Figure | None:
    """Mean potential of searched and sampled traces over tokens, a panel per model.

    Args:
        curves: Columns model, arm, position (tokens), mean, ci_low, ci_high, n_problems.
    """
    return facets(
        parts(curves, "model"),
        lambda axes, own: lines(axes, own, "position", "mean", "arm", _LOOKS),
        lambda own, model: f"{one_line(model, 40)}\n{most_of(own, 'problem')}",
        ylim=(-0.03, 1.03), xlabel="tokens of the trace", ylabel="mean potential",
    )  # fmt: skip


def _figure(source: Source, _: pl.DataFrame) -> Figure | None:
    searched = source.view("search_traces", "* EXCLUDE (token_ids, text)")
    if searched.is_empty():
        return None
    return search_figure(mean_curves(searched, source.view("search_steps"), source.protocol))


SECTIONS = (
    Section(
        "search_effects", "search", "Searched traces and sampled ones",
        n=("n",), names={"reference": "Sampled"},
        picture=_figure, caption="Mean potential; a trace that has ended keeps its verdict, 0 or 1. Bands: 95%.",
    ),
)  # fmt: skip
