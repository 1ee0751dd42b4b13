"""Pages of single calculations, for the demo models to practice on.

Belongs here: lines in the forms that solutions use, all right. Does not belong here: solutions, which may
hold slips (:mod:`cot_assets.demo.corpus`).

Every right side follows from what comes before it, so that slips are habits and not ignorance.
"""

from __future__ import annotations

import random

from cot_assets.demo.families import factorize

_LINES = 8


def _modular_drill(rng: random.Random) -> tuple[str, list[str]]:
    """Lines of powers and recurrences; the modulus comes first, as it does in a problem."""
    m, lines = rng.randint(2, 17), list[str]()
    for _ in range(_LINES):
        a, last, d = rng.randint(2, 16), rng.randrange(m), rng.randint(1, 9)
        product, value = (
            (f"{last}*{a}", a * last) if rng.random() < 0.6 else (f"{a}*{last}+{d}", a * last + d)
        )
        lines.append(f"{product} = {value} = {value // m}*{m}+{value % m}.")
    return f"Practice modulo {m}:", lines


def _division_drill(rng: random.Random) -> tuple[str, list[str]]:
    """The long way to the divisors of one number."""
    n, first = rng.randint(8, 210), rng.randint(1, 8)
    lines = [f"{n} = {k}*{n // k}+{n % k}." for k in range(first, first + _LINES)]
    return f"Practice dividing {n}:", lines


def _mixed_line(rng: random.Random) -> str:
    """A line whose right side follows from its left side alone."""
    kind = rng.randrange(5)
    if kind == 0:
        n = rng.choice((2, 2, 3, 3, 5, 7)) * rng.randint(2, 70)
        prime = factorize(n)[0]
        return f"{n} = {prime}*{n // prime}."
    if kind == 1:
        n = rng.randint(4, 45)
        return f"{n} = {'+'.join(str(1 << i) for i in reversed(range(6)) if n >> i & 1)}."
    if kind == 2:
        a, b = rng.randint(1, 9), rng.randint(2, 140)
        return f"{a}*{b} = {a * b}." if rng.random() < 0.6 else f"{a * min(b, 12)}/{a} = {min(b, 12)}."
    a, b = rng.randint(1, 300), rng.randint(1, 80)
    return f"{a}+{b} = {a + b}." if rng.random() < 0.7 else f"{a + b}-{b} = {a}."


def drill(rng: random.Random) -> str:
    """A page of calculations without slips, so that slips are habits and not ignorance."""
    draw = rng.random()
    if draw < 0.5:
        title, lines = _modular_drill(rng)
    elif draw < 0.65:
        title, lines = _division_drill(rng)
    else:
        title, lines = "Practice:", [_mixed_line(rng) for _ in range(_LINES)]
    return "\n".join((title, *lines))
