"""Populations of true changes, for simulations of the rules that confirm events."""

from __future__ import annotations

import numpy as np

from cot_assets.statistics.change_law import change_likelihoods, confirm, fit_change_prior, probability_beyond
from cot_assets.statistics.estimates import probability_change_beyond

POPULATIONS = ("sparse", "diffuse", "hugging")
THRESHOLD = 0.4


def true_changes(population: str, pairs: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Levels before and after, shape (pairs,).

    ``sparse``: 92% no change, the rest uniform on (-0.9, 0.9). ``diffuse``: Laplace of scale 0.1.
    ``hugging``: uniform on (0.25, 0.45), around the threshold. Levels before are half uniform over what
    the change allows, half heaped at its ends, as the potentials of real traces are.
    """
    if population == "sparse":
        change = np.where(rng.random(pairs) < 0.92, 0, rng.uniform(-0.9, 0.9, pairs))
    elif population == "diffuse":
        change = np.clip(rng.laplace(0, 0.1, pairs), -0.95, 0.95)
    else:
        change = rng.uniform(0.25, 0.45, pairs)
    low, high = np.maximum(0, -change), np.minimum(1, 1 - change)
    place = np.where(rng.random(pairs) < 0.5, rng.random(pairs), rng.beta(0.3, 0.3, pairs))
    before = low + (high - low) * place
    return before, np.clip(before + change, 0, 1)


def confirmed_by_rule(
    before: np.ndarray, after: np.ndarray, n: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Rises beyond the threshold by three rules, from n rollouts on either side.

    ``threshold``: the paper's. ``flat``: probability >= 0.95 under the flat prior. ``fitted``: ours.
    """
    k0, k1 = rng.binomial(n, before).astype(float), rng.binomial(n, after).astype(float)
    sizes = np.full(len(k0), float(n))
    likelihoods = change_likelihoods(k0, sizes, k1, sizes)
    fitted = probability_beyond(likelihoods, fit_change_prior(likelihoods), THRESHOLD, "rise")
    return {
        "threshold": (k1 - k0) / n > THRESHOLD + 1e-9,
        "flat": probability_change_beyond(k0, n, k1, n, THRESHOLD, "rise") >= 0.95,
        "fitted": confirm(fitted),
    }


def false_share_and_power(confirmed: np.ndarray, is_true: np.ndarray) -> tuple[float, float, int]:
    """Share of false events among the confirmed (0 if none), share of true ones found, and how many."""
    found = int(confirmed.sum())
    false = float((confirmed & ~is_true).sum() / found) if found else 0.0
    power = float((confirmed & is_true).sum() / is_true.sum()) if is_true.any() else float("nan")
    return false, power, found
