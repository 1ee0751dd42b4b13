"""A trace whose rows are still coming in from a plain table.

Belongs here: merging and checking the rows of one trace. Does not belong here: the columns of the table and its file
(:mod:`cot_assets.importing.table`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import cast, get_args

from cot_assets.grading.gold import read_gold
from cot_assets.grading.judgement import Judgement, Pair
from cot_assets.grading.reading.kinds import UnreadableError
from cot_assets.grading.text.extract import extract_answer
from cot_assets.grading.verify import GRADER_VERSION, settled
from cot_assets.importing.base import MAX_N, Counts, Cut, ImportingError, Problem, Rollout, Trace, Verdict
from cot_assets.importing.files import Record, Words
from cot_assets.study import ANSWER_KINDS

#: 64.0, as pandas writes whole numbers of a column with gaps.
_WHOLE = re.compile(r"([0-9]{1,10})(?:\.0{1,10})?")
_read_gold = lru_cache(maxsize=4096)(read_gold)  # rows repeat what they say of their problem
_OPTIONAL = ("trace_verdict", "trace_answer", "answer_kind", "level", "subject")


@dataclass
class Draft:
    """A trace whose rows are still coming in."""

    problem: Problem
    name: str
    text: str | None
    described: dict[str, str | None]
    where: str
    samples: dict[int, dict[int, Rollout]] = field(default_factory=dict)  #: by cut and number
    counts: dict[int, tuple[Counts, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, record: Record) -> Draft:
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
        try:
            _read_gold(gold, kind)
        except UnreadableError as error:
            raise ImportingError(
                f"{record.where}: the gold answer {gold[:80]!r} can be met by no answer: {error}"
            ) from error
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

    def merge(self, other: Draft, where: str) -> None:
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
                f"{record.where}: the cut {cut} of this trace occurs twice, first in {before}"
            )
        if not record.has("n") and not record.has("n_correct"):
            self.counts[cut] = Counts(), record.where
            return
        n, k = _whole(record, "n"), _whole(record, "n_correct")
        if k > n:
            raise ImportingError(f"{record.where}: n_correct = {k} exceeds n = {n}")
        if n > MAX_N:
            raise ImportingError(
                f"{record.where}: n = {n:,}; at most {MAX_N:,} rollouts of a prefix are taken"
            )
        self.counts[cut] = Counts(n=n, n_correct=k), record.where

    def add_rollout(self, record: Record) -> None:
        """Take over one rollout."""
        cut, index = _whole(record, "cut"), _whole(record, "sample_index")
        samples = self.samples.setdefault(cut, {})
        if index in samples:
            raise ImportingError(
                f"{record.where}: sample_index {index} occurs twice at the cut {cut}, first in {samples[index].where}"
            )
        answer = record.optional_text("answer")
        verdict = _verdict(record.optional_text("verdict"), record.where)
        if verdict is None and answer is None:
            verdict = "no_answer"
        n_tokens = _whole(record, "n_tokens") if record.has("n_tokens") else 0
        grader = "" if verdict else GRADER_VERSION  # which has yet to say
        samples[index] = Rollout(answer, verdict or "unscored", n_tokens, "", grader, index, record.where)

    def finish(self, path: Path, graded: Mapping[Pair, Judgement]) -> Trace:
        """The trace with its cuts in order, the empty prefix first."""
        text = self.whole
        words = Words(text)
        known = {0: Cut(0, 0, Counts(n=0, n_correct=0))}
        for end, (counts, where) in self.counts.items():
            known[end] = Cut(end, words.before(end), counts, where=where)
        for end, samples in self.samples.items():
            rollouts = tuple(
                replace(
                    each,
                    shard=path.name,
                    verdict=self._graded(each.answer, graded) if each.grader else each.verdict,
                )
                for _, each in sorted(samples.items())
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

    def _pair(self, answer: str | None) -> Pair:
        return (answer or "", self.problem.gold_answer, self.problem.answer_kind)

    def _graded(self, answer: str | None, graded: Mapping[Pair, Judgement]) -> Verdict:
        return settled(graded[self._pair(answer)], self.problem.statement)

    def pairs(self) -> Iterable[Pair]:
        """What has to be graded here."""
        for samples in self.samples.values():
            yield from (self._pair(each.answer) for each in samples.values() if each.grader)
        if self.described["trace_verdict"] is None and self.own_answer:
            yield self._pair(self.own_answer)


def _verdict(text: str | None, where: str) -> Verdict | None:
    if text is None or text in get_args(Verdict):
        return cast("Verdict | None", text)
    raise ImportingError(f"{where}: verdict {text[:80]!r} is unknown; known: {', '.join(get_args(Verdict))}")


def _whole(record: Record, name: str) -> int:
    value = record.value.get(name)
    match = _WHOLE.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match[1]) >= 2**31:
        raise ImportingError(f"{record.where}: {name} = {value!r:.80}; a whole number from 0 is needed")
    return int(match[1])
