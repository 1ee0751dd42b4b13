"""Whether a server draws its completions at all: the same text again and again is evidence of one.

A prefix that leaves nothing open gives the same completion again and again, and rightly so, so that equal
completions alone prove nothing. But a server that passes over seed, n or temperature, or one whose cache answers, gives
copies everywhere. So where completions of a prefix are few distinct ones, they are kept back and its server is tried: at the
first such block (where they are short, which many prefixes leave no choice in, at the second), then for ``AT_ONCE`` of them
together, and for those that are left at the end, since a server can begin to copy. A text that makes no sense is
continued ``TRIALS`` times at temperature 2. There a model has several bits of entropy per token,
whatever it is sure of elsewhere. At one bit per token two draws of 16 tokens coincide with a probability of 2^-16, and two
of the 120 pairs do in two runs of 10^6. Of the draws of one trial at most half come again at the next. Log-probabilities would
say the same of one prefix, but few servers give them for the law that is sampled from (after temperature, top-p and
top-k). What audits make of repeated completions: :mod:`cot_assets.statistics.copies`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence

from cot_assets.engines.base import Block, BlockResult, Completion, EngineError, Sampling
from cot_assets.engines.openai.connection import RefusedError
from cot_assets.engines.openai.endpoint import Endpoint
from cot_assets.engines.openai.refusals import is_too_long
from cot_assets.engines.samples import sample_seed
from cot_assets.engines.tokenizer import ModelTokenizer

Draw = Callable[[Block, int, Sampling], Awaitable[BlockResult]]

#: What no model can be sure how to continue.
PUZZLE = "7f q Zu kl 31 ; pv = 0 % xo Wd 9 , ye ( 55 Br t / nn 4 : gh 82 Ok - sj"
TRIALS = 16
BUDGET = 24
AT_ONCE = 16  #: suspicious blocks that one trial decides on, but for the first
HOT, WARM = Sampling(2.0, 1.0), Sampling(1.0, 1.0)
_SHORT = 6  #: tokens below which a completion may well be the only one that there is
_MANY = 16  #: completions of which more than a half should differ, and of fewer a quarter
_LONG = 16  #: tokens of a draw from which on a second one like it is hardly chance
_COINCIDENCES = 1  #: of long draws that may be chance


class Doubts:
    """Blocks of so few distinct completions that they are kept back until their server was tried."""

    def __init__(self, tokenizer: ModelTokenizer) -> None:
        self._puzzle = tokenizer.encode(PUZZLE).token_ids
        self._kept_back: list[BlockResult] = []
        self._traces: defaultdict[int, set[int]] = defaultdict(set)
        self._n_short = self._n_trials = 0
        self._was_tried = False
        self._drawn: dict[Endpoint, Sequence[Completion]] = {}  # at the last trial of a server

    def keep_back(self, result: BlockResult) -> bool:
        """Whether a block waits for a trial; it is given back by :meth:`clear`."""
        if not result.prompt_tokens:
            return False  # its prefix fills the context: nothing was asked for
        counts = Counter(completion.token_ids for completion in result.completions)
        (common, _), *_ = counts.most_common(1)
        is_short, n = len(common) < _SHORT, result.block.n
        if n == 1:
            seen, text = self._traces[hash(result.block.token_ids)], hash(common)
            is_doubtful = text in seen and not is_short
            seen.add(text)
        else:
            is_doubtful = len(counts) <= n // (2 if n >= _MANY else 4)
            self._n_short += is_doubtful and is_short
        if is_doubtful:
            self._kept_back.append(result)
        return is_doubtful

    @property
    def most_doubtful(self) -> BlockResult | None:
        """The block that a trial is due for, if any; one block of short texts alone proves nothing."""
        n = len(self._kept_back)
        is_only_short = n == self._n_short == 1
        return self._kept_back[-1] if n and not is_only_short else None

    def is_due(self) -> bool:
        """Whether a trial is due before all blocks are there."""
        return self.most_doubtful is not None and (not self._was_tried or len(self._kept_back) >= AT_ONCE)

    async def try_out(self, server: Endpoint, context: int | None, block: Block, draw: Draw) -> None:
        """Raises :class:`EngineError` where a server that continues a text without sense does not draw what it writes."""
        self._n_trials += 1  # each with a seed of its own
        seed = sample_seed(block, block.n + self._n_trials)
        room = len(self._puzzle) if context is None else max(1, context - BUDGET)
        trial = Block(block.key, self._puzzle[:room], TRIALS, BUDGET, seed)
        try:
            found = await draw(trial, BUDGET, HOT)
        except RefusedError as error:
            if is_too_long(str(error), error.status):
                return  # a context in which nothing can be tried
            found = await draw(trial, BUDGET, WARM)  # some have 1 as their highest temperature
        before, self._drawn[server] = self._drawn.get(server, ()), found.completions
        if not is_varied(found.completions, before):
            raise EngineError(
                server.server.say(
                    "the server gives the same completion again and again, also of a text without sense at a high "
                    "temperature: copies say nothing and are not kept. Does it pass over seed, n or temperature, or does a cache "
                    "answer in its place? Switch that off, then run again; a protocol with temperature = 0 asks for one "
                    "completion (n = 1)"
                )
            )

    def clear(self, *, was_tried: bool = True) -> list[BlockResult]:
        """The blocks that waited; they are what they should be where the server was seen to draw."""
        self._was_tried = self._was_tried or was_tried
        released, self._kept_back = self._kept_back, []
        return released


def is_varied(completions: Sequence[Completion], before: Sequence[Completion] = ()) -> bool:
    """Whether continuations of the puzzle are draws: most distinct, of the long ones nearly all; empty ones do not count.

    ``before``: those of an earlier trial, which are other ones.
    """
    counts = Counter(completion.token_ids for completion in completions if completion.token_ids)
    n_alike = sum(n - 1 for text, n in counts.items() if len(text) >= _LONG)
    n_again = len(counts.keys() & {completion.token_ids for completion in before})
    return n_alike <= _COINCIDENCES and 2 * len(counts) >= counts.total() and 2 * n_again <= len(counts)
