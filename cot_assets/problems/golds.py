"""Gold answers of a problem set, and the options that they are chosen from.

Belongs here: finding the gold answer, giving options their letters, refusing what no answer could equal. Does not
belong here: how gold answers are read (:mod:`cot_assets.grading.gold`), and the other columns
(:mod:`cot_assets.problems.load`).
"""

from __future__ import annotations

import hashlib
import re
from string import ascii_uppercase

from cot_assets.grading.gold import read_gold
from cot_assets.grading.reading.kinds import Reading, UnreadableError
from cot_assets.grading.text.extract import extract_answer
from cot_assets.problems.sources import Mapped, ProblemSetError
from cot_assets.study import JUDGED_KINDS, ProblemSetEntry

_LETTER = re.compile(r"[A-Z]")


def gold_and_options(entry: ProblemSetEntry, problem: Mapped) -> tuple[str, tuple[str, ...], Reading | str]:
    """The gold answer in the form that answers are compared in, the options as shown, and how it is read."""
    where = f"{entry.source}: problem {problem.problem_id!r}"
    if entry.answer_kind in JUDGED_KINDS:
        if problem.judged_by is None:
            raise ProblemSetError(
                f"[{entry.name}] answer_kind = {entry.answer_kind!r}: {entry.source} brings nothing that judges its "
                "answers; set a kind that compares them"
            )
        return problem.answer, (), entry.answer_kind
    gold, options = problem.answer, ()
    if entry.gold_rules and not entry.options:
        found = extract_answer(gold, entry.answer_kind, entry.gold_rules).answer
        if found is None:
            raise ProblemSetError(
                f"{where} has no gold answer where gold_rules = {list(entry.gold_rules)} of [{entry.name}] say "
                f"that it is: {gold[:100]!r}; mend the row, or change the rules"
            )
        gold = found
    if entry.options:
        gold, options = _lettered(entry, problem, where)
    elif entry.answer_kind == "multiple_choice" and not _LETTER.fullmatch(gold):
        raise ProblemSetError(
            f"{where} has the answer {gold[:100]!r}; without option columns it must be the letter of an option in "
            "the statement"
        )
    try:
        reading = read_gold(gold, entry.answer_kind)
    except UnreadableError as error:
        raise ProblemSetError(
            f"{where} has the answer {gold[:100]!r}, which can be met by no answer: {error}; mend or drop the row, "
            f"or change answer_kind or gold_rules of [{entry.name}]"
        ) from error
    if entry.answer_kind == "integer" and reading.number:
        gold = str(reading.number.value)
    return gold, options, reading


def _lettered(entry: ProblemSetEntry, problem: Mapped, where: str) -> tuple[str, tuple[str, ...]]:
    """The letter of the right option, and all options in their shuffled order."""
    if not problem.wrong:
        raise ProblemSetError(f"{where} has no wrong option in {list(entry.options)}; mend or drop the row")
    if len(problem.wrong) >= len(ascii_uppercase):
        raise ProblemSetError(f"{where} has {len(problem.wrong) + 1} options; at most 26 have a letter")
    if problem.answer in problem.wrong:
        raise ProblemSetError(f"{where} has its right answer among the wrong options; mend or drop the row")
    options = (problem.answer, *problem.wrong)
    order = _shuffled(len(options), entry.seed, problem.problem_id)
    return ascii_uppercase[order.index(0)], tuple(options[i] for i in order)


def _shuffled(n: int, seed: int, problem_id: str) -> list[int]:
    """A uniform permutation of ``range(n)`` that depends on seed and problem alone, on any machine."""

    def key(i: int) -> bytes:
        return hashlib.sha256(f"{seed}\x00{problem_id}\x00{i}".encode()).digest()

    return sorted(range(n), key=key)
