"""Falls and rises that spread over several cuts: drawdown and run-up of a whole curve.

Belongs here: the largest fall (rise) between any two known cuts of a trace, with estimates that do not
profit from having been looked for. Does not belong here: neighboring pairs (:mod:`.events`).

A potential that sinks from 0.9 to 0.1 in five steps has no tangent, though its line of thought went as
wrong. But the largest of all differences of noisy estimates is too large on average: for a flat
potential it is still positive. So beside it stand a lower bound that holds for all cuts together, and
an estimate for which one half of the rollouts chose the two cuts and the other half measured the change.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import polars as pl

from cot_assets.measures.frames import (
    CURVE,
    DRAWDOWNS,
    EPSILON,
    IDENTITY,
    checked_curves,
    conform,
    measured_cuts,
)
from cot_assets.statistics.estimates import CONFIDENCE
from cot_assets.statistics.special import Floats, Numbers, beta_ppf
from cot_assets.study import Protocol

Kind = Literal["drawdown", "run_up"]
SPLITS = 20  #: random halves that the split estimate is averaged over


def simultaneous_band(k: Numbers, n: Numbers, level: float = CONFIDENCE) -> tuple[Floats, Floats]:
    """Band that holds all true potentials of a curve at once with at least the level.

    Clopper-Pearson intervals at 1 - (1 - level) / cuts each (Bonferroni): exact, for any dependence.

    Args:
        k: successes per cut.
        n: trials per cut, all above 0.
        level: joint confidence.

    Returns:
        (low, high) per cut.
    """
    k_, n_ = np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64)
    tail = (1 - level) / (2 * max(1, len(k_)))
    low = np.where(k_ == 0, 0.0, beta_ppf(np.maximum(k_, 0.5), n_ - k_ + 1, tail))
    high = np.where(k_ == n_, 1.0, beta_ppf(k_ + 1, np.maximum(n_ - k_, 0.5), 1 - tail))
    return low, high


def largest_change(values: Floats, kind: Kind) -> tuple[int, int, float]:
    """First and last index and size of the largest fall (rise) between any two positions, i < j.

    Args:
        values: one per position, at least two.
        kind: ``drawdown`` or ``run_up``.

    Returns:
        (i, j, size); the size may be negative, if every later value lies on the other side. Of equal
        changes the one with the earliest end, then the latest start.
    """
    sign = 1.0 if kind == "drawdown" else -1.0
    best, start = (0, 1, -np.inf), 0
    for j in range(1, len(values)):
        if sign * values[j - 1] >= sign * values[start]:
            start = j - 1
        size = float(sign * (values[start] - values[j]))
        if size > best[2] + EPSILON:
            best = (start, j, size)
    return best


def change_bound(k: Floats, n: Floats, kind: Kind, level: float = CONFIDENCE) -> float:
    """Value that the true largest fall (rise) exceeds or equals with at least the level; 0 or more."""
    low, high = simultaneous_band(k, n, level)
    if kind == "run_up":
        low, high = 1 - high, 1 - low
    before = np.maximum.accumulate(low)[:-1]
    return float(max(0.0, np.max(before - high[1:], initial=0.0)))


def split_estimate(k: Floats, n: Floats, kind: Kind, seed: int) -> float:
    """Change between the two cuts that one half of the rollouts chose, measured by the other half.

    For the chosen cuts the estimate is unbiased, so on average it does not exceed the true largest
    change. Both halves choose in turn; random halves (hypergeometric) are averaged.

    Args:
        k: successes per cut.
        n: trials per cut; NaN is returned if any is below 2.
        kind: ``drawdown`` or ``run_up``.
        seed: of the halves.
    """
    if len(k) < 2 or bool(np.any(n < 2)):
        return float("nan")
    rng = np.random.default_rng(seed)
    half = (n // 2).astype(np.int64)
    right, wrong = k.astype(np.int64), (n - k).astype(np.int64)
    sign, sizes = (1.0 if kind == "drawdown" else -1.0), list[float]()
    for _ in range(SPLITS):
        first = rng.hypergeometric(right, wrong, half)
        halves = (first / half, (k - first) / (n - half))
        for chooser, measure in (halves, halves[::-1]):
            i, j, _ = largest_change(chooser, kind)
            sizes.append(float(sign * (measure[i] - measure[j])))
    return float(np.mean(sizes))


def find_drawdowns(curves: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """Largest fall and largest rise of every measured trace with two known cuts or more.

    Unknown cuts are passed over: the change is between two cuts, whatever lies between them.

    Args:
        curves: see :mod:`cot_assets.measures.frames`.
        protocol: gives the thresholds (``tangent_threshold`` for drawdowns, ``insight_threshold`` for
            run-ups) and the seed.

    Returns:
        The columns of table ``drawdowns``, two rows per trace: kind ``drawdown`` and ``run_up``.
        ``is_confirmed``: the simultaneous lower bound is beyond the threshold.

    Raises:
        ValueError: ``curves`` lacks a column or has a cut twice.
    """
    known = measured_cuts(checked_curves(curves)).filter(pl.col("n").is_not_null())
    kinds: tuple[tuple[Kind, float], ...] = (
        ("drawdown", protocol.tangent_threshold),
        ("run_up", protocol.insight_threshold),
    )
    rows: list[dict[str, object]] = []
    for _, group in known.sort(*CURVE, "cut_index").group_by(*CURVE, maintain_order=True):
        if group.height < 2:
            continue
        k = np.asarray(group["n_correct"].to_numpy(), dtype=np.float64)
        n = np.asarray(group["n"].to_numpy(), dtype=np.float64)
        for kind, threshold in kinds:
            i, j, size = largest_change(k / n, kind)
            low = change_bound(k, n, kind)
            split = split_estimate(k, n, kind, protocol.seed)
            rows.append(
                {
                    **{name: group[name][0] for name in (*IDENTITY, "verdict")},
                    "kind": kind,
                    "n_known_cuts": group.height,
                    "cut_from": group["cut_index"][i],
                    "cut_to": group["cut_index"][j],
                    "token_start": group["token_end"][i],
                    "token_end": group["token_end"][j],
                    "char_start": group["char_end"][i],
                    "char_end": group["char_end"][j],
                    "potential_from": k[i] / n[i],
                    "potential_to": k[j] / n[j],
                    "change": max(0.0, size),
                    "change_low": low,
                    "change_split": None if np.isnan(split) else split,
                    "threshold": threshold,
                    "by_threshold": size > threshold + EPSILON,
                    "is_confirmed": low > threshold,
                }
            )
    return conform(pl.DataFrame(rows, schema=dict(DRAWDOWNS)), DRAWDOWNS, protocol).sort(*CURVE, "kind")
