"""Falls and rises that spread over several cuts: drawdown and run-up of a whole curve.

Belongs here: the largest fall (rise) between any two known cuts of a trace, with estimates that do not
profit from having been looked for. Does not belong here: neighboring pairs (:mod:`.steps`).

A potential that sinks from 0.9 to 0.1 in five steps has no tangent, though its line of thought went as
wrong. But the largest of all differences of noisy estimates is too large on average: for a flat
potential it is still positive. So with it come a lower bound that holds for all cuts together, and
an estimate for which one half of the rollouts chose the two cuts and the other half measured the change.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from cot_assets.statistics.estimates import CONFIDENCE, EPSILON
from cot_assets.statistics.special import Floats, Numbers, beta_ppf

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


def largest_change(values: Floats, kind: Kind) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Floats]:
    """First and last index and size of the largest fall (rise) between any two positions, i < j.

    Args:
        values: shape (..., positions), at least two positions.
        kind: ``drawdown`` or ``run_up``.

    Returns:
        (i, j, size), each of shape (...); a size may be negative, if every later value lies on the other side. Of
        equal changes the one with the earliest end, then the latest start.
    """
    falling = values if kind == "drawdown" else -values
    start = np.zeros(values.shape[:-1], dtype=np.int64)
    top = falling[..., 0]
    first, last, largest = start, start, np.full(values.shape[:-1], -np.inf)
    for j in range(1, values.shape[-1]):
        is_higher = falling[..., j - 1] >= top
        start, top = np.where(is_higher, j - 1, start), np.where(is_higher, falling[..., j - 1], top)
        size = top - falling[..., j]
        is_larger = size > largest + EPSILON
        first, last = np.where(is_larger, start, first), np.where(is_larger, j, last)
        largest = np.where(is_larger, size, largest)
    return first, last, largest


def change_bound(k: Floats, n: Floats, kind: Kind, level: float = CONFIDENCE) -> float:
    """Value that the true largest fall (rise) exceeds or equals with at least the level; 0 or more."""
    low, high = simultaneous_band(k, n, level)
    if kind == "run_up":
        low, high = 1 - high, 1 - low
    before = np.maximum.accumulate(low)[:-1]
    return float(max(0.0, np.max(before - high[1:], initial=0.0)))


def split_estimate(k: Floats, n: Floats, kind: Kind, seed: int) -> float | None:
    """Change between the two cuts that one half of the rollouts chose, measured by the other half.

    For the chosen cuts the estimate is unbiased, so on average it does not exceed the true largest
    change. Both halves choose in turn; random halves (hypergeometric) are averaged.

    Args:
        k: successes per cut.
        n: trials per cut; None is returned if any is below 2, or successes are not whole: there is nothing to halve.
        kind: ``drawdown`` or ``run_up``.
        seed: of the halves.
    """
    if len(k) < 2 or bool(np.any((n < 2) | (k % 1 != 0))):
        return None
    half = (n // 2).astype(np.int64)
    correct, incorrect = k.astype(np.int64), (n - k).astype(np.int64)
    first = np.random.default_rng(seed).hypergeometric(correct, incorrect, half, size=(SPLITS, len(k)))
    halves = np.stack([first / half, (k - first) / (n - half)])
    i, j, _ = largest_change(halves, kind)
    measure = halves[::-1]
    at_i, at_j = (np.take_along_axis(measure, at[..., None], axis=-1) for at in (i, j))
    return float(np.mean(at_i - at_j) if kind == "drawdown" else np.mean(at_j - at_i))
