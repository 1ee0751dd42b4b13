"""The bound by which a block is told from a repeat of another one."""

from __future__ import annotations

import math
import random
from itertools import combinations

import pytest

from cot_assets.engines.base import EngineError
from cot_assets.sampling.plan import PlannedBlock, Prefix
from cot_assets.sampling.repeats import (
    LEVEL,
    RECENT,
    Repeats,
    chance_of_pairs,
    log10_chance,
    log10_in_order,
)


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


def test_chance_of_pairs_is_that_of_all_choices() -> None:
    """Against every way to choose the block among the completions."""
    for block, earlier in (
        ("aab", "abc"),
        ("abc", "abc"),
        ("abcd", "abcdef"),
        ("aaa", "bbb"),
        ("ab", "aaaab"),
    ):
        pool, size = block + earlier, len(block)

        def across(chosen: tuple[int, ...], pool: str = pool) -> int:
            rest = [pool[i] for i in range(len(pool)) if i not in chosen]
            return sum(pool[i] == other for i in chosen for other in rest)

        ways = [across(chosen) for chosen in combinations(range(len(pool)), size)]
        observed = across(tuple(range(size)))
        assert chance_of_pairs(block, earlier) == pytest.approx(sum(w >= observed for w in ways) / len(ways))


@pytest.mark.parametrize("shift", [-3, -2, 0, 2])
@pytest.mark.parametrize("n_other", [0, 1])
def test_blocks_that_share_a_run_of_draws_are_found_wherever_it_begins(shift: int, n_other: int) -> None:
    earlier = list(range(16))
    block = [earlier[i - shift] if 0 <= i - shift < 16 else 100 + i for i in range(16)]
    block[8 : 8 + n_other] = range(200, 200 + n_other)
    assert (log10_in_order(block, earlier)[0] < LEVEL) == (shift == 0 or n_other == 0)


def test_few_texts_in_the_same_order_are_chance() -> None:
    """Blocks of a prefix that leaves one of two open agree in half of their places."""
    rng = random.Random(1)
    for _ in range(200):
        first, second = ([rng.random() < 0.7 for _ in range(16)] for _ in range(2))
        assert log10_in_order(first, second)[0] > LEVEL


class Drawn:
    """Planned blocks of many prefixes, two each, and what a server gives for the second."""

    def __init__(self, repeats: Repeats) -> None:
        self._repeats = repeats

    def take(self, prefix: int, index: int, texts: list[int]) -> None:
        planned = PlannedBlock(f"{prefix} {index}", Prefix("p", (prefix,), 1), len(texts), 9, index * 16)
        self._repeats.check(planned, [(text,) for text in texts])


def test_blocks_that_repeat_others_in_another_order_are_found_after_some_prefixes() -> None:
    """18 distinct of 32: 14 of the second block's completions were in the first."""
    rng, drawn = random.Random(2), Drawn(Repeats(None, ()))

    def sample_all() -> None:
        for prefix in range(8):
            first = [1000 * prefix + i for i in range(16)]
            second = [*first[:14], 1000 * prefix + 500, 1000 * prefix + 501]
            rng.shuffle(second)
            drawn.take(prefix, 0, first)
            drawn.take(prefix, 1, second)

    with pytest.raises(EngineError, match="14 of its 16 completions are there already"):
        sample_all()


@pytest.mark.parametrize("n_texts", [1, 2, 3, 10, 40, 1000])
@pytest.mark.parametrize("skew", [0.0, 1.0, 2.0])
def test_draws_of_any_law_are_no_repeats(n_texts: int, skew: float) -> None:
    """Also where a prefix leaves one text open, or a few, or has one that is written mostly."""
    rng = random.Random(n_texts + int(10 * skew))
    weights = [(i + 1) ** -skew for i in range(n_texts)]
    drawn = Drawn(Repeats(None, ()))
    for prefix in range(12):
        for index in range(4):
            drawn.take(prefix, index, rng.choices(range(n_texts), weights, k=16))


@pytest.mark.parametrize("shift", [0, 1, -1])
@pytest.mark.parametrize(("n_between", "is_seen"), [(0, True), (RECENT - 1, True), (RECENT, False)])
def test_a_block_of_another_prefix_over_again_is_found(shift: int, n_between: int, is_seen: bool) -> None:
    """Wherever it begins, and among as many blocks as are remembered."""
    drawn = Drawn(Repeats(None, ()))
    earlier = list(range(16))
    drawn.take(0, 0, earlier)
    for prefix in range(1, n_between + 1):
        drawn.take(prefix, 0, [1000 * prefix + i for i in range(16)])
    again = [earlier[i - shift] if 0 <= i - shift < 16 else 100 + i for i in range(16)]
    if not is_seen:
        return drawn.take(-1, 0, again)
    with pytest.raises(EngineError, match=r"is block 0 0 of another prefix over again: 1[56] completions"):
        drawn.take(-1, 0, again)
