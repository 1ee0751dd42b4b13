"""Evidence that tokens were, or were not, drawn from the law that another pass of the model gives them.

For each token the other pass gives the whole law p of what could have been there. Two numbers come of it:

* z = sum(surprise - entropy) / sqrt(sum of variances), with surprise = -log p(token): easy to read, and about N(0, 1)
  where many tokens were open. Where a model is sure of itself it is not: a token of probability 1e-4 that is due once
  in 10^4 gives z = 10.
* e, which has a guaranteed level. Under the law p the ratio q(token) / p(token) has mean 1 for every other law q, and so
  has the product of these ratios over tokens, each given those before it. By Markov's inequality
  P(product >= 1 / a) <= a, for any p and any number of tokens. Taken are the laws q of the same model at other
  temperatures, p^(1 - s) normalized for the tilts s of :data:`TILTS`, and the mean of their products: it is
  large for tokens that no sampling from p would give (large s) as well as for small shifts of many (small s), to
  either side. The first :data:`HEAD` tokens count once more by themselves, so that a foreign beginning is not drowned
  by a long text that goes on from it. What copies of completions say of a block is one ratio more.

Tokens beyond the likeliest k are one outcome, the rest. How much of it was sampled from is not always known: a server
tells only its sum, which has no more than a bound at another temperature, and top-p, top-k or min-p may leave in a
part of it. There e keeps its level so: a ratio of the law in which the rest has its most has mean 1 if it has, and no
more with less of it as long as the rest's own ratio is at least 1. Where that is below 1, tokens are weighed given that
they are among the k, whose shares of one another are known, and any other has ratio 1. A row has ratio 1 for every token
if even which of the k top-p leaves in hangs on the rest. These choices look at the law alone.

:func:`judge` spends half of a level on the blocks one by one, and half on all of them together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import reduce
from operator import add

import numpy as np
from numpy.typing import NDArray

from cot_assets.statistics.laws import Floats, Laws

Bools = NDArray[np.bool_]

#: Laws that evidence is weighed for: temperature 1 / (1 - s) times the one sampled at. Each is near the best for shifts
#: from half to twice its size.
TILTS: Floats = np.array([-0.5, -0.1, -0.02, -0.005, 0.005, 0.02, 0.1, 0.5, 0.8])
HEAD = 32  #: tokens of a completion that are weighed by themselves as well
LEVEL = 1e-6  #: P(a partition of faultless blocks fails)
#: A token left out by top-p, top-k or min-p is impossible, but for rounding: so far may differences of two logits be off,
#: divided by the temperature.
SLACK = 0.02
SLACK_COARSE = 1.0  #: for 16 bits, or activations of 8; seen of a model of 135M: 0.37 and 0.55


@dataclass(frozen=True, slots=True)
class Filters:
    """What sampling leaves of a law. ``is_nucleus_first``: top-p looks at the whole law, not at what is left."""

    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    is_greedy: bool = False
    is_nucleus_first: bool = False
    slack: float = SLACK  #: in log-probability, as sampled


@dataclass(frozen=True, slots=True)
class Evidence:
    """Sums over tokens, so evidence adds up.

    ``log_ratios``: (2, tilts + 1), of the heads and of all tokens; the last column is that of copies
    (:mod:`cot_assets.statistics.copies`). ``n_judged``: tokens of whose law enough is known. ``log_p``: of one completion,
    the most that its log-probability can be; it is not part of a block's.
    """

    n_tokens: int
    n_impossible: int
    excess: float
    variance: float
    log_ratios: Floats
    n_judged: int = 0
    log_p: float = 0.0

    def __add__(self, other: Evidence) -> Evidence:
        return Evidence(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    def times(self, n: int) -> Evidence:
        """Of ``n`` completions that are the same."""
        return Evidence(*(getattr(self, one.name) * n for one in fields(self)))

    @property
    def z(self) -> float | None:
        """The excess in standard deviations; None where nothing was open."""
        return self.excess / math.sqrt(self.variance) if self.variance > 1e-12 else None

    @property
    def log_e(self) -> float:
        """Natural logarithm of e; infinite where a token is impossible."""
        return math.inf if self.n_impossible else _log_mean(self.log_ratios.ravel())


NO_EVIDENCE = Evidence(0, 0, 0.0, 0.0, np.zeros((2, len(TILTS) + 1)))


@dataclass(frozen=True, slots=True)
class Judgment:
    """What evidence on blocks says. ``limit``: log e from which a block fails; ``failed``: which did.

    ``log_e``: of the blocks that did not fail, taken together. ``temperature``: the factor of the sampling
    temperature that fits them best.
    """

    failed: tuple[int, ...]
    limit: float
    log_e: float
    joint_limit: float
    z: float | None
    temperature: float

    @property
    def is_shifted(self) -> bool:
        """Whether the blocks that did not fail are not, together, what the model would write."""
        return self.log_e >= self.joint_limit


def evidence(laws: Laws, filters: Filters, n_before: int = 0) -> Evidence:
    """Evidence of the tokens of one completion, or of a part of it that ``n_before`` tokens precede."""
    if not len(laws.chosen):
        return NO_EVIDENCE
    if filters.is_greedy:
        impossible = laws.chosen < laws.log_p[:, 0] - filters.slack
        n = len(impossible)
        return replace(NO_EVIDENCE, n_tokens=n, n_impossible=int(impossible.sum()), n_judged=n)
    is_told = laws.chosen >= laws.log_p[:, -1] - 1e-9
    outcomes, allowed, is_sure = _filtered(laws, is_told, filters)
    # From here on the told ones have the sum 1 among themselves.
    log_told = np.logaddexp.reduce(outcomes[:, :-1], axis=-1)
    outcomes -= log_told[:, None]
    told, rest = outcomes[:, :-1], outcomes[:, -1]
    chosen, log_sum = np.where(is_told, laws.chosen - log_told, rest), np.logaddexp(0.0, rest)
    is_exact = laws.is_exact and not (filters.top_p < 1 or _cuts(filters, told.shape[-1]))
    is_weighed = allowed & is_sure
    ratios = np.zeros((len(TILTS) + 1, len(chosen)))
    for ratio, s in zip(ratios, TILTS, strict=False):
        tilted = np.log(np.exp((1.0 - s) * told).sum(-1))
        common = log_sum - np.logaddexp(tilted, (1.0 - s) * rest)
        is_open = is_exact | (common - s * rest >= 0)
        ratio[:] = np.where(is_open, common - s * chosen, np.where(is_told, -s * chosen - tilted, 0.0))
    ratios[:, ~is_weighed] = 0.0
    if is_exact:
        outcomes, chosen = outcomes - log_sum[:, None], chosen - log_sum
    else:
        outcomes, is_weighed = told, is_weighed & is_told
    log_p = np.where(allowed & is_sure, chosen, 0.0).clip(max=0.0)
    p = np.exp(outcomes)
    finite = np.where(p > 0, outcomes, 0.0)
    entropy = -(p * finite).sum(-1)
    variance = (p * finite**2).sum(-1) - entropy**2
    return Evidence(
        len(chosen),
        int((~allowed).sum()),
        float((-chosen - entropy)[is_weighed].sum()),
        float(variance[is_weighed].clip(0.0).sum()),
        np.stack([ratios[:, : max(0, HEAD - n_before)].sum(-1), ratios.sum(-1)]),
        int((is_weighed | ~allowed).sum()),
        float(log_p.sum()),
    )


def _cuts(filters: Filters, k: int) -> bool:
    """Whether top-k or min-p may leave in a part of what is beyond k tokens."""
    return filters.top_k > k or filters.min_p > 0


def _filtered(laws: Laws, is_told: Bools, filters: Filters) -> tuple[Floats, Bools, Bools]:
    """Outcomes with -inf where sampling leaves them out, and per row two answers.

    They say whether the chosen token is left in, and whether the told ones that are do not hang on the rest. What is
    within the slack of the chosen token's own probability is left in with it.
    """
    outcomes, chosen = np.column_stack([laws.log_p, laws.log_rest]), laws.chosen
    n, k = laws.log_p.shape
    p, slack = np.exp(outcomes), filters.slack
    rank: NDArray[np.int64] = np.zeros(p.shape, np.int64) + np.arange(k + 1, dtype=np.int64)
    out: Bools = np.zeros(p.shape, np.bool_)
    allowed, is_sure = np.ones(n, np.bool_), np.ones(n, np.bool_)
    if 0 < filters.top_k <= k:
        out = out | (rank >= filters.top_k)
        allowed = allowed & (chosen >= outcomes[:, filters.top_k - 1] - slack)
    if filters.min_p > 0:
        limit = outcomes[:, 0] + math.log(filters.min_p)
        out = out | (np.where(rank < k, outcomes, outcomes[:, k - 1 : k]) < limit[:, None])
        allowed = allowed & (chosen >= limit - slack)
    if filters.top_p < 1:
        left: Floats = p if filters.is_nucleus_first else np.where(out, 0.0, p)
        mass: Floats = left / left.sum(-1, keepdims=True)
        before: Floats = np.cumsum(mass, -1) - mass
        beyond: Bools = before >= filters.top_p
        if not laws.is_exact or (not filters.is_nucleus_first and _cuts(filters, k)):
            without_rest = before[:, :k] >= filters.top_p * mass[:, :k].sum(-1, keepdims=True)
            is_sure = (beyond[:, :k] == without_rest).all(-1)
        out = out | beyond
        above = np.where((outcomes > chosen[:, None] + slack) & (rank < k), mass, 0.0).sum(-1)
        # Rounding moves what is above and the rest against one another, too.
        above = above / (above + (1.0 - above) * math.exp(slack))
        allowed = allowed & (above < filters.top_p + 1e-6)
    kept: Bools = ~out | (outcomes >= chosen[:, None] - 1e-12) & is_told[:, None] & (rank < k)
    allowed = allowed & (is_told | kept[:, -1] & np.isfinite(outcomes[:, -1]))
    return np.where(kept, outcomes, -np.inf), allowed, is_sure


def judge(blocks: Sequence[Evidence], n_possible: int, level: float = LEVEL) -> Judgment:
    """Which blocks are not what the model writes, and whether the others together are.

    P(anything fails | nothing is wrong) <= ``level``: each of ``n_possible`` blocks, audited or not, has a level of
    level / 2 / n_possible, so that it does not matter how many are looked at; all together have the other half.
    """
    limit, joint_limit = math.log(2 * max(1, n_possible) / level), math.log(2 / level)
    failed = tuple(i for i, block in enumerate(blocks) if block.log_e >= limit)
    left_out = set(failed)
    whole = reduce(add, (b for i, b in enumerate(blocks) if i not in left_out), NO_EVIDENCE)
    tilt = whole.excess / whole.variance if whole.variance > 1e-12 else 0.0
    return Judgment(
        failed,
        limit,
        math.inf if whole.n_impossible else _log_mean(whole.log_ratios.ravel()),
        joint_limit,
        whole.z,
        1.0 / (1.0 - min(max(tilt, -1.0), 0.9)),
    )


def _log_mean(values: Floats) -> float:
    return float(np.logaddexp.reduce(values) - math.log(len(values)))
