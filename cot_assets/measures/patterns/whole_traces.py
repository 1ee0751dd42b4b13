"""What the whole curve of a trace shows: is it monotone, how far does it fall and rise, was it a guess?

Belongs here: the judgement of curves one by one. Does not belong here: single steps (:mod:`.steps`), and the
statistics (:mod:`cot_assets.statistics.isotonic`, :mod:`.drawdowns`).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from cot_assets.measures.frames import CURVE, EPSILON, IDENTITY, UNITS, pair_counts
from cot_assets.measures.patterns.drawdowns import Kind, change_bound, largest_change, split_estimate
from cot_assets.measures.patterns.guesses import judge_guesses
from cot_assets.statistics.estimates import CONFIDENCE, probability_change_beyond
from cot_assets.statistics.guesses import v0_bin
from cot_assets.statistics.isotonic import LEVEL, fall_p_value, fall_statistic, isotonic_fit
from cot_assets.statistics.special import Floats
from cot_assets.study import Protocol
from cot_assets.warehouse.schema import polars_schema

_WHOLE = (
    *CURVE, "n_known_cuts", "statistic", "max_misfit", "p_value",
    *(name.format(kind) for kind in ("drawdown", "run_up")
      for name in ("{}_from", "{}_to", "{}", "{}_low", "{}_split", "is_{}", "is_{}_confirmed")),
)  # fmt: skip


def judge_traces(
    checked: pl.DataFrame, cuts: pl.DataFrame, pairs: pl.DataFrame, protocol: Protocol
) -> pl.DataFrame:
    """One row per measured trace and cut policy, with the columns of table ``trace_patterns``.

    Args:
        checked: from :func:`cot_assets.measures.frames.checked_curves`.
        cuts: from :func:`cot_assets.measures.frames.measured_cuts`.
        pairs: from :func:`cot_assets.measures.frames.neighboring_pairs`.
        protocol: gives all thresholds and the seed.
    """
    start = cuts.filter(pl.col("cut_index") == 0).select(
        *CURVE, n0="n", k0="n_correct", v0="potential", v0_bin=v0_bin(pl.col("potential"))
    )
    traces = (
        checked.group_by(*IDENTITY, "verdict")
        .agg(n_cuts=(~pl.col("is_end")).sum())
        .sort(*CURVE)
        .join(start, on=CURVE, how="left", maintain_order="left")
        .with_columns(is_solved_without_cot=pl.col("v0") >= protocol.analysis.solved_threshold - EPSILON)
    )
    judged = (
        judge_guesses(traces, checked, cuts, protocol)
        .join(_within_tolerance(pairs, protocol.analysis.monotone_tolerance), on=CURVE, how="left")
        .join(_as_a_whole(cuts, protocol), on=CURVE, how="left")
    )
    return (
        judged.sort(*CURVE)
        .with_columns(
            pl.col("n_pairs", "n_known_cuts").fill_null(0),
            tolerance=pl.lit(protocol.analysis.monotone_tolerance),
            drawdown_threshold=pl.lit(protocol.analysis.tangent_threshold),
            run_up_threshold=pl.lit(protocol.analysis.insight_threshold),
            q_value=_benjamini_hochberg(pl.col("p_value")).over(*UNITS),
        )
        .with_columns(is_monotone_by_test=pl.col("q_value") >= LEVEL)
    )


def _within_tolerance(pairs: pl.DataFrame, tolerance: float) -> pl.DataFrame:
    """Monotone by tolerance: no drop between neighboring cuts beyond it."""
    beyond = probability_change_beyond(*pair_counts(pairs), tolerance, "drop")
    kept = np.log1p(-np.minimum(beyond, 1 - 1e-16))
    return (
        pairs.with_columns(pl.Series("log_kept", kept, dtype=pl.Float64))
        .group_by(*CURVE)
        .agg(
            n_pairs=pl.len(),
            max_drop=(-pl.col("delta")).max().clip(lower_bound=0.0),
            max_rise=pl.col("delta").max().clip(lower_bound=0.0),
            monotone_probability=pl.col("log_kept").sum().exp(),
        )
        .with_columns(
            is_monotone=pl.col("max_drop") <= tolerance + EPSILON,
            is_monotone_confirmed=pl.col("monotone_probability") >= CONFIDENCE,
        )
    )


def _as_a_whole(cuts: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """The test of a curve that never falls, drawdown and run-up; unknown cuts are passed over.

    Order, not neighborhood, is what they ask for. With fewer than two known cuts there is nothing to judge.
    """
    curves = (
        cuts.filter(pl.col("n").is_not_null())
        .group_by(*CURVE, maintain_order=True)
        .agg("cut_index", "n_correct", "n")
    )
    rows: list[dict[str, object]] = []
    for trace_id, policy, index, k_, n_ in curves.iter_rows():
        row: dict[str, object] = {"trace_id": trace_id, "cut_policy": policy, "n_known_cuts": len(index)}
        if len(index) > 1:
            k, n = np.asarray(k_, dtype=np.float64), np.asarray(n_, dtype=np.float64)
            row["statistic"] = float(fall_statistic(k, n))
            row["max_misfit"] = float(np.max(np.abs(k / n - isotonic_fit(k, n))))
            row["p_value"] = fall_p_value(k, n, protocol.sampling.seed)
            row |= _spread(
                index, k, n, "drawdown", protocol.analysis.tangent_threshold, protocol.sampling.seed
            )
            row |= _spread(index, k, n, "run_up", protocol.analysis.insight_threshold, protocol.sampling.seed)
        rows.append(row)
    return pl.DataFrame(rows, polars_schema("trace_patterns", _WHOLE))


def _spread(
    index: list[int], k: Floats, n: Floats, kind: Kind, threshold: float, seed: int
) -> dict[str, object]:
    first, last, largest = largest_change(k / n, kind)
    i, j, size = int(first), int(last), float(largest)
    low = change_bound(k, n, kind)
    return {
        f"{kind}_from": index[i],
        f"{kind}_to": index[j],
        kind: max(0.0, size),
        f"{kind}_low": low,
        f"{kind}_split": split_estimate(k, n, kind, seed),
        f"is_{kind}": size > threshold + EPSILON,
        f"is_{kind}_confirmed": low > threshold,
    }


def _benjamini_hochberg(p: pl.Expr) -> pl.Expr:
    """Smallest false-discovery rate at which each p-value is rejected; NULL stays NULL."""
    rank, count = p.rank("max"), p.count()
    by_rank = p * count / rank
    # A q-value is the least of those of all larger p-values, and at most 1.
    order = p.arg_sort(nulls_last=True)
    least = by_rank.gather(order).cum_min(reverse=True)
    return pl.when(p.is_not_null()).then(least.gather(order.arg_sort()).clip(upper_bound=1.0))
