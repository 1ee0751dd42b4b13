"""The figure of rates over thresholds and n.

Belongs here: this one figure, in the manner of :mod:`.plots`. Does not belong here: the rates
(:mod:`cot_assets.measures.rates.sensitivity`).
"""

from __future__ import annotations

from typing import Any

import polars as pl
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from cot_assets.measures.rates.sensitivity import PATTERNS
from cot_assets.report.plots import dress, legend, new_figure, nothing, style_of, title
from cot_assets.report.tables import natural, shown_sensitivity
from cot_assets.report.text import one_line

MOST_MODELS = 6
COLUMNS = 3


def sensitivity_figure(sensitivity: pl.DataFrame, *, dark: bool = False) -> Figure:
    """Share of traces with each pattern over its threshold, a line per n, six panels per model.

    Args:
        sensitivity: Rows of the table. The paper's filter is drawn where it has traces, else all traces;
            of several cut policies the first that sampling follows.
        dark: Colors for a dark page.
    """
    style = style_of(dark)
    known = shown_sensitivity(sensitivity)
    if known.is_empty():
        return nothing("no rates: no trace is decidable", style)
    models = sorted(set(known["model"].to_list()), key=natural)[:MOST_MODELS]
    sizes = sorted(set(known["n"].to_list()))[-3:]
    figure = new_figure(8.4, 0.6 + 4.0 * len(models), style)
    grid = figure.subplots(2 * len(models), COLUMNS, sharex=True, sharey=True, squeeze=False)
    palette = [style.third, style.second, style.first][-len(sizes) :]
    handles: dict[str, Any] = {}
    for at, model in enumerate(models):
        panels = grid[2 * at : 2 * at + 2].ravel()
        for axes, pattern in zip(panels, PATTERNS, strict=False):
            own = known.filter((pl.col("model") == model) & (pl.col("pattern") == pattern))
            for n, color in zip(sizes, palette, strict=True):
                rows = own.filter(pl.col("n") == n)
                if rows.height:
                    _lines(axes, rows, n, color, style.muted, n == sizes[-1], handles)
            in_use = own.filter("is_in_use")["threshold"].to_list()
            if in_use:
                axes.axvline(in_use[0], color=style.muted, linewidth=1, linestyle=":")
            axes.set(xlim=(0, 0.82), ylim=(-0.02, 1.02), xlabel="threshold", ylabel="share of traces")
            axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
            dress(axes, style)
            count = own["n_traces"].max() if own.height else 0
            name = pattern.replace("_", " ")
            title(axes, f"{one_line(model, 20)}: {name}, {count} traces", style, fontsize=8, loc="left")
        panels[-1].set_visible(False)
        for axes in panels[2:3]:  # stands above the panel that is not there
            axes.tick_params(labelbottom=True)
            axes.set_xlabel("threshold")
    legend(figure, list(handles.values()), list(handles), style)
    return figure


def _lines(
    axes: Any, rows: pl.DataFrame, n: int, color: str, muted: str, is_largest: bool, handles: dict[str, Any]
) -> None:
    """The rate from n rollouts; for the largest n its interval and what noise alone gives as well."""
    rows = rows.sort("threshold")
    columns = ("threshold", "rate", "ci_low", "ci_high", "noise_flat", "noise_monotone")
    x, rate, low, high, flat, rising = (rows[name].cast(pl.Float64).to_numpy() for name in columns)
    if is_largest:
        axes.fill_between(x, low, high, color=color, alpha=0.15, linewidth=0)
        for y, dashes, name in ((flat, "--", "noise, flat curves"), (rising, "-.", "noise, monotone curves")):
            sns.lineplot(x=x, y=y, ax=axes, color=muted, linewidth=1.1, linestyle=dashes, estimator=None)
            handles.setdefault(name, axes.lines[-1])
    sns.lineplot(x=x, y=rate, ax=axes, color=color, linewidth=1.6, estimator=None)
    handles.setdefault(f"n = {n}", axes.lines[-1])
