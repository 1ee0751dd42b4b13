"""Evidence on a block of completions, and that some of them are copies: more equal ones than their probability allows.

Under the model the completions x_1, x_2, ... of a prefix are independent. Let each be, with a probability that the law q
gives, a copy of one before it: with c_j of the j - 1 earlier ones equal to x_j,

    q(x_j | x_1 ... x_(j-1)) = (theta p(x_j) + c_j) / (theta + j - 1),

so the product over j of (theta + c_j / p(x_j)) / (theta + j - 1) has mean 1 under the model and does not depend on the
order. Where only a bound of p is known, it is one from above, and the mean is at most 1. A small theta finds copies of what
is likely anyhow, a large one a single copy of what is not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from cot_assets.statistics.surprise import NO_EVIDENCE, Evidence

THETAS = (16.0, 1000.0)


def log_copies(counts: Iterable[tuple[int, float]], theta: float) -> float:
    """Logarithm of that product; ``counts``: how often each completion was written, and its log-probability."""
    n, total = 0, 0.0
    for count, log_p in counts:
        n += count
        total += sum(np.logaddexp(math.log(theta), math.log(i) - log_p) for i in range(1, count))
        total += math.log(theta)
    return float(total) - sum(math.log(theta + j) for j in range(n))


def of_block(found: Iterable[tuple[Evidence, int]]) -> Evidence:
    """Evidence on a block; ``found``: on each distinct completion, and how often it was written."""
    several = list(found)
    whole = sum((one.times(n) for one, n in several), NO_EVIDENCE)
    ratios = whole.log_ratios.copy()
    ratios[:, -1] = [log_copies(((n, one.log_p) for one, n in several), theta) for theta in THETAS]
    return replace(whole, log_ratios=ratios)
