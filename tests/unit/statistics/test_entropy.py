"""Entropy from counts: against numbers worked out by hand, a reference library, and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import entropy as reference

from cot_assets.statistics.entropy import entropy


def one(*counts: int) -> tuple[float, float, float]:
    found = entropy(np.array(counts, dtype=float), np.array([0]))
    return tuple(float(part[0]) for part in found)  # type: ignore[return-value]


def test_a_sure_answer_has_no_entropy_and_an_interval_that_reaches_up() -> None:
    estimate, low, high = one(64)
    assert (estimate, low) == (0.0, 0.0)
    assert 0.1 < high < 0.4


@pytest.mark.parametrize("counts", [(32, 32), (60, 4), (10, 20, 30, 4), (1,) * 16])
def test_the_estimate_is_the_plain_entropy_with_miller_and_madows_term(counts: tuple[int, ...]) -> None:
    n = sum(counts)
    estimate, low, high = one(*counts)
    assert estimate == pytest.approx(reference(counts, base=2) + (len(counts) - 1) / (2 * n * np.log(2)))
    assert low <= estimate <= high


def test_distributions_do_not_touch_one_another() -> None:
    groups = [(64,), (40, 24), (5, 4, 3, 2, 1, 1), (16,), (1, 1)]
    together = entropy(
        np.array([c for g in groups for c in g], dtype=float), np.cumsum([0, *map(len, groups[:-1])])
    )
    for i, group in enumerate(groups):
        assert tuple(part[i] for part in together) == pytest.approx(one(*group))


@pytest.mark.parametrize(
    "shares", [[1.0], [0.9, 0.1], [0.5, 0.5], [0.8, 0.05, 0.05, 0.05, 0.05], [0.2] * 5, [0.05] * 20]
)
def test_the_interval_covers(shares: list[float]) -> None:
    draws = np.random.default_rng(20261).multinomial(64, shares, size=400)
    kept = [row[row > 0].astype(float) for row in draws]
    starts = np.cumsum([0, *map(len, kept[:-1])])
    _, low, high = entropy(np.concatenate(kept), starts)
    truth = reference(shares, base=2)
    assert np.mean((low <= truth + 1e-9) & (truth <= high)) > 0.92
