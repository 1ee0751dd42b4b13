"""Rollouts of any other source, as one plain table in JSONL or Parquet.

Belongs here: the columns of that table and their checks. Does not belong here: identity and tables
(:mod:`cot_assets.importing.frames`).

One row per rollout, or one row per cut with counts:

| column | needed | meaning |
|---|---|---|
| problem_id | always | the problem, at most 200 printable characters |
| statement | always | its text |
| gold_answer | always | its correct answer |
| trace | always | the whole text of the trace; with trace_id in one row of the trace at least |
| trace_id | no | name of the trace in its problem; else traces are told apart by their text |
| cut | always | characters of the trace before the cut, 0 for the empty prefix |
| sample_index | rollouts | number of the rollout, distinct at its cut |
| verdict, answer | rollouts, at least one | ``correct``, ``incorrect``, ``no_answer``, ``truncated`` or ``unscored``; the final answer |
| n_tokens | no | tokens of the rollout; else 0 |
| n, n_correct | counts | scored rollouts at the cut, and the correct ones among them; both NULL: unknown |
| trace_verdict, trace_answer | no | of the trace itself; else its last box, graded |
| answer_kind | no | as in problem_sets.toml: ``expression`` (default), ``integer``, ``multiple_choice``, ... |
| level, subject | no | as in the table ``problems`` |

A prefix that traces share (the empty one of a problem) may be repeated under each: the same counts, or the same
sample_index with the same outcome, count once; what differs is refused, unless each trace's own rollouts were
counted and ``sum_shared`` adds them up. Whole numbers may be written as floats, and NaN is NULL, as pandas does.

An answer without a verdict is graded here; an empty one is ``no_answer``. A cut at the end of its trace is
left out: the end carries the trace's own verdict. Other columns are ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from cot_assets.grading.pool import GraderPool
from cot_assets.importing.base import (
    TRACES_SAMPLED,
    Imported,
    ImportingError,
    Source,
    Trace,
)
from cot_assets.importing.drafts import Draft
from cot_assets.importing.files import Record
from cot_assets.importing.frames import build
from cot_assets.study import CutPolicy
from cot_assets.study.rows import Row, RowsError, iter_rows

NAME = "table"
REQUIRED = ("problem_id", "statement", "gold_answer", "trace")  #: columns of every table of traces
_COUNTS = ("n", "n_correct")


def import_table(
    path: Path,
    *,
    model: str,
    problem_set: str,
    cut_policy: CutPolicy = "sentences",
    sum_shared: bool = False,
    traces_sampled: bool = False,
) -> list[Imported]:
    """Read a table of rollouts or counts; see the module's docstring for its columns.

    Args:
        path: A file of a kind that :mod:`cot_assets.study.rows` reads.
        model: Name that the model gets.
        problem_set: Name that the problems get.
        cut_policy: What the cuts are.
        sum_shared: See :func:`cot_assets.importing.frames.build`.
        traces_sampled: No trace was chosen by its verdict, so that accuracy and pass@k may be told from them.

    Returns:
        One result, in a list as the other importers return it.

    Raises:
        ImportingError: A column is missing, or a row is malformed or contradicts another.
    """
    rows = read_rows(path)
    columns = {name for _, row in rows for name in row}
    is_counts = _are_counts(rows, path)
    missing = [name for name in (*REQUIRED, "cut") if name not in columns]
    if not is_counts:
        missing += [] if "sample_index" in columns else ["sample_index (or n and n_correct)"]
        missing += [] if columns & {"verdict", "answer"} else ["verdict or answer"]
    refuse_missing(missing, columns, path)
    traces = traces_of(rows, path, Draft.add_counts if is_counts else Draft.add_rollout)
    source = Source(
        NAME, cut_policy, {"cut_policy": cut_policy, "rows": "counts" if is_counts else "rollouts"}
    )
    notes = [TRACES_SAMPLED] * traces_sampled
    return [build(source, model, problem_set, traces, notes=notes, sum_shared=sum_shared)]


def _are_counts(rows: Sequence[Row], path: Path) -> bool:
    """Whether the rows are counts; raises where some are and others are rollouts."""
    first: dict[str, int] = {}
    for number, row in rows:
        for name in ("n", "n_correct", "sample_index"):
            if row.get(name) is not None:
                first.setdefault("rollout" if name == "sample_index" else "counts", number)
    if len(first) == 2:
        raise ImportingError(
            f"{path}: row {first['counts']} has counts (n, n_correct) and row {first['rollout']} a rollout "
            "(sample_index); one file holds one of the two. Count the rollouts of each cut, or import two files "
            "under different problem sets"
        )
    return "counts" in first or all(set(_COUNTS) <= row.keys() for _, row in rows)


def read_rows(path: Path) -> Sequence[Row]:
    """The rows of a file; at least one. Raises :class:`ImportingError` as :func:`import_table` does."""
    try:
        rows = list(iter_rows(path))
    except RowsError as error:
        raise ImportingError(str(error)) from error
    if not rows:
        raise ImportingError(f"{path}: no rows in it")
    return rows


def refuse_missing(missing: Sequence[str], columns: Iterable[str], path: Path) -> None:
    """Raise :class:`ImportingError` where columns are missing."""
    if missing:
        raise ImportingError(
            f"{path}: lacks the column(s) {', '.join(missing)}; columns there: {', '.join(sorted(columns)) or 'none'}"
        )


def traces_of(
    rows: Iterable[Row], path: Path, take: Callable[[Draft, Record], object] = lambda *_: None
) -> list[Trace]:
    """The traces that rows describe; ``take`` gives a trace what a row says besides. Raises as :func:`import_table` does."""
    drafts: dict[tuple[str, str, str], Draft] = {}
    for number, row in rows:
        record = Record(row, f"{path}: row {number}")
        described = Draft.of(record)
        draft = drafts.setdefault(described.key, described)
        draft.merge(described, record.where)
        take(draft, record)
    with GraderPool() as pool:
        graded = pool.grade(pair for draft in drafts.values() for pair in draft.pairs())
    return [draft.finish(path, graded) for draft in drafts.values()]
