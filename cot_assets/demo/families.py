"""The four families of problems of the demo, with exact answers.

Belongs here: drawing problems by family and level, their gold answers, the split from training. Does not
belong here: solutions (:mod:`cot_assets.demo.corpus`), and the choice of the demo's problems
(:mod:`cot_assets.problems.demo`).

Only the standard library is used.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass

FAMILIES = ("power", "recurrence", "divisors", "sum")
LEVELS = (1, 2, 3, 4)
_HELD_OUT_SHARE = 5  # one statement in five is never trained on


@dataclass(frozen=True)
class Problem:
    """One question: ``params`` are the numbers in it, ``answer`` is exact."""

    family: str
    level: int
    params: tuple[int, ...]
    statement: str
    answer: int


def _order(a: int, m: int) -> int:
    """The smallest k >= 1 with a^k = 1 (mod m); 0 if there is none."""
    value = a % m
    for k in range(1, m + 1):
        if value == 1:
            return k
        value = value * a % m
    return 0


def _make_power(level: int, rng: random.Random) -> Problem | None:
    m = rng.randint((5, 7, 9, 9)[level - 1], (9, 11, 13, 17)[level - 1])
    a = rng.randint(2, min(m - 1, 12))
    b = rng.randint((4, 8, 13, 20)[level - 1], (9, 16, 28, 45)[level - 1])
    if not 2 <= _order(a, m) <= 6:
        return None
    return Problem("power", level, (a, b, m), f"Find the remainder of {a}^{b} divided by {m}.", pow(a, b, m))


def recurrence_term(c: int, d: int, m: int, start: int, index: int) -> int:
    """Term ``index`` of x_0 = start, x_(i+1) = (c x_i + d) mod m."""
    value = start
    for _ in range(index):
        value = (c * value + d) % m
    return value


def _make_recurrence(level: int, rng: random.Random) -> Problem | None:
    m = rng.randint((5, 6, 7, 9)[level - 1], (7, 9, 11, 13)[level - 1])
    c, d, start = rng.randint(2, min(6, m - 1)), rng.randint(1, 9), rng.randint(1, m - 1)
    index = rng.randint((3, 5, 8, 11)[level - 1], (5, 8, 12, 16)[level - 1])
    period = next((k for k in range(1, 20) if recurrence_term(c, d, m, start, k) == start), 0)
    if not 2 <= period <= 6:
        return None
    statement = (
        f"A sequence starts with x0 = {start}. Each next term is {c} times the last term plus {d}, "
        f"modulo {m}. Find x{index}."
    )
    answer = recurrence_term(c, d, m, start, index)
    return Problem("recurrence", level, (c, d, m, start, index), statement, answer)


def factorize(n: int) -> list[int]:
    """Prime factors of n >= 1 in ascending order, with repetition."""
    factors, p = list[int](), 2
    while n > 1:
        while n % p == 0:
            factors.append(p)
            n //= p
        p += 1
    return factors


def _make_divisors(level: int, rng: random.Random) -> Problem | None:
    low, high = ((8, 40), (24, 90), (48, 140), (84, 210))[level - 1]
    n = rng.randint(low, high)
    factors = factorize(n)
    if factors[-1] > 13 or len(factors) < 2:
        return None
    answer = sum(n % k == 0 for k in range(1, n + 1))
    return Problem("divisors", level, (n,), f"How many divisors does {n} have?", answer)


def _make_sum(level: int, rng: random.Random) -> Problem | None:
    terms = rng.choice(((4,), (4, 6), (6, 8), (8, 10))[level - 1])
    first, step = rng.randint(1, 30), rng.randint(1, (3, 4, 5, 6)[level - 1])
    last = first + step * (terms - 1)
    statement = f"Find the sum {first} + {first + step} + {first + 2 * step} + ... + {last}."
    return Problem("sum", level, (first, step, terms), statement, terms * (first + last) // 2)


_MAKERS: dict[str, Callable[[int, random.Random], Problem | None]] = {
    "power": _make_power,
    "recurrence": _make_recurrence,
    "divisors": _make_divisors,
    "sum": _make_sum,
}


def is_held_out(problem: Problem) -> bool:
    """Whether the problem is kept from training; decided by a hash of its statement alone."""
    return hashlib.sha256(problem.statement.encode()).digest()[0] % _HELD_OUT_SHARE == 0


def make_problem(family: str, level: int, rng: random.Random, *, held_out: bool) -> Problem:
    """Draw a problem of a family and level from one side of the training split.

    Raises ``KeyError`` for an unknown family and ``IndexError`` for a level above four.
    """
    while True:
        problem = _MAKERS[family](level, rng)
        if problem is not None and is_held_out(problem) == held_out:
            return problem
