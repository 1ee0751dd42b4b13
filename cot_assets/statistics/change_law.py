"""The law that the changes of a set of pairs follow, and which events survive false-discovery control.

Belongs here: the prior fitted to pairs of counts, posteriors under it, the rule for confirmation. Does not
belong here: anything that knows of traces and cuts (:mod:`cot_assets.measures.patterns`).

Under a flat prior a partition of hundreds of pairs, most of which do not change, yields many events by
chance; and near the threshold half of what looks beyond it is not. Both are questions of how common
changes of each size are, which the partition itself answers (empirical Bayes): the change is 0 with some
probability, else drawn from a law on a fixed grid of cells, fitted to all pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cot_assets.statistics.estimates import Direction, narrower_first, survival
from cot_assets.statistics.special import Floats, beta_ppf, log_beta, log_choose

FALSE_DISCOVERY_RATE = 0.05  #: expected share of false events among the confirmed ones of a pattern
LEAST_PROBABILITY = 0.8  #: that any confirmed event must have by itself

CELL = 0.02  #: width of a cell of the grid of changes
_HALF = 50  # cells on either side of 0
CENTERS: Floats = (np.arange(-_HALF, _HALF, dtype=np.float64) + 0.5) * np.float64(CELL)
# Pseudo-pairs, at 0 and per cell. For single events few pairs err toward no change (Stephens 2017), and no change is ever
# ruled out. In sums over many pairs more than a trace of them would show: over a dozen cuts they add up to a fall.
_CAUTIOUS, _SLIGHT = (10.0, 0.04), (1.0, 0.001)
_ITERATIONS = 50  # of EM from an even start: stopped before it piles the mass on single cells
_LONG_ITERATIONS, _WARM_ITERATIONS = (
    1000,
    100,
)  # until nothing moves, from an even start and from a law near by
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(40)
_EVEN: Floats = np.concatenate([[0.5], np.full(2 * _HALF, 0.5 / (2 * _HALF))])  # where EM starts
_BATCH = 64
_FINE = 0.0125  # spread of the estimated change from which cells are averaged: centers err by 0.1% of a sum
_TAIL = 1e-13  # mass left out on either side of a posterior


@dataclass(frozen=True)
class ChangePrior:
    """The law of changes: ``at_zero`` is the mass of no change, ``cells`` that of each cell of the grid.

    ``cells`` has one entry per :data:`CENTERS`, ascending; all masses sum to 1. ``n_pairs``: what it was
    fitted to.
    """

    at_zero: float
    cells: Floats
    n_pairs: int


def change_likelihoods(k0: Floats, n0: Floats, k1: Floats, n1: Floats) -> Floats:
    """Likelihood of every change, the level before it integrated out.

    Args:
        k0: successes before, one per pair.
        n0: trials before.
        k1: successes after.
        n1: trials after.

    Returns:
        Array (pairs, 1 + 100): at change 0, then of each cell. The level before the change is uniform over the
        values that the change allows. Binomial coefficients are included, so that every likelihood is a probability.
        A cell is judged by its center, or by its mean where the counts tell changes within a cell apart.
    """
    table, where = np.unique(np.column_stack([k0, n0, k1, n1]), axis=0, return_inverse=True)
    variance = sum((k + 1) * (n - k + 1) / ((n + 2) ** 2 * (n + 3)) for k, n in (table.T[:2], table.T[2:]))
    is_fine = np.asarray(variance < _FINE**2)
    result = np.empty((len(table), 1 + 2 * _HALF))
    result[:, 0] = _without_change(table)
    result[~is_fine, 1:] = _at_centers(table[~is_fine])
    result[is_fine, 1:] = _over_cells(table[is_fine])
    return result[where.ravel()]


def _without_change(table: Floats) -> Floats:
    """The integral of Bin(k0; n0, x) Bin(k1; n1, x) over x."""
    k0, n0, k1, n1 = table.T
    k, n = k0 + k1, n0 + n1
    return np.exp(log_choose(n0, k0) + log_choose(n1, k1) + log_beta(k + 1, n - k + 1))


def _at_centers(table: Floats) -> Floats:
    """Likelihood of the change at the center of each cell: array (rows, 100)."""
    d = CENTERS[None, :, None]
    result = np.empty((len(table), d.size))
    for start in range(0, len(table), _BATCH):
        rows = narrower_first(*table[start : start + _BATCH].T)
        k0, n0, k1, n1 = (column[:, None, None] for column in rows)
        # Nodes only where the first likelihood lives; both ends are analytic, so plain Gauss-Legendre does.
        tail_low = np.where(k0 == 0, 0.0, beta_ppf(k0 + 1, n0 - k0 + 1, 1e-10))
        tail_high = np.where(k0 == n0, 1.0, beta_ppf(k0 + 1, n0 - k0 + 1, 1 - 1e-10))
        low, high = np.maximum(tail_low, np.maximum(0, -d)), np.minimum(tail_high, np.minimum(1, 1 - d))
        width = np.maximum(high - low, 0.0)
        x = np.clip(low + width * (_NODES + 1) / 2, 1e-300, 1 - 1e-16)
        y = np.clip(x + d, 1e-300, 1 - 1e-16)
        log_l = k0 * np.log(x) + (n0 - k0) * np.log1p(-x) + k1 * np.log(y) + (n1 - k1) * np.log1p(-y)
        log_l += log_choose(n0, k0) + log_choose(n1, k1)
        total = (np.exp(log_l) @ _WEIGHTS) * width[..., 0] / 2
        result[start : start + _BATCH] = total / (1 - np.abs(d[..., 0]))
    return result


def _over_cells(table: Floats) -> Floats:
    """Mean likelihood over each cell, both levels uniform over what its changes allow: array (rows, 100).

    That is the posterior mass of the cell under flat priors, up to its area and the counts' normalization; so no row
    is all zeros, however large its counts.
    """
    edges = np.linspace(-1, 1, 2 * _HALF + 1)
    k0, n0, k1, n1 = (column[:, None] for column in table.T)
    (low0, high0), (low1, high1) = (
        [beta_ppf(k + 1, n - k + 1, tail) for tail in (_TAIL, 1 - _TAIL)] for k, n in ((k0, n0), (k1, n1))
    )
    above = (edges < low1 - high0).astype(np.float64)
    row, edge = np.nonzero((edges >= low1 - high0) & (edges <= high1 - low0))
    above[row, edge] = survival(np.column_stack([table[row], edges[edge]]), prior=1.0)
    area = CELL * (1 - np.abs(CENTERS))
    mass = np.maximum(above[:, :-1] - above[:, 1:], 0.0)
    return mass / area / ((table[:, 1] + 1) * (table[:, 3] + 1))[:, None]


def fit_change_prior(likelihoods: Floats) -> ChangePrior:
    """Fit the law of changes: EM for the masses of a point at 0 and of every cell.

    Starts from half the mass at 0 and half spread evenly, and makes 50 steps: left to converge, a
    nonparametric fit puts all its mass on a few cells, and a cell just beyond the threshold would then
    decide every event near it. Pseudo-pairs favor no change where there are few pairs.

    Args:
        likelihoods: from :func:`change_likelihoods`; may have no rows.
    """
    return _em(likelihoods, np.ones(len(likelihoods)), _EVEN, _ITERATIONS, _CAUTIOUS)


def converged_change_prior(
    likelihoods: Floats, counts: Floats, start: ChangePrior | None = None
) -> ChangePrior:
    """The law of changes that EM comes to in the end, for sums over many pairs.

    Stopped early, or with many pseudo-pairs, the law keeps small changes that noise explains as well, and over a dozen cuts
    they add up to a fall.
    Which cells the mass is piled on does not matter to a sum as it does to a single event.

    Args:
        likelihoods: from :func:`change_likelihoods`.
        counts: how often each of their rows is there.
        start: a law near by, from which fewer steps are enough.
    """
    if start is not None:
        near = np.concatenate([[start.at_zero], start.cells])
        return _em(likelihoods, counts, near, _WARM_ITERATIONS, _SLIGHT)
    return _em(likelihoods, counts, _EVEN, _LONG_ITERATIONS, _SLIGHT)


def _em(
    likelihoods: Floats, counts: Floats, weights: Floats, iterations: int, pseudo: tuple[float, float]
) -> ChangePrior:
    # Only ratios within a row matter; the largest is 1, so that no row underflows.
    scaled = likelihoods / np.maximum(likelihoods.max(axis=1, keepdims=True), 1e-300)
    more = np.full(1 + 2 * _HALF, pseudo[1])
    more[0] = pseudo[0]
    for _ in range(iterations):
        weights = weights * (scaled.T @ (counts / (scaled @ weights))) + more
        weights /= weights.sum()
    return ChangePrior(float(weights[0]), weights[1:], int(counts.sum()))


def probability_beyond(
    likelihoods: Floats, prior: ChangePrior, threshold: float, direction: Direction
) -> Floats:
    """Posterior probability, under the fitted prior, that each pair changed by more than the threshold.

    A cell that straddles the threshold counts by its share beyond it.
    """
    posterior = posterior_masses(likelihoods, prior)
    sign = 1.0 if direction == "rise" else -1.0
    beyond = np.clip((sign * CENTERS - threshold) / CELL + 0.5, 0.0, 1.0)
    return np.clip(posterior[:, 1:] @ beyond, 0.0, 1.0)  # rounding would pass 1


def posterior_masses(likelihoods: Floats, prior: ChangePrior) -> Floats:
    """Posterior of the change of each pair: array (pairs, 1 + 100), at 0 and in each cell."""
    joint = likelihoods * np.concatenate([[prior.at_zero], prior.cells])
    return joint / joint.sum(axis=1, keepdims=True)


def confirm(probability: Floats) -> npt.NDArray[np.bool_]:
    """The largest set of events whose expected share of false ones stays within the false-discovery rate.

    Events are taken in order of probability while the mean of 1 - probability stays at most 5% (Sun and
    Cai 2007) and the probability itself at least 0.8.

    Returns:
        Booleans of the shape of the argument.
    """
    order = np.argsort(-probability, kind="stable")
    sorted_p = probability[order]
    mean_false = np.cumsum(1 - sorted_p) / np.arange(1, len(sorted_p) + 1)
    is_in = (mean_false <= FALSE_DISCOVERY_RATE) & (sorted_p >= LEAST_PROBABILITY)
    result = np.zeros(len(probability), dtype=np.bool_)
    if is_in.any():
        # Pairs with equal counts have equal probabilities: none is confirmed for standing first.
        last = sorted_p[int(np.flatnonzero(is_in)[-1])]
        tied = order[sorted_p >= last]
        if float(np.mean(1 - probability[tied])) > FALSE_DISCOVERY_RATE:
            tied = order[sorted_p > last]
        result[tied] = True
    return result
