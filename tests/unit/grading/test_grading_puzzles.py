"""Puzzles of controlled complexity: their rules, their solutions, and where a list of moves first breaks a rule."""

from __future__ import annotations

import json

import pytest

from cot_assets.grading.puzzles import play
from cot_assets.grading.verify import quick_verdict
from cot_assets.problems.puzzles import puzzle_problems
from cot_assets.problems.sources import Mapped, ProblemSetError
from cot_assets.study import ProblemSetEntry

PUZZLES = {"checker_jumping": range(1, 9), "river_crossing": range(1, 5), "blocks_world": range(2, 27)}
FEWEST = {"river_crossing": [1, 5, 11, 9], "checker_jumping": [(n + 1) ** 2 - 1 for n in range(1, 9)]}


def problems(name: str, levels: list[int], **config) -> list[Mapped]:
    entry = ProblemSetEntry(
        name="set", protocol="p", source=f"puzzle:{name}", config={"levels": levels, **config}
    )
    return puzzle_problems(entry)


def judged_by(name: str, level: int) -> str:
    (problem,) = problems(name, [level])
    return str(problem.judged_by)


@pytest.mark.parametrize("name", PUZZLES)
def test_own_solutions_are_correct_and_short_ones_are_not(name: str) -> None:
    made = problems(name, list(PUZZLES[name]))
    assert [p.level for p in made] == [str(level) for level in PUZZLES[name]]
    assert len({p.statement for p in made}) == len(made)
    for problem in made:
        verdict = quick_verdict(problem.answer, str(problem.judged_by), "verifier")
        assert verdict is not None
        assert (verdict.verdict, verdict.illegal_move) == ("correct", None), problem
        short = play("\n".join(problem.answer.splitlines()[:-1]), str(problem.judged_by))
        assert (short.verdict, short.illegal_move) == ("incorrect", None)
        assert play("", str(problem.judged_by)).verdict == "incorrect"
    if name in FEWEST:
        assert [len(p.answer.splitlines()) for p in made] == FEWEST[name]


def test_blocks_differ_by_seed_and_number() -> None:
    made = problems("blocks_world", [6], per_level=20)
    assert len({p.statement for p in made}) == len({p.problem_id for p in made}) == 20
    assert made == problems("blocks_world", [6], per_level=20)


BLOCKS = json.dumps({"task": "puzzle:blocks_world", "level": 3, "start": [["A", "B"], ["C"], []],
                     "goal": [["C", "B", "A"], [], []]})  # fmt: skip


@pytest.mark.parametrize(
    ("by", "moves", "illegal", "reason"),
    [
        ("checker_jumping", ["Move red from 2 to 3", "Move blue from 4 to 2", "Move red from 1 to 2"], 3, "is taken"),
        ("checker_jumping", ["Move red from 1 to 3"], 1, "over the other color"),
        ("checker_jumping", ["Move red from 2 to 3", "Move red from 3 to 2"], 2, "one place ahead"),
        ("checker_jumping", ["Move blue from 2 to 3"], 1, "no blue checker"),
        ("checker_jumping", ["Move red from 2 to 9"], 1, "5 places"),
        ("checker_jumping", ["Move red from 0 to 3"], 1, "5 places"),
        ("checker_jumping", ["Move red from 2 to 3", "and so on"], 2, "is not a move"),
        ("checker_jumping", ["first", "Move red from 2 to 3"], 1, "is not a move"),
        ("river_crossing", ["Cross a1, a2", "Cross A1"], 2, "not where the boat is"),
        ("river_crossing", ["Cross A1, A2"], None, "do not reach"),
        ("river_crossing", ["Cross a1, A2"], 1, "in the boat"),
        ("river_crossing", ["Cross A1"], 1, "on the left"),
        ("river_crossing", ["Cross a1, a1"], 1, "named twice"),
        ("river_crossing", ["Cross a1, a2, A1"], 1, "takes 1 to 2"),
        ("river_crossing", ["Cross a7"], 1, "not where the boat is"),
        ("river_crossing", ["Cross"], 1, "is not a move"),
        (BLOCKS, ["Move block A from stack 1 to stack 3"], 1, "not on top"),
        (BLOCKS, ["Move block B from stack 1 to stack 1"], 1, "another stack"),
        (BLOCKS, ["Move block B from stack 1 to stack 4"], 1, "3 stacks"),
        (BLOCKS, ["Move block B from stack 1 to stack 3", "Move block B from stack 1 to stack 2"], 2, "not on top"),
        (BLOCKS, ["Move block B from stack 1 to stack 3"], None, "do not reach"),
    ],
)  # fmt: skip
def test_the_first_illegal_move_is_told(by: str, moves: list[str], illegal: int | None, reason: str) -> None:
    played = play("\n".join(moves), by if by.startswith("{") else judged_by(by, 2))
    assert (played.verdict, played.illegal_move) == ("incorrect", illegal)
    assert reason in played.reason


def test_moves_may_be_numbered_and_spaced() -> None:
    (problem,) = problems("checker_jumping", [2])
    lines = problem.answer.splitlines()
    numbered = "\n\n".join(f"  {i}. {line.lower().capitalize()}." for i, line in enumerate(lines, 1))
    assert play(numbered, str(problem.judged_by)).verdict == "correct"
    (crossing,) = problems("river_crossing", [2])
    spoken = crossing.answer.replace(", ", " and ").replace("Cross ", "Cross: ")
    assert play(spoken, str(crossing.judged_by)).verdict == "correct"


def test_more_moves_than_needed_solve_it_too() -> None:
    by = json.loads(BLOCKS)
    moves = [("B", 1, 3), ("B", 3, 2), ("A", 1, 3), ("B", 2, 3), ("C", 2, 1), ("B", 3, 1), ("A", 3, 1)]
    text = "\n".join(f"Move block {b} from stack {s} to stack {e}" for b, s, e in moves)
    assert play(text, json.dumps(by)).verdict == "correct"


@pytest.mark.parametrize("name", PUZZLES)
@pytest.mark.parametrize(
    "text",
    ["Move red from 1 to " + "9" * 5000, "Cross " + "a1 " * 20_000, "Cross " + "a1, and a1" * 6000, "\n" * 60_000,
     "Move block A from stack 1 to stack 2\n" * 1500, "1. " * 20_000, "a" * 65_000, "\x00", "Cross a1" + "," * 60_000],
)  # fmt: skip
def test_hostile_lists_are_refused_at_once(name: str, text: str) -> None:
    assert play(text, judged_by(name, 2)).verdict == "incorrect"


@pytest.mark.parametrize(
    ("source", "config", "message"),
    [
        ("puzzle:chess", {"levels": [1]}, "no such puzzle; there are puzzle:checker_jumping"),
        ("puzzle:blocks_world", {}, "levels"),
        ("puzzle:blocks_world", {"levels": []}, "levels"),
        ("puzzle:blocks_world", {"levels": [1]}, "from 2 to 26"),
        ("puzzle:blocks_world", {"levels": [2, 2]}, "different"),
        ("puzzle:blocks_world", {"levels": [True]}, "levels"),
        ("puzzle:blocks_world", {"levels": [2], "per_level": 0}, "per_level"),
        ("puzzle:river_crossing", {"levels": [7]}, "from 1 to 6"),
        ("puzzle:checker_jumping", {"levels": [2], "per_level": 2}, "one problem"),
        ("puzzle:blocks_world", {"levels": [2], "sizes": 2}, "sizes"),
    ],
)
def test_what_is_wrong_is_said(source: str, config: dict, message: str) -> None:
    with pytest.raises(ProblemSetError, match=message):
        puzzle_problems(ProblemSetEntry(name="set", protocol="p", source=source, config=config))
