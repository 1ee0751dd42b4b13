"""Greedy search for a better trace: candidate chunks, their potentials, the best of them, again.

Belongs here: the search as a state machine that is told what was sampled and says what to sample next, and
which rollouts measure the traces that come of it. Does not belong here: the engine, the shards and the
grader, which the caller joins to it, and what the measured traces show (:mod:`cot_assets.measures.search.effects`).

At every step M candidate chunks of fixed token length are sampled from the trace so far, each as a block of
its own. A candidate with which the model ends the trace is worth its verdict; of any other the potential is
estimated from n rollouts. The best is kept, until the model ends the trace (a box in mid-trace is not the end:
the model may change its mind), or the budget ends. Candidates and rollouts are blocks like all others, so
the same search finds its own steps in the shards and goes on from where it was stopped.

The estimate by which a chunk was chosen is the largest of M noisy ones, and too large on average. So the
chosen prefixes are measured again with blocks that no choice has seen, of later indices.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from cot_assets.engines.base import EngineInfo
from cot_assets.sampling.plan import PlannedBlock, Prefix, plan_block
from cot_assets.study import BLOCK_SIZE, Protocol


@dataclass(frozen=True, slots=True)
class Outcome:
    """One graded completion; ``answer`` and ``verdict`` are those of the trace so far with it."""

    token_ids: tuple[int, ...]
    finish_reason: str
    n_tokens: int
    answer: str | None
    verdict: str


Outcomes = Mapping[str, Sequence[Outcome]]  #: by block key


@dataclass(frozen=True, slots=True)
class Counts:
    """Rollouts of a prefix by verdict; ``n`` counts the scored ones."""

    n: int = 0
    n_correct: int = 0
    n_unscored: int = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A candidate chunk. With ``is_end`` the trace ends here and has the verdict; else ``counts`` tell."""

    token_ids: tuple[int, ...]
    is_end: bool
    answer: str | None = None
    verdict: str | None = None
    counts: Counts | None = None

    @property
    def estimate(self) -> float | None:
        """0 or 1 at the end, else the share of correct rollouts; None without a scored one."""
        if self.is_end:
            return float(self.verdict == "correct")
        return None if self.counts is None or not self.counts.n else self.counts.n_correct / self.counts.n

    @property
    def value(self) -> float:
        """What candidates are compared by: 0 or 1 at the end, else the posterior mean (k + 1/2) / (n + 1).

        So a trace that has ended correct comes before any estimate and one that has ended incorrect after all
        of them, but for a candidate without a scored rollout, of which nothing is known.
        """
        if self.estimate is None:
            return -1.0
        n = 0 if self.counts is None else self.counts.n
        return self.estimate if self.is_end else (self.estimate * n + 0.5) / (n + 1)


@dataclass(frozen=True, slots=True)
class Step:
    """A chosen chunk: the candidates, which of them, and the tokens generated to find it."""

    candidates: tuple[Candidate, ...]
    chosen: int
    tokens_spent: int

    @property
    def choice(self) -> Candidate:
        """The candidate that was kept."""
        return self.candidates[self.chosen]


@dataclass(frozen=True, slots=True)
class Search:
    """How far the search on one problem is.

    ``candidates`` are those of the step under way, sampled and not yet measured. ``has_stopped`` without
    ``is_complete``: the budget ended before the trace did.
    """

    prompt: Prefix
    steps: tuple[Step, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    tokens_spent: int = 0
    has_stopped: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether the trace has ended."""
        return bool(self.steps) and self.steps[-1].choice.is_end

    @property
    def chunks(self) -> tuple[tuple[int, ...], ...]:
        """Token ids of the chosen chunks."""
        return tuple(step.choice.token_ids for step in self.steps)

    def prefix(self, n_steps: int | None = None, more: tuple[int, ...] = ()) -> Prefix:
        """The prompt with the first ``n_steps`` chosen chunks (all if None) and ``more`` tokens."""
        chosen = (token for chunk in self.chunks[:n_steps] for token in chunk)
        return replace(self.prompt, whole=(*self.prompt.token_ids, *chosen, *more), end=-1)


def wanted(search: Search, protocol: Protocol, info: EngineInfo) -> list[PlannedBlock]:
    """The blocks that the search needs to go on, each once; none where it has stopped."""
    if search.has_stopped:
        return []
    if not search.candidates:
        return _chunk_blocks(search, protocol, info)
    blocks = [
        block
        for candidate in search.candidates
        if not candidate.is_end
        for block in selection_blocks(search.prefix(more=candidate.token_ids), protocol, info)
    ]
    # Two candidates of the same tokens are one prefix, and share their rollouts.
    return list({planned.key: planned for planned in blocks}.values())


def advance(search: Search, outcomes: Outcomes, protocol: Protocol, info: EngineInfo) -> Search:
    """The search after the blocks that it wanted have been sampled and graded.

    Raises:
        KeyError: ``outcomes`` lacks one of them.
    """
    asked = wanted(search, protocol, info)
    if not asked:
        return search
    spent = search.tokens_spent + sum(o.n_tokens for p in asked for o in outcomes[p.key])
    if not search.candidates:
        sampled = [outcomes[planned.key][0] for planned in asked]
        at = search.prefix().end - search.prompt.n_prompt
        search = replace(
            search,
            candidates=tuple(_candidate(outcome, at, protocol) for outcome in sampled),
            tokens_spent=spent,
        )
        if wanted(search, protocol, info):
            return search
    measured = tuple(
        candidate
        if candidate.is_end
        else replace(
            candidate,
            counts=count(outcomes, selection_blocks(search.prefix(more=candidate.token_ids), protocol, info)),
        )
        for candidate in search.candidates
    )
    chosen = max(range(len(measured)), key=lambda i: measured[i].value)  # of equals the first
    before = sum(step.tokens_spent for step in search.steps)
    step = Step(measured, chosen, spent - before)
    return replace(
        search,
        steps=(*search.steps, step),
        candidates=(),
        tokens_spent=spent,
        has_stopped=step.choice.is_end or spent >= protocol.sampling.search_budget,
    )


def search_all(
    prompts: Iterable[Prefix],
    protocol: Protocol,
    info: EngineInfo,
    draw: Callable[[Sequence[PlannedBlock]], Outcomes],
) -> list[Search]:
    """Search on every problem at once, so that the engine has the work of all of them at a time.

    Args:
        prompts: The empty prefix of each problem.
        protocol: M, n, chunk length and budget.
        info: Of the engine, for the blocks' keys.
        draw: Samples and grades blocks that are not yet there, and returns all of them.

    Returns:
        One search per prompt, each stopped.
    """
    searches = [Search(prompt) for prompt in prompts]
    while blocks := [p for search in searches for p in wanted(search, protocol, info)]:
        outcomes = draw(list({planned.key: planned for planned in blocks}.values()))
        searches = [advance(search, outcomes, protocol, info) for search in searches]
    return searches


def chosen_problems(problems: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """The problems that are searched: the first ``search_problems`` in an order that is a hash of each id.

    More problems add to those that were searched before, and no kind of problem comes first.
    """

    def rank(problem_id: str) -> str:
        # The word is part of the order: with another one, other problems would be searched.
        return hashlib.sha256(f"optimise {protocol.sampling.seed} {problem_id}".encode()).hexdigest()

    order = sorted(problems["problem_id"], key=rank)[: protocol.sampling.search_problems]
    return problems.filter(pl.col("problem_id").is_in(order))


def selection_blocks(prefix: Prefix, protocol: Protocol, info: EngineInfo) -> list[PlannedBlock]:
    """The rollouts by which a candidate is judged: the first blocks of its prefix."""
    return _blocks(prefix, range(protocol.sampling.search_n // BLOCK_SIZE), protocol, info)


def fresh_blocks(prefix: Prefix, protocol: Protocol, info: EngineInfo) -> list[PlannedBlock]:
    """Rollouts of a chosen prefix that did not choose it: the blocks after those that did."""
    first = protocol.sampling.search_n // BLOCK_SIZE
    return _blocks(
        prefix, range(first, first + protocol.sampling.search_fresh_n // BLOCK_SIZE), protocol, info
    )


def plain_blocks(prefix: Prefix, protocol: Protocol, info: EngineInfo) -> list[PlannedBlock]:
    """As many rollouts of a prefix that nobody chose, a sampled trace's or the empty one: the first blocks."""
    return _blocks(prefix, range(protocol.sampling.search_fresh_n // BLOCK_SIZE), protocol, info)


def is_chunk(planned: PlannedBlock) -> bool:
    """Whether a block of a search is a candidate chunk; all others are rollouts."""
    return planned.n == 1


def count(outcomes: Outcomes, blocks: Iterable[PlannedBlock]) -> Counts:
    """The rollouts of some blocks by verdict."""
    verdicts = [outcome.verdict for p in blocks for outcome in outcomes[p.key]]
    unscored = verdicts.count("unscored")
    return Counts(len(verdicts) - unscored, verdicts.count("correct"), unscored)


def _candidate(outcome: Outcome, at: int, protocol: Protocol) -> Candidate:
    """A sampled chunk after ``at`` tokens of trace."""
    is_end = (
        outcome.finish_reason == "stop"
        or not outcome.token_ids
        or at + outcome.n_tokens >= protocol.sampling.max_tokens
    )
    if is_end:
        return Candidate(outcome.token_ids, is_end, outcome.answer, outcome.verdict)
    return Candidate(outcome.token_ids, is_end)


def _chunk_blocks(search: Search, protocol: Protocol, info: EngineInfo) -> list[PlannedBlock]:
    """A block per candidate, so that a further candidate adds a block."""
    return [
        plan_block(search.prefix(), index, 1, protocol, info, "chunk", protocol.sampling.search_chunk)
        for index in range(protocol.sampling.search_candidates)
    ]


def _blocks(
    prefix: Prefix, indices: Iterable[int], protocol: Protocol, info: EngineInfo
) -> list[PlannedBlock]:
    return [plan_block(prefix, index, BLOCK_SIZE, protocol, info, "rollout") for index in indices]
