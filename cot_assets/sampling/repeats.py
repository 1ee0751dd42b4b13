"""Blocks that repeat another one: evidence that is counted twice, which must not be kept.

Belongs here: telling a repeat from chance. Does not belong here: the identity of blocks
(:mod:`cot_assets.sampling.blocks`), which keeps a block from being sampled twice.

Where the seeds of blocks do not decide what is drawn, two blocks of a prefix can hold the same draws: a server
that takes no seeds was started again with the seed that it had before, or something between answers from
a cache. Equal blocks alone prove nothing, since a prefix that leaves little open gives the same completions
again and again. But if block A holds the completion x c_x times in n, then, whatever the law p of a completion,

    P(block B equals A in every sample) = prod_x p(x)^c_x <= prod_x (c_x / n)^c_x,

the largest likelihood that any law gives the counts. Only where this is below ``LEVEL`` is B called a repeat.

What this cannot see: blocks of one completion (traces) and blocks of nearly equal ones, for which the bound is
near 1; and a server whose generator starts again while the requests around a block are others than before:
its draws are then related, not equal.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

from cot_assets.engines.base import EngineError
from cot_assets.sampling.plan import PlannedBlock
from cot_assets.sampling.shards import ShardStore

LEVEL = -12.0  #: log10 of the highest chance that a repeat may have to be called one

Completions = Sequence[Sequence[int]]


def log10_chance(completions: Sequence[Hashable]) -> float:
    """Upper bound of log10 P(n further draws are these, in this order), whatever law they are drawn from."""
    n = len(completions)
    return sum(count * math.log10(count / n) for count in Counter(completions).values())


class Repeats:
    """The blocks of a store by what they hold, for the prefixes that are to be sampled."""

    def __init__(self, store: ShardStore, planned: Iterable[PlannedBlock]) -> None:
        """Read what the store holds of these prefixes."""
        self._seen: dict[tuple[str, bytes], str] = {}
        for prefix, key, completions in store.completions({p.prefix.prefix_id for p in planned}):
            self._seen.setdefault((prefix, _digest(completions)), key)

    def check(self, planned: PlannedBlock, completions: Completions) -> None:
        """Take note of a block; raises :class:`EngineError` where it repeats another one of its prefix."""
        found = (planned.prefix.prefix_id, _digest(completions))
        earlier = self._seen.setdefault(found, planned.block.key)
        distinct = [tuple(c) for c in completions]
        if earlier == planned.block.key or (chance := log10_chance(distinct)) >= LEVEL:
            return
        raise EngineError(
            f"block {planned.block.key} of problem {planned.prefix.problem_id!r} is block {earlier} over again: "
            f"the same {len(distinct)} completions, {len(set(distinct))} of them distinct, token by token (by "
            f"chance at most 1 in 10^{-chance:.0f}). Its draws do not follow its seed: was the server started "
            "again with the --seed that it had before, or does a cache answer in its place? The block is not "
            "kept. Start the server with a fresh --seed, then run again. Blocks that it finished since its last "
            "start may be related to older ones"
        )


def _digest(completions: Completions) -> bytes:
    return hashlib.sha256(repr([tuple(c) for c in completions]).encode()).digest()
