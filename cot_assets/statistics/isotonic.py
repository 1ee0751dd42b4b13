"""Whether true shares could never fall, given how noisy their estimates are.

Belongs here: isotonic regression of counts, the likelihood-ratio test of a rising curve. Does not belong
here: which traces are judged.

A threshold on the largest estimated fall grows stricter with every cut that is added: with 20 cuts of 64
rollouts a flat potential of 0.5 falls by more than 0.1 somewhere with probability 0.95. The test asks
instead whether all falls together are more than noise. It treats an unknown cut as absent: order, not
neighborhood, is what monotone means.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from cot_assets.statistics.special import Floats, log_choose, log_sum_exp, pooled_shares, xlogy

LEVEL = 0.05  #: of the test
DRAWS = 2000  #: null curves per level of the grid; fewer for long curves, at least FEWEST
FEWEST = 50  # enough for a p-value of 0.02; beyond, the tail bound tells
#: Flat null curves are at these levels and at the pooled share of the curve that is tested.
LEVELS = (0.005, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.995)
EXPONENTS: Floats = np.array([0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0])
_BATCH = 500
_MOST_AT_ONCE = 40  # cuts from which pooling curve by curve is faster
_MOST_CUTS_DRAWN = 400_000  # per level: bounds the work for curves with a cut at every token


def isotonic_fit(k: npt.ArrayLike, n: npt.ArrayLike) -> Floats:
    """Maximum-likelihood shares that never fall: isotonic regression of k/n with weights n.

    By the min-max formula, fit_i = max over s <= i of min over t >= i of sum(k[s..t]) / sum(n[s..t])
    (Barlow et al. 1972), which gives what pooling adjacent violators gives, for many curves at once. Its
    cost grows with the square of the cuts, so curves of more than 40 are pooled one by one.

    Args:
        k: successes, shape (curves, cuts) or (cuts,).
        n: trials, all above 0, broadcast against k.

    Returns:
        Shares of the shape of k.
    """
    k_, n_ = np.broadcast_arrays(np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64))
    cuts = k_.shape[-1]
    if cuts > _MOST_AT_ONCE:
        rows = zip((k_ / n_).reshape(-1, cuts), n_.reshape(-1, cuts), strict=True)
        return np.stack([pooled_shares(share, weight) for share, weight in rows]).reshape(k_.shape)
    start = np.zeros((*k_.shape[:-1], 1))
    sums, sizes = (np.concatenate([start, np.cumsum(a, axis=-1)], axis=-1) for a in (k_, n_))
    fit = np.full(k_.shape, -np.inf)
    for s in range(cuts):
        means = (sums[..., s + 1 :] - sums[..., s : s + 1]) / (sizes[..., s + 1 :] - sizes[..., s : s + 1])
        lowest_after = np.minimum.accumulate(means[..., ::-1], axis=-1)[..., ::-1]
        fit[..., s:] = np.maximum(fit[..., s:], lowest_after)
    return np.asarray(fit, dtype=np.float64)


def fall_statistic(k: npt.ArrayLike, n: npt.ArrayLike) -> Floats:
    """Likelihood-ratio statistic of "never falls" against "anything": 2 (log L free - log L isotonic).

    Args:
        k: successes, shape (..., cuts).
        n: trials, broadcast against k.

    Returns:
        Non-negative numbers of shape (...); 0 where the shares never fall.
    """
    k_, n_ = np.broadcast_arrays(np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64))
    fit, free = isotonic_fit(k_, n_), k_ / n_
    gain = xlogy(k_, free) + xlogy(n_ - k_, 1 - free) - xlogy(k_, fit) - xlogy(n_ - k_, 1 - fit)
    return np.maximum(0.0, 2 * gain.sum(axis=-1))


def fall_p_value(k: npt.ArrayLike, n: npt.ArrayLike, seed: int) -> float:
    """P-value of a curve against the hypothesis that its true potential never falls.

    Among never-falling curves a flat one makes large statistics most likely, but which level is worst
    depends on n and on the number of cuts; so the p-value is the largest over flat curves at a grid of
    levels and at the pooled share, each simulated. Beyond the largest of the simulated statistics, where a
    simulation can only say "less than one in the number drawn", it is an upper bound (:func:`tail_bound`) if that is less.

    Args:
        k: successes per cut.
        n: trials per cut, all above 0.
        seed: of the simulation; curves with the same n share their null curves.

    Returns:
        A number in (0, 1]; 1 for fewer than two cuts or no fall.
    """
    k_, n_ = np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64)
    statistic = float(fall_statistic(k_, n_)) if len(k_) > 1 else 0.0
    if statistic < 1e-9:
        return 1.0
    trials = tuple(int(size) for size in n_)
    # To two digits, so that curves share simulations; the grid's ends take the place of 0 and 1.
    pooled = float(np.clip(round(float(k_.sum() / n_.sum()), 2), LEVELS[0], LEVELS[-1]))
    worst = 0.0
    for level in (*LEVELS, pooled):
        null = _null_statistics(trials, level, seed)
        reached = len(null) - int(np.searchsorted(null, statistic - 1e-9))
        simulated = (1 + reached) / (1 + len(null))
        worst = max(worst, simulated if reached else min(simulated, tail_bound(statistic, trials, level)))
    return worst


def tail_bound(statistic: float, trials: tuple[int, ...], level: float) -> float:
    """At least P(statistic or more) for a flat curve at the level, close to it on a logarithmic scale.

    Chernoff's bound. The isotonic fit is as likely as the true flat curve or more, so the statistic is at most
    2 S with S = sum of n KL(k / n, level) over the cuts, and P(S >= s) <= E exp(a S) exp(-a s) for every a in (0, 1].
    The expectation is a product over cuts of sums over k, all finite: at a = 1 each is about sqrt(pi n / 2).
    """
    moments = np.sum([_log_moments(n, level) for n in trials], axis=0)
    return float(min(1.0, np.exp(np.min(moments - EXPONENTS * statistic / 2))))


@lru_cache(maxsize=4096)
def _log_moments(n: int, level: float) -> Floats:
    """Log E exp(a n KL(K / n, level)) for K ~ Bin(n, level), by exponent a."""
    k = np.arange(n + 1, dtype=np.float64)
    log_p = xlogy(k, level) + xlogy(n - k, 1 - level)
    divergence = xlogy(k, k / n) + xlogy(n - k, 1 - k / n) - log_p
    logs = log_choose(n, k) + log_p + EXPONENTS[:, None] * divergence
    return log_sum_exp(logs)


@lru_cache(maxsize=512)
def _null_statistics(trials: tuple[int, ...], level: float, seed: int) -> Floats:
    """Sorted statistics of simulated flat curves."""
    rng = np.random.default_rng([seed, round(level * 1000), *trials])
    n = np.array(trials)
    draws = max(FEWEST, min(DRAWS, _MOST_CUTS_DRAWN // len(n)))
    batches = [_BATCH] * (draws // _BATCH) or [draws]
    parts = [fall_statistic(rng.binomial(n, level, size=(size, len(n))), n) for size in batches]
    return np.sort(np.concatenate(parts))
