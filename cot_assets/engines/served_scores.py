"""What a server's second pass says of completions that it wrote: their tokens sent back as a prompt.

vLLM and those that follow it take ``prompt_logprobs``, which also skips what is in vLLM's prefix cache; others have
the older ``echo`` with ``logprobs``. Elsewhere nothing can be audited, and the engine says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Told = list[Mapping[int, float]]


def request(model: str, ids: Sequence[int], kept: int, *, by_echo: bool) -> dict[str, Any]:
    """The body of a request that has ``ids`` read; servers limit ``kept``, so fewer may be asked for."""
    body: dict[str, Any] = {
        "model": model,
        "prompt": list(ids),
        "max_tokens": 1,
        "temperature": 1.0,
        "top_p": 1.0,
        "n": 1,
    }
    return body | ({"echo": True, "logprobs": kept} if by_echo else {"prompt_logprobs": kept})


def told_by(choice: Mapping[str, Any], ids: Sequence[int]) -> Told | None:
    """Per token of ``ids`` the likeliest ones in its place and itself; None where the answer does not say.

    Of the first token nothing is known. Where names of tokens are told, not their ids, all but the token itself
    are numbered below zero: only their probabilities matter.
    """
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
