"""How often a correct trace can have been all but lost, and the bins of V0 in which such rates compare.

Belongs here: the bound of the martingale, the fixed bins. Does not belong here: which traces are guesses
(:mod:`cot_assets.measures.patterns.guesses`).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from cot_assets.statistics.estimates import EPSILON
from cot_assets.statistics.special import Floats, Numbers

V0_EDGES = (0.2, 0.4, 0.6, 0.8)
V0_BINS = ("[0.0, 0.2)", "[0.2, 0.4)", "[0.4, 0.6)", "[0.6, 0.8)", "[0.8, 1.0]")


def guess_bound(v0: Numbers, threshold: float) -> Floats:
    """Most that P(true potential ever <= threshold | correct) can be for a trace that starts at v0.

    min(1, [b / (1 - b)] / [v0 / (1 - v0)]): V is a martingale that ends at the verdict. Stopped when it
    first reaches b or less (probability q), the trace is correct with probability at most b from there, so
    P(reached, correct) <= b q and v0 - P(reached, correct) = P(not reached, correct) <= 1 - q; eliminate q.

    Returns:
        An array of the shape of v0, NaN where v0 is NaN.
    """
    start = np.asarray(v0, dtype=np.float64)
    with np.errstate(divide="ignore"):
        return np.minimum(1.0, threshold / (1 - threshold) * (1 - start) / start)


def v0_bin(v0: pl.Expr) -> pl.Expr:
    """The fixed bin of a potential at cut 0, as text; NULL where it is NULL."""
    index = pl.sum_horizontal(*((v0 >= edge - EPSILON).cast(pl.Int32) for edge in V0_EDGES))
    chosen = pl.when(v0.is_null()).then(pl.lit(None, dtype=pl.String))
    for i, name in enumerate(V0_BINS[:-1]):
        chosen = chosen.when(index == i).then(pl.lit(name))
    return chosen.otherwise(pl.lit(V0_BINS[-1]))
