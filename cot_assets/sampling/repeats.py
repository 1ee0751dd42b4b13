"""Blocks that repeat another one: evidence that is counted twice, which must not be kept.

Belongs here: telling a repeat from chance. Does not belong here: the identity of blocks
(:mod:`cot_assets.sampling.plan`), which keeps a block from being sampled twice, and servers that give one text
again and again (:mod:`cot_assets.engines.openai.variety`).

Two blocks of a prefix can hold the same draws: a server that takes no seeds was started again with the seed that
it had before, something between answers from a cache, an engine numbers the samples of a request from its seed. Equal
completions alone prove nothing, since a prefix that leaves little open gives the same ones again and again. Two
rules hold for any law p of a completion.

*In order.* Let block B agree with an earlier block A, moved by some shift, at h of the positions where they
overlap, and let x be among these completions c_x times. Given A,

    P(B agrees there) = prod_x p(x)^c_x <= prod_x (c_x / h)^c_x,

the largest likelihood that any law gives the counts; times the ways to choose h positions of the overlap, times the
number of shifts. Only where this is below ``LEVEL`` is B called a repeat. It holds for any law of A, so
blocks of other prefixes are looked at as well, the last ``RECENT`` of a run: an answer can be that to another request.

*In any order.* If all completions of a prefix are draws of one law, those of B are a random choice among them. Pairs
of equal completions of which B holds one and earlier blocks the other are then as many as chance makes them; a repeat
has nearly all pairs so. With P the exact probability of as many, 1 / (2 sqrt(P)) is an e-value: its mean is at most 1
where nothing repeats, and so is that of their product over the blocks of a run. By Ville's inequality it ever exceeds
``EVIDENCE`` with a probability of at most 1 / ``EVIDENCE``.

What this cannot see: blocks of one completion (traces), blocks of nearly equal ones, and related draws of which none
are equal.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque
from collections.abc import Hashable, Iterable, Sequence

from cot_assets.engines.base import EngineError
from cot_assets.sampling.plan import PlannedBlock
from cot_assets.sampling.shards import ShardStore

LEVEL = -12.0  #: log10 of the highest chance that a repeat in order may have to be called one
LEVEL_ELSEWHERE = -15.0  #: the same, where the earlier block is any of ``RECENT``
RECENT = 1024  #: blocks of a run, of any prefix, that a later one is compared with
#: Distinct completions that two blocks of 16 have in common at least where the chance is that small.
_SHARED = 8
EVIDENCE = 6.0  #: log10 of the evidence from which the blocks of a run are called repeats in another order

Completions = Sequence[Sequence[int]]


def log10_chance(completions: Sequence[Hashable]) -> float:
    """Upper bound of log10 P(n further draws are these, in this order), under any law."""
    n = len(completions)
    return sum(count * math.log10(count / n) for count in Counter(completions).values())


def log10_in_order(block: Sequence[Hashable], earlier: Sequence[Hashable]) -> tuple[float, int]:
    """Upper bound of log10 P(a block agrees so with an earlier one, at its best shift), and in how many places."""
    n_shifts = len(block) + len(earlier) - 1
    best = (0.0, 0)
    for shift in range(1 - len(earlier), len(block)):
        pairs = list(zip(block[max(shift, 0) :], earlier[max(-shift, 0) :], strict=False))
        matched = [one for one, other in pairs if one == other]
        if len(set(matched)) > 1:
            ways = math.comb(len(pairs), len(matched)) * n_shifts
            best = min(best, (log10_chance(matched) + math.log10(ways), len(matched)))
    return best


def chance_of_pairs(block: Sequence[Hashable], earlier: Sequence[Hashable]) -> float:
    """P(as many pairs of equal completions lie across, or more), if the block is a random choice among all.

    Exact, by the number of ways in which each completion that occurs several times can be shared out.
    """
    of_block, of_both = Counter(block), Counter([*block, *earlier])
    repeated = [count for count in of_both.values() if count > 1]
    observed = sum(of_block[x] * (count - of_block[x]) for x, count in of_both.items())
    n_single = len(of_both) - len(repeated)
    ways: dict[tuple[int, int], int] = {(0, 0): 1}  # by how many are the block's, and pairs that lie across
    for count in repeated:
        longer: dict[tuple[int, int], int] = defaultdict(int)
        for (taken, across), number in ways.items():
            for k in range(min(count, len(block) - taken) + 1):
                longer[taken + k, across + k * (count - k)] += number * math.comb(count, k)
        ways = longer
    high = sum(
        number * math.comb(n_single, len(block) - taken)
        for (taken, across), number in ways.items()
        if across >= observed
    )
    return high / math.comb(len(block) + len(earlier), len(block))


class Repeats:
    """The blocks of a run by prefix, those of a store before them."""

    def __init__(self, store: ShardStore | None, planned: Iterable[PlannedBlock]) -> None:
        """Read what the store, if any, holds of these prefixes."""
        self._seen: defaultdict[str, dict[str, list[int]]] = defaultdict(dict)
        self._recent: deque[tuple[str, list[int]]] = deque()
        self._holders: defaultdict[int, set[int]] = defaultdict(
            set
        )  # numbers of recent blocks, by completion
        self._n_checked = 0
        self._log10_evidence = 0.0
        self._n_left = Counter(p.prefix.prefix_id for p in planned)
        for prefix, key, completions in () if store is None else store.completions(set(self._n_left)):
            self._seen[prefix][key] = _hashed(completions)

    def check(self, planned: PlannedBlock, completions: Completions) -> None:
        """Take note of a block; raises :class:`EngineError` where it repeats others of its prefix."""
        key, block = planned.key, _hashed(completions)
        others = self._seen[planned.prefix.prefix_id]
        for other, earlier in others.items():
            chance, n_matched = log10_in_order(block, earlier)
            if other != key and chance < LEVEL:
                raise _repeat(
                    planned,
                    f"is block {other} over again: the same {n_matched} completions, {len(set(block) & set(earlier))} of "
                    f"them distinct, token by token (by chance at most 1 in 10^{-chance:.0f})",
                )
        known = [one for other, earlier in others.items() if other != key for one in earlier]
        if len(block) > 1 and not set(block).isdisjoint(known):
            chance = chance_of_pairs(block, known)
            # Where the completions leave nothing to chance, they say nothing.
            self._log10_evidence += 0.0 if chance == 1 else -math.log10(2 * math.sqrt(chance))
            if self._log10_evidence > EVIDENCE:
                raise _repeat(
                    planned,
                    f"and those before it repeat others of their prefixes: {sum(x in set(known) for x in block)} of its "
                    f"{len(block)} completions are there already, though few are within a block (by chance at most 1 in "
                    f"10^{self._log10_evidence:.0f})",
                )
        self._check_elsewhere(planned, block)
        others[key] = block
        self._n_left[planned.prefix.prefix_id] -= 1
        if not self._n_left[planned.prefix.prefix_id]:
            del self._seen[planned.prefix.prefix_id]  # no further block of it will come

    def _check_elsewhere(self, planned: PlannedBlock, block: list[int]) -> None:
        """Compare a block with the last ones of any prefix, and add it to them."""
        distinct = set(block)
        shared = Counter(n for one in distinct for n in self._holders.get(one, ()))
        for number in (n for n, count in shared.items() if count >= _SHARED):
            other, earlier = self._recent[number - self._n_checked]
            chance, n_matched = log10_in_order(block, earlier)
            if other != planned.key and chance < LEVEL_ELSEWHERE:
                raise _repeat(
                    planned,
                    f"is block {other} of another prefix over again: {n_matched} completions are the same, token by token "
                    f"(by chance at most 1 in 10^{-chance:.0f})",
                )
        if len(self._recent) == RECENT:
            _, oldest = self._recent.popleft()
            for one in set(oldest):
                self._holders[one].discard(self._n_checked - RECENT)
                if not self._holders[one]:
                    del self._holders[one]
        self._recent.append((planned.key, block))
        for one in distinct:
            self._holders[one].add(self._n_checked)
        self._n_checked += 1


def _repeat(planned: PlannedBlock, what: str) -> EngineError:
    return EngineError(
        f"block {planned.key} of problem {planned.prefix.problem_id!r} {what}. Its draws do not follow its seed: "
        "was the server started again with the --seed that it had before, or does a cache answer in its place? The "
        "block is not kept. Start the server with a fresh --seed, then run again. Blocks that it finished since its "
        "last start may be related to older ones"
    )


def _hashed(completions: Completions) -> list[int]:
    """Numbers that are equal where completions are: they take less room."""
    return [hash(tuple(completion)) for completion in completions]
