"""Estimates from counts: the potential, its interval, and posterior statements about it and its change.

Belongs here: functions of counts k (correct) and n (scored rollouts), vectorized over arrays. Does not
belong here: anything that knows of traces and cuts (:mod:`cot_assets.measures.patterns.steps` and its peers).

Every posterior is Beta(k + 1/2, n - k + 1/2), from the Jeffreys prior; two counts have independent
posteriors. Where n is 0 or NaN nothing is known and the result is NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

import numpy as np
import polars as pl

from cot_assets.statistics.special import (
    Floats,
    Numbers,
    beta_cdf,
    beta_ppf,
    find_root,
    log_beta,
)

Direction = Literal["rise", "drop"]
EPSILON = 1e-9  #: estimates are ratios of small integers: differences below this are rounding, not data
CONFIDENCE = 0.95  #: level of every published interval, and of "confirmed" for a single statement

_RULE, _FINE_RULE = (
    np.polynomial.legendre.leggauss(nodes) for nodes in (48, 96)
)  # of either half of an integral
_NEAR = 0.01  # thresholds nearer to 0 than this take the fine rule
_TAIL = 1e-13  # mass that the quadrature leaves out on either side of the first posterior
_NOUGHT = 1e-12  # share of what a posterior covers: thresholds below it are as good as 0
_BATCH = 4096  # pairs per quadrature call: 48 or 96 nodes each and half, a few megabytes per temporary array


def jeffreys_interval(k: Numbers, n: Numbers, level: float = CONFIDENCE) -> tuple[Floats, Floats]:
    """Equal-tailed Jeffreys interval of a share (Brown, Cai, DasGupta 2001).

    Args:
        k: successes, 0 <= k <= n; need not be whole (effective sample sizes are not).
        n: trials. 0 or NaN: nothing is known.
        level: posterior mass of the interval.

    Returns:
        (low, high), each of the broadcast shape; low = 0 where k = 0, high = 1 where k = n, NaN where
        nothing is known.

    Raises:
        ValueError: a count is negative, k exceeds n, or the level lies outside (0, 1).
    """
    if not 0 < level < 1:
        raise ValueError(f"level = {level} lies outside (0, 1)")
    k_, n_ = _counts(k, n)
    tail = (1 - level) / 2
    a, b = k_ + 0.5, n_ - k_ + 0.5
    low = np.where(k_ == 0, 0.0, beta_ppf(a, b, tail))
    high = np.where(k_ == n_, 1.0, beta_ppf(a, b, 1 - tail))
    unknown = np.isnan(n_) | (n_ == 0)
    return np.where(unknown, np.nan, low), np.where(unknown, np.nan, high)


def add_potential(counts: pl.DataFrame) -> pl.DataFrame:
    """Add ``potential``, ``ci_low`` and ``ci_high`` to a frame with ``n`` and ``n_correct``.

    They are NULL exactly where n is 0 or NULL. Other columns and the order of rows are kept.

    Raises:
        ValueError: n_correct is NULL, negative or above n where n > 0.
    """
    n, k = pl.col("n").fill_null(0), pl.col("n_correct")
    is_wrong = (n < 0) | ((n > 0) & (k.is_null() | (k < 0) | (k > n)))
    wrong = counts.filter(is_wrong)
    if wrong.height:
        raise ValueError(
            f"{wrong.height} row(s) have counts that cannot be, the first n = {wrong['n'][0]}, "
            f"n_correct = {wrong['n_correct'][0]}; 0 <= n_correct <= n must hold"
        )
    k_, n_ = (counts[name].cast(pl.Float64) for name in ("n_correct", "n"))
    low, high = jeffreys_interval(k_.to_numpy(), n_.to_numpy())
    return counts.with_columns(
        pl.when(n > 0).then(k_ / n_).alias("potential"),
        pl.Series("ci_low", low).fill_nan(None),
        pl.Series("ci_high", high).fill_nan(None),
    )


def probability_below(k: Numbers, n: Numbers, b: Numbers) -> Floats:
    """Posterior P(p < b); NaN where nothing is known."""
    k_, n_ = _counts(k, n)
    p = beta_cdf(k_ + 0.5, n_ - k_ + 0.5, np.clip(np.asarray(b, dtype=np.float64), 0, 1))
    return np.where(n_ > 0, p, np.nan)


def probability_change_beyond(
    k0: Numbers, n0: Numbers, k1: Numbers, n1: Numbers, threshold: Numbers, direction: Direction
) -> Floats:
    """Posterior probability that a share changed by more than the threshold.

    Args:
        k0: successes before.
        n0: trials before.
        k1: successes after.
        n1: trials after.
        threshold: size of the change, in [-1, 1].
        direction: ``rise``: P(p1 - p0 > threshold); ``drop``: P(p0 - p1 > threshold).

    Returns:
        Probabilities of the broadcast shape, NaN where either share is unknown; absolute error of the
        quadrature below 1e-9 for n up to 100,000.
    """
    before, after = _counts(k0, n0), _counts(k1, n1)
    if direction == "drop":
        before, after = after, before
    *counts, d = np.broadcast_arrays(*before, *after, np.asarray(threshold, dtype=np.float64))
    table = np.stack([np.ravel(c) for c in (*counts, d)], axis=-1)
    return _of_known(table, survival).reshape(d.shape)


def delta_interval(
    k0: Numbers, n0: Numbers, k1: Numbers, n1: Numbers, level: float = CONFIDENCE
) -> tuple[Floats, Floats]:
    """Equal-tailed posterior interval of p1 - p0.

    As in :func:`jeffreys_interval` an estimate at an end of the scale takes that end in: high = 1 where
    k0 = 0 and k1 = n1, low = -1 where k0 = n0 and k1 = 0. Coverage: docs/methods-patterns.md.

    Args:
        k0: successes before.
        n0: trials before.
        k1: successes after.
        n1: trials after.
        level: posterior mass of the interval.

    Returns:
        (low, high), each of the broadcast shape, NaN where either share is unknown.

    Raises:
        ValueError: a count is negative, k exceeds n, or the level lies outside (0, 1).
    """
    if not 0 < level < 1:
        raise ValueError(f"level = {level} lies outside (0, 1)")
    counts = np.broadcast_arrays(*_counts(k0, n0), *_counts(k1, n1))
    table = np.stack([np.ravel(c) for c in counts], axis=-1)
    low, high = (
        _of_known(table, partial(_quantile, mass_above=above)).reshape(counts[0].shape)
        for above in (1 - (1 - level) / 2, (1 - level) / 2)
    )
    first, of_first, last, of_last = counts
    is_known = np.isfinite(low)
    low = np.where(is_known & (first == of_first) & (last == 0), -1.0, low)
    return low, np.where(is_known & (first == 0) & (last == of_last), 1.0, high)


def _of_known(table: Floats, f: Callable[[Floats], Floats]) -> Floats:
    """``f`` of the rows (k0, n0, k1, n1, ...) in which all is known, NaN for the others.

    The same few pairs of counts return again and again in a partition: each goes through ``f`` once.
    """
    result = np.full(len(table), np.nan)
    is_known = np.all(np.isfinite(table), axis=1) & (table[:, 1] > 0) & (table[:, 3] > 0)
    if is_known.any():
        distinct, where = np.unique(table[is_known], axis=0, return_inverse=True)
        result[is_known] = f(distinct)[where.ravel()]
    return result


def _counts(k: Numbers, n: Numbers) -> tuple[Floats, Floats]:
    k_, n_ = np.broadcast_arrays(np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64))
    is_wrong = (n_ < 0) | ((n_ > 0) & ((k_ < 0) | (k_ > n_)))
    if is_wrong.any():
        at = int(np.flatnonzero(is_wrong.ravel())[0])
        raise ValueError(
            f"counts that cannot be: k = {k_.ravel()[at]:g}, n = {n_.ravel()[at]:g}; 0 <= k <= n must hold"
        )
    # The k of n = 0 does not matter, but must not upset the beta functions.
    return np.where(n_ == 0, 0.0, k_), n_


def narrower_first(k0: Floats, n0: Floats, k1: Floats, n1: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """The same difference p1 - p0, told so that the first share is the one that is known better.

    p1 - p0 = (1 - p0) - (1 - p1). Quadrature over the wider posterior would step over the narrower one.
    """

    def spread(k: Floats, n: Floats) -> Floats:
        return (k + 0.5) * (n - k + 0.5) / ((n + 1) ** 2 * (n + 2))

    swap = spread(k1, n1) < spread(k0, n0)
    turned = ((k0, n1 - k1), (n0, n1), (k1, n0 - k0), (n1, n0))
    first, of_first, second, of_second = (np.where(swap, other, own) for own, other in turned)
    return first, of_first, second, of_second


def survival(table: Floats, prior: float = 0.5) -> Floats:
    """P(p1 - p0 > d) for rows (k0, n0, k1, n1, d), all known, under the prior Beta(prior, prior) of each.

    P = F0(-d) + integral of f0(x) * (1 - F1(x + d)) over the x for which both x and x + d lie in (0, 1), of which
    the upper half is told in 1 - p0 and 1 - p1: so either half has its end at the origin, where floats are fine.
    """
    result = np.empty(len(table))
    is_near = np.abs(table[:, 4]) < _NEAR
    for rows, rule in ((~is_near, _RULE), (is_near, _FINE_RULE)):
        at = np.flatnonzero(rows)
        for start in range(0, len(at), _BATCH):
            batch = at[start : start + _BATCH]
            result[batch] = _survival(table[batch], prior, rule)
    return result


def _survival(table: Floats, prior: float, rule: tuple[Floats, Floats]) -> Floats:
    *counts, d = (column[:, None] for column in table.T)
    k0, n0, k1, n1 = narrower_first(*counts)
    a0, b0, a1, b1 = k0 + prior, n0 - k0 + prior, k1 + prior, n1 - k1 + prior
    from_zero = np.where(k0 == 0, 0.0, beta_ppf(a0, b0, _TAIL))
    from_one = np.where(k0 == n0, 0.0, beta_ppf(b0, a0, _TAIL))
    d = np.where(np.abs(d) < _NOUGHT * (1 - from_zero - from_one), 0.0, d)
    from_zero, from_one = np.maximum(from_zero, np.clip(-d, 0, 1)), np.maximum(from_one, np.clip(d, 0, 1))
    # SciPy's betaincc takes ten times as long as its betainc; what it gives beyond is lost in the sum.
    lower = _half_integral((a0, b0), lambda x: 1 - beta_cdf(a1, b1, x), d, from_zero, from_one, rule)
    upper = _half_integral((b0, a0), partial(beta_cdf, b1, a1), -d, from_one, from_zero, rule)
    return np.clip(beta_cdf(a0, b0, np.clip(-d, 0, 1))[:, 0] + lower + upper, 0.0, 1.0)


def _half_integral(
    shape: tuple[Floats, Floats],
    weight: Callable[[Floats], Floats],
    d: Floats,
    low: Floats,
    from_one: Floats,
    rule: tuple[Floats, Floats],
) -> Floats:
    """The integral of f(x) * weight(x + d) over the lower half of low < x < 1 - from_one; f is the Beta density.

    Jeffreys posteriors have half-integer powers at their ends: those of f branch at 0, those of the weight at -d, and for
    a small d the second lies just outside the interval whose end is the first. x = end + gap * sinh(t)^2 makes the roots of
    both distances, gap * sinh(t)^2 and gap * cosh(t)^2, analytic, so Gauss-Legendre quadrature converges geometrically.
    """
    a, b = shape
    from_one = np.minimum(
        from_one, 1 - low
    )  # nothing lies between them where the change cannot be as large as d
    width = (1 - low - from_one) / 2
    gap = np.where(d == 0, width + 1e-300, np.maximum(np.abs(d), low - np.maximum(0, -d)))
    reach = np.arcsinh(np.sqrt(width / gap))
    nodes, weights = rule
    t = reach * (nodes + 1) / 2
    step = gap * np.sinh(t) ** 2
    x, rest = low + step + 1e-300, from_one + (2 * width - step) + 1e-300  # rest = 1 - x, to all its digits
    density = np.exp((a - 1) * np.log(x) + (b - 1) * np.log(rest) - log_beta(a, b))
    integrand = density * weight(np.clip(low + d + step, 0, 1)) * np.sinh(2 * t)
    return (integrand @ weights) * (gap * reach)[:, 0] / 2


def _quantile(table: Floats, mass_above: float) -> Floats:
    """The d with P(p1 - p0 > d) = mass_above for rows (k0, n0, k1, n1)."""

    def excess(d: Floats, index: Floats) -> Floats:
        rows = table[index.astype(np.int64)]
        return survival(np.column_stack([rows, d])) - mass_above

    ends = np.full(len(table), 1.0)
    return find_root(excess, -ends, ends, np.arange(len(table), dtype=np.float64))
