"""The protocol that every engine follows, and the values that pass through it.

Belongs here: types without behavior of their own. Does not belong here: any one engine, and the
identity of blocks (:mod:`cot_assets.sampling.plan`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Generic, Literal, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    from cot_assets.statistics.surprise import Evidence

#: ``unknown``: in a word of the engine's own that is neither an end nor a limit, say ``abort``.
FinishReason = Literal["stop", "length", "content_filter", "unknown"]


class EngineError(RuntimeError):
    """An engine cannot be loaded or used; the message names the model and the way out."""


class CannotOpenError(EngineError):
    """A model cannot be opened, and could not be the next time: its package, weights or memory are missing."""


class AwayNowError(EngineError):
    """What a model needs is away and may come back: a cluster, or room on it."""


class EngineDiedError(EngineError):
    """What held the model has ended; another one may go on."""


class CannotScoreError(EngineError):
    """What an engine wrote cannot be scored by a second pass; the message says why."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What identifies an engine and the model in it; part of every block's identity.

    ``model_revision`` of a local folder is a hash of its weights and tokenizer. ``is_reproducible``:
    the same block gives the same tokens again. ``is_seeded``: its seed is known to decide the draws, so that two
    blocks cannot share theirs. ``is_retokenized``: prompts travel as text. ``settings``: what else of the
    engine can change a completion, as canonical JSON; empty if nothing can. ``tokenizer``: hash of tokenizer and
    template, whose effect on a block is in its prefix. ``context``: tokens that prefix and
    completion may have together, None where that is not known. ``note``: what an engine cannot promise of the
    protocol's settings, for the cost ledger.
    """

    engine: str
    version: str
    model_revision: str
    dtype: str
    quantization: str
    device: str
    is_reproducible: bool = True
    is_seeded: bool = True
    is_retokenized: bool = False
    settings: str = ""
    tokenizer: str = ""
    context: int | None = None
    note: str = ""

    def sampled_with(self) -> str:
        """Canonical JSON of everything that says what samples."""
        return json.dumps(asdict(self) | {"settings": json.loads(self.settings or "{}")}, sort_keys=True)

    def room(self, n_prefix: int, budget: int) -> int:
        """How much of a budget the context leaves after a prefix of ``n_prefix`` tokens; at least 0."""
        return budget if self.context is None else max(0, min(budget, self.context - n_prefix))


@dataclass(frozen=True, slots=True)
class Encoding:
    """Token ids of a text and, per token, its (start, end) in characters."""

    token_ids: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sampling parameters; top_p lies in (0, 1], temperature 0 is greedy; top_k 0 and min_p 0 are off."""

    temperature: float
    top_p: float
    top_k: int = 0
    min_p: float = 0.0

    @property
    def is_greedy(self) -> bool:
        """Whether all completions of a prefix are the same."""
        return self.temperature == 0 or self.top_k == 1


@dataclass(frozen=True, slots=True)
class Block:
    """The unit of sampling: ``n`` completions of one prefix, stored whole or sampled again whole.

    ``token_ids`` are those of prompt and prefix. ``max_new_tokens`` is the budget that is left; engines cut it to
    what their context leaves. Where that is nothing, the completions are empty and end by their length.
    """

    key: str
    token_ids: tuple[int, ...]
    n: int
    max_new_tokens: int
    seed: int


@dataclass(frozen=True, slots=True)
class Completion:
    """One sampled completion; EOS is not among its token ids."""

    token_ids: tuple[int, ...]
    finish_reason: FinishReason


#: A block with what was written for it.
Written = tuple[Block, Sequence[Completion]]


@dataclass(frozen=True, slots=True)
class BlockResult:
    """The ``n`` completions of a block and what they cost.

    ``prompt_tokens`` counts the prefix once per block; ``cached_tokens`` are those of them that the prefix
    cache held when the block began, None where the engine does not tell.
    """

    block: Block
    completions: tuple[Completion, ...]
    prompt_tokens: int
    cached_tokens: int | None
    generated_tokens: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """An engine cannot go on as it should, say because a server is away; ``text`` tells a person why."""

    text: str


@dataclass(frozen=True, slots=True)
class Working:
    """An engine is at work on blocks that have not finished, for which it has generated about ``n_tokens``."""

    n_tokens: int


News = BlockResult | Waiting | Working  #: what an engine says while it samples


class Tokens(Protocol):
    """The part of an engine that needs no weights.

    ``revision``: hash of tokenizer and template, as in :attr:`EngineInfo.tokenizer`.
    """

    revision: str

    def render_prompt(self, statement: str) -> tuple[int, ...]:
        """Token ids of the prompt around a statement."""
        ...

    def encode_after(self, text: str) -> Encoding:
        """Token ids of a text that goes on from another, with character offsets."""
        ...

    def decode(self, token_ids: Sequence[int], *, with_special: bool = False) -> str:
        """Text of token ids, special tokens left out unless they are asked for."""
        ...


AnyTokens = TypeVar("AnyTokens", bound=Tokens)


@runtime_checkable
class Engine(Protocol):
    """A loaded model. Instances are used by one thread at a time and closed once."""

    def describe(self) -> EngineInfo:
        """Name, versions, number format and revision of what is loaded."""
        ...

    def render_prompt(self, statement: str) -> tuple[int, ...]:
        """Token ids of the prompt around a statement, the assistant's turn left open."""
        ...

    def encode(self, text: str) -> Encoding:
        """Token ids of a text that goes on from another, without special tokens, with character offsets."""
        ...

    def decode(self, token_ids: Sequence[int], *, with_special: bool = False) -> str:
        """Text of token ids, special tokens left out unless they are asked for."""
        ...

    def sample(self, blocks: Iterable[Block], sampling: Sampling) -> Iterator[News]:
        """Sample every block; results come as they finish, in any order.

        While an engine waits or works it says so now and then, so that its user can save and report. Closing the
        iterator cancels what is still running. Where a block fails, :class:`EngineError` is raised after the
        others have come back.
        """
        ...

    def score(self, written: Iterable[Written], sampling: Sampling) -> Iterator[Evidence]:
        """Evidence on each block's completions, in the blocks' order, by a pass that shares nothing with sampling.

        Prefix and completions are read by a fresh pass of the same weights that finds nothing cached. Raises :class:`CannotScoreError` where there is no such pass.
        """
        ...

    def close(self) -> None:
        """Free the device and end child processes; may be called twice."""
        ...


class TokenizedEngine(Generic[AnyTokens]):
    """What every engine answers without its weights: who it is, and what its tokenizer says."""

    _info: EngineInfo
    _tokenizer: AnyTokens

    def describe(self) -> EngineInfo:
        """Name, versions, number format and revision of what is loaded."""
        return self._info

    def render_prompt(self, statement: str) -> tuple[int, ...]:
        """Token ids of the prompt around a statement."""
        return self._tokenizer.render_prompt(statement)

    def encode(self, text: str) -> Encoding:
        """Token ids of a text that goes on from another, with character offsets."""
        return self._tokenizer.encode_after(text)

    def decode(self, token_ids: Sequence[int], *, with_special: bool = False) -> str:
        """Text of token ids, special tokens left out unless they are asked for."""
        return self._tokenizer.decode(token_ids, with_special=with_special)
