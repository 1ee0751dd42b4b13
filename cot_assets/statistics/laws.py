"""Laws of tokens: what another pass of a model gives the likeliest of them, all others, and the one that followed.

Belongs here: laws of logits, and of what servers tell. Does not belong here: what a text says of them
(:mod:`cot_assets.statistics.surprise`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

KEPT = 64  #: likeliest tokens that are told apart; all others are one outcome, which keeps the test exact
_GROUP = 64  #: tokens whose likeliest is found at once
_LEAST = 1e-6  #: least probability of all tokens that a server does not tell of: it tells the others rounded
VOCABULARY = 1 << 20  #: more tokens than any model has


@dataclass(frozen=True, slots=True)
class Laws:
    """A law per token: log-probabilities of the k likeliest, falling, of all others together, and of the one chosen.

    ``log_p`` is (tokens, k); ``log_rest`` is -inf where there are no others, and the most that it can be unless
    ``is_exact``.
    """

    log_p: Floats
    log_rest: Floats
    chosen: Floats
    is_exact: bool = True


def laws_of_logits(
    logits: NDArray[np.floating], tokens: Sequence[int], temperature: float, kept: int = KEPT
) -> Laws:
    """The laws of rows of logits at a temperature, and what they give the tokens that followed."""
    rows = np.asarray(logits, np.float32)
    likeliest = np.empty((len(tokens), min(kept, rows.shape[-1])))
    others, chosen = np.empty(len(tokens)), np.empty(len(tokens))
    for index, (row, token) in enumerate(zip(rows, tokens, strict=True)):  # a row fits the processor's cache
        below = (row - row.max()) / np.float32(temperature or 1.0)
        chosen[index] = below[token]
        likeliest[index], others[index] = _parted(below, likeliest.shape[1])
    log_rest = np.log(others, where=others > 0, out=np.full(len(tokens), -np.inf))
    log_sum = np.logaddexp(np.logaddexp.reduce(likeliest, axis=-1), log_rest)
    return Laws(likeliest - log_sum[:, None], log_rest - log_sum, chosen - log_sum)


def _parted(below: NDArray[np.float32], kept: int) -> tuple[NDArray[np.float32], float]:
    """The ``kept`` largest, falling, and the sum of exp of all others; writes into its argument.

    Those are all in the ``kept`` groups of :data:`_GROUP` with the largest maxima; to order all takes four times as long.
    """
    n_groups, others = len(below) // _GROUP, 0.0
    if n_groups > kept:
        groups, tail = below[: n_groups * _GROUP].reshape(-1, _GROUP), below[n_groups * _GROUP :]
        nearest = np.argpartition(groups.max(-1), -kept)[-kept:]
        below = np.concatenate([groups[nearest].ravel(), tail])
        groups[nearest] = -np.inf
        others = np.exp(groups, out=groups).sum(dtype=np.float64)
    below = np.sort(below)[::-1]
    return below[:kept], others + np.exp(below[kept:]).sum(dtype=np.float64)


def laws_of_top(
    told: Sequence[Mapping[int, float]], tokens: Sequence[int], temperature: float, kept: int
) -> Laws:
    """The same from log-probabilities at temperature 1 of each row's likeliest tokens, as servers tell them.

    ``told`` holds the ``kept`` likeliest tokens and the one that followed; fewer where a server tells fewer. Of the
    others only their sum is known. At another temperature they have most if they are as likely as the last one that is
    told (below 1) or all alike (above).
    """
    fewest = min(map(len, told), default=kept)
    kept = kept if fewest >= kept else fewest - 1  # one of so few may be told for having followed
    rows = np.array([sorted(row.values(), reverse=True)[:kept] for row in told], np.float64)
    chosen = np.array([row[token] for row, token in zip(told, tokens, strict=True)], np.float64)
    rows, power = rows.reshape(len(chosen), kept), 1.0 / (temperature or 1.0)
    log_rest = np.log((1.0 - np.exp(rows).sum(-1)).clip(_LEAST))
    log_rest = np.maximum(
        log_rest + (power - 1.0) * rows[:, -1], power * log_rest + (1.0 - power) * math.log(VOCABULARY)
    )
    rows, chosen = power * rows, power * chosen
    log_sum = np.logaddexp(np.logaddexp.reduce(rows, axis=-1), log_rest)
    return Laws(rows - log_sum[:, None], log_rest - log_sum, chosen - log_sum, is_exact=power == 1.0)
