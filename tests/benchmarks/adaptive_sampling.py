"""Adaptive against fixed sampling, on simulated rollouts of recorded and of exactly known curves.

Run ``python tests/benchmarks/adaptive_sampling.py NAME [--seeds S] [--data FOLDER]`` from the root of the
project; NAME is one of the functions listed by ``--help``. FOLDER holds published curves in the folders
``thought-anchors`` and ``cliff-token``, as the commands of ``cot-assets import`` take them. Every simulation
has a stated seed: the same numbers come out again.

A recorded curve, unknown cuts left out, is taken for the truth, and rollouts are Bernoulli draws from it. An
event is a change beyond the protocol's thresholds between neighboring cuts of the fine grid, true or by the
estimates; wrong events are those missed and those invented.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from scipy import stats

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from simulations import Row, print_rows  # noqa: E402

from cot_assets.importing import import_cliff_token, import_thought_anchors  # noqa: E402
from cot_assets.measures.exploration.adaptive import Search  # noqa: E402
from cot_assets.measures.frames import EPSILON  # noqa: E402
from cot_assets.statistics.batches import differ_by_chance  # noqa: E402
from cot_assets.statistics.estimates import jeffreys_interval  # noqa: E402
from cot_assets.study import Protocol  # noqa: E402
from cot_assets.study.protocols import BLOCK_SIZE  # noqa: E402

SEED = 20262
DATA = ROOT.parent / "shared" / "data" / "recorded"
#: Rollouts of fixed sampling and of confirmation, and coarse cuts of the search.
GRIDS = {"21 cuts": (128, 3), "sentences": (128, 8), "tokens": (64, 8)}


@dataclass(frozen=True)
class Found:
    """One search: rollouts of exploration, and counts of the fresh rollouts at the confirmed positions."""

    explored_n: np.ndarray
    explored_k: np.ndarray
    confirmed: np.ndarray
    k: np.ndarray

    def rollouts(self, n: int) -> int:
        """Exploration and confirmation together."""
        return int(self.explored_n.sum()) + n * len(self.confirmed)


def search(truth: np.ndarray, coarse: np.ndarray, protocol: Protocol, rng: np.random.Generator) -> Found:
    """Explore a known curve to the end and confirm what was chosen."""
    plan, n, k = Search(len(truth), coarse.tolist(), protocol), *np.zeros((2, len(truth)), dtype=int)
    while more := plan.wanted(n, n, k):
        at = np.array(list(more))
        drawn = np.array(list(more.values()))
        n[at] += drawn
        k[at] += rng.binomial(drawn, truth[at])
    confirmed = np.array(plan.to_confirm(n, n, k))
    return Found(n, k, confirmed, rng.binomial(protocol.sampling.n, truth[confirmed]))


def events(values: np.ndarray, protocol: Protocol) -> set[int]:
    """Positions after which the value changes by more than a threshold; NaN is unknown."""
    with np.errstate(invalid="ignore"):
        delta = np.diff(values)
        found = (delta > protocol.analysis.insight_threshold + EPSILON) | (
            -delta > protocol.analysis.tangent_threshold + EPSILON
        )
    return set(np.flatnonzero(found).tolist())


def exact_coverage(p: float, n: int) -> float:
    """Of the 95% Jeffreys interval of n rollouts at a potential p."""
    k = np.arange(n + 1)
    low, high = jeffreys_interval(k, n)
    return float(stats.binom.pmf(k, n, p)[(low <= p) & (p <= high)].sum())


def grid(length: int, cuts: int) -> np.ndarray:
    """So many coarse positions, equally spaced, the first and the last among them."""
    return np.unique(np.linspace(0, length - 1, cuts).round().astype(int))


def curves(data: Path) -> Iterator[tuple[str, str, np.ndarray]]:
    """(grid, trace, potentials) of every published trace: 21 equal cuts of it, then its own cuts."""
    found: list[tuple[str, str, np.ndarray]] = []
    for imported in [
        *import_thought_anchors(data / "thought-anchors"),
        *import_cliff_token(data / "cliff-token"),
    ]:
        frames = imported.frames
        known = frames["potentials"].filter(pl.col("n") > 0).select("prefix_id", "potential")
        cuts = frames["trace_cuts"].filter(pl.col("cut_policy") != "grid21")
        measured = cuts.join(known, on="prefix_id").sort("trace_id", "cut_index")
        for (trace, policy), curve in measured.group_by("trace_id", "cut_policy", maintain_order=True):
            problem = frames["traces"].filter(pl.col("trace_id") == trace)["problem_id"][0]
            name, values = f"{imported.model} {problem}", curve["potential"].to_numpy()
            found += [("21 cuts", name, values[grid(len(values), 21)]), (str(policy), name, values)]
    yield from sorted(found, key=lambda c: (list(GRIDS).index(c[0]), c[1]))


def recorded(seeds: int, data: Path) -> Iterator[Row]:
    """Cost and wrong events on the published traces: 21 cuts, every sentence, every token."""
    totals: dict[str, list[tuple[float, float, float]]] = {}
    for number, (label, name, truth) in enumerate(curves(data)):
        n, n_coarse = GRIDS[label]
        protocol = Protocol(name="p", n=n)
        right, coarse = events(truth, protocol), grid(len(truth), n_coarse)
        spent, wrong, wrong_fixed = [], [], []
        for seed in range(seeds):
            rng = np.random.default_rng([SEED, number, seed])
            result = search(truth, coarse, protocol, rng)
            values = np.full(len(truth), np.nan)
            values[result.confirmed] = result.k / n
            spent.append(result.rollouts(n) / (n * len(truth)))
            wrong.append(len(events(values, protocol) ^ right))
            wrong_fixed.append(len(events(rng.binomial(n, truth) / n, protocol) ^ right))
        totals.setdefault(label, []).append((np.mean(spent), np.mean(wrong), np.mean(wrong_fixed)))
        yield {
            "grid": label, "trace": name, "cuts": len(truth), "true events": len(right),
            "rollouts, share of fixed": np.mean(spent), "wrong events": np.mean(wrong),
            "wrong events, fixed": np.mean(wrong_fixed),
        }  # fmt: skip
    for label, rows in totals.items():
        spent, wrong, wrong_fixed = np.array(rows).T
        yield {
            "grid": label, "trace": "mean", "cuts": "", "true events": "",
            "rollouts, share of fixed": spent.mean(), "wrong events": wrong.mean(),
            "wrong events, fixed": wrong_fixed.mean(),
        }  # fmt: skip


def coverage(seeds: int, data: Path) -> Iterator[Row]:
    """A step of known size in 200 positions: is it found, and are its published figures free of bias?"""
    protocol = Protocol(name="p", n=128)
    for low, size in ((0.05, 0.9), (0.3, 0.6), (0.3, 0.45), (0.3, 0.35), (0.3, 0.2)):
        rng = np.random.default_rng([SEED, round(100 * size)])
        hits, spent, covered, pooled_covered, fresh, explored = 0, [], [], [], [], []
        for _ in range(seeds):
            at = int(rng.integers(1, 199))
            truth = np.where(np.arange(200) < at, low, low + size)
            result = search(truth, grid(200, 8), protocol, rng)
            spent.append(result.rollouts(128) / (128 * 200))
            inside = np.isin(result.confirmed, (at - 1, at))
            if inside.sum() < 2:
                continue
            hits += 1
            k, where = result.k[inside], result.confirmed[inside]
            for counts, n, into in (
                (k, np.full(2, 128), covered),
                (k + result.explored_k[where], 128 + result.explored_n[where], pooled_covered),
            ):
                bounds_low, bounds_high = jeffreys_interval(counts, n)
                into += ((bounds_low <= truth[where]) & (truth[where] <= bounds_high)).tolist()
            fresh.append((k[1] - k[0]) / 128)
            rates = result.explored_k[where] / result.explored_n[where]
            explored.append(rates[1] - rates[0])
        yield {
            "step": f"{low:.2f} to {low + size:.2f}",
            "true change": size,
            "place confirmed": hits / seeds,
            "rollouts, share of all": np.mean(spent),
            "coverage": np.mean(covered) if hits else np.nan,
            "coverage of fixed n, exact": np.mean([exact_coverage(p, 128) for p in (low, low + size)]),
            "coverage, exploration kept": np.mean(pooled_covered) if hits else np.nan,
            "mean change, confirmation": np.mean(fresh) if hits else np.nan,
            "mean change, exploration": np.mean(explored) if hits else np.nan,
        }


def agreement(seeds: int, data: Path) -> Iterator[Row]:
    """How often sound blocks of one prefix, and those of which half are another model's, fail ``blocks_agree``."""
    protocol, n_blocks = Protocol(name="p", n=128), 128 // BLOCK_SIZE
    for places in ("fixed", "adaptive"):
        for shift in (0.0, 0.05, 0.1, 0.2):
            rng = np.random.default_rng([SEED, round(100 * shift), places == "fixed"])
            found, n_prefixes = [], []
            for _ in range(seeds):
                truths = [np.clip(np.cumsum(rng.normal(0, 0.05, 200)) + rng.random(), 0, 1) for _ in range(8)]
                chosen = [
                    truth[
                        grid(200, 8)
                        if places == "fixed"
                        else search(truth, grid(200, 8), protocol, rng).confirmed
                    ]
                    for truth in truths
                ]
                p = np.concatenate(chosen)[:, None] - shift * (np.arange(n_blocks) >= n_blocks // 2)
                k = rng.binomial(BLOCK_SIZE, np.clip(p, 0, 1))
                groups = np.arange(len(p)).repeat(n_blocks)
                found.append(differ_by_chance(k.ravel(), np.full(k.size, BLOCK_SIZE), groups))
                n_prefixes.append(len(p))
            chance = np.array(found)
            yield {
                "places": places, "other half": f"-{shift:.2f}" if shift else "the same",
                "prefixes": np.mean(n_prefixes), **{f"p < {x:g}": np.mean(chance < x) for x in (0.05, 0.01, 0.001, 1e-6)},
                "smallest p": f"{chance.min():.1g}",
            }  # fmt: skip


SIMULATIONS: dict[str, tuple[Callable[[int, Path], Iterator[Row]], int]] = {
    "recorded": (recorded, 200),
    "coverage": (coverage, 500),
    "agreement": (agreement, 500),
}


def main() -> None:
    """Run one simulation and print it as a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("name", choices=SIMULATIONS)
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--data", type=Path, default=DATA)
    arguments = parser.parse_args()
    if arguments.name == "recorded" and not (arguments.data / "cliff-token").is_dir():
        parser.error(
            f"--data {arguments.data} has no folder cliff-token; name the folder of the published curves"
        )
    simulate, usual = SIMULATIONS[arguments.name]
    print_rows(simulate(arguments.seeds or usual, arguments.data), f"{arguments.seeds or usual} seeds")


if __name__ == "__main__":
    main()
