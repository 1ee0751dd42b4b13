"""Figures drawn with seaborn on their own ``Figure`` objects.

Belongs here: small multiples of curves, transfer curves, rates with intervals, and turning a figure
into bytes. Does not belong here: the charts on the pages of single traces, which the templates draw,
and any estimate.

Nothing here touches pyplot's current figure or leaves a changed rcParam behind, so assets may draw in
several threads of one process. Text from models and data sets is shown as it is: never parsed as
mathtext.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import polars as pl
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from PIL import Image

from cot_assets.report.colors import INK, PAGE
from cot_assets.report.tables import PATTERNS, RULES, natural, policy_order
from cot_assets.report.text import one_line, visible

MOST_PANELS = 48  #: small multiples drawn; the title says how many more there are
MOST_PNG_BYTES = 60_000
_PALETTE = {"light": ("#1f5f99", "#b4540a", "#5b6470"), "dark": ("#7db8ee", "#f0a566", "#a3acb7")}
_GRID = {"light": "#e4e6ea", "dark": "#2f353d"}
_MUTED = {"light": "#59616b", "dark": "#a4adb8"}


@dataclass(frozen=True)
class _Style:
    """Colors of one scheme."""

    ink: str
    page: str
    grid: str
    muted: str
    first: str
    second: str
    third: str


def style_of(dark: bool) -> _Style:
    """The colors of the light or the dark scheme."""
    scheme = "dark" if dark else "light"
    return _Style(INK[scheme], PAGE[scheme], _GRID[scheme], _MUTED[scheme], *_PALETTE[scheme])


def new_figure(width: float, height: float, style: _Style) -> Figure:
    """A figure of its own, in inches, that pyplot does not know of."""
    figure = Figure(figsize=(width, height), facecolor=style.page, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def dress(axes: Axes, style: _Style) -> None:
    """Give axes the report's grid, ticks and colors."""
    axes.set_facecolor(style.page)
    axes.set_axisbelow(True)
    axes.grid(visible=True, axis="y", color=style.grid, linewidth=0.7)
    axes.tick_params(colors=style.muted, labelsize=8, length=0)
    sns.despine(ax=axes, left=True)
    axes.spines["bottom"].set_color(style.grid)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=style.muted, fontsize=8.5)


def title(target: Axes, label: str, style: _Style, **kwargs: Any) -> None:
    """Title axes with text that is shown as it is, never parsed."""
    target.set_title(visible(label, 90), color=style.ink, parse_math=False, **kwargs)


def nothing(message: str, style: _Style) -> Figure:
    """A small figure that says why there is none."""
    figure = new_figure(6, 1.2, style)
    figure.text(0.5, 0.5, message, ha="center", va="center", color=style.muted, fontsize=10)
    return figure


def legend(figure: Figure, handles: Sequence[Any], labels: Sequence[str], style: _Style) -> None:
    """One legend below the whole figure."""
    legend = figure.legend(
        handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, fontsize=8.5
    )
    for text in legend.get_texts():
        text.set(color=style.muted, parse_math=False)


# --- potential curves -----------------------------------------------------------------------------


def curves_figure(curves: pl.DataFrame, title: str, *, dark: bool = False) -> Figure:
    """Small multiples: one panel per trace with its potential and 95% band over the fraction of the trace.

    Args:
        curves: Rows of ``curves`` (see ``ReportData``) of one model and cut policy; with a column
            ``verdict`` the traces' ends are drawn and right and wrong ones told apart.
        title: Title of the figure.
        dark: Colors for a dark page.

    Returns:
        At most :data:`MOST_PANELS` panels; unknown potentials leave gaps.
    """
    style = style_of(dark)
    keys = curves.select("problem_id", "trace_id").unique().rows()
    keys.sort(key=lambda key: (natural(key[0]), key[1]))
    if not keys:
        return nothing(f"{one_line(title, 60)}: no curves", style)
    shown = keys[:MOST_PANELS]
    columns = min(6, len(shown))
    rows = -(-len(shown) // columns)
    figure = new_figure(max(4.5, 1.95 * columns), 0.75 + 1.35 * rows, style)
    grid = np.atleast_1d(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel())
    by_trace = curves.partition_by("trace_id", as_dict=True)
    for axes, (problem, trace) in zip(grid, shown, strict=False):
        _curve_panel(axes, by_trace[(trace,)].sort("cut_index"), problem, style)
    for axes in grid[len(shown) :]:
        axes.set_visible(False)
    more = f" (first {len(shown)} of {len(keys)} traces)" if len(shown) < len(keys) else ""
    figure.suptitle(one_line(title, 90) + more, color=style.ink, fontsize=11, parse_math=False)
    figure.supxlabel("fraction of the trace (known only once it has ended)", color=style.muted, fontsize=8.5)
    figure.supylabel("potential, 95% interval", color=style.muted, fontsize=8.5)
    return figure


def _curve_panel(axes: Axes, rows: pl.DataFrame, problem: str, style: _Style) -> None:
    sampled = rows.filter(~pl.col("is_end"))
    verdict = rows["verdict"][0] if "verdict" in rows.columns and rows.height else None
    color = {"correct": style.first, None: style.first}.get(verdict, style.second)
    x = sampled["fraction"].to_numpy()
    y = sampled["potential"].cast(pl.Float64).to_numpy()
    low, high = (sampled[name].cast(pl.Float64).to_numpy() for name in ("ci_low", "ci_high"))
    axes.fill_between(x, low, high, color=color, alpha=0.2, linewidth=0)
    # one line per run of known values: seaborn would join the ends of a gap
    runs = np.cumsum(np.isnan(y))
    known = ~np.isnan(y)
    marker = "o" if sampled.height <= 40 else ""
    for run in np.unique(runs[known]):
        part = known & (runs == run)
        sns.lineplot(
            x=x[part], y=y[part], ax=axes, color=color, linewidth=1.3, marker=marker or None,
            markersize=3, markeredgewidth=0, estimator=None,
        )  # fmt: skip
    if verdict not in (None, "unscored"):
        right = verdict == "correct"
        axes.plot(
            [1], [float(right)], marker="D" if right else "X", color=color, markersize=4.5, clip_on=False
        )
    axes.set(
        ylim=(-0.04, 1.04), xlim=(-0.02, 1.03), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1), xlabel="", ylabel=""
    )
    axes.set_xticklabels(("0", ".5", "1"))
    axes.set_yticklabels(("0", ".5", "1"))
    dress(axes, style)
    axes.set_title(one_line(problem, 24), color=style.ink, fontsize=8, loc="left", parse_math=False, pad=3)


# --- transfer ---------------------------------------------------------------------------------------


def transfer_figure(transfer_curve: pl.DataFrame, *, dark: bool = False) -> Figure:
    """Mean potential of each reader over the share of the writer's trace that it was given.

    Args:
        transfer_curve: Table of that name, leaks kept. A panel per reader and writer; one line per control of the first
            trace filter that is there (all, then the others).
        dark: Colors for a dark page.
    """
    style = style_of(dark)
    known = transfer_curve.filter((pl.col("leaks") == "kept") & pl.col("potential").is_not_null())
    if known.is_empty():
        return nothing("no transfer curves", style)
    chosen = headline_filter(known)
    known = known.filter(pl.col("trace_filter") == chosen)
    pairs = sorted(known.select("reader", "writer").unique().rows(), key=lambda p: tuple(map(natural, p)))
    pairs = pairs[:12]
    columns = min(3, len(pairs))
    rows = -(-len(pairs) // columns)
    figure = new_figure(max(4.8, 3.8 * columns), 0.7 + 2.7 * rows, style)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    looks = {
        "none": ("writer's own text", style.first, "o"),
        "shuffled": ("control: shuffled", style.third, "s"),
        "wrong": ("control: wrong trace", style.second, "X"),
        "own": ("control: reader's own", style.ink, "D"),
    }
    handles: dict[str, Any] = {}
    for axes, (reader, writer) in zip(grid, pairs, strict=False):
        pair = known.filter((pl.col("reader") == reader) & (pl.col("writer") == writer))
        for control, (label, color, marker) in looks.items():
            rows_of = pair.filter(pl.col("control") == control).sort("fraction")
            if rows_of.is_empty():
                continue
            x, mean, low, high = (
                rows_of[name].cast(pl.Float64).to_numpy()
                for name in ("fraction", "potential", "ci_low", "ci_high")
            )
            if rows_of.height == 1:
                axes.errorbar(x, mean, yerr=[mean - low, high - mean], color=color, linewidth=1.6, fmt="none")
            axes.fill_between(x, low, high, color=color, alpha=0.18, linewidth=0)
            sns.lineplot(
                x=x,
                y=mean,
                ax=axes,
                color=color,
                marker=marker,
                markersize=5,
                markeredgewidth=0,
                estimator=None,
            )
            handles.setdefault(label, axes.lines[-1])
        n = f"{pair['n_traces'].max()} traces of {pair['n_problems'].max()} problems"
        axes.set(
            ylim=(-0.03, 1.03),
            xlim=(-0.03, 0.97),
            xlabel="share of the writer's trace",
            ylabel="mean potential",
        )
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        dress(axes, style)
        title(
            axes, f"{one_line(reader, 30)} reads {one_line(writer, 30)}\n{n}", style, fontsize=9, loc="left"
        )
    for axes in grid[len(pairs) :]:
        axes.set_visible(False)
    legend(figure, list(handles.values()), list(handles), style)
    return figure


def headline_filter(transfer_curve: pl.DataFrame) -> str | None:
    """The trace filter shown first: unfiltered traces where they are there; None without rows."""
    filters = sorted(set(transfer_curve["trace_filter"].to_list()))
    return next((name for name in ("all", *filters) if name in filters), None)


# --- optimized traces -------------------------------------------------------------------------------


def optimized_figure(curves: pl.DataFrame, *, dark: bool = False) -> Figure:
    """Mean potential of optimized and sampled traces over tokens, a panel per model.

    Args:
        curves: Columns model, arm, position (tokens), mean, ci_low, ci_high, n_problems.
        dark: Colors for a dark page.
    """
    style = style_of(dark)
    models = sorted(set(curves["model"].to_list()), key=natural)[:12]
    if not models:
        return nothing("no optimized traces", style)
    columns = min(3, len(models))
    rows = -(-len(models) // columns)
    figure = new_figure(max(4.8, 3.8 * columns), 0.7 + 2.7 * rows, style)
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    looks = {"optimized": ("optimized", style.first, "o"), "sampled": ("sampled", style.third, "s")}
    handles: dict[str, Any] = {}
    for axes, model in zip(grid, models, strict=False):
        own = curves.filter(pl.col("model") == model)
        for arm, (label, color, marker) in looks.items():
            line = own.filter(pl.col("arm") == arm).sort("position")
            x, mean, low, high = (
                line[name].cast(pl.Float64).to_numpy() for name in ("position", "mean", "ci_low", "ci_high")
            )
            axes.fill_between(x, low, high, color=color, alpha=0.18, linewidth=0)
            sns.lineplot(
                x=x, y=mean, ax=axes, color=color, marker=marker, markersize=5, markeredgewidth=0,
                estimator=None,
            )  # fmt: skip
            handles.setdefault(label, axes.lines[-1])
        axes.set(ylim=(-0.03, 1.03), xlabel="tokens of the trace", ylabel="mean potential")
        dress(axes, style)
        n = own["n_problems"].max()
        title(axes, f"{one_line(model, 40)}\n{n} problems", style, fontsize=9, loc="left")
    for axes in grid[len(models) :]:
        axes.set_visible(False)
    legend(figure, list(handles.values()), list(handles), style)
    return figure


# --- rates ------------------------------------------------------------------------------------------


def pattern_figure(rates: pl.DataFrame, *, dark: bool = False) -> Figure:
    """Rates of the patterns with 95% intervals, models side by side, a panel per rule.

    Args:
        rates: Rows of ``pattern_rates``. Of several trace filters the paper's is drawn, else the first;
            of several cut policies the first that sampling follows.
        dark: Colors for a dark page.
    """
    style = style_of(dark)
    known = rates.filter(pl.col("rate").is_not_null())
    if known.is_empty():
        return nothing("no rates: no trace is decidable", style)
    filters = sorted(set(known["trace_filter"].to_list()))
    chosen = "paper" if "paper" in filters else filters[0]
    known = known.filter(pl.col("trace_filter") == chosen)
    policy = min(set(known["cut_policy"].to_list()), key=policy_order)
    known = known.filter(pl.col("cut_policy") == policy)
    models = sorted(set(known["model"].to_list()), key=natural)
    patterns = [pattern for pattern in PATTERNS if pattern in set(known["pattern"].to_list())]
    rules = [rule for rule in RULES if rule in set(known["rule"].to_list())]
    palette = (
        [style.first, style.second] if len(models) <= 2 else sns.color_palette("colorblind", len(models))
    )
    figure = new_figure(8.4, 0.9 + 0.26 * len(patterns) * max(2, len(models)), style)
    panels = figure.subplots(1, max(1, len(rules)), sharey=True, squeeze=False).ravel()
    handles: dict[str, Any] = {}
    for axes, rule in zip(panels, rules, strict=False):
        for number, model in enumerate(models):
            own = known.filter((pl.col("rule") == rule) & (pl.col("model") == model))
            found = {row["pattern"]: row for row in own.iter_rows(named=True)}
            offset = (number - (len(models) - 1) / 2) * 0.7 / max(1, len(models))
            place = [i + offset for i, pattern in enumerate(patterns) if pattern in found]
            drawn = [found[pattern] for pattern in patterns if pattern in found]
            rate = np.array([row["rate"] for row in drawn], dtype=float)
            ends = np.array([(row["ci_low"], row["ci_high"]) for row in drawn], dtype=float).reshape(-1, 2)
            axes.hlines(place, ends[:, 0], ends[:, 1], color=palette[number], linewidth=1.8, alpha=0.75)
            handles[one_line(model, 40)] = axes.scatter(rate, place, color=[palette[number]], s=26, zorder=3)
        axes.set(xlim=(-0.02, 1.02), yticks=range(len(patterns)), xlabel="share of traces, 95% interval")
        axes.set_yticklabels([pattern.replace("_", " ") for pattern in patterns])
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        dress(axes, style)
        axes.grid(visible=True, axis="x", color=style.grid, linewidth=0.7)
        axes.set_ylim(len(patterns) - 0.45, -0.55)
        title(axes, f"{rule} rule · {chosen} traces · {policy}", style, fontsize=9, loc="left")
    legend(figure, list(handles.values()), list(handles), style)
    return figure


# --- bytes ------------------------------------------------------------------------------------------


def to_png(figure: Figure, dpi: int = 110) -> bytes:
    """The figure as a PNG of at most :data:`MOST_PNG_BYTES` bytes.

    Colors are reduced to a palette of 64; where that is not enough the resolution is lowered, to no
    less than 40 dots per inch.
    """
    while True:
        raw = io.BytesIO()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from")
            figure.savefig(raw, format="png", dpi=dpi, facecolor=figure.get_facecolor())
        figure.set_layout_engine("none")  # the layout is found; smaller copies keep it
        image = (
            Image.open(raw)
            .convert("RGB")
            .quantize(64, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        )
        small = io.BytesIO()
        image.save(small, format="png", optimize=True)
        if small.tell() <= MOST_PNG_BYTES or dpi <= 40:
            return small.getvalue()
        dpi = max(40, min(dpi - 1, int(0.95 * dpi * (MOST_PNG_BYTES / small.tell()) ** 0.5)))


def to_svg(figure: Figure) -> str:
    """The figure as an SVG document without date, the same bytes for the same figure."""
    raw = io.StringIO()
    with warnings.catch_warnings(), mpl.rc_context({"svg.hashsalt": "cot-assets", "svg.fonttype": "path"}):
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(raw, format="svg", metadata={"Date": None, "Creator": None})
    return raw.getvalue()
