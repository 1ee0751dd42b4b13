"""Quantiles and fitted shares over problems whose values resemble one another."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from populations import THRESHOLD
from scipy import stats

from cot_assets.statistics.change_law import change_likelihoods, fit_change_prior, probability_beyond
from cot_assets.statistics.clusters import clustered_quantile, jackknifed_shares
from simulations import SEED, Row


def quantiles(repeats: int) -> Iterator[Row]:
    """Coverage of quantiles of exp(normal) values, half of whose variance belongs to the problem."""
    for problems, each in ((6, 1), (12, 1), (24, 1), (8, 4), (24, 4)):
        clusters = np.repeat(np.arange(problems), each)
        for share in (0.25, 0.5):
            rng = np.random.default_rng([SEED, problems, each, int(100 * share)])
            truth, covered, naive, known = float(np.exp(stats.norm.ppf(share))), 0, 0, 0
            for _ in range(repeats):
                parts = rng.normal(size=problems)[clusters] + rng.normal(size=len(clusters))
                values = np.exp(parts / np.sqrt(2))
                got = clustered_quantile(values, clusters, share)
                alone = clustered_quantile(values, np.arange(len(values)), share)
                known += not np.isnan(got.low)
                covered += got.low <= truth <= got.high
                naive += alone.low <= truth <= alone.high
            yield {
                "problems": problems,
                "values each": each,
                "quantile": share,
                "has an interval": known / repeats,
                "coverage of these": covered / known if known else float("nan"),
                "ignoring clusters": naive / repeats,
            }


def fitted_shares(repeats: int) -> Iterator[Row]:
    """Coverage of the share of true rises beyond 0.40 that the fitted law expects, 8 pairs a problem, n = 64.

    ``some move``: a pair moves with a chance of the problem's own, Beta(0.8, 3.2), uniformly on (-0.9, 0.9).
    ``two scales``: Laplace changes, of scale 0.05 in half of the problems and 0.2 in the others.
    """
    truths = {"some move": 0.2 * 0.5 / 1.8, "two scales": 0.5 * (np.exp(-8) + np.exp(-2)) / 2}
    for law, truth in truths.items():
        for problems in (10, 24, 60):
            rng = np.random.default_rng([SEED, problems, len(law)])
            clusters, covered = np.repeat(np.arange(problems), 8), 0
            estimates: list[float] = []
            for _ in range(repeats):
                if law == "some move":
                    moves = rng.random(len(clusters)) < rng.beta(0.8, 3.2, problems)[clusters]
                    change = np.where(moves, rng.uniform(-0.9, 0.9, len(clusters)), 0.0)
                else:
                    scale = rng.permutation(np.where(np.arange(problems) % 2 == 0, 0.05, 0.2))[clusters]
                    change = np.clip(rng.laplace(0, scale), -0.95, 0.95)
                low, high = np.maximum(0, -change), np.minimum(1, 1 - change)
                before = low + (high - low) * rng.random(len(clusters))
                counts = (rng.binomial(64, p).astype(float) for p in (before, before + change))
                n = np.full(len(clusters), 64.0)
                found = change_likelihoods(next(counts), n, next(counts), n)
                (got,) = jackknifed_shares(lambda kept, found=found: _beyond(found[kept]), clusters)
                estimates.append(got.mean)
                covered += got.low <= truth <= got.high
            yield {
                "changes": law,
                "problems": problems,
                "true share": float(truth),
                "mean estimate": float(np.mean(estimates)),
                "coverage": covered / repeats,
            }


def _beyond(likelihoods: np.ndarray) -> list[float]:
    prior = fit_change_prior(likelihoods)
    return [float(probability_beyond(likelihoods, prior, THRESHOLD, "rise").mean())]
