"""Identity: prefixes, blocks and their seeds.

Belongs here: the hashes that decide what is the same work and what is not. Does not belong here: which
blocks a partition needs (:mod:`cot_assets.sampling.plan`).

A block's key names everything that its completions depend on, so work finds itself again: a rerun
samples nothing twice, a larger n adds blocks, a changed template, budget or model reuses nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from cot_assets.engines.base import EngineInfo, Sampling

Purpose = Literal["rollout", "trace", "chunk", "exploration"]


def prefix_id(token_ids: Sequence[int] | np.ndarray) -> str:
    """Hash of prompt and prefix token ids: 32 hex digits."""
    return hashlib.sha256(np.asarray(token_ids, dtype="<i8").tobytes()).hexdigest()[:32]


def prefix_ids(prompt: Sequence[int], token_ids: Sequence[int], positions: Iterable[int]) -> list[str]:
    """:func:`prefix_id` of the prompt with the first tokens of a trace, for ascending numbers of tokens."""
    state = hashlib.sha256(np.asarray(prompt, dtype="<i8").tobytes())
    tokens, done = np.asarray(token_ids, dtype="<i8"), 0
    ids: list[str] = []
    for position in positions:
        state.update(tokens[done:position].tobytes())
        done = position
        ids.append(state.hexdigest()[:32])
    return ids


def block_key(
    info: EngineInfo,
    prefix: str,
    sampling: Sampling,
    max_new_tokens: int,
    index: int,
    *,
    purpose: Purpose,
    seed: int,
) -> str:
    """Identity of block ``index`` of a prefix: 32 hex digits.

    The engine's version and device are left out: an upgrade does not discard what was sampled; both
    stand in ``sampling_runs``. ``purpose`` keeps traces, candidate chunks and what only decides where to look
    apart from rollouts of the same prefix, which must be independent of them. What traveled as text is kept
    apart from what was exact.
    """
    identity = (
        purpose, info.model_revision, info.engine, info.dtype, info.quantization, prefix,
        sampling.temperature, sampling.top_p, max_new_tokens, index, seed,
        *(("retokenised",) if info.is_retokenized else ()),
        *((info.settings,) if info.settings else ()),
        *((("top_k", sampling.top_k),) if sampling.top_k else ()),
        *((("min_p", sampling.min_p),) if sampling.min_p else ()),
    )  # fmt: skip
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]


def block_seed(key: str) -> int:
    """64-bit seed of a block: a hash of its key, so seeds of different blocks are unrelated."""
    return int.from_bytes(hashlib.sha256(f"seed {key}".encode()).digest()[:8], "big")
