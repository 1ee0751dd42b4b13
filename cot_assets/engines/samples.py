"""What engines that take one request per sample, or hand on requests to others, share.

Belongs here: seeds of samples, the completion in what an engine generated. Does not belong here: any
engine's own requests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence

from cot_assets.engines.base import Block, BlockResult, Completion, FinishReason

#: Words of servers for the two ends that there are, and for one that is none of the model's doing.
_ENDS: dict[str, FinishReason] = {
    "stop": "stop", "eos": "stop", "eos_token": "stop", "stop_sequence": "stop", "stop_token": "stop",
    "end_turn": "stop", "end_of_text": "stop",
    "length": "length", "max_tokens": "length", "max_length": "length", "model_length": "length",
    "content_filter": "content_filter",
}  # fmt: skip


def sample_seed(block: Block, index: int = 0) -> int:
    """Seed of sample ``index`` of a block: 62 bits of a hash of the block's seed and the index.

    Hashed, since engines that number samples ``seed, seed + 1, ...`` would share samples between blocks
    with neighboring seeds; 62 bits leave room for such numbers below the largest signed integer.
    """
    digest = hashlib.sha256(f"{block.seed} {index}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 2


def completion_of(token_ids: Sequence[int], finish_reason: str | None, eos: Collection[int]) -> Completion:
    """The completion, an EOS at its end taken off; a reason without a known meaning becomes ``unknown``."""
    ids = tuple(token_ids)
    if ids and ids[-1] in eos:
        return Completion(ids[:-1], "stop")
    return Completion(ids, _ENDS.get((finish_reason or "").lower(), "unknown"))


def nothing_left(block: Block) -> BlockResult:
    """The result of a block whose prefix fills the context: empty completions, ended by their length."""
    return BlockResult(block, (Completion((), "length"),) * block.n, 0, None, 0)
