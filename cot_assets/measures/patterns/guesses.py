"""Guesses: correct answers that come where the model was all but sure to fail.

Belongs here: the two rules for a guess. Does not belong here: rates, in which guesses are counted, and the bound
on how often they can happen (:mod:`cot_assets.statistics.guesses`).
"""

from __future__ import annotations

import polars as pl

from cot_assets.measures.frames import CURVE, EPSILON
from cot_assets.statistics.estimates import CONFIDENCE, probability_below
from cot_assets.statistics.guesses import guess_bound
from cot_assets.study import Protocol


def judge_guesses(
    traces: pl.DataFrame, checked: pl.DataFrame, cuts: pl.DataFrame, protocol: Protocol
) -> pl.DataFrame:
    """The traces with the columns of ``trace_patterns`` for both rules, NULL where a trace is not correct.

    ``late_spike``, the paper's rule: the potential at the last measured cut before the end is below
    ``late_spike_threshold``. ``lucky_guess``: the potential at the last cut before ``states_answer``
    turns true is below ``guess_threshold``; without such a cut there is nothing to judge. Where the cut
    has no rollouts no earlier one is taken in its place.

    Args:
        traces: one row per curve, with ``verdict`` and ``v0``.
        checked: their curves; end rows count for ``states_answer``.
        cuts: from :func:`cot_assets.measures.frames.measured_cuts`.
        protocol: gives the two thresholds.
    """
    stated = checked.filter("states_answer").group_by(*CURVE).agg(stated=pl.col("cut_index").min())
    own = cuts.select(*CURVE, "cut_index").join(stated, on=CURVE, how="left")
    before = own.filter(pl.col("cut_index") < pl.col("stated"))
    values = cuts.select(*CURVE, "cut_index", "n", "n_correct", "potential")
    for rule, places, threshold in (
        ("late_spike", own, protocol.analysis.late_spike_threshold),
        ("lucky_guess", before, protocol.analysis.guess_threshold),
    ):
        last = places.group_by(*CURVE).agg(pl.col("cut_index").max())
        at = last.join(values, on=[*CURVE, "cut_index"]).drop_nulls("n")
        judged = at.with_columns(
            (pl.col("potential") < threshold - EPSILON).alias(f"is_{rule}"),
            pl.Series(
                f"{rule}_probability",
                probability_below(at["n_correct"].to_numpy(), at["n"].to_numpy(), threshold),
            ),
        ).select(
            *CURVE,
            pl.col("cut_index").alias(f"{rule}_cut"),
            f"is_{rule}",
            f"{rule}_probability",
            (pl.col(f"{rule}_probability") >= CONFIDENCE).alias(f"is_{rule}_confirmed"),
        )
        correct = traces.filter(pl.col("verdict") == "correct").select(*CURVE, "v0")
        bound = guess_bound(correct["v0"].cast(pl.Float64).to_numpy(), threshold)
        own_rule = correct.select(
            *CURVE,
            pl.lit(threshold).alias(f"{rule}_threshold"),
            pl.Series(f"{rule}_bound", bound, dtype=pl.Float64).fill_nan(None),
        ).join(judged, on=CURVE, how="left")
        traces = traces.join(own_rule, on=CURVE, how="left")
    return traces
