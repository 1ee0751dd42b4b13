"""Coverage of the intervals of a potential and of a change, by enumeration."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import stats

from cot_assets.statistics.estimates import delta_interval, jeffreys_interval
from simulations import Row


def intervals(repeats: int) -> Iterator[Row]:
    """Exact coverage of the 95% Jeffreys interval, by enumeration (repeats unused)."""
    p = np.linspace(0.005, 0.995, 991)
    for n in (16, 32, 64, 128):
        k = np.arange(n + 1)
        low, high = jeffreys_interval(k, n)
        mass = stats.binom.pmf(k[:, None], n, p)
        coverage = (mass * ((low[:, None] <= p) & (p <= high[:, None]))).sum(axis=0)
        yield {
            "n": n,
            "mean coverage": coverage.mean(),
            "lowest": coverage.min(),
            "width at k = n/2": float(high[n // 2] - low[n // 2]),
            "upper end at k = 0": float(high[0]),
        }


def change_intervals(repeats: int) -> Iterator[Row]:
    """Exact coverage of the 95% interval of a change, by enumeration (repeats unused).

    Over all pairs of true values on a grid (uniform: mean and lowest), over pairs that are equal, and for
    chosen changes from one middling and one extreme level.
    """
    grid = np.round(np.linspace(0.01, 0.99, 50), 4)
    for before, after in ((16, 16), (32, 32), (64, 64), (128, 128), (64, 128)):
        k0, k1 = (a.ravel() for a in np.meshgrid(np.arange(before + 1), np.arange(after + 1), indexing="ij"))
        low, high = delta_interval(k0, before, k1, after)
        low, high = low.reshape(before + 1, -1), high.reshape(before + 1, -1)

        def coverage(p0: float, p1: float, sizes: tuple[int, int], low=low, high=high) -> float:
            mass = [stats.binom.pmf(np.arange(n + 1), n, p) for n, p in zip(sizes, (p0, p1), strict=True)]
            holds = (low <= p1 - p0 + 1e-12) & (p1 - p0 - 1e-12 <= high)
            return float(mass[0] @ holds @ mass[1])

        sizes = (before, after)
        table = np.array([[coverage(p0, p1, sizes) for p1 in grid] for p0 in grid])
        yield {
            "n before": before,
            "n after": after,
            "mean coverage": table.mean(),
            "lowest": table.min(),
            "no change, mean": np.diag(table).mean(),
            "0.05 to 0.50": coverage(0.05, 0.50, sizes),
            "0.30 to 0.75": coverage(0.30, 0.75, sizes),
            "0 to 1": coverage(0.0, 1.0, sizes),
        }
