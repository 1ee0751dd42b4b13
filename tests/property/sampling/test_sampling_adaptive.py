"""The search for events on curves whose true potentials are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from cot_assets.measures.exploration.adaptive import Search
from cot_assets.study import Adaptive, Protocol

PROTOCOL = Protocol(name="p", n=128)


class Sampler:
    """Counts of exploration rollouts of a known curve."""

    def __init__(self, truth: Sequence[float], seed: int) -> None:
        self.truth, self.rng = np.asarray(truth), np.random.default_rng(seed)
        self.n = np.zeros(len(self.truth), dtype=int)
        self.k = np.zeros(len(self.truth), dtype=int)

    def run(self, search: Search) -> list[int]:
        """Explore to the end; returns what is to be confirmed."""
        for _ in range(200):
            more = search.wanted(self.n, self.n, self.k)
            if not more:
                return search.to_confirm(self.n, self.n, self.k)
            for position, rollouts in more.items():
                self.n[position] += rollouts
                self.k[position] += self.rng.binomial(rollouts, self.truth[position])
        raise AssertionError("the search does not end")


def step(length: int, at: int, low: float, high: float) -> np.ndarray:
    """A curve that changes once, between ``at - 1`` and ``at``."""
    return np.where(np.arange(length) < at, low, high)


def search(length: int, n_coarse: int = 6, protocol: Protocol = PROTOCOL) -> Search:
    return Search(length, sorted({round(i * length / n_coarse) for i in range(n_coarse)}), protocol)


def test_it_begins_with_the_coarse_grid() -> None:
    nothing = [0] * 60
    assert search(60).wanted(nothing, nothing, nothing) == dict.fromkeys([0, 10, 20, 30, 40, 50], 16)


def test_an_interval_whose_ends_differ_is_split_in_the_middle() -> None:
    n = np.zeros(60, dtype=int)
    n[[0, 10, 20, 30, 40, 50]] = 64
    k = np.where(np.arange(60) < 15, 0, n)
    assert search(60).wanted(n, n, k) == {15: 16}


def test_where_a_change_is_uncertain_the_ends_with_fewer_rollouts_get_more() -> None:
    n, k = [16, 32], [6, 21]
    assert search(2, 2).wanted(n, n, k) == {0: 16}
    assert search(2, 2).wanted([64, 64], [64, 64], [16, 34]) == {}
    assert search(2, 2).to_confirm([64, 64], [64, 64], [16, 42]) == [0, 1]


@pytest.mark.parametrize("at", [1, 7, 30, 59, 199])
@pytest.mark.parametrize(("low", "high"), [(0.05, 0.95), (0.9, 0.1)])
def test_a_step_is_found_to_the_position(at: int, low: float, high: float) -> None:
    sampler = Sampler(step(200, at, low, high), seed=at)
    # After the last coarse cut there is nothing to compare with.
    coarse = Search(200, [0, 40, 80, 120, 160, 199], PROTOCOL)
    assert {at - 1, at} <= set(sampler.run(coarse))
    assert sampler.n.sum() < 0.1 * 128 * 200


def test_a_flat_curve_costs_the_coarse_grid() -> None:
    costs = [Sampler(np.full(100, 0.95), seed) for seed in range(20)]
    chosen = [sampler.run(search(100)) for sampler in costs]
    assert np.median([len(c) for c in chosen]) == 6
    assert np.mean([s.n.sum() for s in costs]) < 6 * 48


@pytest.mark.parametrize("seed", range(10))
def test_the_search_ends_and_keeps_its_bounds_on_any_curve(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sampler = Sampler(np.clip(np.cumsum(rng.normal(0, 0.25, 40)) % 1, 0, 1), seed)
    chosen = sampler.run(search(40))
    assert sampler.n.max() <= PROTOCOL.sampling.adaptive.most
    assert set(search(40).coarse) <= set(chosen)
    assert chosen == sorted(set(chosen))


def test_unscored_rollouts_end_the_search_too() -> None:
    n = [16] * 6
    assert search(6).wanted(n, [0] * 6, [0] * 6) == {}
    assert search(6).to_confirm(n, [0] * 6, [0] * 6) == [0, 1, 2, 3, 4, 5]


def test_counts_decide_alone() -> None:
    """An interruption loses no decision: the same counts lead to the same next round."""
    sampler, one, other = Sampler(step(50, 20, 0.1, 0.8), 3), search(50), search(50)
    for _ in range(3):
        more = one.wanted(sampler.n, sampler.n, sampler.k)
        assert more == other.wanted(sampler.n, sampler.n, sampler.k)
        for position, rollouts in more.items():
            sampler.n[position] += rollouts
            sampler.k[position] += sampler.rng.binomial(rollouts, sampler.truth[position])


@pytest.mark.parametrize("coarse", [[], [1, 2], [0, 5, 5], [0, 60]])
def test_a_grid_that_cannot_be_is_refused(coarse: list[int]) -> None:
    with pytest.raises(ValueError, match="not ascending positions from 0 among 60"):
        Search(60, coarse, PROTOCOL)


def test_confirmation_is_not_biased_by_the_search() -> None:
    """Exploration of what was chosen overstates it; fresh rollouts of the same places do not."""
    explored, fresh = [], []
    for seed in range(80):
        sampler = Sampler(step(40, 20, 0.35, 0.68), seed)  # a rise just below the threshold
        chosen = sampler.run(Search(40, [0, 10, 20, 30], PROTOCOL))
        if not {19, 20} <= set(chosen):
            continue
        rates = sampler.k / np.maximum(sampler.n, 1)
        explored.append(rates[20] - rates[19])
        new = sampler.rng.binomial(128, sampler.truth) / 128
        fresh.append(new[20] - new[19])
    assert len(explored) > 20
    error = np.std(fresh) / np.sqrt(len(fresh))
    assert np.mean(explored) - 0.33 > 0.03
    assert abs(np.mean(fresh) - 0.33) < 3 * error


def test_settings_that_contradict_one_another_are_refused() -> None:
    with pytest.raises(ValueError, match="first = 20 is not a multiple of 16"):
        Adaptive(first=20)
    with pytest.raises(ValueError, match="first must not exceed most"):
        Adaptive(first=64, most=32)
    with pytest.raises(ValueError, match="reaches a threshold"):
        Protocol(name="p", tangent_threshold=0.2, adaptive=Adaptive(slack=0.2))


def test_a_fixed_protocol_keeps_its_hash_whatever_the_search_would_be() -> None:
    other = PROTOCOL.model_copy(update={"adaptive": Adaptive(most=128)})
    assert other.protocol_hash == PROTOCOL.protocol_hash
    adaptive = [p.model_copy(update={"sampling": "adaptive"}) for p in (PROTOCOL, other)]
    assert len({PROTOCOL.protocol_hash, *(p.protocol_hash for p in adaptive)}) == 3
