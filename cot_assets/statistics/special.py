"""Typed doors to SciPy, which ships no type information.

Belongs here: one-line wrappers that name shapes and types. Does not belong here: statistics of our own.
Every argument may be a scalar or an array; arguments are broadcast against one another. SciPy's packages take long to
load, and wait until one is named.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import scipy

Floats: TypeAlias = npt.NDArray[np.float64]
Numbers: TypeAlias = npt.ArrayLike


def beta_cdf(a: Numbers, b: Numbers, x: Numbers) -> Floats:
    """P(X <= x) for X ~ Beta(a, b)."""
    return np.asarray(scipy.special.betainc(a, b, x), dtype=np.float64)


def beta_ppf(a: Numbers, b: Numbers, q: Numbers) -> Floats:
    """The x with P(X <= x) = q for X ~ Beta(a, b)."""
    return np.asarray(scipy.special.betaincinv(a, b, q), dtype=np.float64)


def chi_squared_tail(x: Numbers, df: Numbers) -> Floats:
    """P(X >= x) for X of chi-squared with ``df`` degrees of freedom."""
    return np.asarray(scipy.special.chdtrc(df, x), dtype=np.float64)


def log_beta(a: Numbers, b: Numbers) -> Floats:
    """Logarithm of the beta function."""
    return np.asarray(scipy.special.betaln(a, b), dtype=np.float64)


def log_choose(n: Numbers, k: Numbers) -> Floats:
    """Logarithm of the binomial coefficient n over k, for 0 <= k <= n."""
    total, part = np.asarray(n, dtype=np.float64), np.asarray(k, dtype=np.float64)
    return -log_beta(total - part + 1, part + 1) - np.log1p(total)


def xlogy(x: Numbers, y: Numbers) -> Floats:
    """The product x * log(y), 0 where x is 0."""
    return np.asarray(scipy.special.xlogy(x, y), dtype=np.float64)


def log_sum_exp(x: Floats) -> Floats:
    """log(sum(exp(x))) over the last axis, without overflow."""
    return np.asarray(scipy.special.logsumexp(x, axis=-1), dtype=np.float64)


def normal_cdf(x: Numbers) -> Floats:
    """P(Z <= x) for a standard normal Z."""
    return np.asarray(scipy.special.ndtr(x), dtype=np.float64)


def normal_ppf(q: Numbers) -> Floats:
    """Quantile of the standard normal distribution."""
    return np.asarray(scipy.special.ndtri(q), dtype=np.float64)


def student_ppf(q: Numbers, df: Numbers) -> Floats:
    """Quantile of Student's t with df degrees of freedom."""
    return np.asarray(scipy.special.stdtrit(df, q), dtype=np.float64)


def hypergeometric_pmf(population: int, successes: int, draws: int) -> tuple[int, Floats]:
    """Lowest value and probabilities of the number of successes among ``draws`` without replacement."""
    low, high = max(0, draws - (population - successes)), min(draws, successes)
    support = np.arange(low, high + 1)
    chosen = log_choose(successes, support) + log_choose(population - successes, draws - support)
    return low, np.exp(chosen - log_choose(population, draws))  # scipy.stats loads slowly


def find_root(f: Callable[[Floats, Floats], Floats], low: Floats, high: Floats, index: Floats) -> Floats:
    """Elementwise root of f(x, index) between low and high, whose values there differ in sign.

    ``index`` tells f which elements it is asked for: elements that have converged are left out.
    """
    from scipy.optimize import elementwise  # no attribute before something has imported it

    return np.asarray(elementwise.find_root(f, (low, high), args=(index,)).x, dtype=np.float64)


def pooled_shares(shares: Floats, weights: Floats) -> Floats:
    """The closest sequence that never falls, by pooling adjacent violators; shapes (cuts,)."""
    return np.asarray(scipy.optimize.isotonic_regression(shares, weights=weights).x, dtype=np.float64)


def digamma(x: Numbers) -> Floats:
    """Derivative of the logarithm of the gamma function."""
    return np.asarray(scipy.special.digamma(x), dtype=np.float64)


def trigamma(x: Numbers) -> Floats:
    """Second derivative of the logarithm of the gamma function."""
    return np.asarray(scipy.special.polygamma(1, x), dtype=np.float64)


def gamma_ppf(q: Numbers, shape: Numbers, scale: Numbers) -> Floats:
    """The x with P(X <= x) = q for a gamma law."""
    return np.asarray(np.asarray(scale) * scipy.special.gammaincinv(shape, q), dtype=np.float64)
