"""Traces that others wrote, as the rows of ``traces`` that a model's prefixes are cut from.

Belongs here: a text in the model's own tokens. Does not belong here: where the texts come from
(:mod:`cot_assets.problems.given`), and transfer between models that are measured here (:mod:`cot_assets.measures.transfer`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import polars as pl

from cot_assets.engines.base import Engine
from cot_assets.sampling.cuts import char_ends
from cot_assets.sampling.plan import Prefix
from cot_assets.study import Protocol
from cot_assets.warehouse.schema import polars_schema

IMPORTED = "source:imported"  #: in place of the grader, of verdicts that came with a trace


def given_traces_frame(
    given: pl.DataFrame,
    prompts: Sequence[Prefix],
    engine: Engine,
    problem_set: str,
    model: str,
    protocol: Protocol,
) -> tuple[pl.DataFrame, int]:
    """Rows of ``traces``, ``answer`` and ``verdict`` as they were given, and how many traces were left out.

    A text is encoded once, after the model's own prompt. Left out are texts that do not survive it (special tokens of the
    model in them, characters that it does not have) and those that leave no room for a completion.
    """
    prompt_of: Mapping[str, Prefix] = {prompt.problem_id: prompt for prompt in prompts}
    counts: dict[str, int] = {}
    rows: list[dict[str, object]] = []
    for row in given.iter_rows(named=True):
        problem_id, text = row["problem_id"], row["text"]
        if problem_id not in prompt_of:
            continue  # `limit` and `only` of the problem set
        ids = engine.encode(text).token_ids
        if not 0 < len(ids) < protocol.sampling.max_tokens or engine.decode(ids) != text:
            continue
        index = counts[problem_id] = counts.get(problem_id, -1) + 1
        identity = f"{problem_set}|{model}|{problem_id}|{index}|{text}"
        rows.append(
            {
                "problem_set": problem_set,
                "model": model,
                "trace_id": hashlib.sha256(identity.encode()).hexdigest()[:16],
                "problem_id": problem_id,
                "sample_index": index,
                "prompt_token_ids": list(prompt_of[problem_id].token_ids),
                "token_ids": list(ids),
                "char_ends": char_ends(engine.decode, ids),
                "text": text,
                "answer": row["answer"],
                "verdict": row["verdict"],
                "finish_reason": "unknown",
                "n_tokens": len(ids),
                "model_revision": engine.describe().model_revision,
                "grader_version": IMPORTED,
                "protocol": protocol.name,
                "sampling_hash": protocol.sampling_hash,
            }
        )
    known = given.filter(pl.col("problem_id").is_in(list(prompt_of))).height
    return pl.DataFrame(rows, schema=polars_schema("traces")), known - len(rows)
