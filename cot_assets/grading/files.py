"""Grade a file of responses: the work behind ``cot-assets grade``.

Belongs here: reading rows, grading them batch by batch, writing one line per response, and the summary.
Does not belong here: the command and its options (:mod:`cot_assets.cli`), and rollouts of the warehouse
(:mod:`.judge`).
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from cot_assets.grading.judgement import Judgement, Pair
from cot_assets.grading.pool import GraderPool
from cot_assets.grading.text.extract import DEFAULT_RULES, extract_answer
from cot_assets.grading.verify import GRADER_VERSION, explain, settled
from cot_assets.statistics.estimates import jeffreys_interval
from cot_assets.study import ANSWER_KINDS, AnswerRule
from cot_assets.study.files import replacing
from cot_assets.study.rows import RowsError, iter_rows

_BATCH = 2000  #: responses that are held in memory at a time
_ANSWER = "answer"  # read in rows without a response
_STATEMENT = "statement"  # of the problem; decides on units that only answer or gold answer has
VERDICTS = ("correct", "incorrect", "no_answer", "truncated", "unscored")


class GradeFileError(ValueError):
    """A file cannot be graded; the message names file, line and the way out."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of the responses of a file.

    ``rows`` counts responses. ``accuracy`` is correct / (rows - unscored), NaN where nothing was scored;
    (``ci_low``, ``ci_high``) is its 95% Jeffreys interval, which takes responses as independent: several
    responses to one problem are not, and then the interval is too narrow.
    """

    output: Path
    rows: int
    correct: int
    incorrect: int
    no_answer: int
    truncated: int
    unscored: int
    accuracy: float
    ci_low: float
    ci_high: float

    def __str__(self) -> str:
        """Counts, accuracy and its interval, and where the verdicts of single rows are."""
        counts = "\n".join(f"{name:<10} {getattr(self, name):>8}" for name in ("rows", *VERDICTS))
        accuracy = (
            "accuracy   unknown: nothing was scored"
            if math.isnan(self.accuracy)
            else f"accuracy   {self.accuracy:8.4f}  (95% Jeffreys interval {self.ci_low:.4f} to {self.ci_high:.4f})"
        )
        return f"{counts}\n{accuracy}\nverdicts   {self.output}"


class _Response(NamedTuple):
    """What a line says of a response before its verdict, and what else decides on that."""

    said: dict[str, Any]
    statement: str | None
    is_cut_off: bool


def grade_file(
    path: Path,
    output: Path | None = None,
    *,
    response_field: str = "response",
    answer_field: str | None = None,
    gold_field: str = "gold",
    kind: str = "expression",
    rules: Sequence[AnswerRule] = DEFAULT_RULES,
    explained: bool = False,
    overwrite: bool = False,
    pool: GraderPool | None = None,
) -> Summary:
    """Grade every response of a file and write one JSON line per response.

    Args:
        path: one response per row, in a file that :mod:`cot_assets.study.rows` reads.
        output: where verdicts go; default: the input's name with ``.graded.jsonl``. Written under another
            name first, so that a run that fails leaves nothing there.
        response_field: the model's text, or a list of texts. A text that ended by its length
            (``finish_reason`` is ``length``) without an answer is ``truncated``.
        answer_field: a final answer that is already extracted, or a list; no text is searched for it.
            Without a name, ``answer`` is read in rows that have no response.
        gold_field: the right answer, text or number.
        kind: How answers are read; see :class:`cot_assets.study.ProblemSetEntry`.
        rules: Where a text has its answer; see :mod:`cot_assets.grading.text.extract`.
        explained: Whether each line also says how answer and gold answer are read.
        overwrite: whether ``output`` may exist.
        pool: compares answers; without one, a pool lives for this call.

    Returns:
        Counts and accuracy.

    Raises:
        GradeFileError: the input cannot be read, a field is missing or of another type, ``output`` exists.
    """
    if kind not in ANSWER_KINDS:
        raise GradeFileError(f"answer kind {kind!r} is not known; use one of {', '.join(ANSWER_KINDS)}")
    output = _output(path, output, overwrite=overwrite)
    counts: Counter[str] = Counter()
    try:
        with replacing(output) as part:
            with (
                part.open("x", encoding="utf-8") as results,
                nullcontext(pool) if pool else GraderPool() as graders,
            ):
                responses = _responses(path, response_field, answer_field, gold_field, kind, rules)
                for line in _lines(responses, graders, kind, explained=explained):
                    results.write(json.dumps(line, ensure_ascii=False) + "\n")
                    counts[line["verdict"]] += 1
            if output.exists() and not overwrite:
                raise GradeFileError(f"{output} has come into being meanwhile; name another output")
    except RowsError as error:
        raise GradeFileError(str(error)) from error
    except OSError as error:
        raise GradeFileError(f"{error.filename}: {error.strerror}") from error
    return _summary(output, counts)


def _output(path: Path, output: Path | None, *, overwrite: bool) -> Path:
    """Where verdicts go; raises where something that must stay is there."""
    output = output or path.with_name(path.name.removesuffix(".gz")).with_suffix(".graded.jsonl")
    if output.exists() and (not overwrite or output.samefile(path)):
        way_out = "" if overwrite else ", or overwrite it"
        raise GradeFileError(f"{output} exists; name another output{way_out}")
    return output


def _lines(
    responses: Iterator[_Response], pool: GraderPool, kind: str, *, explained: bool
) -> Iterator[dict[str, Any]]:
    """The line of every response, graded batch by batch; what is there twice is graded once."""
    judged: dict[Pair, Judgement] = {}
    while batch := list(islice(responses, _BATCH)):
        pairs = [
            (r.said["answer"], r.said["gold_answer"], kind) for r in batch if r.said["answer"] is not None
        ]
        judged |= pool.grade(pair for pair in pairs if pair not in judged)
        yield from (_line(response, judged, kind, explained=explained) for response in batch)


def _summary(output: Path, counts: Counter[str]) -> Summary:
    scored = counts.total() - counts["unscored"]
    low, high = jeffreys_interval(counts["correct"], scored)
    return Summary(
        output,
        counts.total(),
        *(counts[verdict] for verdict in VERDICTS),
        accuracy=counts["correct"] / scored if scored else math.nan,
        ci_low=float(low),
        ci_high=float(high),
    )


def _line(
    response: _Response, judged: dict[Pair, Judgement], kind: str, *, explained: bool
) -> dict[str, Any]:
    answer, gold = response.said["answer"], response.said["gold_answer"]
    if answer is not None:
        judgement = judged[answer, gold, kind]
        verdict, reason = settled(judgement, response.statement), judgement.reason
        if verdict != judgement.verdict:
            reason = f"the statement does not name the unit {judgement.unit}"
    elif response.is_cut_off:
        verdict, reason = "truncated", "ended by its length before an answer"
    else:
        verdict, reason = "no_answer", "no final answer found"
    readings = explain(answer or "", gold, kind) if explained else {}
    decided = {"verdict": verdict, "reason": reason}
    return {**response.said, **decided, **readings, "grader_version": GRADER_VERSION}


def _responses(
    path: Path,
    response_field: str,
    answer_field: str | None,
    gold_field: str,
    kind: str,
    rules: Sequence[AnswerRule],
) -> Iterator[_Response]:
    for number, row in iter_rows(path):
        place = f"{path}, row {number}"
        gold = _text(_field(row, gold_field, place), f"{place}, field {gold_field!r}")
        if gold is None:
            raise GradeFileError(
                f"{place}: the gold answer ({gold_field!r}) is null; give it or leave the row out"
            )
        statement = row.get(_STATEMENT) if isinstance(row.get(_STATEMENT), str) else None
        is_text = answer_field is None and (response_field in row or _ANSWER not in row)
        field = response_field if is_text else answer_field or _ANSWER
        given = _field(row, field, place)
        values: list[Any] = given if isinstance(given, list) else [given]
        for index, value in enumerate(values):
            text = _text(value, f"{place}, field {field!r}")
            answer, rule = extract_answer(text, kind, rules) if is_text and text is not None else (text, None)
            said = {
                "row": number,
                "index": index if isinstance(given, list) else None,
                "answer": answer if answer and answer.strip() else None,
                "answer_rule": rule,
                "gold_answer": gold,
            }
            yield _Response(said, statement, row.get("finish_reason") == "length")


def _field(row: dict[str, Any], name: str, place: str) -> object:
    if name not in row:
        known = ", ".join(list(row)[:20]) or "none"
        raise GradeFileError(f"{place}: no field {name!r}; there are: {known}")
    return row[name]


def _text(value: object, place: str) -> str | None:
    """Text or number as text, without lone surrogates (no file can hold them); None for null."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise GradeFileError(f"{place}: holds {type(value).__name__}; text, a number or null is needed")
    return str(value).encode("utf-8", "replace").decode()
