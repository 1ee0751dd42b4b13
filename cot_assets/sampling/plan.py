"""The sampling plan: which blocks a partition consists of, in the order that an engine likes best.

Belongs here: from prefixes and a protocol to blocks. Does not belong here: where the prefixes come from
(:mod:`cot_assets.sampling.cuts`) and which blocks are done already (:mod:`cot_assets.sampling.shards`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cot_assets.engines.base import Block, EngineInfo, Sampling
from cot_assets.sampling.blocks import Purpose, block_key, block_seed, prefix_id
from cot_assets.study import BLOCK_SIZE, Protocol


@dataclass(frozen=True, slots=True)
class Prefix:
    """A prompt with the tokens of a trace up to a cut; ``n_prompt`` of the ids are the prompt's."""

    problem_id: str
    token_ids: tuple[int, ...]
    n_prompt: int
    prefix_id: str = field(init=False, repr=False, compare=False)  #: hash of the token ids

    def __post_init__(self) -> None:
        object.__setattr__(self, "prefix_id", prefix_id(self.token_ids))


@dataclass(frozen=True, slots=True)
class PlannedBlock:
    """A block with what its rows in tables need: ``first_sample`` is the sample index of its first row."""

    block: Block
    prefix: Prefix
    first_sample: int


def sampling_of(protocol: Protocol) -> Sampling:
    """The sampling parameters of a protocol."""
    return Sampling(
        protocol.sampling.temperature,
        protocol.sampling.top_p,
        protocol.sampling.top_k,
        protocol.sampling.min_p,
    )


def plan_block(
    prefix: Prefix,
    index: int,
    size: int,
    protocol: Protocol,
    info: EngineInfo,
    purpose: Purpose,
    most_tokens: int | None = None,
) -> PlannedBlock:
    """Block ``index`` of a prefix, of ``size`` completions.

    They get what the prefix leaves of the protocol's token budget and of the model's context, or
    ``most_tokens`` where that is less.

    Raises:
        ValueError: The prefix has used up the budget.
    """
    budget = protocol.sampling.max_tokens - (len(prefix.token_ids) - prefix.n_prompt)
    if budget < 1:
        raise ValueError(
            f"problem {prefix.problem_id!r}: the prefix has used up max_tokens = {protocol.sampling.max_tokens}; "
            "raise it in protocols.toml"
        )
    budget = budget if most_tokens is None else min(budget, most_tokens)
    budget = info.room(len(prefix.token_ids), budget)
    key = block_key(
        info,
        prefix.prefix_id,
        sampling_of(protocol),
        budget,
        index,
        purpose=purpose,
        seed=protocol.sampling.seed,
    )
    return PlannedBlock(Block(key, prefix.token_ids, size, budget, block_seed(key)), prefix, index * size)


def cut_by_context(plan: Iterable[PlannedBlock], info: EngineInfo) -> set[str]:
    """prefix_id of the blocks whose budget is what the model's context leaves."""
    return {
        p.prefix.prefix_id
        for p in plan
        if info.context is not None and len(p.block.token_ids) + p.block.max_new_tokens >= info.context
    }


def plan_rollouts(
    prefixes: Iterable[Prefix],
    protocol: Protocol,
    info: EngineInfo,
    *,
    n: Mapping[str, int] | None = None,
    purpose: Purpose = "rollout",
) -> list[PlannedBlock]:
    """Blocks for ``protocol.sampling.n`` rollouts of every distinct prefix, or for ``n`` by prefix_id.

    Sorted by token ids, so that a prefix is followed by those that continue it and the engine's prefix
    cache holds what comes next.
    """
    size = min(BLOCK_SIZE, protocol.sampling.n)  # a greedy protocol asks for one
    distinct = {prefix.token_ids: prefix for prefix in prefixes}
    return [
        plan_block(distinct[ids], index, size, protocol, info, purpose)
        for ids in sorted(distinct)
        for index in range((protocol.sampling.n if n is None else n[distinct[ids].prefix_id]) // size)
    ]


def plan_traces(prompts: Iterable[Prefix], protocol: Protocol, info: EngineInfo) -> list[PlannedBlock]:
    """Blocks of one trace each, so that a further trace per problem adds a block."""
    return [
        plan_block(prompt, index, 1, protocol, info, "trace")
        for prompt in prompts
        for index in range(protocol.sampling.traces_per_problem)
    ]
