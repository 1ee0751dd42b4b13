"""Guesses: right answers that come where the model was all but sure to fail.

Belongs here: the two rules for a guess. Does not
belong here: rates, in which guesses are counted (:mod:`.rates`), also those matched on V0 (:mod:`.matching`).
"""

from __future__ import annotations

import polars as pl

from cot_assets.measures.frames import (
    CURVE,
    EPSILON,
    IDENTITY,
    LUCKY_GUESSES,
    checked_curves,
    conform,
    measured_cuts,
)
from cot_assets.statistics.estimates import CONFIDENCE, probability_below
from cot_assets.statistics.guesses import guess_bound, v0_bin
from cot_assets.study import Protocol


def judge_guesses(curves: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """Judge every correct trace by both rules.

    ``late_spike``, the paper's rule: the potential at the last measured cut before the end is below
    ``late_spike_threshold``. ``lucky_guess``: the potential at the last cut before ``states_answer``
    turns true is below ``guess_threshold``; without such a cut there is nothing to judge. Where the cut
    has no rollouts no earlier one is taken in its place.

    Args:
        curves: see :mod:`cot_assets.measures.frames`; end rows count for ``states_answer``.
        protocol: gives the two thresholds.

    Returns:
        The columns of table ``lucky_guesses``: two rows per correct trace.

    Raises:
        ValueError: ``curves`` lacks a column or has a cut twice.
    """
    checked = checked_curves(curves).filter(pl.col("verdict") == "correct")
    cuts = measured_cuts(checked)
    traces = checked.select(*IDENTITY).unique()
    stated = checked.filter("states_answer").group_by(*CURVE).agg(pl.col("cut_index").min().alias("stated"))
    last = cuts.group_by(*CURVE).agg(pl.col("cut_index").max())
    before_answer = (
        cuts.join(stated, on=CURVE)
        .filter(pl.col("cut_index") < pl.col("stated"))
        .group_by(*CURVE)
        .agg(pl.col("cut_index").max())
    )
    v0 = cuts.filter(pl.col("cut_index") == 0).select(*CURVE, pl.col("potential").alias("v0"))
    values = cuts.select(*CURVE, "cut_index", "n", "n_correct", "potential", "ci_low", "ci_high")
    judged: list[pl.DataFrame] = []
    for rule, at, threshold in (
        ("late_spike", last, protocol.late_spike_threshold),
        ("lucky_guess", before_answer, protocol.guess_threshold),
    ):
        frame = (
            traces.join(at, on=CURVE, how="left")
            .join(values, on=[*CURVE, "cut_index"], how="left")
            .join(v0, on=CURVE, how="left")
        )
        judged.append(_judge(frame, rule, threshold))
    return conform(pl.concat(judged), LUCKY_GUESSES, protocol).sort(*CURVE, "rule")


def _judge(frame: pl.DataFrame, rule: str, threshold: float) -> pl.DataFrame:
    k = frame["n_correct"].cast(pl.Float64).to_numpy()
    n = frame["n"].cast(pl.Float64).to_numpy()
    bound = guess_bound(frame["v0"].cast(pl.Float64).to_numpy(), threshold)
    return frame.with_columns(
        pl.lit(rule).alias("rule"),
        pl.when(pl.col("n").is_not_null()).then(pl.col("cut_index")).alias("cut_index"),
        pl.lit(threshold).alias("threshold"),
        (pl.col("potential") < threshold - EPSILON).alias("by_threshold"),
        pl.Series("probability", probability_below(k, n, threshold), dtype=pl.Float64).fill_nan(None),
        pl.Series("guess_bound", bound, dtype=pl.Float64).fill_nan(None),
        v0_bin(pl.col("v0")).alias("v0_bin"),
    ).with_columns((pl.col("probability") >= CONFIDENCE).alias("is_confirmed"))
