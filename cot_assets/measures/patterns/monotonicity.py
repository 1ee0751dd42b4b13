"""Monotone traces: those whose potential never falls beyond the tolerance.

Belongs here: the judgement of whole traces by their neighboring pairs. Does not belong here: single
falls and rises (:mod:`.events`).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from cot_assets.measures.frames import (
    CURVE,
    EPSILON,
    IDENTITY,
    MONOTONICITY,
    checked_curves,
    conform,
    measured_cuts,
    neighboring_pairs,
    pair_counts,
)
from cot_assets.statistics.estimates import CONFIDENCE, probability_change_beyond
from cot_assets.study import Protocol


def judge_monotonicity(curves: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """Judge every measured trace, right or wrong.

    Args:
        curves: see :mod:`cot_assets.measures.frames`.
        protocol: gives ``monotone_tolerance`` and ``solved_threshold``.

    Returns:
        The columns of table ``monotonicity``, one row per trace. ``by_threshold``, ``probability`` and
        ``is_confirmed`` are NULL without a pair of neighboring known cuts.

    Raises:
        ValueError: ``curves`` lacks a column or has a cut twice.
    """
    checked = checked_curves(curves)
    cuts, pairs = measured_cuts(checked), neighboring_pairs(checked)
    tolerance = protocol.monotone_tolerance
    beyond = probability_change_beyond(*pair_counts(pairs), tolerance, "drop")
    kept = np.log1p(-np.minimum(beyond, 1 - 1e-16))
    per_trace = (
        pairs.with_columns(pl.Series("log_kept", kept, dtype=pl.Float64))
        .group_by(*CURVE)
        .agg(
            pl.len().alias("n_pairs"),
            (-pl.col("delta")).max().clip(lower_bound=0.0).alias("max_drop"),
            pl.col("delta").max().clip(lower_bound=0.0).alias("max_rise"),
            pl.col("log_kept").sum().exp().alias("probability"),
        )
    )
    v0 = cuts.filter(pl.col("cut_index") == 0).select(*CURVE, pl.col("potential").alias("v0"))
    frame = (
        checked.group_by(*IDENTITY, "verdict")
        .agg((~pl.col("is_end")).sum().alias("n_cuts"))
        .join(per_trace, on=CURVE, how="left")
        .join(v0, on=CURVE, how="left")
        .with_columns(
            pl.col("n_pairs").fill_null(0),
            (pl.col("v0") >= protocol.solved_threshold - EPSILON).alias("is_solved_without_cot"),
            pl.lit(tolerance).alias("tolerance"),
            (pl.col("max_drop") <= tolerance + EPSILON).alias("by_threshold"),
            (pl.col("probability") >= CONFIDENCE).alias("is_confirmed"),
        )
    )
    return conform(frame, MONOTONICITY, protocol).sort(*CURVE)
