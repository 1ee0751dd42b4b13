"""What the report shows of sampling and its estimates, and the picture of many curves."""

from __future__ import annotations

from itertools import islice

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cot_assets.report.plots import FIRST, INKED, MUTED, SECOND, facets, headline, line, parts
from cot_assets.report.sections import Section
from cot_assets.report.text import one_line

MOST_PANELS = 24  #: small multiples drawn; the title says how many more there are

SECTIONS = (
    Section(
        "sampling_quality", "trust", "How good the estimates are",
        names={"n_prefixes": "Cuts", "smallest_n": "Smallest n", "has_approximate_n": "Some n only approximate"},
    ),
    Section(
        "answer_rules", "trust", "Where final answers were found",
        "Many without an answer are a finding about the instruction or the budget, not about the reasoning.",
        n=("n_rollouts",), names={"answer_rule": "Found by rule", "correct_share": "Correct"},
    ),
    Section(
        "cost", "cost", "What sampling took",
        across=(), names={"hours": "Time", "seconds_per_1000_rollouts": ""},
    ),
)  # fmt: skip


def curves_figure(curves: pl.DataFrame, title: str) -> Figure | None:
    """Small multiples: one panel per trace with its potential and 95% band over the fraction of the trace.

    Args:
        curves: Rows of trace_curves of one model and cut policy.
        title: Title of the figure.
    """
    every = parts(curves.sort("cut_index"), "problem_id", "trace_id", most=curves.height)
    shown = dict(islice(every.items(), MOST_PANELS))
    figure = facets(shown, draw_curve, columns=6, size=(1.95, 1.35))
    if figure is not None:
        more = f" (first {len(shown)} of {len(every)} traces)" if len(shown) < len(every) else ""
        headline(figure, one_line(title, 120) + more)
        figure.supxlabel("fraction of the trace (known only once it has ended)", color=MUTED, fontsize=8.5)
        figure.supylabel("potential, 95% interval", color=MUTED, fontsize=8.5)
    return figure


def draw_curve(axes: Axes, rows: pl.DataFrame) -> None:
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
    name = one_line(rows["problem_id"][0], 24)
    axes.set_title(name, color=INKED, fontsize=8, loc="left", parse_math=False, pad=3)
