"""Tangents and insights: large falls and rises of the potential between neighboring measured cuts.

Belongs here: which pairs of cuts are events, and what is published about each. Does not belong here:
judgements of whole traces (:mod:`.monotonicity`, :mod:`.guesses`) and rates (:mod:`.rates`).
"""

from __future__ import annotations

import polars as pl

from cot_assets.measures.frames import (
    CURVE,
    EPSILON,
    SPIKES,
    TANGENTS,
    checked_curves,
    conform,
    measured_cuts,
    neighboring_pairs,
    pair_counts,
)
from cot_assets.measures.patterns.changes import judge_pairs
from cot_assets.statistics.estimates import Direction, delta_interval
from cot_assets.study import Protocol

LISTED_FROM = 0.5  #: a pair below the threshold is listed all the same from this probability


def find_tangents(curves: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """Drops that the paper's rule calls a tangent, that are confirmed, or that have probability >= 0.5.

    ``is_confirmed`` holds for the events of a problem set, model and cut policy together: at most 5% of
    them are expected to be false (:mod:`cot_assets.measures.patterns.changes`).

    Args:
        curves: see :mod:`cot_assets.measures.frames`.
        protocol: gives ``tangent_threshold`` and, for ``is_recovered`` and ``recovery_tokens``,
            ``monotone_tolerance``.

    Returns:
        The columns of table ``tangents``, sorted by trace and cut.

    Raises:
        ValueError: ``curves`` lacks a column or has a cut twice.
    """
    checked = checked_curves(curves)
    events = _find(checked, "drop", protocol.tangent_threshold)
    back = pl.col("potential_before") - protocol.monotone_tolerance - EPSILON
    later = measured_cuts(checked).select(
        *CURVE, pl.col("cut_index").alias("later"), pl.col("token_end").alias("back_at"), "potential"
    )
    recovered = (
        events.select(*CURVE, "cut_index", "token_end", "potential_before")
        .join(later, on=CURVE)
        .filter((pl.col("later") > pl.col("cut_index") + 1) & (pl.col("potential") >= back))
        .group_by(*CURVE, "cut_index")
        .agg((pl.col("back_at") - pl.col("token_end")).min().alias("recovery_tokens"))
    )
    events = events.join(recovered, on=[*CURVE, "cut_index"], how="left").with_columns(
        pl.col("recovery_tokens").is_not_null().alias("is_recovered")
    )
    return conform(events, TANGENTS, protocol).sort(*CURVE, "cut_index")


def find_insights(curves: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """Rises that the paper's rule calls an insight, that are confirmed, or that have probability >= 0.5.

    Returns the columns of table ``spikes``; arguments and errors as in :func:`find_tangents`.
    """
    events = _find(checked_curves(curves), "rise", protocol.insight_threshold)
    return conform(events, SPIKES, protocol)


def _find(checked: pl.DataFrame, direction: Direction, threshold: float) -> pl.DataFrame:
    pairs = neighboring_pairs(checked)
    probability, _, confirmed = judge_pairs(pairs, threshold, direction)
    change = pl.col("delta") if direction == "rise" else -pl.col("delta")
    events = pairs.with_columns(
        pl.Series("probability", probability, dtype=pl.Float64),
        pl.Series("is_confirmed", confirmed, dtype=pl.Boolean),
        (change > threshold + EPSILON).alias("by_threshold"),
        pl.lit(threshold).alias("threshold"),
    ).filter(pl.col("by_threshold") | pl.col("is_confirmed") | (pl.col("probability") >= LISTED_FROM))
    low, high = delta_interval(*pair_counts(events))
    length = (pl.col("char_end") - pl.col("char_start")).cast(pl.UInt32)
    return events.with_columns(
        pl.Series("delta_low", low, dtype=pl.Float64),
        pl.Series("delta_high", high, dtype=pl.Float64),
        pl.col("text").str.slice(pl.col("char_start"), length).alias("span"),
    )
