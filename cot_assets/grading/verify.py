"""The verdict of one answer and one gold answer.

Belongs here: readings, their comparison and what a person is told of both. Does not belong here: bounds of
time and memory. :func:`verify` may run for hours on a hostile answer: only a worker (:mod:`.worker`) calls it,
and :class:`cot_assets.grading.pool.GraderPool` ends workers.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version

from cot_assets.grading.comparing.compare import Decision, compare
from cot_assets.grading.comparing.scalars import Algebra, NeedsAlgebraError, UndecidableError, no_algebra
from cot_assets.grading.gold import read_gold
from cot_assets.grading.judgement import GradeVerdict, Judgement
from cot_assets.grading.puzzles import is_puzzle, play
from cot_assets.grading.reading.answer import read
from cot_assets.grading.reading.kinds import Reading, UnreadableError
from cot_assets.grading.reading.measured import in_radians
from cot_assets.grading.reading.quantities import is_listed, names_unit
from cot_assets.grading.text.spelling import MAX_ANSWER_CHARS, MAX_JUDGED_CHARS, canonical
from cot_assets.study import ANSWER_KINDS, JUDGED_KINDS

FAILED = "the grader failed: "  #: how the reason begins where an exception is the grader's own

#: Goes up with every change of this package that can change a verdict.
_RULES = 15
GRADER_VERSION = "+".join(
    (
        f"cot-assets-rules-{_RULES}",
        f"math-verify-{version('math-verify')}",
        f"sympy-{version('sympy')}",
        f"latex2sympy2-{version('latex2sympy2_extended')}",
    )
)


def quick_verdict(answer: str, gold: str, kind: str) -> Judgement | None:
    """Decide a pair by its readings and by exact arithmetic; None where a worker or a sandbox is needed.

    Args:
        answer: An extracted answer.
        gold: The correct answer, or what the answer is judged by.
        kind: One of :data:`cot_assets.study.ANSWER_KINDS` and ``JUDGED_KINDS``.

    Raises:
        ValueError: ``kind`` is none of these.
    """
    if kind in JUDGED_KINDS:
        if len(answer) > MAX_JUDGED_CHARS:
            return Judgement("unscored", f"longer than {MAX_JUDGED_CHARS:,} characters")
        return play(answer, gold) if kind == "verifier" and is_puzzle(gold) else None
    if kind not in ANSWER_KINDS:
        raise ValueError(f"answer kind {kind!r} is not known; use one of {', '.join(ANSWER_KINDS)}")
    try:
        return _verdict(answer, gold, kind, no_algebra)
    except NeedsAlgebraError:
        return None
    except Exception as error:  # noqa: BLE001 - one odd answer must not end the grading of all others
        return Judgement("unscored", f"{FAILED}{type(error).__name__}")


def verify(answer: str, gold: str, kind: str) -> Judgement:
    """Compare an answer with the gold answer, with computer algebra where that is needed.

    Runs without any bound: call it in a worker.

    Raises:
        MemoryError: The worker's memory bound was reached.
        ValueError: ``kind`` is not known.
    """
    from cot_assets.grading.comparing.algebra import decide

    try:
        return _verdict(answer, gold, kind, decide)
    except UndecidableError as error:
        return Judgement("unscored", str(error))


def settled(judgement: Judgement, statement: str | None) -> GradeVerdict:
    """The verdict for one problem: a unit that only one side has must be named by its statement.

    Without a statement, a unit of the table counts as named, and any other word does not.
    """
    unit = judgement.unit
    if judgement.verdict != "correct" or unit is None:
        return judgement.verdict
    named = is_listed(unit) if statement is None else names_unit(statement, unit)
    return "correct" if named else "incorrect"


def explain(answer: str, gold: str, kind: str) -> dict[str, str]:
    """How answer and gold answer are read, for people; of a text that is not read, why."""
    right = _gold(gold, kind)
    given = _read(answer, kind, right if isinstance(right, Reading) else None)
    return {"answer_reading": str(given), "gold_reading": str(right)}


def _verdict(answer: str, gold: str, kind: str, algebra: Algebra) -> Judgement:
    right = _gold(gold, kind)
    if isinstance(right, str):
        return Judgement("unscored", f"the gold answer: {right}")
    if answer == gold:
        return Judgement("correct", "same text")
    if len(answer) > MAX_ANSWER_CHARS:
        return Judgement("unscored", f"longer than {MAX_ANSWER_CHARS} characters")
    given = _read(answer, kind, right)
    if isinstance(given, str):
        return Judgement("unscored" if given.startswith("nested") else "incorrect", given)
    if kind == "expression" and canonical(answer) == canonical(gold):
        return Judgement("correct", "same text")
    found: Decision = compare(given, right, algebra)
    if not found.is_same:
        is_same_angle = _is_same_angle(answer, gold, algebra)
        return Judgement("correct", "same angle") if is_same_angle else Judgement("incorrect", found.rule)
    in_degrees = (in_radians(text)[1] for text in (answer, gold))
    if not (found.unit or "deg").startswith("deg") and any(in_degrees):
        return Judgement("incorrect", f"an angle against {found.unit}")
    return Judgement("correct", found.rule, found.unit)


def _is_same_angle(answer: str, gold: str, algebra: Algebra) -> bool:
    r"""Whether both are one angle in degrees, or one is in degrees and the other the same multiple of \pi."""
    (ours, is_ours), (theirs, is_theirs) = in_radians(answer), in_radians(gold)
    if not is_ours & is_theirs and (
        is_ours == is_theirs or r"\pi" not in canonical(theirs if is_ours else ours)
    ):
        return False
    a, b = _read(ours, "expression", None), _read(theirs, "expression", None)
    return isinstance(a, Reading) and isinstance(b, Reading) and compare(a, b, algebra).is_same


@lru_cache(maxsize=4096)
def _gold(text: str, kind: str) -> Reading | str:
    try:
        return read_gold(text, kind)
    except UnreadableError as error:
        return str(error)


def _read(text: str, kind: str, gold: Reading | None) -> Reading | str:
    try:
        return read(text, kind, gold.kind if gold else "expression")
    except UnreadableError as error:
        return str(error)
