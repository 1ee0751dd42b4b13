"""From searches and what was sampled for them to rows, before anything is estimated.

Belongs here: completions as outcomes, the rows of ``search_traces`` and ``search_steps`` with counts.
Does not belong here: the search (:mod:`cot_assets.measures.search.greedy`), potentials and comparisons
(:mod:`cot_assets.measures.search.effects`), writing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import polars as pl

from cot_assets.engines.base import EngineInfo
from cot_assets.measures.search.greedy import (
    Counts,
    Outcome,
    Outcomes,
    Search,
    Step,
    count,
    fresh_blocks,
    plain_blocks,
    selection_blocks,
)
from cot_assets.sampling.cuts import Decode, complete_text
from cot_assets.sampling.plan import PlannedBlock, Prefix
from cot_assets.study import Protocol
from cot_assets.warehouse.schema import polars_schema

SEARCHED, SAMPLED = "searched", "sampled"  #: the two arms
Row = dict[str, Any]
Blocks = Callable[[Prefix, Protocol, EngineInfo], list[PlannedBlock]]  #: some rollouts of a prefix
#: Columns of :func:`used_rollouts`.
USED = polars_schema("rollouts", ("problem_id", "prefix_id", "block_key", "sample_index", "verdict"))


def prefix_texts(plan: Iterable[PlannedBlock], decode: Decode) -> pl.DataFrame:
    """problem_id, prefix_id and ``prefix_text`` of every prefix of a plan, each once."""
    prefixes = {planned.prefix.prefix_id: planned.prefix for planned in plan}
    rows = [
        (prefix.problem_id, name, complete_text(decode, prefix.token_ids[prefix.n_prompt :]))
        for name, prefix in prefixes.items()
    ]
    return pl.DataFrame(rows, ["problem_id", "prefix_id", "prefix_text"], orient="row")


def outcomes_of(rows: pl.DataFrame, graded: pl.DataFrame) -> dict[str, tuple[Outcome, ...]]:
    """Outcomes by block key, in the order of their sample indices.

    Args:
        rows: Rows of shards. Of rollouts, which come in blocks of several, the tokens are left out: only
            those of candidate chunks are needed.
        graded: The same completions with ``answer`` and ``verdict``.
    """
    is_single = pl.len().over("block_key") == 1
    tokens = pl.when(is_single).then(pl.col("token_ids")).otherwise(pl.lit([], dtype=pl.List(pl.Int32)))
    both = rows.select("block_key", "sample_index", token_ids=tokens).join(
        graded.select("block_key", "sample_index", "finish_reason", "n_tokens", "answer", "verdict"),
        on=["block_key", "sample_index"],
    )
    found: dict[str, list[Outcome]] = {}
    for key, _, ids, *rest in both.sort("block_key", "sample_index").iter_rows():
        found.setdefault(key, []).append(Outcome(tuple(ids), *rest))
    return {key: tuple(outcomes) for key, outcomes in found.items()}


def used_rollouts(
    searches: Iterable[Search], outcomes: Outcomes, protocol: Protocol, info: EngineInfo
) -> pl.DataFrame:
    """Every rollout that chose a kept chunk or measured it afterwards, once per use.

    Returns:
        problem_id, prefix_id, block_key, sample_index, verdict.
    """
    rows: list[Row] = []
    for search in searches:
        for number, step in enumerate(search.steps, 1):
            if step.choice.is_end:
                continue
            prefix = search.prefix(number)
            for planned in (*selection_blocks(prefix, protocol, info), *fresh_blocks(prefix, protocol, info)):
                rows += [
                    {
                        "problem_id": prefix.problem_id,
                        "prefix_id": prefix.prefix_id,
                        "block_key": planned.key,
                        "sample_index": planned.first_sample + i,
                        "verdict": outcome.verdict,
                    }
                    for i, outcome in enumerate(outcomes[planned.key])
                ]
    return pl.DataFrame(rows, schema=USED)


def cut_prefixes(prompt: Prefix, token_ids: Sequence[int], ends: Iterable[int]) -> list[Prefix]:
    """The prefixes of a trace up to some token positions."""
    return [Prefix(prompt.problem_id, (*prompt.token_ids, *token_ids[:end]), prompt.n_prompt) for end in ends]


def chunk_ends(n_tokens: int, chunk: int) -> list[int]:
    """Where a sampled trace is cut: after every whole chunk before its end."""
    return list(range(chunk, n_tokens, chunk))


def first_traces(traces: pl.DataFrame) -> dict[str, Row]:
    """The first trace with tokens of each problem, by problem id."""
    pool = traces.filter(pl.col("n_tokens") > 0).sort("problem_id", "sample_index")
    first = pool.unique("problem_id", keep="first", maintain_order=True)
    return {row["problem_id"]: row for row in first.iter_rows(named=True)}


def measuring_plan(
    searches: Iterable[Search], sampled: Mapping[str, Row], protocol: Protocol, info: EngineInfo
) -> list[PlannedBlock]:
    """The rollouts that measure both arms on one grid; nothing was or will be chosen by them."""
    plan: list[PlannedBlock] = []
    for search in searches:
        plan += plain_blocks(search.prompt, protocol, info)
        for number, step in enumerate(search.steps, 1):
            if not step.choice.is_end:
                plan += fresh_blocks(search.prefix(number), protocol, info)
        if trace := sampled.get(search.prompt.problem_id):
            ends = chunk_ends(trace["n_tokens"], protocol.sampling.search_chunk)
            for prefix in cut_prefixes(search.prompt, trace["token_ids"], ends):
                plan += plain_blocks(prefix, protocol, info)
    return list({planned.key: planned for planned in plan}.values())


class _Cut(NamedTuple):
    """Where a chunk of a trace ends; without a prefix, the trace does. ``more``: columns of the arm's own."""

    prefix: Prefix | None
    token_end: int
    char_end: int
    counts: Counts | None
    more: Row


@dataclass(frozen=True)
class Measured:
    """What the rows of searches are made of.

    ``outcomes`` are those of all blocks of the searches and of :func:`measuring_plan`, ``names`` columns that every row
    carries, such as problem_set and model.
    """

    outcomes: Outcomes
    decode: Decode
    protocol: Protocol
    info: EngineInfo
    names: Mapping[str, str]

    def rows(
        self, searches: Iterable[Search], sampled: Mapping[str, Row]
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Rows of ``search_traces`` and ``search_steps``, with counts and without estimates.

        Args:
            searches: Stopped ones.
            sampled: The first sampled trace of each problem, rows of ``traces``.
        """
        traces: list[Row] = []
        steps: list[Row] = []
        for search in searches:
            start = self._count(plain_blocks, search.prompt)
            arms = [self._searched(search, start)]
            if plain := sampled.get(search.prompt.problem_id):
                arms.append(self._sampled(search.prompt, plain, start))
            for trace, cuts in arms:
                of_arm = {name: trace[name] for name in (*self.names, "problem_id", "arm", "trace_id")}
                traces.append({**trace, "n_chunks": len(cuts) - 1})
                steps += [{**of_arm, **step} for step in _spans(cuts)]
        return pl.DataFrame(traces, infer_schema_length=None), pl.DataFrame(
            steps, polars_schema("search_steps")
        )

    def _count(self, blocks: Blocks, prefix: Prefix) -> Counts:
        return count(self.outcomes, blocks(prefix, self.protocol, self.info))

    def _searched(self, search: Search, start: Counts) -> tuple[Row, list[_Cut]]:
        prompt, whole, decode = search.prompt, search.prefix(), self.decode
        ids = whole.token_ids[prompt.n_prompt :]
        kept_under = [*self.names.values(), prompt.problem_id, whole.prefix_id, self.protocol.protocol_hash]
        cuts = [_Cut(prompt, 0, 0, start, {})]
        for number, step in enumerate(search.steps, 1):
            prefix = search.prefix(number)
            end, is_end = prefix.end - prompt.n_prompt, step.choice.is_end
            text = decode(ids) if is_end else complete_text(decode, ids[:end])
            fresh = None if is_end else self._count(fresh_blocks, prefix)
            char_end = max(cuts[-1].char_end, len(text))
            cuts.append(_Cut(None if is_end else prefix, end, char_end, fresh, _choice(step)))
        last, is_complete = search.steps[-1].choice, search.is_complete
        trace = {
            **self.names,
            "problem_id": prompt.problem_id,
            "arm": SEARCHED,
            "trace_id": hashlib.sha256("|".join([SEARCHED, *kept_under]).encode()).hexdigest()[:16],
            "token_ids": list(ids),
            "text": decode(ids) if is_complete else complete_text(decode, ids),
            "is_complete": is_complete,
            "answer": last.answer if is_complete else None,
            "verdict": last.verdict if is_complete else None,
            "n_tokens": len(ids),
            "tokens_spent": search.tokens_spent,
        }
        return trace, cuts

    def _sampled(self, prompt: Prefix, trace: Row, start: Counts) -> tuple[Row, list[_Cut]]:
        n_tokens, ends = trace["n_tokens"], chunk_ends(trace["n_tokens"], self.protocol.sampling.search_chunk)
        cuts = [_Cut(prompt, 0, 0, start, {})]
        for end, prefix in zip(ends, cut_prefixes(prompt, trace["token_ids"], ends), strict=True):
            cuts.append(_Cut(prefix, end, trace["char_ends"][end - 1], self._count(plain_blocks, prefix), {}))
        cuts.append(_Cut(None, n_tokens, len(trace["text"]), None, {}))
        kept = ("trace_id", "token_ids", "text", "answer", "verdict", "n_tokens")
        own = {"problem_id": prompt.problem_id, "arm": SAMPLED, "is_complete": True, "tokens_spent": n_tokens}
        return {**self.names, **own, **{name: trace[name] for name in kept}}, cuts


def _spans(cuts: Sequence[_Cut]) -> Iterator[Row]:
    """Columns of each cut: a chunk goes on from the one before, and costs its own tokens unless the arm says more."""
    for index, (before, cut) in enumerate(pairwise([cuts[0], *cuts])):
        yield {
            "cut_index": index,
            "prefix_id": None if cut.prefix is None else cut.prefix.prefix_id,
            "token_start": before.token_end,
            "token_end": cut.token_end,
            "char_start": before.char_end,
            "char_end": cut.char_end,
            "is_end": cut.prefix is None,
            "tokens_spent": cut.token_end - before.token_end,
            **({} if cut.counts is None else asdict(cut.counts)),
            **cut.more,
        }


def _choice(step: Step) -> Row:
    values = [c.estimate for c in step.candidates if c.estimate is not None]
    counts = step.choice.counts
    return {
        "n_candidates": len(step.candidates),
        "n_ended": sum(c.is_end for c in step.candidates),
        "candidates_mean": sum(values) / len(values) if values else None,
        "selection_n": None if counts is None else counts.n,
        "selection_n_correct": None if counts is None else counts.n_correct,
        "tokens_spent": step.tokens_spent,
    }
