"""Whether a server draws its completions at all: the same text again and again is evidence of one.

A prefix that leaves nothing open gives the same completion again and again, and rightly so, so that equal
completions alone prove nothing. But a server that passes over seed, n or temperature, or one whose cache answers, gives
copies everywhere. So where completions of a prefix are few distinct ones, its server is tried, once per run (where they are
short, which many prefixes leave no choice in, from the second block on): a text that makes no sense is
continued ``TRIALS`` times at temperature 2. There a model has several bits of entropy per token,
whatever it is sure of elsewhere. At one bit per token two draws of 16 tokens coincide with a probability of 2^-16, and two
of the 120 pairs do in two runs of 10^6. Log-probabilities would
say the same of one prefix, but few servers give them for the law that is sampled from (after temperature, top-p and
top-k). What audits make of repeated completions: :mod:`cot_assets.statistics.copies`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from cot_assets.engines.base import Block, Completion, Sampling

#: What no model can be sure how to continue.
PUZZLE = "7f q Zu kl 31 ; pv = 0 % xo Wd 9 , ye ( 55 Br t / nn 4 : gh 82 Ok - sj"
TRIALS = 16
BUDGET = 24
HOT, WARM = Sampling(2.0, 1.0), Sampling(1.0, 1.0)
_SHORT = 6  #: tokens below which a completion may well be the only one that there is
_MANY = 16  #: completions of which more than a half should differ, and of fewer a quarter
_LONG = 16  #: tokens of a draw from which on a second one like it is hardly chance
_COINCIDENCES = 1  #: of long draws that may be chance


class Suspicion:
    """Whether completions of a prefix are so few distinct ones that their server has to be tried."""

    def __init__(self) -> None:
        self._traces: defaultdict[int, set[int]] = defaultdict(set)
        self._n_short = 0

    def of(self, block: Block, completions: Sequence[Completion]) -> bool | None:
        """None where they are suspicious and short, and the first such ones: others decide."""
        counts = Counter(completion.token_ids for completion in completions)
        (common, _), *_ = counts.most_common(1)
        is_short = len(common) < _SHORT
        if block.n == 1:
            seen, text = self._traces[hash(block.token_ids)], hash(common)
            is_again = text in seen
            seen.add(text)
            return is_again and not is_short
        if len(counts) > block.n // (2 if block.n >= _MANY else 4):
            return False
        self._n_short += is_short
        return None if is_short and self._n_short == 1 else True


def is_varied(completions: Sequence[Completion]) -> bool:
    """Whether continuations of the puzzle are draws: most distinct, of the long ones nearly all; empty ones do not count."""
    counts = Counter(completion.token_ids for completion in completions if completion.token_ids)
    n_alike = sum(n - 1 for text, n in counts.items() if len(text) >= _LONG)
    return n_alike <= _COINCIDENCES and 2 * len(counts) >= counts.total()
