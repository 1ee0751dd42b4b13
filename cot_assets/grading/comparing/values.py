r"""The values of expressions, and whether two of them have the same.

Belongs here: constants, and identity of expressions by evaluation at fixed points. Does not belong here: the grammar
(:mod:`..reading.terms`), one evaluation (:mod:`.evaluating`), relations and collections (:mod:`.compare`), and what needs calculus or search (:mod:`.algebra`).

Two expressions with variables are the same if they agree at every point where both have a value: two points
at which all variables are positive, and points with other signs, where only real values count, so that
``\sqrt{1/n}`` equals ``1/\sqrt{n}`` and ``|x|`` does not equal ``x``. For polynomials and fractions of them
this is exact but for a chance below one in a thousand; the points are drawn from the names of the variables,
so a verdict is the same in every process.

Every evaluation has a budget of bits: what exceeds it is undecided, never wrong.
"""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

from cot_assets.grading.comparing.evaluating import (
    BUDGET,
    DIGITS,
    UndecidedError,
    contexts,
    evaluate,
    lifted,
    lock,
)
from cot_assets.grading.reading.terms import NotATermError, parse


def constant(form: str) -> Fraction | None:
    """The exact value of an expression without variables, as far as it is rational; else None."""
    found = _without_variables(form)
    return found if isinstance(found, Fraction) else None


def approximate(form: str) -> Fraction | None:
    """A constant's value to 50 digits, None where it is not real or has no value."""
    found, mp = _without_variables(form), contexts()[0]
    if found is None or isinstance(found, Fraction):
        return found
    with lock:
        if mp.im(found) or not abs(mp.mag(found)) < 2000:
            return None
        return Fraction(mp.nstr(mp.re(found), 45, min_fixed=0, max_fixed=0))


def _without_variables(form: str) -> Any:
    """The value of an expression without variables, None where it has none or is not such an expression."""
    try:
        node, names = parse(form)
        with lock:
            return None if names else evaluate(node, contexts()[0], [BUDGET], {})
    except (ArithmeticError, NotATermError, ValueError):
        return None


def points(names: frozenset[str]) -> list[dict[str, Fraction]]:
    """Where expressions in these variables are evaluated; the first two have all of them positive."""
    if not names:
        return [{}]
    found = []
    for number in range(6):
        point: dict[str, Fraction] = {}
        for place, name in enumerate(sorted(names)):
            rng = random.Random(f"{number}/{name}")  # noqa: S311 - fixed points, not secrets
            size = Fraction(rng.randint(40, 400), 97)
            turned = (0, 0, 1, 3 + place, 4 + place)[number] if number < 5 else rng.randint(0, 1)
            point[name] = (-1) ** turned * size
        found.append(point)
    return found


def values(form: str, names: frozenset[str]) -> list[Any]:
    """Values at :func:`points`, for each precision; None where there is none.

    Raises:
        NotATermError: The form is outside the grammar.
        UndecidedError: The budget does not do.
    """
    node, _ = parse(form)
    budget = [BUDGET]
    found = []
    with lock:
        for point in points(names):
            try:
                found.append(tuple(evaluate(node, mp, budget, point) for mp in contexts()))
            except (UndecidedError, RecursionError, OverflowError, MemoryError) as error:
                raise UndecidedError from error
            except (ArithmeticError, ValueError):
                found.append(None)
    return found


def has_value(form: str) -> bool:
    """Whether an expression has a value at some point, as far as can be told."""
    try:
        return any(values(form, parse(form)[1]))
    except (NotATermError, UndecidedError):
        return True


def is_zero(difference: tuple[Any, Any], scale: Any) -> bool:
    """Whether a difference, known to two precisions, is zero: it is below its own rounding error in both."""
    low, high = difference
    if isinstance(low, Fraction) and isinstance(high, Fraction):
        return low == 0
    mp = contexts()[0]
    size = abs(low)
    if size == 0 or size <= abs(scale) * mp.mpf(10) ** (8 - DIGITS[0]):
        return abs(high) <= max(abs(scale), size) * mp.mpf(10) ** (20 - DIGITS[1]) or abs(high) == 0
    return abs(high) <= size * mp.mpf(10) ** -30


def is_same(a: str, b: str, scale: Fraction = Fraction(1)) -> bool:
    """Whether two canonical forms have the same value, ``a`` times ``scale`` against ``b``.

    Raises:
        NotATermError: A form is outside the grammar.
        UndecidedError: The budget does not do, or no point has a value for both.
    """
    names = parse(a)[1] | parse(b)[1]
    compared = 0
    left, right = values(a, names), values(b, names)
    if not any(x and y for x, y in zip(left, right, strict=True)) and (any(left) or any(right)):
        return False  # one of them has no value anywhere, such as 1/0
    for number, (x, y) in enumerate(zip(left, right, strict=True)):
        if x is None or y is None:
            continue
        with lock:
            pair = [_difference(u, v, scale, mp) for u, v, mp in zip(x, y, contexts(), strict=True)]
            is_real = all(isinstance(v, Fraction) or not contexts()[0].im(v) for v in (x[0], y[0]))
            equal = is_zero((pair[0], pair[1]), lifted(y[0], contexts()[0]))
        if number >= 2 and not is_real and not equal and ("|" in a) == ("|" in b):
            continue  # but ln x is not ln |x|
        if not equal:
            return False
        compared += 1
    if compared < min(2, len(points(names))):
        raise UndecidedError
    return True


def _difference(a: Any, b: Any, scale: Fraction, mp: Any) -> Any:
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return a * scale - b
    return lifted(a, mp) * (mp.mpf(scale.numerator) / scale.denominator) - lifted(b, mp)
