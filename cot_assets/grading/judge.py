"""Verdicts of rollouts: extraction and grading of whole frames, with everything graded once.

Belongs here: from a frame of texts to verdicts, and which grades are new. Does not belong here: reading
and writing the ``grades`` table (the caller brings what is known and stores what is new).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from typing import NamedTuple

import polars as pl

from cot_assets.grading.judgement import Judgement, Pair
from cot_assets.grading.pool import GraderPool
from cot_assets.grading.text.extract import DEFAULT_RULES, extract_answer
from cot_assets.grading.verify import GRADER_VERSION, settled
from cot_assets.study import AnswerRule
from cot_assets.warehouse.schema import polars_schema

GRADES_SCHEMA = polars_schema("grades")
_PAIR = ("answer", "gold_answer", "answer_kind")
_GRADED = (*_PAIR, "grader_version", "verdict")
_NEEDED = ("text", "finish_reason", "gold_answer", "answer_kind")


class Judged(NamedTuple):
    """``verdicts``: columns answer, answer_rule, verdict, as many rows as came in; ``grades``: new rows of that table."""

    verdicts: pl.DataFrame
    grades: pl.DataFrame


def judge_rollouts(
    frame: pl.DataFrame,
    *,
    known: pl.DataFrame | None = None,
    pool: GraderPool | None = None,
    rules: Sequence[AnswerRule] = DEFAULT_RULES,
) -> Judged:
    """Extract and judge the final answer of every row.

    Args:
        frame: columns text (trace up to the cut and completion), finish_reason, gold_answer, answer_kind, and
            where they are known ``statement``, which decides on units that only answer or gold answer has, and
            ``judged_by``: what takes the gold answer's place where that is not NULL.
        known: rows of the ``grades`` table. Those of this grader version are not graded again, but for
            ``unscored`` ones.
        pool: compares answers; without one, a pool lives for this call, and starts no process where no
            comparison needs any.
        rules: where a text has its answer; see :mod:`cot_assets.grading.text.extract`.

    Returns:
        Verdicts in the order of ``frame``: an answer is judged however the text ended; a text without one
        is ``truncated`` if it ended by its length, else ``no_answer``. And the grades made now, all of
        :data:`GRADES_SCHEMA`; those of unscored pairs replace the known ones.

    Raises:
        ValueError: a column is missing or holds NULL, or an answer kind is not known.
        GraderError: workers do not start.
    """
    _check(frame, _NEEDED, "rollouts to judge")
    texts = zip(frame["text"], frame["answer_kind"], strict=True)
    found = [extract_answer(text, kind, rules) for text, kind in texts]
    by = frame["gold_answer"]
    if "judged_by" in frame.columns:
        by = frame.select(pl.coalesce("judged_by", "gold_answer")).to_series()
    pairs: list[Pair | None] = [
        None if answer is None else (answer, gold, kind)
        for (answer, _), gold, kind in zip(found, by, frame["answer_kind"], strict=True)
    ]
    judged = _remembered(known)
    with nullcontext(pool) if pool else GraderPool() as graders:
        new = graders.grade(pair for pair in pairs if pair is not None and pair not in judged)
    judged |= new
    statements = frame["statement"] if "statement" in frame.columns else [None] * frame.height
    verdicts = [
        settled(judged[pair], statement) if pair else "truncated" if reason == "length" else "no_answer"
        for pair, reason, statement in zip(pairs, frame["finish_reason"], statements, strict=True)
    ]
    columns = {"answer": [each.answer for each in found], "answer_rule": [each.rule for each in found]}
    grades = [
        {**dict(zip(_PAIR, pair, strict=True)), "grader_version": GRADER_VERSION, **asdict(judgement)}
        for pair, judgement in new.items()
    ]
    return Judged(
        pl.DataFrame({**columns, "verdict": verdicts}, dict.fromkeys((*columns, "verdict"), pl.String())),
        pl.DataFrame(grades, GRADES_SCHEMA),
    )


def _remembered(known: pl.DataFrame | None) -> dict[Pair, Judgement]:
    if known is None or known.is_empty():
        return {}
    _check(known, _GRADED, "known grades")
    rows = known.filter(pl.col("grader_version") == GRADER_VERSION, pl.col("verdict") != "unscored")
    return {
        (answer, gold, kind): Judgement(verdict, "", unit)
        for answer, gold, kind, verdict, unit in rows.select(*_PAIR, "verdict", "unit").iter_rows()
    }


def _check(frame: pl.DataFrame, needed: Sequence[str], what: str) -> None:
    if missing := [name for name in needed if name not in frame.columns]:
        raise ValueError(
            f"{what}: no column {', '.join(missing)}; there are {', '.join(frame.columns) or 'none'}"
        )
    if empty := [name for name in needed if frame[name].null_count()]:
        raise ValueError(f"{what}: NULL in {', '.join(empty)}; every row needs a value")
