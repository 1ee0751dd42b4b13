"""Puzzles of controlled complexity: move lists that are played step by step.

Belongs here: the rules of each puzzle, and the verdict of a list of moves. Does not belong here: statements and
solutions (:mod:`cot_assets.problems.puzzles`).

Checker jumping, river crossing and blocks world, as in "The Illusion of Thinking" (Shojaee et al., 2025). Every
step takes time that is linear in the puzzle, so a list is played where it is read, without a worker.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cot_assets.grading.judgement import Judgement

PREFIX = "puzzle:"
_NUMBERED = re.compile(r"(?:\d{1,5}[.):]|[-*])\s+")


class IllegalMoveError(ValueError):
    """A move breaks a rule; the message says which."""


@dataclass(frozen=True)
class Puzzle:
    """The rules: how a move is written, what it makes of a state, and when a state is the goal."""

    move: re.Pattern[str]
    start: Callable[[Mapping[str, Any]], Any]
    after: Callable[[Any, re.Match[str], Mapping[str, Any]], Any]  #: raises :class:`IllegalMoveError`
    is_goal: Callable[[Any, Mapping[str, Any]], bool]


def is_puzzle(judged_by: str) -> bool:
    """Whether one of the puzzles here judges."""
    return json.loads(judged_by)["task"].startswith(PREFIX)


def play(answer: str, judged_by: str) -> Judgement:
    """Play the moves of an answer, one on each line."""
    asked = json.loads(judged_by)
    puzzle = PUZZLES[asked["task"].removeprefix(PREFIX)]
    state = puzzle.start(asked)
    lines = [line for each in answer.splitlines() if (line := _NUMBERED.sub("", each.strip(), count=1))]
    for number, line in enumerate(lines, start=1):
        move = puzzle.move.fullmatch(line)
        try:
            if move is None:
                raise IllegalMoveError(f"{line[:60]!r} is not a move")
            state = puzzle.after(state, move, asked)
        except IllegalMoveError as error:
            reason = f"move {number} of {len(lines)} is illegal: {error}"
            return Judgement("incorrect", reason, illegal_move=number)
    if not puzzle.is_goal(state, asked):
        return Judgement("incorrect", f"{len(lines)} legal moves that do not reach the goal")
    return Judgement("correct", f"solved in {len(lines)} moves")


# --- checker jumping ----------------------------------------------------------------------------


def _checkers(asked: Mapping[str, Any]) -> str:
    return "R" * asked["level"] + "_" + "B" * asked["level"]


def _jump(row: str, move: re.Match[str], _: Mapping[str, Any]) -> str:
    color, start, end = move[1][0].upper(), int(move[2]) - 1, int(move[3]) - 1
    if not (0 <= start < len(row) and 0 <= end < len(row)):
        raise IllegalMoveError(f"there are {len(row)} places")
    if row[start] != color:
        raise IllegalMoveError(f"there is no {move[1].lower()} checker on place {start + 1}")
    if row[end] != "_":
        raise IllegalMoveError(f"place {end + 1} is taken")
    step = end - start if color == "R" else start - end
    if step not in (1, 2):
        raise IllegalMoveError("a checker goes one place ahead, or two in a jump")
    if step == 2 and row[(start + end) // 2] == color:
        raise IllegalMoveError("a checker jumps over the other color only")
    places = list(row)
    places[start], places[end] = "_", color
    return "".join(places)


# --- river crossing -----------------------------------------------------------------------------

_Bank = frozenset[str]


def crew(level: int) -> _Bank:
    """All who are to cross: actors ``a1`` …, and their agents ``A1`` …."""
    return frozenset(f"{kind}{i}" for kind in "aA" for i in range(1, level + 1))


def is_safe(group: _Bank) -> bool:
    """Whether no actor is with another's agent and without their own."""
    agents = {name[1:] for name in group if name[0] == "A"}
    return not agents or all(name[1:] in agents for name in group if name[0] == "a")


def cross(state: tuple[_Bank, bool], boat: _Bank, level: int, capacity: int) -> tuple[_Bank, bool]:
    """Who is on the left bank, and whether the boat is, after the boat has crossed."""
    left, is_left = state
    bank = left if is_left else crew(level) - left
    if not 1 <= len(boat) <= capacity:
        raise IllegalMoveError(f"the boat takes 1 to {capacity}")
    if away := sorted(boat - bank):
        raise IllegalMoveError(f"{away[0]} is not where the boat is")
    after = left - boat if is_left else left | boat
    groups = {"in the boat": boat, "on the left": after, "on the right": crew(level) - after}
    for where, group in groups.items():
        if not is_safe(group):
            raise IllegalMoveError(f"{where} an actor is with another's agent without their own")
    return after, not is_left


def _sail(state: tuple[_Bank, bool], move: re.Match[str], asked: Mapping[str, Any]) -> tuple[_Bank, bool]:
    names = re.findall(r"[aA]\d+", move[1])
    if len(names) != len(set(names)):
        raise IllegalMoveError("somebody is named twice")
    return cross(state, frozenset(names), asked["level"], asked["capacity"])


# --- blocks world -------------------------------------------------------------------------------

_Stacks = tuple[tuple[str, ...], ...]


def _stacks(rows: list[list[str]]) -> _Stacks:
    return tuple(map(tuple, rows))


def _stack(stacks: _Stacks, move: re.Match[str], _: Mapping[str, Any]) -> _Stacks:
    block, start, end = move[1], int(move[2]) - 1, int(move[3]) - 1
    if not (0 <= start < len(stacks) and 0 <= end < len(stacks)):
        raise IllegalMoveError(f"there are {len(stacks)} stacks")
    if start == end:
        raise IllegalMoveError("a block goes to another stack")
    if not stacks[start] or stacks[start][-1] != block:
        raise IllegalMoveError(f"block {block} is not on top of stack {start + 1}")
    after = list(stacks)
    after[start] = after[start][:-1]
    after[end] = (*after[end], block)
    return tuple(after)


PUZZLES: Mapping[str, Puzzle] = {
    "checker_jumping": Puzzle(
        re.compile(r"Move (red|blue) from (\d{1,4}) to (\d{1,4})\.?", re.IGNORECASE),
        _checkers,
        _jump,
        lambda row, _: row == _checkers({"level": len(row) // 2})[::-1],
    ),
    "river_crossing": Puzzle(
        re.compile(r"(?:Cross|cross):? ((?:[aA]\d{1,3}(?:,? (?:and )?|, ?)?){1,20}?)\.?"),
        lambda asked: (crew(asked["level"]), True),
        _sail,
        lambda state, _: not state[0],
    ),
    "blocks_world": Puzzle(
        re.compile(r"(?:Move|move) block ([A-Z]{1,2}) from stack (\d{1,3}) to stack (\d{1,3})\.?"),
        lambda asked: _stacks(asked["start"]),
        _stack,
        lambda stacks, asked: stacks == _stacks(asked["goal"]),
    ),
}
