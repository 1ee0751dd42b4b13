"""From a problem set's entry to the rows of the table ``problems``.

Belongs here: the mapping of columns, identity, prompts, multiple choice, and every check on a problem.
Does not belong here: getting the rows (:mod:`cot_assets.problems.sources`), the demo's generator
(:mod:`cot_assets.problems.demo`).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from string import ascii_uppercase
from typing import Any

import polars as pl

from cot_assets.grading.pool import GraderError, GraderPool
from cot_assets.problems import puzzles, reasoning_gym
from cot_assets.problems.demo import demo_problems
from cot_assets.problems.given import given_problems
from cot_assets.problems.golds import gold_and_options
from cot_assets.problems.humaneval import SOURCE, humaneval_problems
from cot_assets.problems.sources import (
    Mapped,
    ProblemSetError,
    Table,
    digest,
    is_hub_path,
    read_hub,
    read_local,
)
from cot_assets.study import GIVEN, JUDGED_KINDS, PUBLISHED, DataHome, ProblemSetEntry
from cot_assets.warehouse.errors import unfit
from cot_assets.warehouse.schema import polars_schema

_log = logging.getLogger(__name__)
PROBLEMS_SCHEMA = polars_schema("problems")

MAX_ID = 200  #: characters in a problem's id
MAX_TEXT = 1_000_000  #: characters in a statement, an answer or an option

_PLACEHOLDER = re.compile(r"\{(statement|options)\}")
_SCALARS = (str, int, float)


def load_problems(entry: ProblemSetEntry, home: DataHome) -> pl.DataFrame:
    """Read a problem set.

    Args:
        entry: The problem set. ``revision`` pins a hub data set (commit, tag or branch) and labels a
            local file; without it the revision is a hash of the file's bytes or of the hub's rows.
        home: Data sets from the hub are kept in its cache, so that a rerun needs no network.

    Returns:
        One row per problem with the columns of ``PROBLEMS_SCHEMA``, in the order of the source. Integer
        answers are in lowest form (``073`` becomes ``73``). Multiple choice: the options are shuffled by
        a hash of seed and problem id, ``gold_answer`` is the letter.

    Raises:
        ProblemSetError: A source, column, id, statement or answer is missing or wrong.
    """
    _check_entry(entry)
    if entry.source.startswith(PUBLISHED):
        raise ProblemSetError(
            f"[{entry.name}] source = {entry.source!r}: the problems of imported rollouts come with their import"
        )
    revision, mapped = _mapped(entry, home)
    mapped = _chosen(entry, mapped)
    revision = entry.revision if entry.revision and not is_hub_path(entry.source) else revision
    repeated = list[str]()
    rows, seen, asked = list[dict[str, str | None]](), dict[str, int](), dict[str, tuple[str, str]]()
    for number, problem in enumerate(mapped, start=1):
        _check_id(entry, problem.problem_id, number, seen)
        gold, options, reading = gold_and_options(entry, problem)
        prompt = _prompt(entry.prompt, problem.statement, options)
        if _is_repeated(entry, problem, prompt, gold, asked):
            repeated.append(problem.problem_id)
            continue
        rows.append(
            {
                "problem_set": entry.name,
                "problem_id": problem.problem_id,
                "statement": problem.statement,
                "prompt": prompt,
                "gold_answer": gold,
                "judged_by": problem.judged_by,
                "answer_kind": entry.answer_kind,
                "gold_reading": str(reading),
                "level": problem.level,
                "subject": problem.subject,
                "source": entry.source,
                "revision": revision,
                "chosen": entry.chosen or ("named by the problem set's entry" if entry.only else None),
            }
        )
    if repeated:
        _log.warning(
            "%s: problems that repeat an earlier one are left out: %d, such as %r",
            entry.source,
            len(repeated),
            repeated[0],
        )
    if entry.answer_kind in JUDGED_KINDS:
        _check_judges(entry, mapped)
    return pl.DataFrame(rows, schema=PROBLEMS_SCHEMA)


def _chosen(entry: ProblemSetEntry, mapped: Sequence[Mapped]) -> Sequence[Mapped]:
    """The problems that ``only`` and ``limit`` leave."""
    if entry.only:
        known = {problem.problem_id for problem in mapped}
        if unknown := [problem_id for problem_id in entry.only if problem_id not in known]:
            raise ProblemSetError(
                f"[{entry.name}] only names {unknown[0]!r}, which {entry.source!r} does not have; its ids are like "
                f"{', '.join(repr(problem.problem_id) for problem in mapped[:3])}"
            )
        mapped = [problem for problem in mapped if problem.problem_id in entry.only]
    return mapped[: entry.limit]


def _check_judges(entry: ProblemSetEntry, problems: Sequence[Mapped]) -> None:
    """Refuse a set whose own right answers are not judged correct, here and now."""
    asked = {(p.answer, str(p.judged_by), str(entry.answer_kind)): p for p in problems}
    try:
        with GraderPool() as pool:
            judged = pool.grade(asked)
    except GraderError as error:
        raise ProblemSetError(f"[{entry.name}] {error}") from error
    for pair, judgement in judged.items():
        if judgement.verdict != "correct":
            raise ProblemSetError(
                f"[{entry.name}] {entry.source}: the answer of problem {asked[pair].problem_id!r} itself is "
                f"{judgement.verdict} ({judgement.reason}); such a judge is not used, so set another answer_kind"
            )


def _demo_problems(entry: ProblemSetEntry, _: DataHome) -> list[Mapped]:
    if entry.source != "generated:demo":
        raise ProblemSetError(f"{entry.source}: the only generated problem set is 'generated:demo'")
    return [
        Mapped(problem_id, p.statement, str(p.answer), str(p.level), p.family)
        for problem_id, p in demo_problems(entry.generator, entry.seed)
    ]


#: What makes the problems of an entry, by how its source begins; all others are rows of a file.
_MAKERS: dict[str, Callable[[ProblemSetEntry, DataHome], list[Mapped]]] = {
    "generated:": _demo_problems,
    reasoning_gym.PREFIX: lambda entry, _: reasoning_gym.reasoning_gym_problems(entry),
    puzzles.PREFIX: lambda entry, _: puzzles.puzzle_problems(entry),
    GIVEN: given_problems,
}


def _mapped(entry: ProblemSetEntry, home: DataHome) -> tuple[str, list[Mapped]]:
    """The problems of a source, and a revision for them."""
    for start, make in _MAKERS.items():
        if entry.source.startswith(start):
            mapped = make(entry, home)
            return digest(repr(mapped).encode()), mapped
    if entry.source == SOURCE:
        return humaneval_problems()
    is_on_hub = is_hub_path(entry.source)
    table = read_hub(entry.source, entry.revision, home) if is_on_hub else read_local(entry.source)
    return table.revision, _map_rows(entry, table)


def _map_rows(entry: ProblemSetEntry, table: Table) -> list[Mapped]:
    if not table.rows:
        raise ProblemSetError(f"{entry.source}: no problems in it")
    wanted = {"statement": entry.statement, "answer": entry.answer, "id": entry.id}
    wanted |= {"level": entry.level, "subject": entry.subject}
    wanted |= {f"options[{i}]": column for i, column in enumerate(entry.options)}
    for field, column in wanted.items():
        if column is not None and column not in table.columns:
            raise ProblemSetError(
                f"{entry.source}: no column {column!r}; columns there: {', '.join(table.columns) or 'none'}. "
                f"Set {field.split('[')[0]} of [{entry.name}] to one of them"
            )

    def optional(row: dict[str, Any], column: str | None, number: int) -> str | None:
        text = None if column is None else _text(entry, row.get(column), column, number)
        return text.strip() or None if text is not None else None

    def required(row: dict[str, Any], column: str, number: int) -> str:
        text = _text(entry, row.get(column), column, number)
        if text is None or not text.strip():
            raise ProblemSetError(
                f"{entry.source}: row {number} has nothing in column {column!r}; mend or drop the row"
            )
        return text

    return [
        Mapped(
            problem_id=str(number) if entry.id is None else required(row, entry.id, number),
            statement=required(row, entry.statement, number),
            answer=required(row, entry.answer, number).strip(),
            level=optional(row, entry.level, number),
            subject=optional(row, entry.subject, number),
            wrong=tuple(o for c in entry.options if (o := optional(row, c, number)) is not None),
        )
        for number, row in enumerate(table.rows[: None if entry.only else entry.limit], start=1)
    ]


def _text(entry: ProblemSetEntry, value: object, column: str, number: int) -> str | None:
    """A scalar as text; a number is the text that it was written with."""
    if value is None:
        return None
    where = f"{entry.source}: row {number}, column {column!r}"
    if not isinstance(value, _SCALARS):
        raise ProblemSetError(f"{where} holds {type(value).__name__}; text or a number is needed")
    text = str(value)
    if problem := unfit(text, MAX_TEXT):
        raise ProblemSetError(f"{where} {problem}; mend the row")
    return text


def _check_entry(entry: ProblemSetEntry) -> None:
    """Refuse an entry whose prompt would hide the question or the options from the model."""
    placeholders = _PLACEHOLDER.findall(entry.prompt)
    if "statement" not in placeholders:
        raise ProblemSetError(f"[{entry.name}] prompt = {entry.prompt!r} lacks {{statement}}")
    if bool(entry.options) != ("options" in placeholders):
        raise ProblemSetError(
            f"[{entry.name}] {{options}} belongs in the prompt exactly if options names columns; "
            f"options = {list(entry.options)}, prompt = {entry.prompt!r}"
        )
    if entry.options and entry.answer_kind != "multiple_choice":
        raise ProblemSetError(
            f"[{entry.name}] options are given, so answer_kind must be 'multiple_choice', "
            f"not {entry.answer_kind!r}"
        )


def _check_id(entry: ProblemSetEntry, problem_id: str, number: int, seen: dict[str, int]) -> None:
    if len(problem_id) > MAX_ID or not problem_id.isprintable() or problem_id != problem_id.strip():
        raise ProblemSetError(
            f"{entry.source}: row {number} has the id {problem_id[:MAX_ID]!r}; an id is at most {MAX_ID} "
            "printable characters without blanks at its ends. Choose another column or mend the row"
        )
    if problem_id in seen:
        raise ProblemSetError(
            f"{entry.source}: rows {seen[problem_id]} and {number} both have the id {problem_id!r}; "
            "choose a column without repeats, or none (the row number)"
        )
    seen[problem_id] = number


def _is_repeated(
    entry: ProblemSetEntry, problem: Mapped, prompt: str, gold: str, asked: dict[str, tuple[str, str]]
) -> bool:
    """Whether a problem asks what an earlier one asks: the two would share every rollout, and count as two.

    Raises:
        ProblemSetError: They have different answers, of which one is wrong.
    """
    right = problem.judged_by or gold
    first, wanted = asked.setdefault(prompt, (problem.problem_id, right))
    if first == problem.problem_id:
        return False
    if wanted != right:
        raise ProblemSetError(
            f"{entry.source}: problems {first!r} and {problem.problem_id!r} have the same prompt and different answers "
            f"({wanted[:100]!r}, {right[:100]!r}); drop the wrong one"
        )
    return True


def _prompt(template: str, statement: str, options: Sequence[str]) -> str:
    """Fill the template in one pass: braces in a statement and of a box stay as they are."""
    listed = "\n".join(f"{ascii_uppercase[i]}) {option}" for i, option in enumerate(options))
    return _PLACEHOLDER.sub(lambda match: statement if match[1] == "statement" else listed, template)
