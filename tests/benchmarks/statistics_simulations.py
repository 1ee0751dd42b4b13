"""Simulations behind the figures of cot_assets/potential/METHODS.md.

Run ``python tests/benchmarks/statistics_simulations.py NAME [--repeats R]`` from the root of the project;
NAME is one of the functions listed by ``--help``. Every simulation has a stated seed: the same numbers
come out again. Standard errors are those of the repeats.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from scipy import stats

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "unit" / "potential")]

from markov import MarkovChain, stopping_values  # noqa: E402
from populations import (  # noqa: E402
    POPULATIONS,
    THRESHOLD,
    confirmed_by_rule,
    false_share_and_power,
    true_changes,
)
from support.searching import PROTOCOL, World  # noqa: E402
from support.sums import scripted_engine  # noqa: E402

from cot_assets.potential.clusters import cluster_bootstrap_mean, effective_sample_size  # noqa: E402
from cot_assets.potential.drawdowns import change_bound, largest_change, split_estimate  # noqa: E402
from cot_assets.potential.estimates import delta_interval, jeffreys_interval  # noqa: E402
from cot_assets.potential.isotonic import fall_p_value  # noqa: E402
from cot_assets.potential.martingale import martingale_test  # noqa: E402
from cot_assets.sampling.optimise import count, fresh_blocks  # noqa: E402

SEED = 20260
GOOD = {"slip": 0.01, "recover": 0.15, "answer": 0.4, "give_up": 0.05}
SLOW = {"slip": 0.15, "recover": 0.3, "answer": 0.12, "give_up": 0.1}

Row = dict[str, object]


def intervals(repeats: int) -> Iterator[Row]:
    """Exact coverage of the 95% Jeffreys interval, by enumeration (repeats unused)."""
    p = np.linspace(0.005, 0.995, 991)
    for n in (16, 32, 64, 128):
        k = np.arange(n + 1)
        low, high = jeffreys_interval(k, n)
        mass = stats.binom.pmf(k[:, None], n, p)
        coverage = (mass * ((low[:, None] <= p) & (p <= high[:, None]))).sum(axis=0)
        yield {
            "n": n,
            "mean coverage": coverage.mean(),
            "lowest": coverage.min(),
            "width at k = n/2": float(high[n // 2] - low[n // 2]),
            "upper end at k = 0": float(high[0]),
        }


def change_intervals(repeats: int) -> Iterator[Row]:
    """Exact coverage of the 95% interval of a change, by enumeration (repeats unused).

    Over all pairs of true values on a grid (uniform: mean and lowest), over pairs that are equal, and for
    chosen changes from one middling and one extreme level.
    """
    grid = np.round(np.linspace(0.01, 0.99, 50), 4)
    for before, after in ((16, 16), (32, 32), (64, 64), (128, 128), (64, 128)):
        k0, k1 = (a.ravel() for a in np.meshgrid(np.arange(before + 1), np.arange(after + 1), indexing="ij"))
        low, high = delta_interval(k0, before, k1, after)
        low, high = low.reshape(before + 1, -1), high.reshape(before + 1, -1)

        def coverage(p0: float, p1: float, sizes: tuple[int, int], low=low, high=high) -> float:
            mass = [stats.binom.pmf(np.arange(n + 1), n, p) for n, p in zip(sizes, (p0, p1), strict=True)]
            holds = (low <= p1 - p0 + 1e-12) & (p1 - p0 - 1e-12 <= high)
            return float(mass[0] @ holds @ mass[1])

        sizes = (before, after)
        table = np.array([[coverage(p0, p1, sizes) for p1 in grid] for p0 in grid])
        yield {
            "n before": before,
            "n after": after,
            "mean coverage": table.mean(),
            "lowest": table.min(),
            "no change, mean": np.diag(table).mean(),
            "0.05 to 0.50": coverage(0.05, 0.50, sizes),
            "0.30 to 0.75": coverage(0.30, 0.75, sizes),
            "0 to 1": coverage(0.0, 1.0, sizes),
        }


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


def martingale(repeats: int) -> Iterator[Row]:
    """Size and power of the martingale check at 1%, beside the tests that it replaces."""
    chains = {"middling": ({}, (0.6, 0.95)), "good": (GOOD, (0.97, 1.0)), "slow": (SLOW, (0.6, 0.95))}
    plan = [(name, None, k, m) for name in ("middling", "good") for k, m in ((8, 1), (24, 1), (24, 4))]
    plan += [("middling", "template", k, m) for k, m in ((24, 1), (24, 4))]
    plan += [("slow", defect, k, m) for defect in ("budget", "no_answer") for k, m in ((24, 1), (24, 4))]
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


def clustered_rates(repeats: int) -> Iterator[Row]:
    """Coverage of rate intervals when traces of a problem resemble one another (beta-binomial)."""
    for problems, traces in ((8, 4), (24, 4), (30, 8)):
        for rho in (0.1, 0.3, 0.6):
            for rate in (0.05, 0.2, 0.5):
                rng = np.random.default_rng([SEED, problems, traces, int(100 * rho), int(100 * rate)])
                clusters, covered, naive = np.repeat(np.arange(problems), traces), 0, 0
                scale = (1 - rho) / rho
                for _ in range(repeats):
                    share = rng.beta(rate * scale, (1 - rate) * scale, problems)
                    flags = (rng.random((problems, traces)) < share[:, None]).ravel()
                    n_eff = effective_sample_size(flags, clusters)
                    low, high = jeffreys_interval(n_eff if flags.all() else flags.mean() * n_eff, n_eff)
                    covered += bool(low <= rate <= high)
                    low, high = jeffreys_interval(flags.sum(), len(flags))
                    naive += bool(low <= rate <= high)
                yield {
                    "problems": problems,
                    "traces each": traces,
                    "correlation": rho,
                    "rate": rate,
                    "coverage": covered / repeats,
                    "ignoring clusters": naive / repeats,
                }


def bootstrap(repeats: int) -> Iterator[Row]:
    """Coverage of the cluster bootstrap of a mean potential, Beta(2, 3) problems of 3 traces."""
    for problems in (5, 8, 12, 24):
        rng, covered, plain = np.random.default_rng([SEED, problems]), 0, 0
        clusters = np.repeat(np.arange(problems), 3)
        for r in range(repeats):
            values = np.clip(np.repeat(rng.beta(2, 3, problems), 3) + rng.normal(0, 0.05, 3 * problems), 0, 1)
            got = cluster_bootstrap_mean(values, clusters, seed=r)
            covered += got.low <= 0.4 <= got.high
            means = values.reshape(-1, 3).mean(axis=1)
            draws = means[rng.integers(0, problems, (2000, problems))].mean(axis=1)
            low, high = np.quantile(draws, [0.025, 0.975])
            plain += bool(low <= 0.4 <= high)
        yield {
            "problems": problems,
            "coverage": covered / repeats,
            "percentile interval, not expanded": plain / repeats,
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


def _problem_drifts(frame) -> np.ndarray:
    """Mean of V - V0 per problem: array (problems, positions and end)."""
    import polars as pl

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


def selection_bias(repeats: int) -> Iterator[Row]:
    """Greedy search on a scripted engine of known potentials; ``repeats`` problems a row.

    Errors are estimate minus exact potential of the kept chunk; gain is its exact potential minus the mean
    over all candidates.
    """
    for candidates, n in ((2, 16), (4, 16), (8, 16), (4, 64), (8, 64)):
        protocol = PROTOCOL.model_copy(update={"optimise_candidates": candidates, "optimise_n": n})
        with TemporaryDirectory() as folder:
            world = World(scripted_engine(Path(folder), skill=0.6, mend=0.15), protocol)
            searches = world.search(repeats)
        info = world.engine.describe()
        errors: dict[str, list[float]] = {"selection": [], "fresh": [], "gain": []}
        for search in searches:
            for number, step in enumerate(search.steps, 1):
                if step.choice.is_end:
                    continue
                prefix = search.prefix(number)
                blocks = fresh_blocks(prefix, protocol, info)
                fresh = count(world.draw(blocks), blocks)
                truth = world.truth(prefix, 0.6, 0.15)
                rivals = [search.prefix(number - 1, more=c.token_ids) for c in step.candidates]
                errors["selection"].append(float(step.choice.estimate or 0.0) - truth)
                errors["fresh"].append(fresh.n_correct / fresh.n - truth)
                errors["gain"].append(truth - float(np.mean([world.truth(p, 0.6, 0.15) for p in rivals])))
        row: Row = {"candidates": candidates, "n": n, "chunks": len(errors["gain"])}
        for name, values in errors.items():
            row[name] = float(np.mean(values))
            row[f"se {name}"] = float(np.std(values, ddof=1) / np.sqrt(len(values)))
        right = [search.steps[-1].choice.verdict == "correct" for search in searches]
        yield {**row, "right": float(np.mean(right)), "V0": world.truth(searches[0].prompt, 0.6, 0.15)}


SIMULATIONS: dict[str, tuple[Callable[[int], Iterator[Row]], int]] = {
    "intervals": (intervals, 1),
    "change_intervals": (change_intervals, 1),
    "false_discoveries": (false_discoveries, 100),
    "martingale": (martingale, 300),
    "clustered_rates": (clustered_rates, 1000),
    "bootstrap": (bootstrap, 1000),
    "monotone": (monotone, 1000),
    "drawdowns": (drawdowns, 300),
    "selection_bias": (selection_bias, 300),
}


def main() -> None:
    """Run one simulation and print it as a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("name", choices=SIMULATIONS)
    parser.add_argument("--repeats", type=int)
    arguments = parser.parse_args()
    simulate, usual = SIMULATIONS[arguments.name]
    repeats, start, header = arguments.repeats or usual, time.monotonic(), False
    for row in simulate(repeats):
        if not header:
            print(f"| {' | '.join(row)} |\n|{'---|' * len(row)}")
            header = True
        cells = (f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values())
        print(f"| {' | '.join(cells)} |", flush=True)
    print(f"\n{repeats} repeats, {time.monotonic() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
