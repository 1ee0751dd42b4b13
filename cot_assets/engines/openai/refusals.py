"""What servers mean by a refusal: numbers in the words of their messages.

Belongs here: patterns of messages that llama.cpp, vLLM, SGLang, TGI and hosted servers write, and the context that
they show. Does not belong here: other failures of blocks (:mod:`cot_assets.engines.openai.engine`).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress

from cot_assets.engines.base import Block, BlockResult
from cot_assets.engines.openai.answers import IN_WORDS
from cot_assets.engines.openai.connection import RefusedError
from cot_assets.engines.samples import nothing_left

Draw = Callable[[int, int], Awaitable[BlockResult]]
OF_REQUEST = (400, 413, 422)  #: statuses of refusals that say nothing about other requests
_TOO_LONG = re.compile(
    r"(context|model|sequence|input|prompt)\W+(\w+\W+){0,3}?(length|size|window|len)\b|context_length|max_model_len|too long|"
    r"tokens\W+must be <=|must have less than \d+ tokens|tokens\W+(\w+\W+){0,3}?exceed|exceed\w*\W+(\w+\W+){0,6}?(context|length|tokens)|too many tokens|"
    r"tokens\b.{0,80}?\b(too large|fit|remain|left|at least 1, got (0|-\d+))\b|token limit|longer than the maximum",
    re.IGNORECASE,
)
_TRIES = 16
_NUMBER = re.compile(r"(?<![\w.])\d{1,3}(?:,\d{3})+(?!\d)|\d{1,9}")
_BEFORE = re.compile(rf"HTTP \d+: |{IN_WORDS}")
_HELD = re.compile(r"it holds (\d{1,4}) completions, not ")  #: words of read_answer
_FOREIGN = re.compile(
    r"(invalid|unknown|illegal|out[- ]of[- ](vocab\w*|range))\W+(\w+\W+)?tokens?\b|"
    r"\btoken[ _]?ids?\b.{0,40}(out of (vocab|range)|invalid|not in (the )?vocab|>= ?vocab)",
    re.IGNORECASE,
)


def is_of_another_tokenizer(message: str) -> bool:
    """Whether a request was refused because token ids of its prompt are none of the model's."""
    return bool(_FOREIGN.search(message))


def is_too_long(message: str, status: int = 400) -> bool:
    """Whether a request was refused because prompt and budget together exceed the context."""
    # Some fail where they should refuse, or answer with an error.
    is_refusal = status in (400, 422, 500) or (status == 200 and IN_WORDS in message)
    return status == 413 or (is_refusal and bool(_TOO_LONG.search(message)))


def numbers_in(message: str) -> frozenset[int]:
    """The numbers that a server's own words name."""
    words = _BEFORE.split(message, maxsplit=1)[-1]
    return frozenset(int(found.replace(",", "")) for found in _NUMBER.findall(words))


def budgets_of(named: frozenset[int], n_prompt: int, budget: int) -> list[int]:
    """Smaller budgets that the numbers in a refusal leave room for, the largest first.

    Some name the context, others what is left there, and most the tokens of prompt or request by their own tokenizer: which
    is which, the server tells by what it takes.
    """
    less = {0, n_prompt, n_prompt + 1, *named}
    return sorted({left for a in named for b in less if 0 < (left := a - b) < budget}, reverse=True)[:_TRIES]


def completions_given(message: str, asked: int) -> int | None:
    """How many completions a server gives at a time that was asked for more and gave a part; else None."""
    held = _HELD.search(message)
    # Of one that is missing, nothing follows.
    return int(held[1]) if held and 0 < int(held[1]) <= asked // 2 else None


class Context:
    """How much a server takes, of which some tell only when it is exceeded.

    ``known``: tokens of prefix and completion together, None where that is not known. ``n_cut``: blocks that
    were cut by a context that only refusals show.
    """

    def __init__(self, told: int | None) -> None:
        self.known, self.n_cut, self._told = told, 0, told

    @property
    def note(self) -> str:
        """What refusals showed; empty where nothing."""
        if not self.n_cut:
            return ""
        size = "" if self.known == self._told else f" of {self.known:,} tokens"
        return (
            f"the server's refusals show a context{size}, which it does not tell: {self.n_cut:,} blocks were cut there, and "
            "their rollouts count as truncated"
        )

    async def fit(self, block: Block, draw: Draw, try_out: Callable[[], Awaitable[object]]) -> BlockResult:
        """A block within the context; ``draw`` samples it with a budget, so many completions of it.

        ``try_out`` raises where the server refuses short prompts as well.

        Raises:
            RefusedError: It is refused for no reason that a smaller budget mends.
        """
        n_prefix, most = len(block.token_ids), block.max_new_tokens
        budget = most if self.known is None else max(0, min(most, self.known - n_prefix))
        self.n_cut += budget < most and self.known != self._told
        if not budget:
            return nothing_left(block)
        try:
            return await draw(budget, block.n)
        except RefusedError as error:
            if not is_too_long(str(error), error.status):
                if error.status not in OF_REQUEST:
                    raise
                raise _of_block(error, block, budget) from error
            refusal, named = error, numbers_in(str(error))
        for fewer in budgets_of(named, n_prefix, budget):
            with suppress(RefusedError):
                result = await draw(fewer, block.n)
                if named & {n_prefix + fewer, n_prefix + fewer + 1}:  # a text may get a BOS
                    self.known = n_prefix + fewer
                self.n_cut += budget == most
                return result
        try:
            await draw(1, 1)
        except RefusedError as again:
            if not is_too_long(str(again), again.status):
                raise
            await try_out()
            self.n_cut += budget == most
            return nothing_left(block)  # not one token: the prefix itself is too long
        raise _of_block(refusal, block, budget)


def _of_block(refusal: RefusedError, block: Block, budget: int) -> RefusedError:
    """A refusal of one block, which others need not meet."""
    return RefusedError(
        f"{refusal}. So failed block {block.key}, a prefix of {len(block.token_ids):,} tokens with {block.n} x {budget:,} "
        "to write; the others are kept. If the server's context or a limit of its own is the reason, raise that (vLLM: "
        "--max-model-len), or lower max_tokens in protocols.toml. Then run again",
        refusal.status,
    )
