"""Verdicts of rollouts: extraction and grading of whole frames, with everything graded once.

Belongs here: from a frame of texts to verdicts, and which grades are new. Does not belong here: reading
and writing the ``grades`` table (the caller brings what is known and stores what is new).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from cot_assets.grading.pool import GraderPool, Pair
from cot_assets.grading.text.extract import DEFAULT_RULES, extract_answer
from cot_assets.grading.verify import GRADER_VERSION, settled
from cot_assets.study import AnswerRule
from cot_assets.warehouse.schema import polars_schema

GRADES_SCHEMA = polars_schema("grades")
_GRADED = ("answer", "gold_answer", "answer_kind", "grader_version", "verdict")
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
    found = [
        extract_answer(text, kind, rules)
        for text, kind in zip(frame["text"], frame["answer_kind"], strict=True)
    ]
    by = frame["gold_answer"]
    if "judged_by" in frame.columns:
        by = frame.select(pl.coalesce("judged_by", "gold_answer")).to_series()
    pairs: list[Pair | None] = [
        None if answer is None else (answer, gold, kind)
        for (answer, _), gold, kind in zip(found, by, frame["answer_kind"], strict=True)
    ]
    verdict_of = _remembered(known)
    wanted = [pair for pair in dict.fromkeys(pairs) if pair is not None and pair not in verdict_of]
    if pool is not None:
        grades = pool.grade(wanted)
    else:
        with GraderPool() as own:
            grades = own.grade(wanted)
    verdict_of |= {(g.answer, g.gold_answer, g.answer_kind): (g.verdict, g.unit) for g in grades}
    statements = frame["statement"] if "statement" in frame.columns else [None] * frame.height
    verdicts = [
        settled(*verdict_of[pair], statement)
        if pair is not None
        else "truncated"
        if reason == "length"
        else "no_answer"
        for pair, reason, statement in zip(pairs, frame["finish_reason"], statements, strict=True)
    ]
    return Judged(
        pl.DataFrame(
            {
                "answer": [answer for answer, _ in found],
                "answer_rule": [rule for _, rule in found],
                "verdict": verdicts,
            },
            dict.fromkeys(("answer", "answer_rule", "verdict"), pl.String()),
        ),
        pl.DataFrame(
            [
                (
                    g.answer,
                    g.gold_answer,
                    g.answer_kind,
                    GRADER_VERSION,
                    g.verdict,
                    g.reason,
                    g.unit,
                    g.illegal_move,
                )
                for g in grades
            ],
            GRADES_SCHEMA,
            orient="row",
        ),
    )


def _remembered(known: pl.DataFrame | None) -> dict[Pair, tuple[str, str | None]]:
    if known is None or known.is_empty():
        return {}
    _check(known, _GRADED, "known grades")
    rows = known.filter(pl.col("grader_version") == GRADER_VERSION, pl.col("verdict") != "unscored")
    return {
        (answer, gold, kind): (verdict, unit)
        for answer, gold, kind, verdict, unit in rows.select(
            "answer", "gold_answer", "answer_kind", "verdict", "unit"
        ).iter_rows()
    }


def _check(frame: pl.DataFrame, needed: tuple[str, ...] | list[str], what: str) -> None:
    if missing := [name for name in needed if name not in frame.columns]:
        raise ValueError(
            f"{what}: no column {', '.join(missing)}; there are {', '.join(frame.columns) or 'none'}"
        )
    if empty := [name for name in needed if frame[name].null_count()]:
        raise ValueError(f"{what}: NULL in {', '.join(empty)}; every row needs a value")
