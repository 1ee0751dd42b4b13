"""What the report shows of sampling and its estimates, and the picture of many curves."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cot_assets.report.plots import FIRST, INKED, MUTED, SECOND, headline, line, panels
from cot_assets.report.sections import Section
from cot_assets.report.text import natural, one_line

MOST_PANELS = 24  #: small multiples drawn; the title says how many more there are

SECTIONS = (
    Section(
        "sampling_quality", "trust", "How good the estimates are",
        kinds={"mean_interval_width": "value"}, names={"n_prefixes": "Cuts", "smallest_n": "Smallest n"},
    ),
    Section(
        "answer_rules", "trust", "Where final answers were found",
        "Many without an answer are a finding about the instruction or the budget, not about the reasoning.",
        n=("n_rollouts",), names={"answer_rule": "Found by rule", "correct_share": "Correct"},
    ),
    Section(
        "cost", "cost", "What sampling took",
        kinds={"hours": "hours"}, across=(), names={"hours": "Time", "seconds_per_1000_rollouts": ""},
    ),
)  # fmt: skip


def curves_figure(curves: pl.DataFrame, title: str) -> Figure | None:
    """Small multiples: one panel per trace with its potential and 95% band over the fraction of the trace.

    Args:
        curves: Rows of trace_curves of one model and cut policy.
        title: Title of the figure.
    """
    keys = curves.select("problem_id", "trace_id").unique().rows()
    keys.sort(key=lambda key: (natural(key[0]), key[1]))
    if not keys:
        return None
    shown = keys[:MOST_PANELS]
    figure, grid = panels(len(shown), columns=6, width=1.95, height=1.35)
    by_trace = curves.partition_by("trace_id", as_dict=True)
    for axes, (problem, trace) in zip(grid, shown, strict=True):
        draw_curve(axes, by_trace[(trace,)].sort("cut_index"), problem)
    more = f" (first {len(shown)} of {len(keys)} traces)" if len(shown) < len(keys) else ""
    headline(figure, one_line(title, 120) + more)
    figure.supxlabel("fraction of the trace (known only once it has ended)", color=MUTED, fontsize=8.5)
    figure.supylabel("potential, 95% interval", color=MUTED, fontsize=8.5)
    return figure


def draw_curve(axes: Axes, rows: pl.DataFrame, problem: str) -> None:
    """Draw the rows of trace_curves of one trace, in order, titled by its problem."""
    sampled = rows.filter(~pl.col("is_end"))
    verdict = rows["verdict"][0]
    color = FIRST if verdict == "correct" else SECOND
    line(axes, sampled, "fraction", "potential", color, marker="o" if sampled.height <= 40 else "")
    if verdict != "unscored":
        is_correct = verdict == "correct"
        axes.plot(
            [1], [is_correct], marker="D" if is_correct else "X", color=color, markersize=4.5, clip_on=False
        )
    ticks, labels = (0, 0.5, 1), ("0", ".5", "1")
    axes.set(ylim=(-0.04, 1.04), xlim=(-0.02, 1.03))
    axes.set_xticks(ticks, labels)
    axes.set_yticks(ticks, labels)
    axes.set_title(one_line(problem, 24), color=INKED, fontsize=8, loc="left", parse_math=False, pad=3)
