"""Entropy of answers: bias of the estimate, and how often the interval holds the truth."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cot_assets.statistics.entropy import entropy
from simulations import SEED, Row

#: Shares of the answers: from a model that is sure to one that gives forty rare answers beside a frequent one.
SHAPES: dict[str, list[float]] = {
    "sure": [1.0],
    "98, 2%": [0.98, 0.02],
    "90, 10%": [0.9, 0.1],
    "80% and 4 of 5%": [0.8, *[0.05] * 4],
    "two halves": [0.5, 0.5],
    "5 alike": [0.2] * 5,
    "halving": [*(0.5**i for i in range(1, 9)), 0.5**8],
    "20 alike": [0.05] * 20,
    "50% and 40 of 1.25%": [0.5, *[0.0125] * 40],
}


def answer_entropy(repeats: int) -> Iterator[Row]:
    """Bias in bits and coverage at n = 16 to 128."""
    for shape, shares in SHAPES.items():
        p = np.array(shares)
        truth = float(-(p * np.log2(p)).sum())
        row: Row = {"answers": shape, "entropy": truth}
        for n in (16, 32, 64, 128):
            draws = np.random.default_rng([SEED, n]).multinomial(n, p, size=repeats)
            kept = [draw[draw > 0].astype(float) for draw in draws]
            starts = np.cumsum([0, *map(len, kept[:-1])])
            estimate, low, high = entropy(np.concatenate(kept), starts)
            row[f"bias, n = {n}"] = float(estimate.mean() - truth)
            row[f"covered, n = {n}"] = float(np.mean((low <= truth + 1e-9) & (truth <= high)))
        yield row
