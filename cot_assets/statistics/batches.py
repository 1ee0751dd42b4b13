"""Whether batches of draws that should come from one law do."""

from __future__ import annotations

import numpy as np

from cot_assets.statistics.special import Floats, Numbers, chi_squared_tail


def differ_by_chance(k: Numbers, n: Numbers, groups: Numbers) -> float:
    """P(the shares k / n of batches differ as much within their groups), if batches of a group share one probability.

    Chi-squared given each group's total, scaled to its exact mean; groups of one batch, or without both outcomes, say
    nothing. 1 where no group says anything.

    Args:
        k: Successes per batch.
        n: Draws per batch, at least 1.
        groups: The group of each batch.
    """
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    k, n = np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64)
    batches, all_k, all_n = (np.bincount(group, weights=w) for w in (np.ones_like(n), k, n))
    is_telling = (batches > 1) & (all_k > 0) & (all_k < all_n)
    p = np.where(is_telling, all_k / all_n, 0.5)[group]
    parts: Floats = (k - n * p) ** 2 / (n * p * (1 - p))
    statistic = np.bincount(group, weights=parts) * (all_n - 1) / all_n
    df = float((batches - 1)[is_telling].sum())
    return float(chi_squared_tail(statistic[is_telling].sum(), df)) if df else 1.0
