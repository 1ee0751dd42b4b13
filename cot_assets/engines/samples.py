"""What engines that take one request per sample, or hand on requests to others, share.

Belongs here: seeds of samples, the completion in what an engine generated. Does not belong here: any
engine's own requests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence

from cot_assets.engines.base import Block, Completion, EngineError


def sample_seed(block: Block, index: int = 0) -> int:
    """Seed of sample ``index`` of a block: 62 bits of a hash of the block's seed and the index.

    Hashed, since engines that number samples ``seed, seed + 1, ...`` would share samples between blocks
    with neighboring seeds; 62 bits leave room for such numbers below the largest signed integer.
    """
    digest = hashlib.sha256(f"{block.seed} {index}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 2


def completion_of(token_ids: Sequence[int], finish_reason: str | None, eos: Collection[int]) -> Completion:
    """The completion, an EOS at its end taken off; raises :class:`EngineError` for any other end."""
    ids = tuple(token_ids)
    if ids and ids[-1] in eos:
        return Completion(ids[:-1], "stop")
    if finish_reason == "length":
        return Completion(ids, "length")
    if finish_reason == "stop":
        return Completion(ids, "stop")
    raise EngineError(f"a completion ended with {finish_reason!r}, neither stop nor length")
