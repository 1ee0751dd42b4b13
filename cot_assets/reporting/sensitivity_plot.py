"""The figure of rates over thresholds and n.

Belongs here: this one figure, in the manner of :mod:`.plots`. Does not belong here: the rates
(:mod:`cot_assets.potential.sensitivity`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from cot_assets.reporting.plots import dress, legend, new_figure, nothing, style_of, title
from cot_assets.reporting.tables import natural, policy_order
from cot_assets.reporting.text import one_line

PATTERNS = ("insight", "tangent")
MOST_MODELS = 6
IN_USE = {"insight": 0.40, "tangent": 0.30}  #: the paper's thresholds, marked where they are on the axis


def sensitivity_figure(sensitivity: pl.DataFrame, *, dark: bool = False) -> Figure:
    """Share of traces with an insight (tangent) over the threshold, a line per n, a panel per model.

    Args:
        sensitivity: Rows of the table. The paper's filter is drawn where it has traces, else all traces;
            of several cut policies the first that sampling follows.
        dark: Colours for a dark page.
    """
    style = style_of(dark)
    known = sensitivity.filter(pl.col("rate").is_not_null() & pl.col("pattern").is_in(PATTERNS))
    if known.is_empty():
        return nothing("no rates: no trace is decidable", style)
    filters = set(known["trace_filter"].to_list())
    known = known.filter(pl.col("trace_filter") == ("paper" if "paper" in filters else sorted(filters)[0]))
    policy = min(set(known["cut_policy"].to_list()), key=policy_order)
    known = known.filter(pl.col("cut_policy") == policy)
    models = sorted(set(known["model"].to_list()), key=natural)[:MOST_MODELS]
    sizes = sorted(set(known["n"].to_list()))[-3:]
    figure = new_figure(8.4, 0.6 + 2.3 * len(models), style)
    grid = figure.subplots(len(models), len(PATTERNS), sharex=True, sharey="row", squeeze=False)
    palette = [style.third, style.second, style.first][-len(sizes) :]
    handles: dict[str, Any] = {}
    for panels, model in zip(grid, models, strict=True):
        for axes, pattern in zip(panels, PATTERNS, strict=True):
            own = known.filter((pl.col("model") == model) & (pl.col("pattern") == pattern))
            for n, colour in zip(sizes, palette, strict=True):
                rows = own.filter(pl.col("n") == n).sort("threshold")
                x, rate, sd, floor = (
                    rows[name].cast(pl.Float64).to_numpy()
                    for name in ("threshold", "rate", "rate_sd", "noise_floor")
                )
                low, high = np.clip(rate - 2 * sd, 0, 1), np.clip(rate + 2 * sd, 0, 1)
                axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
                sns.lineplot(x=x, y=rate, ax=axes, color=colour, linewidth=1.6, estimator=None)
                handles.setdefault(f"n = {n}", axes.lines[-1])
                sns.lineplot(
                    x=x, y=floor, ax=axes, color=colour, linewidth=1.1, linestyle="--", estimator=None
                )
            axes.axvline(IN_USE[pattern], color=style.muted, linewidth=1, linestyle=":")
            axes.set(ylim=(-0.02, 1.02), xlabel="threshold", ylabel="share of traces")
            axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
            dress(axes, style)
            count = own["n_traces"].max() if own.height else 0
            title(axes, f"{one_line(model, 40)}: {pattern}, {count} traces", style, fontsize=9, loc="left")
    legend(figure, list(handles.values()), [f"{name} (dashed: noise alone)" for name in handles], style)
    return figure
