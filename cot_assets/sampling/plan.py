"""The sampling plan: which blocks a partition consists of, in the order that an engine likes best, and their identity.

A block's key names everything that its completions depend on, so work finds itself again: a rerun
samples nothing twice, a larger n adds blocks, a changed template, budget or model reuses nothing.

Belongs here: from prefixes and a protocol to blocks, the hashes that decide what is the same work. Does not belong here: where the prefixes come from
(:mod:`cot_assets.sampling.cuts`) and which blocks are done already (:mod:`cot_assets.sampling.shards`).
"""

from __future__ import annotations

import hashlib
import json
from array import array
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Literal, overload

import numpy as np

from cot_assets.engines.base import Block, EngineInfo, Sampling
from cot_assets.study import BLOCK_SIZE, Protocol

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
    are in ``sampling_runs``. ``purpose`` keeps traces, candidate chunks and what only decides where to look
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


@dataclass(frozen=True, slots=True)
class Prefix:
    """A prompt with the tokens of a trace up to a cut; ``n_prompt`` of the ids are the prompt's.

    The prefixes of a trace share its ids, ``whole``; the first ``end`` of them are the prefix, all if nothing is said.
    """

    problem_id: str
    whole: Sequence[int] | np.ndarray = field(repr=False, compare=False)
    n_prompt: int
    end: int = -1
    prefix_id: str = field(init=False)  #: hash of the token ids

    def __post_init__(self) -> None:
        whole = np.asarray(self.whole, np.int32)
        end = len(whole) if self.end < 0 else self.end
        object.__setattr__(self, "whole", whole)
        object.__setattr__(self, "end", end)
        object.__setattr__(self, "prefix_id", prefix_id(whole[:end]))

    @property
    def token_ids(self) -> tuple[int, ...]:
        """Of prompt and prefix."""
        return tuple(np.asarray(self.whole)[: self.end].tolist())

    @property
    def prompt(self) -> tuple[int, ...]:
        """Token ids of the prompt alone."""
        return tuple(np.asarray(self.whole)[: self.n_prompt].tolist())


@dataclass(frozen=True, slots=True)
class PlannedBlock:
    """A block with what its rows in tables need: ``first_sample`` is the sample index of its first row."""

    key: str
    prefix: Prefix
    n: int
    max_new_tokens: int
    first_sample: int

    @property
    def block(self) -> Block:
        """What an engine is asked for: made with the token ids only then."""
        return Block(self.key, self.prefix.token_ids, self.n, self.max_new_tokens, block_seed(self.key))


class Plan(Sequence[PlannedBlock]):
    """Blocks that are made whenever they are looked at: a million of them take no more room than their prefixes."""

    def __init__(
        self, prefixes: Sequence[Prefix], n: Iterable[int], block: Callable[[Prefix, int], PlannedBlock]
    ) -> None:
        """``n`` says how many blocks each prefix has, ``block`` makes one of them."""
        self._prefixes, self._block = prefixes, block
        self._ends = array("q", accumulate(n))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> PlannedBlock: ...
    @overload
    def __getitem__(self, index: slice) -> list[PlannedBlock]: ...
    def __getitem__(self, index: int | slice) -> PlannedBlock | list[PlannedBlock]:
        numbers = range(len(self))[index]
        if isinstance(numbers, range):
            return [self[i] for i in numbers]
        place = bisect_right(self._ends, numbers)
        return self._block(self._prefixes[place], numbers - (self._ends[place - 1] if place else 0))


def sampling_of(protocol: Protocol) -> Sampling:
    """The sampling parameters of a protocol."""
    rules = protocol.sampling
    return Sampling(rules.temperature, rules.top_p, rules.top_k, rules.min_p)


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
    budget = _budget(prefix, protocol)
    budget = budget if most_tokens is None else min(budget, most_tokens)
    budget, seed = info.room(prefix.end, budget), protocol.sampling.seed
    key = block_key(info, prefix.prefix_id, sampling_of(protocol), budget, index, purpose=purpose, seed=seed)
    return PlannedBlock(key, prefix, size, budget, index * size)


def _budget(prefix: Prefix, protocol: Protocol) -> int:
    budget = protocol.sampling.max_tokens - (prefix.end - prefix.n_prompt)
    if budget < 1:
        raise ValueError(
            f"problem {prefix.problem_id!r}: the prefix has used up max_tokens = {protocol.sampling.max_tokens}; "
            "raise it in protocols.toml"
        )
    return budget


def cut_by_context(plan: Iterable[PlannedBlock], info: EngineInfo) -> set[str]:
    """prefix_id of the blocks whose budget is what the model's context leaves."""
    return {
        p.prefix.prefix_id
        for p in plan
        if info.context is not None and p.prefix.end + p.max_new_tokens >= info.context
    }


def plan_rollouts(
    prefixes: Iterable[Prefix],
    protocol: Protocol,
    info: EngineInfo,
    *,
    n: Mapping[str, int] | None = None,
    purpose: Purpose = "rollout",
) -> Plan:
    """Blocks for the protocol's rollouts of every distinct prefix, or for ``n`` by prefix_id.

    Sorted by token ids, so that a prefix is followed by those that continue it and the engine's prefix
    cache holds what comes next.

    Raises:
        ValueError: A prefix has used up the budget.
    """
    rules = protocol.sampling
    size = min(BLOCK_SIZE, rules.n)  # a greedy protocol asks for one
    ordered = _by_tokens({prefix.prefix_id: prefix for prefix in prefixes}.values())
    for prefix in ordered:
        _budget(prefix, protocol)

    def asked(prefix: Prefix) -> int:
        if n is not None:
            return n[prefix.prefix_id]
        return rules.n if prefix.end > prefix.n_prompt else rules.n_bare

    return Plan(
        ordered,
        (asked(prefix) // size for prefix in ordered),
        lambda prefix, index: plan_block(prefix, index, size, protocol, info, purpose),
    )


def _by_tokens(prefixes: Collection[Prefix]) -> list[Prefix]:
    """Prefixes sorted by token ids, of which only those of whole traces are compared.

    A prefix comes before all that begin with it and after all that are less, so its place is that of the first such
    trace; the prefixes of one place are beginnings of one another.
    """
    wholes = list({id(p.whole): np.asarray(p.whole) for p in prefixes}.values())
    wholes.sort(key=lambda ids: ids.astype(">u4").tobytes())
    places = {id(whole): place for place, whole in enumerate(wholes)}
    shared = [-1]  # ids at the beginning that a trace has in common with the one before
    for one, other in pairwise(wholes):
        n = min(len(one), len(other))
        differing = np.flatnonzero(one[:n] != other[:n])
        shared.append(int(differing[0]) if len(differing) else n)

    def place(prefix: Prefix) -> tuple[int, int]:
        at = places[id(prefix.whole)]
        while shared[at] >= prefix.end:
            at -= 1
        return at, prefix.end

    return sorted(prefixes, key=place)


def plan_traces(prompts: Iterable[Prefix], protocol: Protocol, info: EngineInfo) -> list[PlannedBlock]:
    """Blocks of one trace each, so that a further trace per problem adds a block."""
    return [
        plan_block(prompt, index, 1, protocol, info, "trace")
        for prompt in prompts
        for index in range(protocol.sampling.traces_per_problem)
    ]
