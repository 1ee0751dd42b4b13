"""From shards and plans to the rows of tables, before grading.

Belongs here: frames of traces, cuts and rollouts with the columns of their tables, verdicts
left out. Does not belong here: verdicts (:mod:`cot_assets.grading`), counts and potentials (SQL and
:mod:`cot_assets.measures`), writing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache
from typing import Any

import polars as pl

from cot_assets.engines.base import Engine
from cot_assets.grading.text.statements import first_leak, states_answer_at
from cot_assets.sampling.cuts import Decode, char_ends, positions_in
from cot_assets.sampling.plan import PlannedBlock, Prefix, block_seed, prefix_ids, sampling_of
from cot_assets.study import Protocol
from cot_assets.warehouse.schema import polars_schema

#: Columns of ``problems`` that decide a verdict.
GRADED_BY = ("statement", "gold_answer", "judged_by", "answer_kind")


def prompts(problems: pl.DataFrame, engine: Engine) -> list[Prefix]:
    """The empty prefix of every problem, in the model's own template."""
    result: list[Prefix] = []
    for problem_id, prompt in problems.select("problem_id", "prompt").iter_rows():
        ids = engine.render_prompt(prompt)
        result.append(Prefix(problem_id, ids, len(ids)))
    return result


def _stamp(protocol: Protocol) -> list[pl.Expr]:
    return [
        pl.lit(protocol.name).alias("protocol"),
        pl.lit(protocol.sampling_hash).alias("sampling_hash"),
    ]


def traces_frame(
    rows: pl.DataFrame,
    plan: Sequence[PlannedBlock],
    engine: Engine,
    problem_set: str,
    model: str,
    protocol: Protocol,
) -> pl.DataFrame:
    """Columns of ``traces`` but answer, verdict and grader_version, one row per planned trace.

    A trace's id is a hash of its block's key and the names it is kept under.
    """
    schema = polars_schema("traces", without=("answer", "answer_rule", "verdict", "grader_version"))
    ends = [char_ends(engine.decode, ids) for ids in rows["token_ids"].to_list()]
    written = rows.with_columns(pl.Series("char_ends", ends, schema["char_ends"])).drop("sample_index")
    names = {"problem_set": problem_set, "model": model, "model_revision": engine.describe().model_revision}
    planned = pl.DataFrame(
        [
            {
                "block_key": p.key,
                "problem_id": p.prefix.problem_id,
                "sample_index": p.first_sample,
                "prompt_token_ids": p.prefix.token_ids,
                "trace_id": hashlib.sha256(
                    f"{problem_set}|{model}|{p.prefix.problem_id}|{p.key}".encode()
                ).hexdigest()[:16],
            }
            for p in plan
        ],
        schema_overrides=schema,
    )
    return (
        written.join(planned, on="block_key")
        .with_columns(*(pl.lit(value).alias(name) for name, value in names.items()), *_stamp(protocol))
        .select(schema.names())
        .sort("problem_id", "sample_index")
    )


def blocks_frame(
    plan: Iterable[PlannedBlock],
    protocol: Protocol,
    engine: Engine,
    origin: Callable[[str], str | None],
) -> pl.DataFrame:
    """Columns of ``blocks`` but problem_set, model and asset.

    What a block was sampled with is what its shard says (``origin``, by key). Where that does not say, it is what the
    block's key names: all that the engine says of itself but its version.
    """
    info = engine.describe()
    unsaid = replace(info, version="unknown", device="unknown").sampled_with()
    sampling = asdict(sampling_of(protocol))

    @cache
    def sampled_with(text: str, max_tokens: int) -> str:
        return json.dumps({**json.loads(text), **sampling, "max_tokens": max_tokens}, sort_keys=True)

    @cache
    def prompt(token_ids: tuple[int, ...]) -> str:
        return engine.decode(token_ids, with_special=True)

    return pl.DataFrame(
        [
            {
                "problem_id": p.prefix.problem_id,
                "prefix_id": p.prefix.prefix_id,
                "block_index": p.first_sample // p.n,
                "block_key": p.key,
                "n": p.n,
                "seed": str(block_seed(p.key)),
                "model_revision": info.model_revision,
                "sampled_with": sampled_with(origin(p.key) or unsaid, p.max_new_tokens),
                "prompt": prompt(p.prefix.prompt),
                "protocol": protocol.name,
                "sampling_hash": protocol.sampling_hash,
            }
            for p in plan
        ],
        polars_schema("blocks", without=("problem_set", "model", "asset")),
    )


def measured_traces(traces: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """The traces that get a curve: per problem the first ones, of all or of the correct ones.

    Traces without tokens are left out: they have nothing to cut.
    """
    pool = traces.filter(pl.col("n_tokens") > 0)
    if protocol.sampling.measured == "correct":
        pool = pool.filter(pl.col("verdict") == "correct")
    pool = pool.sort("problem_id", "sample_index")
    if protocol.sampling.measured == "all":
        return pool
    return pool.group_by("problem_id", maintain_order=True).head(protocol.sampling.measured_per_problem)


def trace_cuts(
    traces: pl.DataFrame, problems: pl.DataFrame, protocol: Protocol, decode: Decode
) -> pl.DataFrame:
    """The table ``trace_cuts`` of measured traces, cut by the protocol's policy."""
    policy, most = protocol.sampling.cut_policy, protocol.sampling.max_cuts
    rows = traces.iter_rows(named=True)
    positions = {trace["trace_id"]: positions_in(trace, policy, most, decode) for trace in rows}
    return cuts_at(positions, policy, traces, problems, protocol)


def cuts_at(
    positions: Mapping[str, Sequence[int]],
    policy: str,
    traces: pl.DataFrame,
    problems: pl.DataFrame,
    protocol: Protocol,
) -> pl.DataFrame:
    """The table ``trace_cuts`` for given cuts.

    The end of a trace is a row without prefix: it carries the trace's own verdict.

    Args:
        positions: Tokens before each cut by trace_id, ascending.
        policy: What the cuts are called.
        traces: The measured traces.
        problems: The table.
        protocol: Stamped on every row.
    """
    gold = {row["problem_id"]: row for row in problems.iter_rows(named=True)}
    cuts: list[dict[str, object]] = []
    for trace in traces.iter_rows(named=True):
        problem, at = gold[trace["problem_id"]], positions[trace["trace_id"]]
        ids = prefix_ids(trace["prompt_token_ids"], trace["token_ids"], at)
        places = [
            (position, characters_before(trace, position), name)
            for position, name in zip(at, ids, strict=True)
        ]
        named = {
            **{name: trace[name] for name in ("problem_set", "model", "problem_id", "trace_id")}, "cut_policy": policy,
            "protocol": protocol.name, "sampling_hash": protocol.sampling_hash,
        }  # fmt: skip
        end = (len(trace["token_ids"]), len(trace["text"]))
        statements = first_statements(
            trace["text"], trace["answer"], problem["gold_answer"], problem["answer_kind"]
        )
        cuts += ({**named, **row} for row in cut_rows(places, end, statements))
    return pl.DataFrame(cuts, schema=polars_schema("trace_cuts"))


Statements = tuple[int | None, int | None]


def first_statements(text: str, answer: str | None, gold: str, kind: str) -> Statements:
    """Where a trace first states its own answer, and holds the gold answer, in characters."""
    return None if answer is None else states_answer_at(text, answer, kind), first_leak(text, gold, kind)


def cut_rows(
    places: Iterable[tuple[int, int, str]], end: tuple[int, int], statements: Statements
) -> Iterator[dict[str, object]]:
    """What ``trace_cuts`` says of each cut of a trace, and of its end.

    Args:
        places: Tokens and characters before each cut, and the prefix there.
        end: Tokens and characters of the whole trace.
        statements: See :func:`first_statements`.
    """
    for index, (token_end, char_end, prefix_id) in enumerate([*places, (*end, None)]):
        stated, leaked = (at is not None and at <= char_end for at in statements)
        yield {
            "cut_index": index, "prefix_id": prefix_id, "token_end": token_end, "char_end": char_end,
            "fraction": token_end / end[0], "is_end": prefix_id is None, "states_answer": stated, "leaks_answer": leaked,
        }  # fmt: skip


def prefix_at(trace: Mapping[str, Any], position: int) -> Prefix:
    """The prompt and the first ``position`` tokens of a row of ``traces``."""
    prompt = trace["prompt_token_ids"]
    return Prefix(trace["problem_id"], (*prompt, *trace["token_ids"][:position]), len(prompt))


def characters_before(trace: Mapping[str, Any], position: int) -> int:
    """Characters that are complete after the first ``position`` tokens of a row of ``traces``."""
    return trace["char_ends"][position - 1] if position else 0


def prefixes_of(traces: pl.DataFrame) -> list[Prefix]:
    """Prefixes of traces: problem_id, prompt_token_ids, token_ids, and ``ends``, the tokens before each cut."""
    wholes = traces.select(pl.concat_list("prompt_token_ids", "token_ids")).to_series()
    rest = traces.select("problem_id", n_prompt=pl.col("prompt_token_ids").list.len(), ends="ends")
    return [
        Prefix(problem_id, whole, n_prompt, n_prompt + end)
        for whole, (problem_id, n_prompt, ends) in zip(
            map(pl.Series.to_numpy, wholes), rest.iter_rows(), strict=True
        )
        for end in ends
    ]


def rollouts_frame(
    rows: pl.DataFrame, prefix_texts: pl.DataFrame, problems: pl.DataFrame, protocol: Protocol
) -> pl.DataFrame:
    """Rollouts with what a grader needs: ``text`` (prefix and completion), and of the problem ``GRADED_BY``.

    Args:
        rows: Rows of shards.
        prefix_texts: problem_id, prefix_id and ``prefix_text``, each prefix once.
        problems: The table.
        protocol: Stamped on every row.
    """
    return (
        rows.join(prefix_texts, on="prefix_id", maintain_order="left")
        .join(problems.select("problem_id", *GRADED_BY), on="problem_id", maintain_order="left")
        .with_columns(text=pl.concat_str("prefix_text", "text"))
        .select(
            "problem_id", "prefix_id", "sample_index", "block_key", "text", "finish_reason",
            "n_tokens", "shard", *GRADED_BY, *_stamp(protocol),
        )
    )  # fmt: skip


def slices(shards: Iterable[pl.DataFrame], places: pl.DataFrame, characters: int) -> Iterator[pl.DataFrame]:
    """Rows of shards in parts whose prefixes together have about that many ``characters``.

    Args:
        shards: Rows with prefix_id.
        places: prefix_id and ``char_end``, the length of its text.
        characters: Of all prefixes of a part, one for each row.
    """
    most, waiting = max(1, characters // (int(str(places["char_end"].max() or 0)) + 1)), list[pl.DataFrame]()
    for part in (part for rows in shards for part in rows.iter_slices(most)):
        if sum(each.height for each in waiting) + part.height > most:
            yield pl.concat(waiting)
            waiting.clear()
        waiting.append(part)
    if waiting:
        yield pl.concat(waiting)


def texts_at(places: pl.DataFrame, traces: pl.DataFrame) -> pl.DataFrame:
    """problem_id, prefix_id and ``prefix_text`` of prefixes.

    Args:
        places: problem_id, prefix_id, trace_id, char_end.
        traces: trace_id and text.
    """
    return places.join(traces.select("trace_id", "text"), on="trace_id").select(
        "problem_id", "prefix_id", prefix_text=pl.col("text").str.slice(0, pl.col("char_end"))
    )
