"""Transfer: what a verdict on a prefix says at this n, and what noise does to correlated steps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import stats

from cot_assets.measures.transfer.unlocks import LIFTED_ABOVE, UNSOLVED_BELOW
from cot_assets.statistics.clusters import cluster_bootstrap_correlation
from cot_assets.statistics.estimates import CONFIDENCE, probability_below
from simulations import SEED, Row


def unlocks(repeats: int) -> Iterator[Row]:
    """Exact chances of every verdict at n = 64 at both ends, and of any unlock among 9 prefixes (repeats unused)."""
    n = 64
    k = np.arange(n + 1)
    unsolved = probability_below(k, n, UNSOLVED_BELOW)
    lifted = 1 - probability_below(k, n, LIFTED_ABOVE)
    for v0 in (0.0, 0.01, 0.03, 0.05, 0.1):
        for v in sorted({v0, 0.1, 0.2, 0.3}):
            at0, at = stats.binom.pmf(k, n, v0), stats.binom.pmf(k, n, v)
            is_unsolved = float(at0 @ (unsolved >= CONFIDENCE))
            one = float(at @ (lifted >= CONFIDENCE))
            none = float(at @ (lifted <= 1 - CONFIDENCE))
            solved = float(at0 @ (unsolved <= 1 - CONFIDENCE))
            yield {
                "true V0": v0,
                "true V": v,
                "unlocked": is_unsolved * one,
                "not_unlocked": is_unsolved * none,
                "solved_before": solved,
                "undecided": 1 - solved - is_unsolved * (one + none),
                "any of 9 unlocks": is_unsolved * (1 - (1 - one) ** 9),
            }


def least_rollouts(repeats: int) -> Iterator[Row]:
    """Rollouts that the rules need, exactly (repeats unused): right ones allowed at V0 for "unsolved", by n."""
    for n in (16, 32, 37, 38, 48, 64, 96, 128, 256):
        k = np.arange(n + 1)
        unsolved = probability_below(k, n, UNSOLVED_BELOW)
        lifted = 1 - probability_below(k, n, LIFTED_ABOVE)
        allowed = k[unsolved >= CONFIDENCE]
        yield {
            "n": n,
            "P(V0 < 0.05), none right": float(unsolved[0]),
            "P(V0 < 0.05), one right": float(unsolved[1]),
            "unsolved up to": int(allowed[-1]) if len(allowed) else "never",
            "lifted from": int(k[lifted >= CONFIDENCE][0]),
        }


def step_correlation(repeats: int) -> Iterator[Row]:
    """Correlation of steps, as seen and with the noise taken off: 24 problems of two traces of 4 steps."""
    for n in (64, 128):
        for spread in (0.05, 0.1):
            for rho in (0.0, 0.5, 0.9):
                rng = np.random.default_rng([SEED, n, int(100 * spread), int(10 * rho)])
                found: list[tuple[float, float, bool, bool, bool]] = []
                for r in range(repeats):
                    # Four steps from one half: next to nothing is clipped, and rho stays true.
                    writer, own = rng.normal(0, spread, (2, 48, 4))
                    reader = rho * writer + np.sqrt(1 - rho**2) * own
                    levels = [0.5 + np.cumsum(x, axis=1) for x in (writer, reader)]
                    p = [np.clip(np.pad(x, ((0, 0), (1, 0)), constant_values=0.5), 0, 1) for x in levels]
                    seen = [rng.binomial(n, x) / n for x in p]
                    change = [np.diff(x, axis=1).ravel() for x in seen]
                    errors = [x * (1 - x) / (n - 1) for x in seen]
                    noise = [(e[:, 1:] + e[:, :-1]).ravel() for e in errors]
                    names = np.repeat(np.arange(24), 8)
                    plain = cluster_bootstrap_correlation(*change, names, seed=r)
                    mended = cluster_bootstrap_correlation(*change, names, seed=r, noise=(noise[0], noise[1]))
                    exists = bool(np.isfinite(mended.low))
                    found.append(
                        (plain.mean, mended.mean, plain.low <= rho <= plain.high,
                         exists and mended.low <= rho <= mended.high, exists)
                    )  # fmt: skip
                table = np.array(found, dtype=float)
                yield {
                    "n": n,
                    "sd of true changes": spread,
                    "true correlation": rho,
                    "as seen, mean": table[:, 0].mean(),
                    "corrected, median": np.nanmedian(table[:, 1]),
                    "coverage, as seen": table[:, 2].mean(),
                    "coverage, corrected": table[:, 3].sum() / max(1, table[:, 4].sum()),
                    "corrected exists": table[:, 4].mean(),
                }
