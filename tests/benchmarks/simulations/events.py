"""Events and shapes of curves: false discoveries, monotone traces, falls over several cuts, recovery."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from build import PROTOCOL, curve
from populations import POPULATIONS, THRESHOLD, confirmed_by_rule, false_share_and_power, true_changes
from support.judged import find_tangents

from cot_assets.measures.patterns.drawdowns import change_bound, largest_change, split_estimate
from cot_assets.statistics.change_law import change_likelihoods, confirm, fit_change_prior, probability_beyond
from cot_assets.statistics.estimates import Direction, delta_interval
from cot_assets.statistics.isotonic import fall_p_value
from simulations import SEED, Row


def false_discoveries(repeats: int) -> Iterator[Row]:
    """False share and power of three rules for rises beyond 0.40, 300 pairs a partition."""
    for population in POPULATIONS:
        for n in (32, 64, 128):
            results: dict[str, list[tuple[float, float, int]]] = {}
            for r in range(repeats):
                rng = np.random.default_rng([SEED, n, r])
                before, after = true_changes(population, 300, rng)
                for rule, confirmed in confirmed_by_rule(before, after, n, rng).items():
                    found = false_share_and_power(confirmed, after - before > THRESHOLD)
                    results.setdefault(rule, []).append(found)
            for rule, found in results.items():
                false, power, count = (np.array(column) for column in zip(*found, strict=True))
                yield {
                    "population": population,
                    "n": n,
                    "rule": rule,
                    "false share": false.mean(),
                    "se": false.std() / np.sqrt(repeats),
                    "power": np.nanmean(power),
                    "events": count.mean(),
                }


def monotone(repeats: int) -> Iterator[Row]:
    """The test of a rising curve and the tolerance rule, on curves of 64 rollouts a cut."""
    for cuts in (8, 20):
        half = cuts // 2
        truths = {
            "flat 0.5": np.full(cuts, 0.5),
            "flat 0.95": np.full(cuts, 0.95),
            "rising 0.2 to 0.9": np.linspace(0.2, 0.9, cuts),
            "fall by 0.3 half-way": np.r_[np.full(half, 0.7), np.full(cuts - half, 0.4)],
            "one dip by 0.3": np.where(np.arange(cuts) == half, 0.3, 0.6),
        }
        for name, truth in truths.items():
            rng = np.random.default_rng([SEED, cuts])
            k = rng.binomial(64, truth, (repeats, cuts))
            p = np.array([fall_p_value(row, np.full(cuts, 64), seed=1) for row in k])
            fall = (-np.diff(k / 64, axis=1)).max(axis=1)
            yield {
                "cuts": cuts,
                "curve": name,
                "called not monotone by test, 5%": np.mean(p < 0.05),
                "by tolerance 0.1": np.mean(fall > 0.1 + 1e-9),
            }


def drawdowns(repeats: int) -> Iterator[Row]:
    """Largest fall of ten cuts of 64 rollouts: plain estimate, split halves, lower bound."""
    truths = {
        "flat 0.5": np.full(10, 0.5),
        "flat 0.95": np.full(10, 0.95),
        "slow fall by 0.5": np.linspace(0.8, 0.3, 10),
        "step by 0.5": np.r_[np.full(5, 0.8), np.full(5, 0.3)],
    }
    for name, truth in truths.items():
        rng, n = np.random.default_rng([SEED, 10]), np.full(10, 64.0)
        largest = max(0.0, largest_change(truth, "drawdown")[2])
        rows = []
        for r in range(repeats):
            k = rng.binomial(64, truth).astype(float)
            bound = change_bound(k, n, "drawdown")
            plain, split = largest_change(k / n, "drawdown")[2], split_estimate(k, n, "drawdown", r)
            rows.append((plain, split, bound, bound > largest + 1e-9))
        plain, split, bound, missed = np.array(rows, dtype=float).T
        yield {
            "curve": name,
            "true": largest,
            "plain": plain.mean(),
            "split": split.mean(),
            "bound": bound.mean(),
            "bound above the truth": missed.mean(),
        }


def event_curves(repeats: int) -> Iterator[Row]:
    """False shares of events on whole curves, and coverage of the intervals of what is called.

    15 curves of 20 steps a partition: neighboring pairs share a cut, rises and drops mix. Steps follow
    the populations of ``false_discoveries``, with the sign that fits between 0 and 1.
    """
    thresholds: tuple[tuple[str, Direction, float], ...] = (
        ("insight", "rise", 0.4),
        ("tangent", "drop", 0.3),
    )
    for population in POPULATIONS:
        for n in (32, 64, 128):
            results: dict[tuple[str, str], list[tuple[float, float, int, float]]] = {}
            for r in range(repeats):
                rng = np.random.default_rng([SEED, n, r])
                truth = _curves(population, 15, 20, rng)
                k = rng.binomial(n, truth).astype(float)
                p0, k0 = truth[:, :-1].ravel(), k[:, :-1].ravel()
                p1, k1 = truth[:, 1:].ravel(), k[:, 1:].ravel()
                sizes = np.full(len(k0), float(n))
                likelihoods = change_likelihoods(k0, sizes, k1, sizes)
                prior = fit_change_prior(likelihoods)
                for pattern, direction, threshold in thresholds:
                    sign = 1 if direction == "rise" else -1
                    is_true = sign * (p1 - p0) > threshold
                    called = {
                        "threshold": sign * (k1 - k0) / n > threshold + 1e-9,
                        "confirmed": confirm(probability_beyond(likelihoods, prior, threshold, direction)),
                    }
                    for rule, chosen in called.items():
                        low, high = delta_interval(k0[chosen], n, k1[chosen], n)
                        held = int(((low <= (p1 - p0)[chosen]) & ((p1 - p0)[chosen] <= high)).sum())
                        found = false_share_and_power(chosen, is_true)
                        results.setdefault((pattern, rule), []).append((*found, held))
            for (pattern, rule), found in results.items():
                false, power, count, held = (np.array(column) for column in zip(*found, strict=True))
                yield {
                    "population": population,
                    "n": n,
                    "pattern": pattern,
                    "rule": rule,
                    "false share": false.mean(),
                    "se": false.std() / np.sqrt(repeats),
                    "power": np.nanmean(power),
                    "events": count.mean(),
                    "interval holds the change": held.sum() / count.sum() if count.sum() else np.nan,
                }


def _curves(population: str, curves: int, steps: int, rng: np.random.Generator) -> np.ndarray:
    """True potentials, shape (curves, steps + 1); a step that does not fit takes the other sign, or is none."""
    level = rng.beta(0.7, 0.7, curves)
    path = [level]
    for _ in range(steps):
        before, after = true_changes(population, curves, rng)
        change = (after - before) * rng.choice([-1, 1], curves)
        change = np.where((level + change < 0) | (level + change > 1), -change, change)
        level = np.where((level + change < 0) | (level + change > 1), level, level + change)
        path.append(level)
    return np.stack(path, axis=1)


def recovery(repeats: int) -> Iterator[Row]:
    """Tangents on 12 cuts, called by threshold, and how many of them seem to recover."""
    shapes = {
        "flat 0.5: no tangent": np.full(12, 0.5),
        "falls by 0.4, stays": np.r_[np.full(4, 0.8), np.full(8, 0.4)],
        "falls by 0.4, back to 0.65": np.r_[np.full(4, 0.8), np.full(4, 0.4), np.full(4, 0.65)],
        "falls by 0.4, all back": np.r_[np.full(4, 0.8), np.full(4, 0.4), np.full(4, 0.8)],
    }
    protocol = PROTOCOL.model_copy(update={"cut_policy": "lines"})
    for name, truth in shapes.items():
        for n in (32, 64, 128):
            rng = np.random.default_rng([SEED, n])
            frame = pl.concat(
                [
                    curve([(int(k), n) for k in rng.binomial(n, truth)], trace_id=f"t{r}")
                    for r in range(repeats)
                ]
            )
            found = find_tangents(frame, protocol).filter("by_threshold")
            true = (
                truth[0] - truth[-1] <= protocol.analysis.monotone_tolerance + 1e-9 and truth.min() < truth[0]
            )
            yield {
                "curve": name,
                "n": n,
                "recovers": "yes" if true else "no" if truth.min() < truth[0] else "nothing to recover",
                "tangents a curve": found.height / repeats,
                "called recovered": found["is_recovered"].mean() if found.height else np.nan,
            }
