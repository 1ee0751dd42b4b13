"""From searches and what was sampled for them to rows, before anything is estimated.

Belongs here: completions as outcomes, the rows of ``search_traces`` and ``search_steps`` with counts.
Does not belong here: the search (:mod:`cot_assets.measures.search.greedy`), potentials and comparisons
(:mod:`cot_assets.measures.search.effects`), writing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

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
    both = rows.select("block_key", "sample_index", tokens.alias("token_ids")).join(
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
            for planned in (
                *selection_blocks(prefix, protocol, info),
                *fresh_blocks(prefix, protocol, info),
            ):
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


def search_rows(
    searches: Iterable[Search],
    sampled: Mapping[str, Row],
    outcomes: Outcomes,
    decode: Decode,
    protocol: Protocol,
    info: EngineInfo,
    names: Mapping[str, str],
) -> tuple[list[Row], list[Row]]:
    """Rows of ``search_traces`` and ``search_steps``, with counts and without estimates.

    Args:
        searches: Stopped ones.
        sampled: The first sampled trace of each problem, rows of ``traces``.
        outcomes: Of all blocks of the searches and of :func:`measuring_plan`.
        decode: The engine's.
        protocol: As searched with.
        info: Of the engine.
        names: Columns that every row carries, such as problem_set and model.
    """
    traces: list[Row] = []
    steps: list[Row] = []
    for search in searches:
        start = count(outcomes, plain_blocks(search.prompt, protocol, info))
        trace, cuts = _searched(search, start, outcomes, decode, protocol, info, names)
        traces.append(trace)
        steps += cuts
        if plain := sampled.get(search.prompt.problem_id):
            trace, cuts = _sampled(search.prompt, plain, start, outcomes, protocol, info, names)
            traces.append(trace)
            steps += cuts
    return traces, steps


def _cut(
    common: Row, index: int, prefix: Prefix | None, span: tuple[int, int], chars: tuple[int, int]
) -> Row:
    return {
        **common,
        "cut_index": index,
        "prefix_id": None if prefix is None else prefix.prefix_id,
        "token_start": span[0],
        "token_end": span[1],
        "char_start": chars[0],
        "char_end": chars[1],
        "is_end": prefix is None,
        "n_candidates": None,
        "n_ended": None,
        "candidates_mean": None,
        "selection_n": None,
        "selection_n_correct": None,
        "tokens_spent": 0,
    }


def _measured(counts: Counts | None) -> Row:
    if counts is None:
        return {"n": None, "n_correct": None, "n_unscored": None}
    return {"n": counts.n, "n_correct": counts.n_correct, "n_unscored": counts.n_unscored}


def _searched(
    search: Search,
    start: Counts,
    outcomes: Outcomes,
    decode: Decode,
    protocol: Protocol,
    info: EngineInfo,
    names: Mapping[str, str],
) -> tuple[Row, list[Row]]:
    problem_id, n_prompt = search.prompt.problem_id, search.prompt.n_prompt
    whole = search.prefix()
    ids = whole.token_ids[n_prompt:]
    identity = "|".join([SEARCHED, *names.values(), problem_id, whole.prefix_id, protocol.protocol_hash])
    common: Row = {
        **names,
        "problem_id": problem_id,
        "arm": SEARCHED,
        "trace_id": hashlib.sha256(identity.encode()).hexdigest()[:16],
    }
    cuts = [{**_cut(common, 0, search.prompt, (0, 0), (0, 0)), **_measured(start)}]
    at = chars = 0
    for number, step in enumerate(search.steps, 1):
        prefix = search.prefix(number)
        end = len(prefix.token_ids) - n_prompt
        is_end = step.choice.is_end
        text = decode(ids) if is_end else complete_text(decode, ids[:end])
        fresh = None if is_end else count(outcomes, fresh_blocks(prefix, protocol, info))
        row = _cut(common, number, None if is_end else prefix, (at, end), (chars, max(chars, len(text))))
        cuts.append({**row, **_choice(step), **_measured(fresh)})
        at, chars = end, row["char_end"]
    last = search.steps[-1].choice
    trace = {
        **common,
        "token_ids": list(ids),
        "text": decode(ids) if search.is_complete else complete_text(decode, ids),
        "is_complete": search.is_complete,
        "answer": last.answer if search.is_complete else None,
        "verdict": last.verdict if search.is_complete else None,
        "n_tokens": len(ids),
        "n_chunks": len(search.steps),
        "tokens_spent": search.tokens_spent,
    }
    return trace, cuts


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


def _sampled(
    prompt: Prefix,
    trace: Row,
    start: Counts,
    outcomes: Outcomes,
    protocol: Protocol,
    info: EngineInfo,
    names: Mapping[str, str],
) -> tuple[Row, list[Row]]:
    common: Row = {
        **names,
        "problem_id": prompt.problem_id,
        "arm": SAMPLED,
        "trace_id": trace["trace_id"],
    }
    ends = chunk_ends(trace["n_tokens"], protocol.sampling.search_chunk)
    cuts = [{**_cut(common, 0, prompt, (0, 0), (0, 0)), **_measured(start)}]
    at = chars = 0
    for number, prefix in enumerate(cut_prefixes(prompt, trace["token_ids"], ends), 1):
        end, char_end = ends[number - 1], trace["char_ends"][ends[number - 1] - 1]
        counts = count(outcomes, plain_blocks(prefix, protocol, info))
        row = _cut(common, number, prefix, (at, end), (chars, char_end))
        cuts.append({**row, "tokens_spent": end - at, **_measured(counts)})
        at, chars = end, char_end
    end = trace["n_tokens"]
    row = _cut(common, len(ends) + 1, None, (at, end), (chars, len(trace["text"])))
    cuts.append({**row, "tokens_spent": end - at, **_measured(None)})
    kept = ("token_ids", "text", "answer", "verdict", "n_tokens")
    whole = {**common, **{name: trace[name] for name in kept}}
    return {**whole, "is_complete": True, "n_chunks": len(ends) + 1, "tokens_spent": end}, cuts
