"""What engines that take one request per sample, or hand on requests to others, share.

Belongs here: seeds of samples, the completion in what an engine generated. Does not belong here: any
engine's own requests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from cot_assets.engines.base import Block, BlockResult, Completion, FinishReason, Sampling
from cot_assets.statistics.laws import KEPT, laws_of_top
from cot_assets.statistics.surprise import SLACK, SLACK_COARSE, Evidence, Filters, evidence

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
    """The completion, which ends before its first EOS; a reason without a known meaning becomes ``unknown``."""
    ids = tuple(token_ids)
    own_end = next((i for i, token in enumerate(ids) if token in eos), None)
    if own_end is not None:
        return Completion(ids[:own_end], "stop")
    return Completion(ids, _ENDS.get((finish_reason or "").lower(), "unknown"))


def is_end(word: str) -> bool:
    """Whether a server's word is one for an end that is known, or the name of a special token."""
    return word.lower() in _ENDS or (word.startswith("<") and word.endswith(">"))


def filters_of(sampling: Sampling, dtype: str, *, is_nucleus_first: bool) -> Filters:
    """What sampling leaves of a law, with slack for the rounding of a number format."""
    return Filters(
        sampling.top_p,
        sampling.top_k,
        sampling.min_p,
        is_greedy=sampling.is_greedy,
        is_nucleus_first=is_nucleus_first,
        slack=(SLACK if dtype in ("f32", "float32") else SLACK_COARSE) / (sampling.temperature or 1.0),
    )


def told_apart(sampling: Sampling) -> int:
    """How many of the likeliest tokens an audit tells apart: at least as many as are sampled from."""
    return max(KEPT, sampling.top_k)


def evidence_told(
    told: Sequence[Mapping[int, float]],
    completion: Completion,
    eos: Sequence[int],
    sampling: Sampling,
    filters: Filters,
    kept: int | None = None,
) -> Evidence:
    """Evidence on a completion from the ``kept`` likeliest tokens at each of its places, the one behind it included.

    ``told`` may be shorter, as a text that fills the context is read without its end; places of which no other token is
    told are not judged.
    """
    tokens = list(completion.token_ids)
    if completion.finish_reason == "stop" and len(told) > len(tokens):
        tokens.append(max(eos, key=lambda token: told[len(tokens)].get(token, float("-inf"))))
    known = [(row, token) for row, token in zip(told, tokens, strict=False) if len(row) > 1]
    rows, tokens = [row for row, _ in known], [token for _, token in known]
    found = evidence(laws_of_top(rows, tokens, sampling.temperature, kept or told_apart(sampling)), filters)
    return replace(found, n_tokens=len(completion.token_ids) + (completion.finish_reason == "stop"))


def read_again(
    prefix: Sequence[int], completion: Completion, eos: Sequence[int], context: int | None
) -> list[int]:
    """The tokens that a second pass reads: prefix, completion, the EOS that ended it, and room for one more."""
    end = eos[:1] if completion.finish_reason == "stop" else ()
    return [*prefix, *completion.token_ids, *end][: None if context is None else context - 1]


def nothing_left(block: Block) -> BlockResult:
    """The result of a block whose prefix fills the context: empty completions, ended by their length."""
    return BlockResult(block, (Completion((), "length"),) * block.n, 0, None, 0)
