"""Values at stopping times: which cuts of a curve can be recognized when they are reached.

Belongs here: the frame that the martingale check tests. Does not belong here: the test (:mod:`.martingale`).
"""

from __future__ import annotations

import polars as pl

from cot_assets.measures.frames import checked_curves, measured_cuts
from cot_assets.study import Protocol

STOPPING_POLICIES = ("lines", "sentences")
STOPPING = {
    "problem_id": pl.String,
    "trace_id": pl.String,
    "is_correct": pl.Boolean,
    "position": pl.Int32,
    "prefix_id": pl.String,
    "has_ended": pl.Boolean,
    "n": pl.Int32,
    "n_correct": pl.Int32,
}


def stopping_frame(
    curves: pl.DataFrame, protocol: Protocol, traces: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Values at stopping times, from the curves of unfiltered traces.

    Under the cut policies ``lines`` and ``sentences`` cut k is the end of the k-th line or sentence for
    k < (max_cuts + 1) // 2, however long the trace is; where later cuts lie depends on its length. Under
    any other policy no cut but 0 is a stopping time, and only verdicts are compared with V0. A position
    is used only if every measured trace has rollouts there or has ended.

    Args:
        curves: of one model and problem set; see :mod:`cot_assets.measures.frames`.
        protocol: that the curves were measured by; gives ``max_cuts`` and ``measured``.
        traces: table ``traces`` (problem_id, trace_id, verdict), to use the verdicts of unfiltered traces
            without a curve as well.

    Returns:
        The frame that :func:`martingale_test` takes.

    Raises:
        ValueError: the protocol measures correct traces only, or the curves have several cut policies.
    """
    if protocol.sampling.measured == "correct":
        raise ValueError(
            f"protocol {protocol.name!r} measures correct traces only; the martingale check needs traces "
            "that were not chosen by their verdict (measured = 'first' or 'all')"
        )
    checked = checked_curves(curves).filter(pl.col("verdict") != "unscored")
    policies = sorted(checked["cut_policy"].unique().to_list())
    if len(policies) > 1:
        raise ValueError(f"the curves mix the cut policies {', '.join(policies)}; pass one at a time")
    fixed = (protocol.sampling.max_cuts + 1) // 2 if policies and policies[0] in STOPPING_POLICIES else 1
    checked = checked.with_columns(position="cut_index", is_correct=pl.col("verdict") == "correct")
    cuts = measured_cuts(checked)
    known = cuts.filter(pl.col("n") > 0)
    starts = known.filter(pl.col("position") == 0).unique("problem_id", keep="first", maintain_order=True)
    ends = checked.group_by("problem_id", "trace_id", "is_correct").agg(cuts=(~pl.col("is_end")).sum())
    at_cuts = known.filter(pl.col("position").is_between(1, fixed - 1))
    later = _at_positions(ends, at_cuts).filter(pl.col("problem_id").is_in(starts["problem_id"].implode()))
    everyone = ends.select("problem_id", "trace_id", "is_correct")
    if traces is not None:
        scored = traces.filter(pl.col("verdict") != "unscored")
        is_correct = (pl.col("verdict") == "correct").alias("is_correct")
        others = scored.select("problem_id", "trace_id", is_correct)
        everyone = pl.concat([everyone, others]).unique("trace_id", keep="first")
    first = everyone.join(
        starts.select("problem_id", "position", "prefix_id", "n", "n_correct"), on="problem_id"
    ).with_columns(has_ended=pl.lit(False))
    columns = [pl.col(name).cast(kind) for name, kind in STOPPING.items()]
    return pl.concat([first.select(columns), later.select(columns)]).sort(
        "problem_id", "trace_id", "position"
    )


def _at_positions(ends: pl.DataFrame, at_cuts: pl.DataFrame) -> pl.DataFrame:
    """A row per trace and position, ``has_ended`` where the trace is over, of positions that no trace lacks."""
    counts = at_cuts.select("trace_id", "position", "prefix_id", "n", "n_correct")
    return (
        ends.join(at_cuts.select("position").unique(), how="cross")
        .join(counts, on=["trace_id", "position"], how="left")
        .with_columns(has_ended=pl.col("position") >= pl.col("cuts"))
        .filter((pl.col("n").is_not_null() | pl.col("has_ended")).all().over("position"))
    )
