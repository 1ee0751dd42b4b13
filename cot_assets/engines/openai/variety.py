"""Whether a server draws its completions at all: the same text n times is evidence of one.

A prefix that leaves nothing open gives the same completion again and again, and rightly so, so that equal
completions alone prove nothing. But a server that passes over seed, n or temperature, or one whose cache answers, gives
copies everywhere. So where a block is monotonous, its server is tried, once per run: a text that makes no sense is
continued ``TRIALS.n`` times at temperature 2. There a model has several bits of entropy per token, whatever it is
sure of elsewhere: the chance that half of ``TRIALS.n`` draws of up to ``BUDGET`` tokens repeat others is that of four
coincidences of such texts, below 1 in 10^9 at one bit per token. Log-probabilities would say the same of one prefix, but
few servers give them for the law that is sampled from (after temperature, top-p and top-k).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from cot_assets.engines.base import Completion, Sampling

#: What no model can be sure how to continue.
PUZZLE = "7f q Zu kl 31 ; pv = 0 % xo Wd 9 , ye ( 55 Br t / nn 4 : gh 82 Ok - sj"
TRIALS = 8
BUDGET = 24
HOT, WARM = Sampling(2.0, 1.0), Sampling(1.0, 1.0)
_SHORT = 6  #: tokens below which a completion may well be the only one that there is


def is_monotonous(completions: Sequence[Completion]) -> bool:
    """Whether at most a quarter of a block's completions are distinct, and the commonest is not short."""
    counts = Counter(completion.token_ids for completion in completions)
    (common, _), *_ = counts.most_common(1)
    return len(counts) <= len(completions) / 4 and len(common) >= _SHORT


def is_varied(completions: Sequence[Completion]) -> bool:
    """Whether continuations of the puzzle are draws: more than half of them distinct."""
    return len({completion.token_ids for completion in completions}) > len(completions) / 2
