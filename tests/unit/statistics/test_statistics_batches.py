"""Batches that should come from one law."""

from __future__ import annotations

import numpy as np
import pytest

from cot_assets.statistics.batches import differ_by_chance


def test_it_is_chi_squared_scaled_to_its_mean() -> None:
    k, n = np.array([3, 9, 5]), np.array([16, 16, 8])
    expected = n * k.sum() / n.sum()
    squares = ((k - expected) ** 2 / expected + (k - expected) ** 2 / (n - expected)).sum()
    scaled = squares * (n.sum() - 1) / n.sum()
    assert differ_by_chance(k, n, ["a"] * 3) == pytest.approx(np.exp(-scaled / 2))  # two degrees of freedom


def test_groups_of_one_batch_or_of_one_outcome_say_nothing() -> None:
    k, groups = [16, 16, 0, 0, 5], ["a", "a", "b", "b", "c"]
    assert differ_by_chance(k, [16] * 5, groups) == 1
    assert differ_by_chance([], [], []) == 1
    assert differ_by_chance([*k, 3, 9], [16] * 7, [*groups, "d", "d"]) == differ_by_chance(
        [3, 9], [16] * 2, ["d", "d"]
    )


def test_one_law_is_told_apart_no_more_often_than_by_chance() -> None:
    rng = np.random.default_rng(1)
    found: list[float] = []
    for _ in range(500):
        groups = np.repeat(np.arange(6), 4)
        p = np.repeat(rng.beta(0.5, 0.5, 6), 4)
        found.append(differ_by_chance(rng.binomial(16, p), np.full(24, 16), groups))
    assert np.mean(np.array(found) < 0.1) < 0.13
    assert min(found) > 1e-5
