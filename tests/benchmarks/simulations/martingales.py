"""Size and power of the martingale check, beside the tests that it replaces."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from markov import FIRST_PROBLEM, NONE, MarkovChain, last_answer, prompt_mismatch, stopping_values
from scipy import stats

from cot_assets.measures.curves.martingale import martingale_test
from simulations import SEED, Row

GOOD = {"slip": 0.01, "recover": 0.15, "answer": 0.4, "give_up": 0.05}
SLOW = {"slip": 0.15, "recover": 0.3, "answer": 0.12, "give_up": 0.1}
QUITTING = {"slip": 0.15, "recover": 0.1, "answer": 0.12, "give_up": 0.35}


def martingale(repeats: int) -> Iterator[Row]:
    """Size and power of the martingale check at 1%, beside the tests that it replaces."""
    usual = (0.6, 0.95)
    chains = {
        "middling": ({}, usual), "good": (GOOD, (0.97, 1.0)), "slow": (SLOW, usual), "quitting": (QUITTING, usual),
    }  # fmt: skip
    plan = [(name, None, k, m) for name in ("middling", "good") for k, m in ((8, 1), (24, 1), (24, 4))]
    plan += [("middling", "template", k, m) for k, m in ((24, 1), (24, 4))]
    plan += [("slow", "budget", k, m) for k, m in ((24, 1), (24, 4))]
    plan += [("quitting", "no_answer", k, m) for k, m in ((24, 1), (24, 4))]
    for name, defect, problems, traces in plan:
        parameters, (low, high) = chains[name]
        p_values = []
        for r in range(repeats):
            rng = np.random.default_rng([SEED, problems, traces, r])
            chain = MarkovChain(tuple(rng.uniform(low, high, problems)), **parameters)
            frame = stopping_values(
                chain, rng, traces=traces, max_tokens=8, positions=(1, 2, 3, 4, 5, 6), defect=defect
            )
            p_values.append((martingale_test(frame).p_value, _sign_flip(frame, rng), _hotelling(frame)))
        ours, flip, hotelling = np.array(p_values).T
        yield {
            "chain": name,
            "defect": defect or "none",
            "problems": problems,
            "traces each": traces,
            "check, 1%": np.mean(ours < 0.01),
            "check, 5%": np.mean(ours < 0.05),
            "sign flips, 1%": np.mean(flip < 0.01),
            "Hotelling, 1%": np.nan if np.isnan(hotelling).all() else np.nanmean(hotelling < 0.01),
        }


def detectable(repeats: int) -> Iterator[Row]:
    """Power at 1% against defects of several sizes, at the demo's own design and at larger ones.

    The demo: 24 problems, 4 verdicts each, one measured trace, 64 rollouts. ``shift``: mean change of the
    potential that the defect makes, at the empty CoT (template, no_answer) or over all later positions of
    traces that are still running (budget). ``slower``: half of the traces run out of budget.
    """
    slower = {"slip": 0.1, "recover": 0.3, "answer": 0.06, "give_up": 0.02}
    chains = {"middling": {}, "slow": SLOW, "slower": slower, "quitting": QUITTING}
    plan = [("template", "middling", s) for s in (0.1, 0.2, 0.3, 0.5, 0.7, 1.0)]
    plan += [("budget", chain, s) for chain in ("slow", "slower") for s in (0.5, 1.0)]
    plan += [("no_answer", chain, s) for chain in ("slow", "quitting") for s in (0.25, 0.5, 1.0)]
    for defect, name, strength in plan:
        row: Row = {"defect": defect, "chain": name, "strength": strength}
        for design, problems, measured in (
            ("demo", 24, 1),
            ("all 4 measured", 24, 4),
            ("100 problems", 100, 1),
        ):
            found, shifts = 0, []
            for r in range(repeats):
                rng = np.random.default_rng([SEED, problems, measured, r])
                chain = MarkovChain(tuple(rng.uniform(0.6, 0.95, problems)), **chains[name])
                shifts.append(_shift(chain, defect, strength))
                frame = stopping_values(
                    chain,
                    rng,
                    traces=4,
                    max_tokens=8,
                    positions=(1, 2, 3, 4, 5, 6),
                    defect=defect,
                    strength=strength,
                    measured=measured,
                )
                found += martingale_test(frame).p_value < 0.01
            row.setdefault("shift", float(np.mean(shifts)))
            row[design] = found / repeats
        yield row


def _shift(chain: MarkovChain, defect: str, strength: float) -> float:
    """Mean over problems of what the defect adds to the potential, exactly but for sampled traces (budget)."""
    sound, start = chain.outcomes(8), np.arange(FIRST_PROBLEM, FIRST_PROBLEM + len(chain.starts))
    if defect == "template":
        broken = prompt_mismatch(chain, strength).outcomes(8)
        return float((broken - sound)[8, start, NONE, 0].mean())
    if defect == "no_answer":
        right, none = sound[8, start, NONE, 0], sound[8, start, NONE, 2]
        return float((right / (1 - strength * none) - right).mean())
    rng, shifts = np.random.default_rng(SEED), []
    for problem in range(len(chain.starts)):
        tokens, _ = chain.trace(problem, 8, rng)
        for at in range(1, min(len(tokens), 6) + 1):
            left, state = 8 - at, (tokens[at - 1], last_answer(tokens[:at]), 0)
            shifts.append(sound[(left + round(strength * at), *state)] - sound[(left, *state)])
    return float(np.mean(shifts))


def _problem_drifts(frame) -> np.ndarray:
    """Mean of V - V0 per problem: array (problems, positions and end)."""
    v0 = frame.filter(pl.col("position") == 0).select("trace_id", v0=pl.col("n_correct") / pl.col("n"))
    verdict = pl.col("is_correct").cast(pl.Float64)
    end = frame.filter(pl.col("position") == 0).with_columns(position=pl.lit(10**6), has_ended=pl.lit(True))
    every = pl.concat([frame.filter(pl.col("position") > 0), end.cast(frame.schema)]).join(v0, on="trace_id")
    value = pl.when("has_ended").then(verdict).otherwise(pl.col("n_correct") / pl.col("n"))
    means = every.group_by("problem_id", "position").agg(d=(value - pl.col("v0")).mean())
    return means.pivot(on="position", index="problem_id", values="d").drop("problem_id").to_numpy()


def _sign_flip(frame, rng: np.random.Generator) -> float:
    """Wild cluster bootstrap: largest |t| over positions against random signs of whole problems."""
    drifts = _problem_drifts(frame)

    def largest(signs: np.ndarray) -> np.ndarray:
        flipped = signs[:, :, None] * drifts
        spread = flipped.std(axis=1, ddof=1) / np.sqrt(len(drifts))
        return np.nanmax(np.abs(flipped.mean(axis=1)) / np.maximum(spread, 1e-9), axis=1)

    observed = largest(np.ones((1, len(drifts))))[0]
    null = largest(rng.choice([-1.0, 1.0], (999, len(drifts))))
    return float((1 + (null >= observed - 1e-9).sum()) / 1000)


def _hotelling(frame) -> float:
    """Hotelling's T^2 with a pseudo-inverse; NaN where problems do not outnumber its rank."""
    drifts = _problem_drifts(frame)
    problems = len(drifts)
    covariance = np.atleast_2d(np.cov(drifts, rowvar=False))
    rank = int(np.linalg.matrix_rank(covariance, hermitian=True))
    if problems <= rank or not rank:
        return float("nan")
    mean = drifts.mean(axis=0)
    t2 = problems * mean @ np.linalg.pinv(covariance, hermitian=True) @ mean
    return float(stats.f.sf(t2 * (problems - rank) / (rank * (problems - 1)), rank, problems - rank))
