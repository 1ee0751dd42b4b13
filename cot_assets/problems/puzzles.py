"""Puzzles of controlled complexity: one number says how hard each is.

Belongs here: statements and shortest or plain solutions. Does not belong here: the rules, by which answers are
played (:mod:`cot_assets.grading.puzzles`).
"""

from __future__ import annotations

import json
import random
from collections import deque
from collections.abc import Callable, Mapping
from itertools import combinations
from string import ascii_uppercase
from typing import Any

from cot_assets.grading.puzzles import PREFIX, PUZZLES, IllegalMoveError, crew, cross
from cot_assets.problems.sources import Mapped, ProblemSetError
from cot_assets.study import ProblemSetEntry

_FORMAT = """Give every move on a line of its own, in the order in which they are made, as in
{example}
and nothing else in the answer."""

#: Pairs that a boat can carry over at all, and its size: two take three pairs, three take five, four take any number.
_BOATS = ((3, 2), (5, 3))
_LEVELS = {"checker_jumping": (1, 50), "river_crossing": (1, 6), "blocks_world": (2, 26)}


def puzzle_problems(entry: ProblemSetEntry) -> list[Mapped]:
    """The problems of one puzzle, by level.

    Raises:
        ProblemSetError: There is no such puzzle, or ``config`` is malformed.
    """
    name = entry.source.removeprefix(PREFIX)
    if name not in PUZZLES:
        raise ProblemSetError(
            f"{entry.source}: no such puzzle; there are {', '.join(PREFIX + p for p in PUZZLES)}"
        )
    return [
        _problem(name, level, number, entry.seed)
        for level, count in _wanted(entry, name)
        for number in range(1, count + 1)
    ]


def _wanted(entry: ProblemSetEntry, name: str) -> list[tuple[int, int]]:
    """(level, how many problems of it)."""
    least, most = _LEVELS[name]
    levels, count = entry.config.get("levels", ()), entry.config.get("per_level", 1)
    well_formed = (
        set(entry.config) <= {"levels", "per_level"}
        and isinstance(levels, (list, tuple))
        and len(set(levels)) == len(levels) > 0
        and all(type(level) is int and least <= level <= most for level in levels)
        and type(count) is int
        and 1 <= count <= 1000
    )
    if not well_formed:
        raise ProblemSetError(
            f"[{entry.name}] {entry.source}: config = {dict(entry.config)!r}; write {{ levels = [2, 3, 4] }}, different "
            f"numbers from {least} to {most}, and per_level where a level has more than one problem"
        )
    if count > 1 and name != "blocks_world":
        raise ProblemSetError(
            f"[{entry.name}] {entry.source}: a level has one problem, not per_level = {count}"
        )
    return [(level, count) for level in levels]


def _problem(name: str, level: int, number: int, seed: int) -> Mapped:
    rng = random.Random(f"{seed}/{name}/{level}/{number}")  # noqa: S311 - not for secrets
    statement, example, solution, asked = _MAKERS[name](level, rng)
    return Mapped(
        problem_id=f"{name}-{level}-{number}",
        statement=f"{statement}\n\n{_FORMAT.format(example=example)}",
        answer="\n".join(solution),
        level=str(level),
        subject=name,
        judged_by=json.dumps({"task": PREFIX + name, "level": level, **asked}, sort_keys=True),
    )


_Made = tuple[str, str, list[str], dict[str, Any]]


def _checker_jumping(level: int, _: random.Random) -> _Made:
    places = 2 * level + 1
    statement = (
        f"On a row of {places} places, numbered from 1, there are {level} red checkers (R) on the left, {level} blue ones (B) "
        f"on the right, and an empty place between them: {' '.join('R' * level + '_' + 'B' * level)}\n"
        f"Bring all blue checkers to the left and all red ones to the right: {' '.join('B' * level + '_' + 'R' * level)}\n"
        "Red checkers move only to the right, blue ones only to the left. A checker moves to the next place if that is "
        "empty, or jumps over one checker of the other color to an empty place right behind it."
    )
    return statement, "Move red from 1 to 2", _jumps(level), {}


_NAMES = {"R": "red", "B": "blue"}


def _jumps(level: int) -> list[str]:
    """The only solution that begins with red."""
    row = list("R" * level + "_" + "B" * level)
    moves: list[str] = []
    color, step = "R", 1
    # Runs of 1, 2, … level, level, level, … 2, 1 moves of one color after the other.
    for length in (*range(1, level + 1), level, *range(level, 0, -1)):
        for _ in range(length):
            hole = row.index("_")
            slides = _is(row, hole - step, color) or not _is(row, hole - 2 * step, color)
            start = hole - step if slides else hole - 2 * step
            row[start], row[hole] = "_", color
            moves.append(f"Move {_NAMES[color]} from {start + 1} to {hole + 1}")
        color, step = ("B", -1) if color == "R" else ("R", 1)
    return moves


def _is(row: list[str], place: int, color: str) -> bool:
    return 0 <= place < len(row) and row[place] == color


def _river_crossing(level: int, _: random.Random) -> _Made:
    capacity = next((boat for most, boat in _BOATS if level <= most), 4)
    pairs = ", ".join(f"a{i} with agent A{i}" for i in range(1, level + 1))
    statement = (
        f"{level} actors, each with an agent, want to cross a river from the left to the right: {pairs}.\n"
        f"Their boat carries at most {capacity} of them and never crosses empty. No actor may be with the agent of another, on "
        "a bank or in the boat, unless their own agent is there too."
    )
    return statement, "Cross a1, A1", _crossings(level, capacity), {"capacity": capacity}


_Side = tuple[frozenset[str], bool]  #: who is on the left bank, and whether the boat is


def _crossings(level: int, capacity: int) -> list[str]:
    """The fewest crossings, by breadth-first search."""
    start = (crew(level), True)
    before: dict[_Side, tuple[_Side, str]] = {}
    waiting, seen = deque[_Side]([start]), set[_Side]([start])
    while waiting:
        state = waiting.popleft()
        if not state[0]:
            moves: list[str] = []
            while state != start:
                state, move = before[state]
                moves.append(move)
            return moves[::-1]
        bank = state[0] if state[1] else crew(level) - state[0]
        for size in range(capacity, 0, -1):
            for boat in combinations(sorted(bank), size):
                try:
                    after = cross(state, frozenset(boat), level, capacity)
                except IllegalMoveError:
                    continue
                if after not in seen:
                    seen.add(after)
                    before[after] = state, f"Cross {', '.join(boat)}"
                    waiting.append(after)
    raise AssertionError(f"{level} pairs cannot cross in a boat for {capacity}")


def _blocks_world(level: int, rng: random.Random) -> _Made:
    """Two stacks that are to be interleaved on the first: everything on it has to leave it before."""
    blocks = rng.sample(ascii_uppercase, level)
    first, second = blocks[: (level + 1) // 2], blocks[(level + 1) // 2 :]
    moves = [f"Move block {block} from stack 1 to stack 3" for block in reversed(first)]
    goal: list[str] = []
    third, rest = first[::-1], list(second)
    while third or rest:
        for stack, number in ((rest, 2), (third, 3)):
            if stack:
                goal.append(stack.pop())
                moves.append(f"Move block {goal[-1]} from stack {number} to stack 1")
    shown = "\n".join(
        f"Stack {i}: {' '.join(s) or '(empty)'}" for i, s in enumerate((first, second, []), start=1)
    )
    statement = (
        f"{level} blocks lie in three stacks, each written from its bottom to its top:\n{shown}\n"
        f"Bring all blocks to stack 1 in this order, from bottom to top: {' '.join(goal)}\n"
        "A move takes the top block of a stack and puts it on top of another."
    )
    return (
        statement,
        "Move block A from stack 1 to stack 3",
        moves,
        {"start": [first, second, []], "goal": [goal, [], []]},
    )


_MAKERS: Mapping[str, Callable[[int, random.Random], _Made]] = {
    "checker_jumping": _checker_jumping,
    "river_crossing": _river_crossing,
    "blocks_world": _blocks_world,
}
