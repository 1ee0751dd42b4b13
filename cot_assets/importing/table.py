"""Rollouts of any other source, as one plain table in JSONL or Parquet.

Belongs here: the columns of that table and their checks. Does not belong here: identity and tables
(:mod:`cot_assets.importing.frames`).

One row per rollout, or one row per cut with counts:

| column | needed | meaning |
|---|---|---|
| problem_id | always | the problem, at most 200 printable characters |
| statement | always | its text |
| gold_answer | always | its right answer |
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

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import cast, get_args

from cot_assets.grading.pool import Grade, GraderPool
from cot_assets.grading.text.extract import extract_answer
from cot_assets.grading.verify import GRADER_VERSION, settled
from cot_assets.importing.base import (
    Counts,
    Cut,
    Imported,
    ImportingError,
    Problem,
    Rollout,
    Source,
    Trace,
    Verdict,
)
from cot_assets.importing.files import Record, Words
from cot_assets.importing.frames import build
from cot_assets.study import ANSWER_KINDS, CutPolicy
from cot_assets.study.rows import Row, RowsError, iter_rows

NAME = "table"
_REQUIRED = ("problem_id", "statement", "gold_answer", "trace", "cut")
_WHOLE = re.compile(
    r"([0-9]{1,10})(?:\.0{1,10})?"
)  # 64.0, as pandas writes whole numbers of a column with gaps
_COUNTS = ("n", "n_correct")
_OPTIONAL = ("trace_verdict", "trace_answer", "answer_kind", "level", "subject")


def import_table(
    path: Path,
    *,
    model: str,
    problem_set: str,
    cut_policy: CutPolicy = "sentences",
    sum_shared: bool = False,
    imported_at: datetime | None = None,
) -> list[Imported]:
    """Read a table of rollouts or counts; see the module's docstring for its columns.

    Args:
        path: A file of a kind that :mod:`cot_assets.study.rows` reads.
        model: Name that the model gets.
        problem_set: Name that the problems get.
        cut_policy: What the cuts are.
        sum_shared: See :func:`cot_assets.importing.frames.build`.
        imported_at: See :func:`cot_assets.importing.frames.build`.

    Returns:
        One result, in a list as the other importers return it.

    Raises:
        ImportingError: A column is missing, or a row is malformed or contradicts another.
    """
    rows = _read(path)
    if not rows:
        raise ImportingError(f"{path}: no rows in it")
    columns = {name for _, row in rows for name in row}
    is_counts = _are_counts(rows, path)
    missing = [name for name in _REQUIRED if name not in columns]
    if not is_counts:
        missing += [] if "sample_index" in columns else ["sample_index (or n and n_correct)"]
        missing += [] if columns & {"verdict", "answer"} else ["verdict or answer"]
    if missing:
        raise ImportingError(
            f"{path}: lacks the column(s) {', '.join(missing)}; columns there: {', '.join(sorted(columns))}"
        )
    drafts: dict[tuple[str, str, str], _Draft] = {}
    for number, row in rows:
        record = Record(row, f"{path}: row {number}")
        described = _Draft.of(record)
        draft = drafts.setdefault(described.key, described)
        draft.merge(described, record.where)
        (draft.add_counts if is_counts else draft.add_rollout)(record)
    graded = _grade(drafts.values())
    traces = [draft.finish(path, graded) for draft in drafts.values()]
    source = Source(
        NAME, cut_policy, {"cut_policy": cut_policy, "rows": "counts" if is_counts else "rollouts"}
    )
    return [build(source, model, problem_set, traces, sum_shared=sum_shared, imported_at=imported_at)]


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


def _read(path: Path) -> Sequence[Row]:
    try:
        return list(iter_rows(path))
    except RowsError as error:
        raise ImportingError(str(error)) from error


@dataclass
class _Sample:
    """A rollout before grading."""

    index: int
    answer: str | None
    verdict: Verdict | None
    n_tokens: int
    where: str


@dataclass
class _Draft:
    """A trace whose rows are still coming in."""

    problem: Problem
    name: str
    text: str | None
    described: dict[str, str | None]
    where: str
    samples: dict[int, dict[int, _Sample]] = field(default_factory=dict)
    counts: dict[int, tuple[Counts, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, record: Record) -> _Draft:
        """The trace of a row, without the row's own numbers."""
        texts = {name: record.optional_text(name) for name in ("problem_id", "gold_answer", *_OPTIONAL)}
        problem_id, gold, kind = (
            texts["problem_id"],
            texts["gold_answer"],
            texts["answer_kind"] or "expression",
        )
        if problem_id is None or gold is None:
            raise ImportingError(f"{record.where}: problem_id or gold_answer is missing or empty")
        if kind not in ANSWER_KINDS:
            raise ImportingError(
                f"{record.where}: answer_kind {kind[:80]!r} is unknown; known: {', '.join(ANSWER_KINDS)}"
            )
        name = record.optional_text("trace_id") or ""
        text = record.text("trace") if record.has("trace") or not name else None
        if text is not None and not text.strip():
            raise ImportingError(f"{record.where}: the trace is empty; leave it out")
        problem = Problem(problem_id, record.text("statement"), gold, kind, texts["level"], texts["subject"])
        described = {name: texts[name] for name in ("trace_verdict", "trace_answer")}
        return cls(problem, name, text, described, record.where)

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells the trace from others: its problem, and its name or text."""
        return self.problem.problem_id, self.name, "" if self.name else self.whole

    def merge(self, other: _Draft, where: str) -> None:
        """Take the text from a row that has it; refuse one that says something else than the rows before."""
        if self.text is None:
            self.text = other.text
        is_same_text = other.text is None or other.text == self.text
        if not is_same_text or (other.problem, other.described) != (self.problem, self.described):
            raise ImportingError(
                f"{where}: differs from {self.where} of problem {self.problem.problem_id!r} and the same trace in "
                "text, statement, gold_answer or another column that describes the problem or the trace"
            )

    def add_counts(self, record: Record) -> None:
        """Take over n and n_correct of a cut."""
        cut = _whole(record, "cut")
        if cut in self.counts:
            before = self.counts[cut][1]
            raise ImportingError(
                f"{record.where}: the cut {cut} of this trace stands twice, first in {before}"
            )
        if not record.has("n") and not record.has("n_correct"):
            self.counts[cut] = Counts(), record.where
            return
        n, k = _whole(record, "n"), _whole(record, "n_correct")
        if k > n:
            raise ImportingError(f"{record.where}: n_correct = {k} exceeds n = {n}")
        self.counts[cut] = Counts(n=n, n_correct=k), record.where

    def add_rollout(self, record: Record) -> None:
        """Take over one rollout."""
        cut, index = _whole(record, "cut"), _whole(record, "sample_index")
        samples = self.samples.setdefault(cut, {})
        if index in samples:
            raise ImportingError(
                f"{record.where}: sample_index {index} stands twice at the cut {cut}, first in {samples[index].where}"
            )
        answer = record.optional_text("answer")
        verdict = _verdict(record.optional_text("verdict"), record.where)
        if verdict is None and answer is None:
            verdict = "no_answer"
        n_tokens = _whole(record, "n_tokens") if record.has("n_tokens") else 0
        samples[index] = _Sample(index, answer, verdict, n_tokens, record.where)

    def finish(self, path: Path, graded: Mapping[_Pair, Grade]) -> Trace:
        """The trace with its cuts in order, the empty prefix first."""
        text = self.whole
        words = Words(text)
        known = {0: Cut(0, 0, Counts(n=0, n_correct=0))}
        for end, (counts, where) in self.counts.items():
            known[end] = Cut(end, words.before(end), counts, where=where)
        for end, samples in self.samples.items():
            rollouts = tuple(
                Rollout(
                    sample.answer,
                    sample.verdict or self._graded(sample.answer, graded),
                    sample.n_tokens,
                    path.name,
                    "" if sample.verdict else GRADER_VERSION,
                    sample.index,
                    sample.where,
                )
                for _, sample in sorted(samples.items())
            )
            known[end] = Cut(end, words.before(end), Counts.of(rollouts), rollouts, rollouts[0].where)
        if (last := max(known)) > len(text):
            raise ImportingError(
                f"{known[last].where}: cut = {last}, but the trace has {len(text)} characters"
            )
        at_end = known.pop(len(text), None)
        cuts = [known[end] for end in sorted(known)]
        problem_id = self.problem.problem_id
        notes = (f"{problem_id}: the cut at the end of a trace was left out",) if at_end else ()
        answer, verdict = self.own_answer, _verdict(self.described["trace_verdict"], str(path))
        grader = "" if verdict else GRADER_VERSION
        verdict = verdict or (self._graded(answer, graded) if answer else "no_answer")
        return Trace(
            self.problem,
            text,
            words.count,
            answer,
            verdict,
            tuple(cuts),
            notes=notes,
            grader=grader,
            name=self.name,
        )

    @property
    def whole(self) -> str:
        """The trace's text; raises where no row has it."""
        if self.text is None:
            raise ImportingError(
                f"{self.where}: no row of the trace {self.name!r:.80} holds its text in `trace`"
            )
        return self.text

    @property
    def own_answer(self) -> str | None:
        """The trace's final answer."""
        return self.described["trace_answer"] or extract_answer(self.whole, self.problem.answer_kind).answer

    def _pair(self, answer: str | None) -> _Pair:
        return (answer or "", self.problem.gold_answer, self.problem.answer_kind)

    def _graded(self, answer: str | None, graded: Mapping[_Pair, Grade]) -> Verdict:
        grade = graded[self._pair(answer)]
        return cast("Verdict", settled(grade.verdict, grade.unit, self.problem.statement))

    def pairs(self) -> Iterable[_Pair]:
        """What has to be graded here."""
        for samples in self.samples.values():
            yield from (self._pair(s.answer) for s in samples.values() if s.verdict is None)
        if self.described["trace_verdict"] is None and self.own_answer:
            yield self._pair(self.own_answer)


_Pair = tuple[str, str, str]


def _grade(drafts: Iterable[_Draft]) -> Mapping[_Pair, Grade]:
    wanted = list(dict.fromkeys(pair for draft in drafts for pair in draft.pairs()))
    if not wanted:
        return {}
    with GraderPool() as pool:
        grades = pool.grade(wanted)
    return {(g.answer, g.gold_answer, g.answer_kind): g for g in grades}


def _verdict(text: str | None, where: str) -> Verdict | None:
    if text is None:
        return None
    for verdict in get_args(Verdict):
        if verdict == text:
            return verdict
    raise ImportingError(f"{where}: verdict {text[:80]!r} is unknown; known: {', '.join(get_args(Verdict))}")


def _whole(record: Record, name: str) -> int:
    value = record.value.get(name)
    match = _WHOLE.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match[1]) >= 2**31:
        raise ImportingError(f"{record.where}: {name} = {value!r:.80}; a whole number from 0 is needed")
    return int(match[1])
