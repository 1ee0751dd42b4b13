"""What the report shows of transfer, with its picture."""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from cot_assets.report.plots import FIRST, INKED, SECOND, THIRD, facets, lines, most_of, parts
from cot_assets.report.sections import Section
from cot_assets.report.text import one_line

_LOOKS = {
    "none": ("writer's own text", FIRST, "o"), "shuffled": ("control: shuffled", THIRD, "s"),
    "wrong": ("control: incorrect trace", SECOND, "X"), "own": ("control: reader's own", INKED, "D"),
}  # fmt: skip
#: How far beside its share a control is drawn, so that intervals do not hide one another.
_BESIDE = {"none": 0.0, "shuffled": -0.012, "wrong": 0.012, "own": 0.024}
_LEFT_OUT = ("problems_low", "problems_high", "share_low", "share_high", "n_unlocked_and_solved",
             "problems_ci_low", "problems_ci_high", "ci_low", "ci_high")  # fmt: skip


def transfer_figure(curve: pl.DataFrame) -> Figure | None:
    """Mean potential of each reader over the share of the writer's trace that it was given.

    Args:
        curve: Rows of ``transfer_curve``. A panel per reader and writer, a line per control; all traces, leaks kept.
    """
    known = curve.filter(pl.col("potential").is_not_null(), leaks="kept", trace_filter="all")
    known = known.with_columns(pl.col("fraction") + pl.col("control").replace_strict(_BESIDE))

    def titled(own: pl.DataFrame, reader: str, writer: str) -> str:
        n = f"{most_of(own, 'trace')} of {most_of(own, 'problem')}"
        return f"{one_line(reader, 30)} reads {one_line(writer, 30)}\n{n}"

    return facets(
        parts(known, "reader", "writer"),
        lambda axes, own: lines(axes, own, "fraction", "potential", "control", _LOOKS),
        titled,
        formats={"xaxis": "{x:.0%}"}, ylim=(-0.03, 1.03), xlim=(-0.03, 0.97),
        xlabel="share of the writer's trace", ylabel="mean potential",
    )  # fmt: skip


SECTIONS = (
    Section(
        "transfer_matrix", "transfer", "Readers by writers: the chance after a beginning",
        "The chance of a reader (row) after the beginning of a writer's trace (column). Orange is 0, blue is 1.",
        across=("writer",), n=("n_traces",), colored="potential", is_open=True,
        names={"fraction": "Share given", "n_problems": "", "lift": ""},
    ),
    Section(
        "transfer_matrix", "transfer", "Readers by writers: what the beginning changes",
        "Against the reader's chance without any text. Orange: it harms; blue: it helps.",
        across=("writer",), n=("n_traces",), colored="lift", is_open=True,
        names={"fraction": "Share given", "n_problems": "", "potential": ""},
    ),
    Section(
        "transfer", "transfer", "What the first part of a writer's trace does for a reader",
        across=("control",), n=("n_traces",),
        names={"fraction": "Share given", "lift": ""},
        picture=lambda _, curve: transfer_figure(curve),
        caption="Mean potential over all traces; bands and bars: 95% intervals, clustered by problem.",
    ),
    Section(
        "transfer_gaps", "transfer", "What it costs that another model reads on",
        "Both models continue the same text of the writer. Negative: the reader solves less from there.",
        across=(), n=("n_traces",),
        names={"fraction": "Share given", "potential": "Reader's chance", "writer_potential": "Writer's chance"},
    ),
    Section(
        "unlocked_problems", "transfer", "Problems that a part of the trace unlocks",
        across=(), names={**dict.fromkeys(_LEFT_OUT, ""),
                          "n_problems_unlocked": "Problems unlocked", "n_problems_unsolved": "Problems unsolved",
                          "n_unlocked": "Traces unlocked", "n_unsolved": "Traces unsolved", "fraction": "Share given"},
    ),
    Section(
        "transfer_controls", "transfer", "The writer's text against each control",
        across=(), n=("n_traces",),
        names={"value": "Text", "control_value": "Control text", "fraction": "Share given"},
    ),
    Section(
        "first_unlock", "transfer", "The shortest prefix that unlocks a problem",
        across=(),
        names={"n0": "", "n": "", "n_traces": "", "n_prefixes": "", "n_undecided": "", "trace_verdict": "Trace",
               "n_longer": "of longer", "n_longer_unlocked": "Longer unlock", "leaks_answer_there": "Gold in text",
               "statement": ""},
    ),
    Section(
        "transfer_steps", "transfer", "Does the step that lifts the writer lift the reader?",
        across=(), n=("n_steps",), names={"kind": "Step"},
    ),
)  # fmt: skip
