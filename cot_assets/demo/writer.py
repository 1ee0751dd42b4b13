"""The random writer of chains of thought: its habits, its slips, and the lines that it has written.

Belongs here: how a line comes to be. Does not belong here: what the lines of a solution are
(:mod:`cot_assets.demo.corpus`). Only the standard library is used.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

CHECK = "Wait, check that again."
SHORTER = "There is a shorter way."
GUESS = "This takes long, so I guess."


@dataclass(frozen=True)
class Habits:
    """Probabilities that shape a writer; all lie in [0, 1]."""

    short: float = 0.25  # take the short way from the start
    switch: float = 0.04  # per line of a long way: find the short one
    notice: float = 0.5  # see that a sequence has come back to its start
    slip: float = 0.015  # per calculation on a short way
    slip_long: float = 0.06  # per calculation on a long way
    mend: float = 0.5  # a slip is noticed at once
    give_up: float = 0.1  # per line of a long way after the fourth: guess


def _slip_of(value: int, rng: random.Random) -> int:
    """A wrong value near the right one, never negative."""
    wrong = max(0, value + rng.choice((-10, -2, -1, -1, 1, 1, 2, 10)))
    return wrong if wrong != value else value + 1


class GivesUp(Exception):  # noqa: N818 - control flow, no error
    """The writer stops calculating and guesses."""


class Writer:
    """Writes the lines of one solution; wrong values are carried on like right ones."""

    def __init__(self, rng: random.Random, habits: Habits) -> None:
        self.rng, self.habits, self.lines = rng, habits, list[str]()
        self.slip = habits.slip_long

    def short_way(self, line: str) -> None:
        """Open a short way: fewer slips from here on."""
        self.slip = self.habits.slip
        self.say(line)

    def say(self, line: str) -> None:
        """Write a line."""
        self.lines.append(line)

    def mends(self, right: str) -> bool:
        """Whether the writer notices a slip, and writes the right line after it."""
        if self.rng.random() >= self.habits.mend:
            return False
        self.lines += (CHECK, right)
        return True

    def calculate(self, render: Callable[[int], str], value: int) -> int:
        """Write a calculation whose result is ``value``, perhaps with a slip; return what was written."""
        if self.rng.random() >= self.slip:
            self.say(render(value))
            return value
        wrong = _slip_of(value, self.rng)
        self.say(render(wrong))
        return value if self.mends(render(value)) else wrong

    def reduce(self, label: str, product: str, value: int, m: int) -> int:
        """Write ``label = product = value = q*m+r.`` with slips in the product or in the rest; return r.

        ``value`` is what the product really is; label and product may be empty.
        """
        head = "".join(f"{part} = " for part in (label, product) if part)

        def render(v: int) -> str:
            return f"{head}{v} = {v // m}*{m}+{v % m}."

        rng = self.rng
        if rng.random() >= self.slip:
            self.say(render(value))
            return value % m
        if rng.random() < 0.5:  # a wrong product, divided rightly
            wrong = _slip_of(value, rng)
            line, result = render(wrong), wrong % m
        else:  # a right product, divided wrongly
            result = (value % m + rng.choice((-2, -1, 1, 2))) % m
            line = f"{head}{value} = {value // m}*{m}+{result}."
        self.say(line)
        return value % m if self.mends(render(value)) else result

    def tire(self, done: int) -> None:
        """After the fourth line of a long way the writer may give up."""
        if done > 4 and self.rng.random() < self.habits.give_up:
            raise GivesUp

    def turns(self) -> bool:
        """Whether the writer now finds the short way."""
        if self.rng.random() < self.habits.switch:
            self.say(SHORTER)
            return True
        return False
