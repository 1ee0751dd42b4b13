"""What a server's second pass says of completions that it wrote: their tokens sent back as a prompt.

vLLM and those that follow it take ``prompt_logprobs``, which also skips what is in vLLM's prefix cache; others have
the older ``echo`` with ``logprobs``. Elsewhere nothing can be audited, and the engine says so.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial, reduce
from operator import add
from typing import Any

from cot_assets.engines.base import Block, CannotScoreError, Completion, Sampling
from cot_assets.engines.openai.connection import RefusedError
from cot_assets.engines.openai.endpoint import Endpoint
from cot_assets.engines.openai.endpoints import Endpoints
from cot_assets.engines.samples import evidence_told, told_apart
from cot_assets.statistics.surprise import NO_EVIDENCE, Evidence, Filters

Told = Sequence[Mapping[int, float]]
_BYTES_AT_LEAST, _BYTES_PER_NUMBER = 1 << 20, 200  #: most that an answer may have
_ROUNDING = 1e-3  #: above 0, that a log-probability may be
_FEWER = (20, 5)  #: likeliest tokens that servers tell who do not tell as many as are wanted


class Reader:
    """A server that reads what it wrote, or another of the same model."""

    def __init__(self, endpoints: Endpoints, eos: Sequence[int]) -> None:
        self._endpoints, self._eos = endpoints, eos
        self._ways: list[tuple[bool, int]] = []

    async def evidence(
        self, block: Block, completions: Sequence[Completion], sampling: Sampling, filters: Filters
    ) -> Evidence:
        """Evidence on a block, equal completions read once.

        Raises :class:`CannotScoreError` where the server does not tell probabilities of a prompt.
        """
        if not self._ways:
            kept = told_apart(sampling)
            self._ways = [(by_echo, n) for by_echo in (False, True) for n in (kept, *_FEWER)]
        counts = Counter(completions)
        told = [await self._told(block, next(iter(counts)))]  # the first finds out which way the server knows
        told += await asyncio.gather(*(self._told(block, c) for c in list(counts)[1:]))
        found = (
            evidence_told(rows, completion, self._eos, sampling, filters, self._ways[0][1]).times(n)
            for rows, (completion, n) in zip(told, counts.items(), strict=True)
        )
        return reduce(add, found, NO_EVIDENCE)

    async def _told(self, block: Block, completion: Completion) -> Told:
        """The rows of a completion's tokens, in the first way that the server knows; others are forgotten."""
        end = self._eos[:1] if completion.finish_reason == "stop" else ()
        ids = [*block.token_ids, *completion.token_ids, *end]
        while self._ways:
            by_echo, kept = self._ways[0]
            try:
                told = await self._endpoints.by_one(partial(_told_by, ids=ids, kept=kept, by_echo=by_echo))
            except RefusedError:
                told = None
            if told is not None:
                return told[len(block.token_ids) :]
            self._ways.pop(0)
        raise CannotScoreError(
            f"{self._endpoints.url} cannot be audited: it tells no probabilities of a prompt's tokens, neither by "
            "prompt_logprobs nor by echo with logprobs"
        )


async def _told_by(endpoint: Endpoint, *, ids: Sequence[int], kept: int, by_echo: bool) -> Told | None:
    return await endpoint.server.ask(
        "POST",
        "completions",
        _request(str(endpoint.card["id"]), ids, kept, by_echo=by_echo),
        read=lambda answer: told_by(answer, ids),
        most=_BYTES_AT_LEAST + _BYTES_PER_NUMBER * kept * len(ids),
    )


def _request(model: str, ids: Sequence[int], kept: int, *, by_echo: bool) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": model,
        "prompt": list(ids),
        "max_tokens": 1,
        "temperature": 1.0,
        "top_p": 1.0,
        "n": 1,
    }
    return body | ({"echo": True, "logprobs": kept} if by_echo else {"prompt_logprobs": kept})


def told_by(answer: Mapping[str, Any], ids: Sequence[int]) -> Told | None:
    """Per token of ``ids`` the likeliest ones in its place and itself; None where the answer does not say.

    Of the first token nothing is known. Where names of tokens are told, not their ids, all but the token itself
    are numbered below zero: only their probabilities matter.
    """
    try:
        choice = answer["choices"][0]
        told = _by_id(choice, ids) if choice.get("prompt_logprobs") else _by_name(choice["logprobs"], ids)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return None
    is_sound = all(math.isfinite(p) and p < _ROUNDING for row in told for p in row.values())
    return told if len(told) == len(ids) and is_sound else None


def _by_id(choice: Mapping[str, Any], ids: Sequence[int]) -> Told:
    rows = [
        {int(i): float(value["logprob"]) for i, value in row.items()} for row in choice["prompt_logprobs"][1:]
    ]
    return [{}, *({**row, token: row[token]} for token, row in zip(ids[1:], rows, strict=True))]


def _by_name(echo: Mapping[str, Any], ids: Sequence[int]) -> Told:
    """An answer to ``echo`` goes on with what the server wrote behind the prompt."""
    told: list[Mapping[int, float]] = [{}]
    for token, p, top in zip(ids[1:], echo["token_logprobs"][1:], echo["top_logprobs"][1:], strict=False):
        others = sorted(map(float, top.values()), reverse=True)
        if same := [value for value in others if abs(value - float(p)) < 1e-6]:
            others.remove(same[0])
        told.append({token: float(p), **{-1 - i: value for i, value in enumerate(others)}})
    return told
