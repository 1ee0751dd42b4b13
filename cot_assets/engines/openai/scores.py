"""What a server's second pass says of completions that it wrote: their tokens sent back as a prompt.

vLLM and those that follow it take ``prompt_logprobs``, which also skips what is in vLLM's prefix cache; others have
the older ``echo`` with ``logprobs``. Elsewhere nothing can be audited, and the engine says so.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from cot_assets.engines.base import Block, CannotScoreError, Completion, Sampling
from cot_assets.engines.openai.answers import checked
from cot_assets.engines.openai.connection import FINAL, RefusedError
from cot_assets.engines.openai.endpoint import Endpoint
from cot_assets.engines.openai.endpoints import Endpoints
from cot_assets.engines.openai.refusals import is_too_long
from cot_assets.engines.samples import evidence_told, read_again, told_apart
from cot_assets.statistics.copies import of_block
from cot_assets.statistics.laws import VOCABULARY
from cot_assets.statistics.surprise import Evidence, Filters

Told = Sequence[Mapping[int, float]]
Way = tuple[bool, int]  #: of asking: whether by echo, and for how many of the likeliest tokens
_BYTES_AT_LEAST, _BYTES_PER_NUMBER = 1 << 20, 200  #: most that an answer may have
_ROUNDING = 1e-3  #: above 0, that a log-probability may be
_MISSING = 0.01  #: by which rounded probabilities of all tokens may miss 1
_FEWER = (20, 5)  #: likeliest tokens that servers tell who do not tell as many as are wanted


class Reader:
    """A server that reads what it wrote, or another of the same model."""

    def __init__(self, endpoints: Endpoints, eos: Sequence[int], context: int | None = None) -> None:
        self._endpoints, self._eos, self._context = endpoints, eos, context
        self._way: Way | None = None

    async def evidence(
        self, block: Block, completions: Sequence[Completion], sampling: Sampling, filters: Filters
    ) -> Evidence:
        """Evidence on a block, equal completions read once.

        Raises:
            CannotScoreError: The server does not tell probabilities of a prompt.
            RefusedError: It fails at a text.
        """
        counts = Counter(completions)
        if self._way is None:
            self._way = await self._known_way(block, next(iter(counts)), told_apart(sampling))
        way = self._way
        told = await asyncio.gather(*(self._told(block, each, way, self._context) for each in counts))
        found = (
            (evidence_told(rows, completion, self._eos, sampling, filters, way[1]), n)
            for rows, (completion, n) in zip(told, counts.items(), strict=True)
        )
        return of_block(found)

    async def _known_way(self, block: Block, completion: Completion, wanted: int) -> Way:
        """The first way that the server knows."""
        for way in product((False, True), (wanted, *_FEWER)):
            try:
                await self._told(block, completion, way, self._context)
            except CannotScoreError:
                continue
            except RefusedError as error:
                if error.status in FINAL or error.status > 500 or error.is_unsound:
                    raise  # it says nothing about the way; 500 is what some answer to a field that they do not know
                continue
            return way
        raise self._cannot()

    async def _told(self, block: Block, completion: Completion, way: Way, context: int | None) -> Told:
        """The rows of a completion's tokens, without its end where that and one token more exceed the context."""
        ids = read_again(block.token_ids, completion, self._eos, context)
        n_written = len(read_again(block.token_ids, completion, self._eos, None))  # so many fitted in
        try:
            told = await self._endpoints.by_one(lambda each: _told_by(each, ids, way))
        except RefusedError as error:
            if len(ids) < n_written or not is_too_long(str(error), error.status):
                raise
            return await self._told(block, completion, way, n_written)
        if told is None:
            raise self._cannot()
        return told[len(block.token_ids) :]

    def _cannot(self) -> CannotScoreError:
        return CannotScoreError(
            f"{self._endpoints.url} cannot be audited: it tells no sound probabilities of a prompt's tokens, neither by "
            "prompt_logprobs nor by echo with logprobs"
        )


async def _told_by(endpoint: Endpoint, ids: Sequence[int], way: Way) -> Told | None:
    by_echo, kept = way
    body: dict[str, Any] = {
        "model": str(endpoint.card["id"]),
        "prompt": list(ids),
        "max_tokens": 1,
        "temperature": 1.0,
        "top_p": 1.0,
        "n": 1,
        **({"echo": True, "logprobs": kept} if by_echo else {"prompt_logprobs": kept}),
    }
    asked = endpoint.asked(ids, 1, len(ids) + 1, endpoint.can)  # some count what they echo

    def read(answer: dict[str, Any]) -> Told | None:
        checked(answer, asked)
        return told_by(answer, ids)

    return await endpoint.server.ask(
        "POST",
        "completions",
        body,
        read=read,
        most=_BYTES_AT_LEAST + _BYTES_PER_NUMBER * kept * len(ids),
    )


def told_by(answer: Mapping[str, Any], ids: Sequence[int]) -> Told | None:
    """Per token of ``ids`` the likeliest ones in its place and itself; None where the answer does not say.

    Of the first token nothing is known, nor where numbers are told that cannot be a law. Where names of tokens are told, not
    their ids, all but the token itself are numbered below zero: only their probabilities matter.
    """
    try:
        choice = answer["choices"][0]
        told = _by_id(choice, ids) if choice.get("prompt_logprobs") else _by_name(choice["logprobs"], ids)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return None
    told = [row if _is_law(row) else {} for row in told]
    is_telling = len(ids) == 1 or any(len(row) > 1 for row in told)  # of others than the tokens themselves
    return told if len(told) == len(ids) and is_telling else None


def _is_law(row: Mapping[int, float]) -> bool:
    """Whether log-probabilities of the likeliest tokens, and of one more perhaps, can be those of a law.

    Their sum is at most 1, and what is left of it others can have, of which none is likelier than the last of those.
    """
    if not all(math.isfinite(p) and p < _ROUNDING for p in row.values()):
        return False
    p = sorted(map(math.exp, row.values()), reverse=True)
    return len(p) < 2 or (sum(p) + VOCABULARY * p[-2] > 1 - _MISSING and sum(p) < 1 + _MISSING)


def _by_id(choice: Mapping[str, Any], ids: Sequence[int]) -> Told:
    rows = [
        {int(i): float(value["logprob"]) for i, value in row.items()} for row in choice["prompt_logprobs"][1:]
    ]
    return [{}, *({**row, token: row[token]} for token, row in zip(ids[1:], rows, strict=True))]


def _by_name(echo: Mapping[str, Any], ids: Sequence[int]) -> Told:
    """An answer to ``echo`` goes on with what the server wrote behind the prompt.

    A row is empty where some of the tokens are parts of a character: they have one name, so some may be missing.
    """
    told: list[Mapping[int, float]] = [{}]
    for token, p, top in zip(ids[1:], echo["token_logprobs"][1:], echo["top_logprobs"][1:], strict=False):
        if any("\ufffd" in name for name in top):
            told.append({})
            continue
        others = sorted(map(float, top.values()), reverse=True)
        if same := [value for value in others if abs(value - float(p)) < 1e-6]:
            others.remove(same[0])
        told.append({token: float(p), **{-1 - i: value for i, value in enumerate(others)}})
    return told
