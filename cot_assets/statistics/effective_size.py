"""How many independent values tell as much as values of which several come from one problem.

Belongs here: the effective sample size of shares and the correlation behind it. Does not belong here: intervals
(:mod:`.clusters`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cot_assets.statistics.estimates import CONFIDENCE
from cot_assets.statistics.special import Floats, Numbers, normal_ppf, student_ppf


def effective_sample_size(flags: npt.ArrayLike, clusters: npt.ArrayLike) -> float:
    """Independent trials that tell as much about a share as these clustered ones.

    n / (1 + (m - 1) rho), with m = sum of squared cluster sizes / n (Kish 1965) and rho the one-way ANOVA
    estimate of the intra-cluster correlation, kept within [0, 1]; times (z / t)^2, normal over Student
    quantile with clusters - 1 degrees of freedom, since rho is estimated from few clusters (Korn and
    Graubard 1998). Never less than n / m, the value at rho = 1. Where all flags are equal rho cannot be
    seen, and the clusters are counted. Where every cluster has one trace nothing is clustered: n.

    Args:
        flags: 0/1 or booleans, one per trace.
        clusters: the problem of each trace.

    Returns:
        A number between 1 and n; NaN without traces.
    """
    y = np.asarray(flags, dtype=np.float64)
    if not len(y):
        return float("nan")
    sizes, hits = per_cluster(y, clusters)
    return float(effective_sizes(sizes, hits))


def effective_sizes(sizes: Floats, hits: Floats) -> Floats:
    """:func:`effective_sample_size` of many sets of flags on the same clusters.

    Args:
        sizes: traces per cluster.
        hits: flags set per cluster, shape (..., clusters).

    Returns:
        An array of shape (...).
    """
    total, count = float(sizes.sum()), len(sizes)
    hits = np.asarray(hits, dtype=np.float64)
    found = np.full(hits.shape[:-1], float(count))
    sums = hits.sum(axis=-1)
    varies = (sums > 0) & (sums < total)
    if count == 1 or not varies.any():
        return found
    if total == count:
        return np.where(varies, total, found)
    rho = intra_cluster_correlation(sizes, hits[varies])
    typical = float((sizes**2).sum()) / total
    tail = (1 + CONFIDENCE) / 2
    shrink = float(normal_ppf(tail) / student_ppf(tail, count - 1)) ** 2
    found[varies] = np.maximum(total / typical, shrink * total / (1 + (typical - 1) * rho))
    return found


def intra_cluster_correlation(sizes: npt.ArrayLike, hits: npt.ArrayLike) -> Floats:
    """One-way ANOVA estimate of the correlation of two flags of one cluster, kept within [0, 1].

    Args:
        sizes: traces per cluster; some cluster must have two.
        hits: flags set per cluster, not all or none, shape (..., clusters).

    Returns:
        An array of shape (...).
    """
    m, y = np.asarray(sizes, dtype=np.float64), np.asarray(hits, dtype=np.float64)
    total, count, share = m.sum(), len(m), y / m
    overall = y.sum(axis=-1, keepdims=True) / total
    between = (m * (share - overall) ** 2).sum(axis=-1) / (count - 1)
    within = (m * share * (1 - share)).sum(axis=-1) / (total - count)
    typical = (total - float((m**2).sum()) / total) / (count - 1)
    return np.clip((between - within) / (between + (typical - 1) * within), 0.0, 1.0)


def per_cluster(values: Floats, clusters: Numbers) -> tuple[Floats, Floats]:
    """Number and sum of the values of each cluster, clusters in the order of their names."""
    names = np.asarray(clusters)
    if names.shape != values.shape:
        raise ValueError(f"{len(values)} values have {names.size} clusters; give one cluster each")
    _, where = np.unique(names, return_inverse=True)
    return np.bincount(where).astype(np.float64), np.bincount(where, weights=values).astype(np.float64)
