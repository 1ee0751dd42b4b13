"""Uncertainty of shares and means when traces of one problem resemble one another.

Belongs here: the interval of a share at its effective size, cluster bootstrap and jackknife, quantiles, paired
differences: arrays in, numbers out. Does not
belong here: the effective sample size (:mod:`.effective_size`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cot_assets.statistics.effective_size import effective_sample_size, per_cluster
from cot_assets.statistics.estimates import CONFIDENCE, jeffreys_interval
from cot_assets.statistics.special import Floats, Numbers, normal_cdf, normal_ppf, student_ppf

RESAMPLES = 2000
FEW_CLUSTERS = 20  #: below which a sample need not show the problems that carry the mean of a hard set
MOST_GROUPS = 30  #: of clusters that a jackknife leaves out in turn


class Estimate(NamedTuple):
    """A number with its interval, and how many values and clusters it rests on. NaN without values.

    Of a share also ``k``, the values that have it, and the effective sample size.
    """

    mean: float
    low: float
    high: float
    n: int
    n_clusters: int
    k: int | None = None
    n_eff: float = float("nan")

    def scaled(self, factor: float) -> Estimate:
        """The same in another unit."""
        return self._replace(mean=self.mean * factor, low=self.low * factor, high=self.high * factor)


NOTHING = Estimate(float("nan"), float("nan"), float("nan"), 0, 0)  #: without values


def clustered_share(flags: npt.ArrayLike, clusters: npt.ArrayLike) -> Estimate:
    """Share of flags that are set, with Jeffreys' interval at the effective sample size."""
    y = np.asarray(flags, dtype=np.float64)
    n, k = len(y), int(y.sum())
    if not n:
        return NOTHING._replace(k=0)
    n_eff = effective_sample_size(y, clusters)
    # k == n must give exactly n_eff, or the interval would miss its end at 1 by rounding.
    low, high = jeffreys_interval(n_eff if k == n else k / n * n_eff, n_eff)
    return Estimate(k / n, float(low), float(high), n, len(np.unique(np.asarray(clusters))), k, n_eff)


def cluster_bootstrap_mean(
    values: npt.ArrayLike,
    clusters: npt.ArrayLike,
    seed: int,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> Estimate:
    """Mean of all values, with a bootstrap interval that draws whole clusters.

    The percentile interval is expanded for few clusters (Hesterberg 2015: level by Student's t with
    clusters - 1 degrees of freedom, times sqrt(c / (c - 1))), and reaches as far as Hall's (1992) for skewed
    values: on a hard set most problems are at 0 and few carry the mean, and resamples of those that happen to be there
    do not show the ones that are not. Clusters that all have the same mean show no
    spread to resample; there a cluster that differs has at most the probability h that Jeffreys gives 0 in
    c, and the interval reaches h of the way to either bound: never of zero width. With fewer than six clusters
    all of them lie on one side of the truth too often for resamples to show it; the interval reaches as far. With fewer
    than twenty whose mean is within h of a bound, and skewed, it reaches h of the way to the other one.

    Args:
        values: numbers within the bounds.
        clusters: the problem of each value.
        seed: the result is a function of values, clusters and seed, in any order of rows.
        bounds: between which every value must lie; the interval is kept within them.

    Raises:
        ValueError: a value is NaN or out of bounds.
    """
    x, (lowest, highest) = np.asarray(values, dtype=np.float64), bounds
    if not len(x):
        return NOTHING
    if not bool(np.all((x >= lowest) & (x <= highest))):
        raise ValueError(f"values must be numbers within [{lowest}, {highest}]; leave out unknown ones")
    sizes, sums = per_cluster(x, clusters)
    count, mean = len(sizes), float(sums.sum() / sizes.sum())
    differs = float(jeffreys_interval(0, count)[1])
    widest = mean - differs * (mean - lowest), mean + differs * (highest - mean)
    if np.ptp(sums / sizes) < 1e-12:
        return Estimate(mean, *widest, len(x), count)
    draws = _resamples(count, seed)
    low, high = _expanded_interval((draws @ sums) / (draws @ sizes), count)
    deviations: Floats = (sums - mean * sizes) / sizes.mean()
    skewness = float(np.mean(deviations**3)) / float(np.mean(deviations**2)) ** 1.5
    skewed = _skewed_interval(mean, deviations, skewness)
    low, high = min(low, skewed[0]), max(high, skewed[1])
    is_few, near = count < FEW_CLUSTERS, differs * (highest - lowest)
    if _too_few(count) or (is_few and skewness < -1 and highest - mean < near):
        low = min(low, widest[0])
    if _too_few(count) or (is_few and skewness > 1 and mean - lowest < near):
        high = max(high, widest[1])
    return Estimate(mean, max(low, lowest), min(high, highest), len(x), count)


def cluster_bootstrap_correlation(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    clusters: npt.ArrayLike,
    seed: int,
    noise: tuple[npt.ArrayLike, npt.ArrayLike] = (0.0, 0.0),
) -> Estimate:
    """Pearson correlation of two paired values, with the interval of :func:`cluster_bootstrap_mean`.

    Values that are estimates vary more than what they estimate, which draws a correlation to 0. With their
    error variances given, these are taken off both variances (Spearman 1904, *The proof and measurement of
    association between two things*); the errors of x and y must be independent, so that the covariance
    needs no correction. Resamples in which either value does not vary beyond its noise are left out.

    Args:
        x: one number per pair.
        y: the other.
        clusters: the problem of each pair.
        seed: as in :func:`cluster_bootstrap_mean`.
        noise: error variances of x and of y, one number per pair or one for all.

    Returns:
        A correlation within [-1, 1], and its interval. NaN for the correlation where it does not exist
        (a value does not vary, or not beyond its noise), and for the interval with fewer than six clusters, or
        where it exists in fewer than half of the resamples.
    """
    first, second = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if not len(first):
        return NOTHING
    # Centered first: sums of squares of numbers far from 0 would lose the digits that matter.
    a, b = first - first.mean(), second - second.mean()
    squares = (a * a - np.asarray(noise[0]), b * b - np.asarray(noise[1]))
    parts = [per_cluster(v, clusters)[1] for v in (np.ones_like(a), a, b, *squares, a * b)]
    sums = np.stack(parts)
    count = sums.shape[1]
    found = float(_correlation(sums.sum(axis=1)[:, None])[0])
    if _too_few(count) or np.isnan(found):
        return Estimate(found, float("nan"), float("nan"), len(a), count)
    values = _correlation((_resamples(count, seed) @ sums.T).T)
    values = values[~np.isnan(values)]
    if len(values) < RESAMPLES / 2:
        return Estimate(found, float("nan"), float("nan"), len(a), count)
    low, high = _expanded_interval(values, count)
    return Estimate(found, max(low, -1.0), min(high, 1.0), len(a), count)


def clustered_quantile(values: npt.ArrayLike, clusters: npt.ArrayLike, share: float) -> Estimate:
    """Quantile of all values, with Woodruff's (1952) interval.

    The share of values up to the quantile has a Jeffreys interval at the effective sample size; its ends are
    read off as quantiles, outwards.

    Args:
        values: numbers.
        clusters: the problem of each value.
        share: which quantile, within (0, 1).

    Returns:
        NaN for the interval where so few independent values hold none: the chance that all of them lie on
        one side of the quantile exceeds 5% (for a median, fewer than six).
    """
    x, nothing = np.asarray(values, dtype=np.float64), float("nan")
    if not len(x):
        return NOTHING
    found = float(np.quantile(x, share))
    count = len(per_cluster(x, clusters)[0])
    n_eff = effective_sample_size(x <= found, clusters)
    if share**n_eff + (1 - share) ** n_eff > 1 - CONFIDENCE:
        return Estimate(found, nothing, nothing, len(x), count)
    low, high = (float(end) for end in jeffreys_interval(share * n_eff, n_eff))
    ends = float(np.quantile(x, low, method="lower")), float(np.quantile(x, high, method="higher"))
    return Estimate(found, *ends, len(x), count)


def jackknifed_shares(
    fit: Callable[[npt.NDArray[np.bool_]], Sequence[float] | Floats],
    clusters: npt.ArrayLike,
    counts: Sequence[tuple[int, int]] | None = None,
) -> list[Estimate]:
    """Shares that a fit to all values gives, with intervals that leave out whole clusters in turn.

    Clusters are left out in at most 30 groups (delete-a-group jackknife, Kott 2001), so that the cost is
    bounded. A variance s turns into an effective sample size share (1 - share) / s, shrunk for few groups as
    in :func:`effective_sample_size`, and kept between the number of clusters and that of values; the
    interval is Jeffreys' at that size.

    Args:
        fit: shares in [0, 1] fitted to the values that the mask keeps; always as many, in one order; NaN for a share
            of none of them.
        clusters: the problem of each value; there must be one value at least.
        counts: of how many values of how many clusters each share is; of all where None.
    """
    _, where = np.unique(np.asarray(clusters), return_inverse=True)
    count = int(where.max()) + 1
    found = np.asarray(fit(np.ones(len(where), dtype=np.bool_)), dtype=np.float64)
    n_groups = min(count, MOST_GROUPS)
    of = np.array(counts or [(len(where), count)] * len(found))
    values, problems = of[:, 0], of[:, 1]
    sizes = problems.astype(np.float64)
    if n_groups > 1:
        left_out = np.array([fit(where % n_groups != group) for group in range(n_groups)], dtype=np.float64)
        left_out = np.where(np.isnan(left_out), found, left_out)
        spread = left_out - left_out.mean(axis=0)
        variance = (n_groups - 1) / n_groups * (spread**2).sum(axis=0)
        shrink = (
            float(normal_ppf((1 + CONFIDENCE) / 2) / student_ppf((1 + CONFIDENCE) / 2, n_groups - 1)) ** 2
        )
        seen = variance > 1e-15
        sizes[seen] = shrink * (found * (1 - found))[seen] / variance[seen]
        sizes = np.clip(sizes, problems, values)
    low, high = jeffreys_interval(np.clip(found, 0.0, 1.0) * sizes, sizes)
    low, high = np.minimum(low, found), np.maximum(high, found)  # near 0 and 1 it may leave the estimate out
    numbers = zip(found, low, high, sizes, of.tolist(), strict=True)
    return [
        Estimate(float(mean), float(a), float(b), n, n_clusters, None, float(size) if n else float("nan"))
        for mean, a, b, size, (n, n_clusters) in numbers
    ]


def _correlation(sums: Floats) -> Floats:
    """Correlations from sums of 1, x, y, xx, yy (less noise) and xy (rows); NaN where either does not vary."""
    n, x, y, xx, yy, xy = sums
    across, down = xx - x * x / n, yy - y * y / n
    varies = (across > 1e-12) & (down > 1e-12)
    scale = np.sqrt(np.where(varies, across * down, 1.0))
    return np.where(varies, np.clip((xy - x * y / n) / scale, -1.0, 1.0), np.nan)


def _resamples(count: int, seed: int) -> Floats:
    """How often each cluster is in each resample: an array (resamples, clusters)."""
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    return drawn.astype(np.float64)


def _too_few(count: int) -> bool:
    """Whether so few clusters lie all on one side of the truth with a chance above 5%."""
    return 2.0 ** (1 - count) > 1 - CONFIDENCE


def _expanded_interval(values: Floats, count: int) -> tuple[float, float]:
    """Percentile interval of bootstrap values, expanded for few clusters (Hesterberg 2015)."""
    reach = float(student_ppf((1 + CONFIDENCE) / 2, count - 1)) * np.sqrt(count / (count - 1))
    tail = float(normal_cdf(-reach))
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


def _skewed_interval(mean: float, deviations: Floats, skewness: float) -> tuple[float, float]:
    """Hall's (1992) interval of a mean from the clusters' deviations: Student's, through a cubic that takes out skewness."""
    count = len(deviations)
    variance = float(np.mean(deviations**2))
    skewness /= np.sqrt(count)
    error, t = np.sqrt(variance / (count - 1)), float(student_ppf((1 + CONFIDENCE) / 2, count - 1))
    if abs(skewness) < 1e-9:
        return mean - t * error, mean + t * error
    low, high = (3 / skewness * (np.cbrt(1 + skewness * (q - skewness / 6)) - 1) for q in (t, -t))
    return float(mean - low * error), float(mean - high * error)


def paired_difference(
    left: npt.ArrayLike,
    left_clusters: npt.ArrayLike,
    right: npt.ArrayLike,
    right_clusters: npt.ArrayLike,
    seed: int,
) -> Estimate:
    """Mean of (left - right) over the problems that both have, every problem counting once.

    Args:
        left: values in [0, 1] of one model.
        left_clusters: their problems.
        right: values in [0, 1] of another.
        right_clusters: their problems.
        seed: as in :func:`cluster_bootstrap_mean`.

    Returns:
        ``n`` and ``n_clusters`` are both the number of common problems; NaN where there is none.
    """
    first = _means(np.asarray(left, dtype=np.float64), left_clusters)
    second = _means(np.asarray(right, dtype=np.float64), right_clusters)
    common = sorted(first.keys() & second.keys())
    differences = np.array([first[name] - second[name] for name in common], dtype=np.float64)
    return cluster_bootstrap_mean(differences, np.arange(len(common)), seed, bounds=(-1.0, 1.0))


def _means(values: Floats, clusters: Numbers) -> dict[str, float]:
    sizes, sums = per_cluster(values, clusters)
    names = [str(name) for name in np.unique(np.asarray(clusters))]
    return dict(zip(names, (sums / sizes).tolist(), strict=True))
