"""Guesses: how often right traces come past a low potential, against the bound, and what n rollouts show."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from markov import FIRST_PROBLEM, MarkovChain, last_answer

from cot_assets.statistics.estimates import CONFIDENCE, probability_below
from cot_assets.statistics.guesses import guess_bound
from simulations import SEED, Row

BELOW, TOKENS = 0.05, 12


def guess_bounds(repeats: int) -> Iterator[Row]:
    """Share of right traces whose potential was ever at most 0.05: the bound, a walk that meets it, a chain.

    The walk goes from V0 to 0.05 or 1 and from there to the verdict. The chain's potentials are exact;
    ``called``: its right traces with fewer than 5% right of 64 rollouts at the cut before the last token,
    ``confirmed``: with P(p < 0.05) >= 0.95 there, ``truly below``: whose exact potential there is below 0.05.
    """
    for start in (0.02, 0.1, 0.3, 0.9):
        chain = MarkovChain((start,), slip=0.3, recover=0.005, answer=0.3, give_up=0.3)
        table = chain.outcomes(TOKENS)
        rng = np.random.default_rng([SEED, int(100 * start)])

        def potential(tokens: list[int], table: np.ndarray = table) -> float:
            last = tokens[-1] if tokens else FIRST_PROBLEM
            return float(table[TOKENS - len(tokens), last, last_answer(tokens), 0])

        v0, right, ever, below, called, confirmed = potential([]), 0, 0, 0, 0, 0
        while right < repeats:
            tokens, verdict = chain.trace(0, TOKENS, rng)
            if verdict != "correct":
                continue
            values = [potential(tokens[:i]) for i in range(len(tokens))]
            k = rng.binomial(64, values[-1])
            right += 1
            ever += min(values) <= BELOW
            below += values[-1] < BELOW
            called += k / 64 < BELOW
            confirmed += probability_below(k, 64, BELOW) >= CONFIDENCE
        yield {
            "V0": v0,
            "bound": float(guess_bound(v0, BELOW)),
            "walk that meets it": _walk(v0, repeats * 20, rng),
            "chain, ever": ever / repeats,
            "truly below": below / repeats,
            "called": called / repeats,
            "confirmed": float(confirmed) / repeats,
        }


def _walk(v0: float, traces: int, rng: np.random.Generator) -> float:
    """From V0 to 0.05 or 1 (to itself where V0 is lower), then the verdict; share of right ones that met it."""
    low = min(v0, BELOW)
    met = rng.random(traces) < (1 - v0) / (1 - low)
    right = np.where(met, rng.random(traces) < low, True)
    return float(met[right].mean())
