"""Changes between neighboring cuts: how probable each is, and which are confirmed.

Belongs here: judgements of all pairs of a partition. Does not belong here: the law of changes
(:mod:`cot_assets.statistics.change_law`) and what is published about one event (:mod:`.events`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from cot_assets.measures.frames import (
    CHANGE_PRIORS,
    CHANGES,
    CURVE,
    UNITS,
    checked_curves,
    conform,
    neighboring_pairs,
    pair_counts,
)
from cot_assets.statistics.change_law import (
    CELL,
    CENTERS,
    change_likelihoods,
    confirm,
    fit_change_prior,
    posterior_masses,
    probability_beyond,
)
from cot_assets.statistics.estimates import Direction, probability_change_beyond
from cot_assets.statistics.special import Floats
from cot_assets.study import Protocol


def judge_pairs(
    pairs: pl.DataFrame, threshold: float, direction: Direction
) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """Probability under the flat prior, under the fitted one, and confirmation, of every pair.

    Args:
        pairs: from :func:`cot_assets.measures.frames.neighboring_pairs`; the prior is fitted once per
            problem set, model and cut policy.
        threshold: of the pattern.
        direction: of the pattern.

    Returns:
        Three arrays in the order of the rows.
    """
    counts = pair_counts(pairs)
    flat = probability_change_beyond(*counts, threshold, direction)
    fitted, confirmed = np.zeros(pairs.height), np.zeros(pairs.height, dtype=np.bool_)
    likelihoods = change_likelihoods(*counts)
    for rows in _partitions(pairs):
        prior = fit_change_prior(likelihoods[rows])
        fitted[rows] = probability_beyond(likelihoods[rows], prior, threshold, direction)
        confirmed[rows] = confirm(fitted[rows])
    return flat, fitted, confirmed


def judge_changes(curves: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """Every neighboring pair with its probabilities under the flat and the fitted prior.

    Args:
        curves: see :mod:`cot_assets.measures.frames`.
        protocol: gives the two thresholds.

    Returns:
        The columns of table ``changes``, sorted by trace and cut. ``delta_fitted`` is the posterior mean
        under the fitted prior. Confirmation is per problem set, model, cut policy and pattern.

    Raises:
        ValueError: ``curves`` lacks a column or has a cut twice.
    """
    pairs = neighboring_pairs(checked_curves(curves))
    likelihoods, mean = change_likelihoods(*pair_counts(pairs)), np.zeros(pairs.height)
    for rows in _partitions(pairs):
        prior = fit_change_prior(likelihoods[rows])
        mean[rows] = posterior_masses(likelihoods[rows], prior)[:, 1:] @ CENTERS
    columns = [pl.Series("delta_fitted", mean)]
    patterns: tuple[tuple[str, float, Direction], ...] = (
        ("insight", protocol.insight_threshold, "rise"),
        ("tangent", protocol.tangent_threshold, "drop"),
    )
    for pattern, threshold, direction in patterns:
        flat, fitted, confirmed = judge_pairs(pairs, threshold, direction)
        columns += [
            pl.Series(f"{pattern}_probability", flat),
            pl.Series(f"{pattern}_fitted", fitted),
            pl.Series(f"is_{pattern}_confirmed", confirmed),
        ]
    return conform(pairs.with_columns(columns), CHANGES, protocol).sort(*CURVE, "cut_index")


def change_priors(curves: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """The fitted law of changes of every problem set, model and cut policy.

    Returns:
        The columns of table ``change_priors``: a row for no change (``change_low`` = ``change_high`` = 0)
        and one per cell of width 0.1; ``mass`` sums to 1 over them.
    """
    pairs = neighboring_pairs(checked_curves(curves))
    rows: list[dict[str, object]] = []
    wide = round(0.1 / CELL)
    for values, group in pairs.sort(*UNITS).group_by(*UNITS, maintain_order=True):
        prior = fit_change_prior(change_likelihoods(*pair_counts(group)))
        unit = dict(zip(UNITS, values, strict=True))
        cells: list[float] = prior.cells.reshape(-1, wide).sum(axis=1).tolist()
        edges = [round(-1 + 0.1 * i, 2) for i in range(len(cells) + 1)]
        spans = [(0.0, 0.0, prior.at_zero), *zip(edges[:-1], edges[1:], cells, strict=True)]
        for low, high, mass in spans:
            cell = {"n_pairs": prior.n_pairs, "change_low": low, "change_high": high, "mass": mass}
            rows.append({**unit, **cell})
    return conform(pl.DataFrame(rows, schema=dict(CHANGE_PRIORS)), CHANGE_PRIORS, protocol)


def _partitions(pairs: pl.DataFrame) -> list[npt.NDArray[np.int64]]:
    """Row numbers of every problem set, model and cut policy."""
    numbered = pairs.select(*UNITS).with_row_index("row")
    groups = numbered.group_by(*UNITS, maintain_order=True).agg("row")["row"]
    return [np.asarray(rows.to_numpy(), dtype=np.int64) for rows in groups]
