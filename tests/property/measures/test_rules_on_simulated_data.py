"""Rules on data of a known law: as many false alarms as they say, and planted defects found."""

import numpy as np
import pytest
from markov import MarkovChain, stopping_values
from populations import POPULATIONS, THRESHOLD, confirmed_by_rule, false_share_and_power, true_changes
from scipy import stats

from cot_assets.measures.curves.martingale import martingale_test
from cot_assets.statistics.estimates import delta_interval

#: Slow to answer, so that the budget matters.
SLOW = {"slip": 0.15, "recover": 0.3, "answer": 0.12, "give_up": 0.1}
#: Often ends without an answer, with budget left.
QUITTING = {"slip": 0.15, "recover": 0.1, "answer": 0.12, "give_up": 0.35}


def chain(problems: int, seed: int, **parameters: float) -> MarkovChain:
    starts = np.random.default_rng([seed, problems]).uniform(0.6, 0.95, problems)
    return MarkovChain(tuple(starts), **parameters)


@pytest.mark.parametrize(("problems", "traces"), [(8, 1), (12, 3)])
def test_sound_data_pass(problems, traces):
    # Size at 5% and 1% over 60 seeded data sets; figures for more are in docs/methods.md.
    p_values = []
    for seed in range(60):
        rng = np.random.default_rng([seed, 1])
        frame = stopping_values(
            chain(problems, seed), rng, traces=traces, n=32, max_tokens=8, positions=(1, 2, 4)
        )
        p_values.append(martingale_test(frame).p_value)
    assert np.mean(np.array(p_values) < 0.05) <= 0.05
    assert np.mean(np.array(p_values) < 0.01) <= 0.01


@pytest.mark.parametrize(
    ("defect", "part", "parameters"),
    [
        ("template", "p_start_to_position", {}),
        ("budget", "p_position_to_end", SLOW),
        ("no_answer", "p_start_to_end", QUITTING),
    ],
)
def test_planted_defects_fail(defect, part, parameters):
    found = 0
    for seed in range(5):
        sound, broken = (
            martingale_test(
                stopping_values(
                    chain(40, seed, **parameters),
                    np.random.default_rng([seed, 2]),
                    traces=4,
                    max_tokens=8,
                    positions=(1, 2, 3, 4, 5, 6),
                    defect=planted,
                )
            )
            for planted in (None, defect)
        )
        assert sound.is_passed
        found += not broken.is_passed and getattr(broken, part) < 0.01
    assert found >= 4


@pytest.mark.parametrize("population", POPULATIONS)
def test_false_discoveries_stay_rare_in_every_population(population):
    # 6 partitions of 300 pairs at n = 64; docs/methods.md has more. By the paper's rule up to half are false.
    false, found, power = [], 0, []
    for seed in range(6):
        rng = np.random.default_rng([seed, 5])
        before, after = true_changes(population, 300, rng)
        confirmed = confirmed_by_rule(before, after, 64, rng)["fitted"]
        share, hits, count = false_share_and_power(confirmed, after - before > THRESHOLD)
        false.append(share)
        found += count
        power.append(hits)
    assert np.mean(false) <= 0.08
    if population == "sparse":
        assert np.nanmean(power) > 0.7


def test_delta_intervals_hold_the_change_as_often_as_they_say():
    """Exact, by enumeration at n = 10; docs/methods.md has larger n."""
    n, p = 10, np.linspace(0.02, 0.98, 49)
    k = np.arange(n + 1)
    low, high = delta_interval(k[:, None], n, k, n)
    mass = stats.binom.pmf(k[:, None], n, p)
    held = [
        mass[:, i] @ ((low <= d) & (d <= high)) @ mass[:, j]
        for i in range(49)
        for j in range(49)
        for d in [p[j] - p[i]]
    ]
    assert np.mean(held) == pytest.approx(0.95, abs=0.01)
    assert min(held) > 0.87
