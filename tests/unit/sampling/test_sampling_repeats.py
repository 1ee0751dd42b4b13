"""The bound by which a block is told from a repeat of another one."""

from __future__ import annotations

import math
import random

import pytest

from cot_assets.sampling.repeats import LEVEL, log10_chance


@pytest.mark.parametrize(
    ("counts", "chance"),
    [
        ([16], 1.0),
        ([15, 1], (15 / 16) ** 15 / 16),
        ([8, 8], 0.5**16),
        ([1] * 16, 16.0**-16),
        ([1], 1.0),
    ],
)
def test_the_bound_is_the_largest_likelihood(counts: list[int], chance: float) -> None:
    draws = [i for i, count in enumerate(counts) for _ in range(count)]
    assert log10_chance(draws) == pytest.approx(math.log10(chance))


def test_no_law_gives_a_block_a_higher_chance() -> None:
    rng = random.Random(3)
    for _ in range(200):
        weights = [rng.random() ** 4 for _ in range(rng.randint(1, 20))]
        law = [w / sum(weights) for w in weights]
        draws = rng.choices(range(len(law)), law, k=16)
        assert sum(math.log10(law[i]) for i in draws) <= log10_chance(draws) + 1e-9


@pytest.mark.parametrize(("n_distinct", "is_proof"), [(1, False), (4, False), (8, True), (16, True)])
def test_what_it_takes_to_be_sure(n_distinct: int, is_proof: bool) -> None:
    """Four completions four times each: 1 in 10^9.6, which is left alone."""
    assert (log10_chance([i % n_distinct for i in range(16)]) < LEVEL) is is_proof
