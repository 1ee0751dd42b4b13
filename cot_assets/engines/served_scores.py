"""What a server's second pass says of completions that it wrote: their tokens sent back as a prompt.

vLLM and those that follow it take ``prompt_logprobs``, which also skips what is in vLLM's prefix cache; others have
the older ``echo`` with ``logprobs``. Elsewhere nothing can be audited, and the engine says so.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any

from cot_assets.engines.base import Block, CannotScoreError, Completion, Sampling
from cot_assets.engines.samples import evidence_told, told_apart
from cot_assets.engines.served import RefusedError, Server
from cot_assets.statistics.surprise import NO_EVIDENCE, Evidence, Filters

Told = Sequence[Mapping[int, float]]
_BYTES_AT_LEAST, _BYTES_PER_NUMBER = 1 << 20, 200  #: most that an answer may have
_FEWER = (20, 5)  #: likeliest tokens that servers tell who do not tell as many as are wanted


class Reader:
    """A server that reads what it wrote."""

    def __init__(self, server: Server, model: str, eos: Sequence[int]) -> None:
        self._server, self._model, self._eos = server, model, eos
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
            body = _request(self._model, ids, kept, by_echo=by_echo)
            try:
                told = await self._server.ask(
                    "POST",
                    "completions",
                    body,
                    read=lambda answer: told_by(answer, ids),
                    most=_BYTES_AT_LEAST + _BYTES_PER_NUMBER * kept * len(ids),
                )
            except RefusedError:
                told = None
            if told is not None:
                return told[len(block.token_ids) :]
            self._ways.pop(0)
        raise CannotScoreError(
            f"{self._server.url} cannot be audited: it tells no probabilities of a prompt's tokens, neither by "
            "prompt_logprobs nor by echo with logprobs"
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
    choices = answer.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, Mapping):
        return None
    rows = choice.get("prompt_logprobs")
    if isinstance(rows, list) and len(rows) == len(ids):
        told = [{int(i): float(value["logprob"]) for i, value in (row or {}).items()} for row in rows]
        return told if all(token in row for token, row in zip(ids[1:], told[1:], strict=True)) else None
    echo = choice.get("logprobs")
    if not isinstance(echo, Mapping):
        return None
    chosen, top = echo.get("token_logprobs"), echo.get("top_logprobs")
    if not isinstance(chosen, list) or not isinstance(top, list) or min(len(chosen), len(top)) < len(ids):
        return None
    if any(
        value is None or not row for value, row in zip(chosen[1 : len(ids)], top[1 : len(ids)], strict=True)
    ):
        return None
    return [
        {},
        *(_row(token, float(p), row) for token, p, row in zip(ids[1:], chosen[1:], top[1:], strict=False)),
    ]


def _row(token: int, log_p: float, top: Mapping[str, float]) -> Mapping[int, float]:
    others = sorted(map(float, top.values()), reverse=True)
    if same := [value for value in others if abs(value - log_p) < 1e-6]:
        others.remove(same[0])
    return {token: log_p, **{-1 - i: value for i, value in enumerate(others)}}
