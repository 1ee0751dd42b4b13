"""Monotone by test: could the true potential never fall, given how noisy the estimates are?

Belongs here: the judgement of traces by the test. Does not belong here: the test
(:mod:`cot_assets.statistics.isotonic`) and the judgement by a tolerance (:mod:`.monotonicity`).

A threshold on the largest estimated fall grows stricter with every cut that is added: with 20 cuts of 64
rollouts a flat potential of 0.5 falls by more than 0.1 somewhere with probability 0.95. The test asks
instead whether all falls together are more than noise. It treats an unknown cut as absent: order, not
neighborhood, is what monotone means.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from cot_assets.measures.frames import (
    CURVE,
    IDENTITY,
    MONOTONE_TESTS,
    UNITS,
    checked_curves,
    conform,
    measured_cuts,
)
from cot_assets.statistics.isotonic import fall_p_value, fall_statistic, isotonic_fit
from cot_assets.study import Protocol

LEVEL = 0.05


def judge_falls(curves: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """Test every measured trace.

    Args:
        curves: see :mod:`cot_assets.measures.frames`.
        protocol: gives the seed.

    Returns:
        The columns of table ``monotone_tests``, one row per trace. ``max_misfit`` is the largest distance
        between an estimate and the isotonic fit; ``q_value`` is the p-value after Benjamini and Hochberg within
        problem set, model and cut policy; ``is_monotone``: p >= 0.05. NULL with fewer than two
        known cuts.

    Raises:
        ValueError: ``curves`` lacks a column or has a cut twice.
    """
    checked = checked_curves(curves)
    known = measured_cuts(checked).filter(pl.col("n").is_not_null())
    rows: list[dict[str, object]] = []
    for _, group in known.sort(*CURVE, "cut_index").group_by(*CURVE, maintain_order=True):
        if group.height < 2:
            continue
        k = np.asarray(group["n_correct"].to_numpy(), dtype=np.float64)
        n = np.asarray(group["n"].to_numpy(), dtype=np.float64)
        rows.append(
            {
                **{name: group[name][0] for name in CURVE},
                "statistic": float(fall_statistic(k, n)),
                "max_misfit": float(np.max(np.abs(k / n - isotonic_fit(k, n)))),
                "p_value": fall_p_value(k, n, protocol.seed),
            }
        )
    schema = {**dict.fromkeys(CURVE, pl.String)}
    schema |= dict.fromkeys(("statistic", "max_misfit", "p_value"), pl.Float64)
    counts = known.group_by(*CURVE).agg(pl.len().alias("n_known_cuts"))
    frame = (
        checked.select(*IDENTITY, "verdict")
        .unique()
        .join(counts, on=CURVE, how="left")
        .join(pl.DataFrame(rows, schema=schema), on=CURVE, how="left")
        .sort(*CURVE)
        .with_columns(
            pl.col("n_known_cuts").fill_null(0),
            _benjamini_hochberg(pl.col("p_value")).over(*UNITS).alias("q_value"),
            (pl.col("p_value") >= LEVEL).alias("is_monotone"),
        )
    )
    return conform(frame, MONOTONE_TESTS, protocol)


def _benjamini_hochberg(p: pl.Expr) -> pl.Expr:
    """Smallest false-discovery rate at which each p-value is rejected; NULL stays NULL."""
    rank, count = p.rank("max"), p.count()
    by_rank = p * count / rank
    # A q-value is the least of those of all larger p-values, and at most 1.
    order = p.arg_sort(nulls_last=True)
    least = by_rank.gather(order).cum_min(reverse=True)
    return pl.when(p.is_not_null()).then(least.gather(order.arg_sort()).clip(upper_bound=1.0))
