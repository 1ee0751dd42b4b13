"""Rates and means over problems whose traces resemble one another."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import numpy.typing as npt
import polars as pl
from build import PROTOCOL

from cot_assets.measures.rates.fitted_rates import fitted_rates
from cot_assets.measures.rates.matching import EQUAL_WEIGHTS, matched_rates
from cot_assets.statistics.clusters import cluster_bootstrap_mean, paired_difference
from cot_assets.statistics.effective_size import effective_sample_size
from cot_assets.statistics.estimates import jeffreys_interval
from simulations import SEED, Row


def clustered_rates(repeats: int) -> Iterator[Row]:
    """Coverage of rate intervals when traces of a problem resemble one another (beta-binomial)."""
    for problems, traces in ((8, 4), (24, 4), (30, 1), (30, 4), (30, 8)):
        for rho in (0.1, 0.3, 0.6):
            if traces == 1 and rho > 0.1:
                continue  # with one trace a problem nothing is clustered
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
    for problems in (2, 3, 4, 5, 8, 12, 24):
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


def hard_sets(repeats: int) -> Iterator[Row]:
    """Coverage of the mean potential of skewed problem sets, 64 rollouts each; Beta(0.1, 2) is a hard one."""
    for a, b in ((0.1, 2.0), (0.3, 2.0), (1.0, 1.0), (2.0, 0.1)):
        for problems in (8, 12, 24, 60):
            rng, found = np.random.default_rng([SEED, int(10 * a), problems]), []
            for r in range(repeats):
                values = rng.binomial(64, rng.beta(a, b, problems)) / 64
                found.append(cluster_bootstrap_mean(values, np.arange(problems), seed=r))
            covered = [got.low <= a / (a + b) <= got.high for got in found]
            width = [got.high - got.low for got in found]
            yield {
                "potentials": f"Beta({a:g}, {b:g})", "problems": problems, "coverage": np.mean(covered),
                "width": np.mean(width),
            }  # fmt: skip


def matched_means(repeats: int) -> Iterator[Row]:
    """Coverage of rates matched on V0: five bins of unequal rates, beta-binomial problems within each.

    V0 of a problem is uniform, or heaped below 0.2; rates fall over the bins, or are 0.03 in each. The truth
    is the mean of the rates of the filled bins.
    """
    falling, rare = np.array([0.45, 0.35, 0.25, 0.15, 0.05]), np.full(5, 0.03)
    shapes = {
        "uniform": ((1.0, 1.0), falling),
        "heaped low": ((0.5, 2.0), falling),
        "uniform, rare": ((1.0, 1.0), rare),
    }
    for problems, traces in ((24, 1), (24, 4), (60, 1), (60, 4)):
        for shape, (law, rates) in shapes.items():
            rng = np.random.default_rng([SEED, problems, traces, int(10 * law[1])])
            covered, pooled, bins = 0, 0, 0
            for _ in range(repeats):
                v0 = rng.beta(*law, problems)
                place = np.minimum((v0 * 5).astype(int), 4)
                share = rng.beta(rates[place] * 4, (1 - rates[place]) * 4)  # correlation 0.2
                has = rng.random((problems, traces)) < share[:, None]
                frame = _decided(v0, has)
                table = matched_rates({("threshold", "insight"): frame}, PROTOCOL)
                row = table.filter(trace_filter="all", part=EQUAL_WEIGHTS).row(0, named=True)
                truth = rates[np.unique(place)].mean()
                covered += row["ci_low"] <= truth <= row["ci_high"]
                low, high = jeffreys_interval(has.sum(), has.size)
                pooled += bool(low <= truth <= high)
                bins += table.filter(pl.col("n") > 0, trace_filter="all").height - 1
            yield {
                "problems": problems,
                "traces each": traces,
                "V0": shape,
                "filled bins": bins / repeats,
                "coverage": covered / repeats,
                "pooled, no bins": pooled / repeats,
            }


def _decided(v0: np.ndarray, has: np.ndarray) -> pl.DataFrame:
    """Traces as matched_rates takes them: v0 per problem, has per problem and trace."""
    problems, traces = has.shape
    names = np.repeat([f"p{i}" for i in range(problems)], traces)
    return pl.DataFrame(
        {
            "problem_set": "set",
            "model": "m",
            "cut_policy": "lines",
            "trace_id": [f"t{i}" for i in range(has.size)],
            "problem_id": names,
            "verdict": "correct",
            "v0": np.repeat(v0, traces),
            "is_solved_without_cot": False,
            "has": has.ravel(),
        }
    )


def differences(repeats: int) -> Iterator[Row]:
    """Coverage of paired differences: of two models by problem, and of text and control by trace."""
    for problems in (8, 24, 30):
        rng = np.random.default_rng([SEED, problems])
        covered, unpaired, control = 0, 0, 0
        for r in range(repeats):
            hardness = rng.beta(1, 1, problems)
            first = rng.random((problems, 4)) < hardness[:, None]
            second = rng.random((problems, 4)) < hardness[:, None] * 0.7
            truth = 0.5 * 0.3
            names = np.repeat(np.arange(problems), 4)
            got = paired_difference(first.ravel(), names, second.ravel(), names, seed=r)
            covered += got.low <= truth <= got.high
            means = first.mean(), second.mean()
            reach = 1.96 * np.sqrt(sum(m * (1 - m) / first.size for m in means))
            unpaired += bool(abs(means[0] - means[1] - truth) <= reach)
            # Text minus control: three traces a problem, an effect that belongs to the problem, n = 64.
            effect = rng.beta(1, 3, problems)
            base = rng.uniform(0, 0.3, (problems, 3))
            lifted = np.clip(base + effect[:, None], 0, 1)
            gain = (rng.binomial(64, lifted) - rng.binomial(64, base)) / 64
            got = cluster_bootstrap_mean(
                gain.ravel(), np.repeat(np.arange(problems), 3), seed=r, bounds=(-1.0, 1.0)
            )
            control += got.low <= 0.25 - _CLIPPED <= got.high
        yield {
            "problems": problems,
            "models, paired by problem": covered / repeats,
            "models, traces as independent": unpaired / repeats,
            "text and control, paired by trace": control / repeats,
        }


def _clipped() -> float:
    """Mean loss of the effect where base + effect passes 1, by quadrature."""
    effect, base = (np.arange(2000) + 0.5) / 2000, (np.arange(300) + 0.5) / 1000
    weight = 3 * (1 - effect) ** 2 / 2000
    return float((np.maximum(0, effect[:, None] + base - 1).mean(axis=1) * weight).sum())


_CLIPPED = _clipped()


def fitted_pattern_rates(repeats: int) -> Iterator[Row]:
    """Shares of traces with a pattern, expected and as called: 24 problems, 1 or 4 traces each, 12 cuts."""
    kinds = {"flat": 0.0, "a fifth falls by 0.38": 0.38, "a fifth falls by 0.48": 0.48}
    for (curves, fall), n_traces, n in product(kinds.items(), (24, 96), (32, 64, 128)):
        rng, found = np.random.default_rng([SEED, n, len(curves)]), []
        for _ in range(repeats):
            truth = rng.uniform(*((fall + 0.02, 0.9) if fall else (0.05, 0.95)), n_traces)[:, None] * np.ones(
                12
            )
            is_after = np.arange(12) >= rng.integers(1, 12, n_traces)[:, None]
            truth = truth - fall * (is_after & (rng.random(n_traces) < 0.2)[:, None])
            found.append(_fitted_and_called(truth, n, rng))
        rows = {pattern: np.array([study[pattern] for study in found]) for pattern in found[0]}
        for pattern, (true, called, mean, low, high) in ((name, row.T) for name, row in rows.items()):
            covered = (low <= true) & (true <= high) if 0 < true.mean() < 1 else np.array(np.nan)
            yield {
                "curves": curves, "traces": n_traces, "n": n, "pattern": pattern, "true share": true.mean(),
                "threshold": called.mean(), "fitted": mean.mean(), "coverage": covered.mean(),
            }  # fmt: skip


def _fitted_and_called(
    truth: npt.NDArray[np.float64], n: int, rng: np.random.Generator
) -> dict[str, list[float]]:
    """True share, share by threshold, and the fitted rate with its interval, of tangents and of monotone traces."""
    k, analysis = rng.binomial(n, truth), PROTOCOL.analysis
    names = [f"t{i:02}" for i in range(len(k))]
    unit = {"problem_set": "s", "model": "m", "cut_policy": "lines"}
    traces = pl.DataFrame({"trace_id": names, "problem_id": [f"p{i % 24}" for i in range(len(k))]})
    about = {"n_pairs": k.shape[1] - 1, "verdict": "correct", "is_solved_without_cot": False}
    traces = traces.with_columns(pl.lit(value).alias(name) for name, value in {**unit, **about}.items())
    steps = pl.DataFrame(
        {
            "trace_id": np.repeat(names, k.shape[1] - 1),
            "k_before": k[:, :-1].ravel(),
            "k_after": k[:, 1:].ravel(),
        }
    ).with_columns(n_before=n, n_after=n)
    rates = fitted_rates(traces, steps.join(traces, on="trace_id"), PROTOCOL).filter(trace_filter="all")
    drops = {
        "true": (truth[:, :-1] - truth[:, 1:]).max(axis=1),
        "seen": (k[:, :-1] - k[:, 1:]).max(axis=1) / n,
    }
    shares = {
        "tangent": [float((drop > analysis.tangent_threshold + 1e-9).mean()) for drop in drops.values()],
        "monotone": [float((drop <= analysis.monotone_tolerance + 1e-9).mean()) for drop in drops.values()],
    }
    ends = {
        row["measure"]: [row[end] for end in ("estimate", "ci_low", "ci_high")] for row in rates.to_dicts()
    }
    return {pattern: [*share, *ends[pattern]] for pattern, share in shares.items()}
