r"""The values of expressions, and whether two of them have the same.

Belongs here: exact evaluation in fractions, evaluation to many digits where a value is irrational, and identity
of expressions by evaluation at fixed points. Does not belong here: the grammar (:mod:`..reading.terms`), relations and
collections (:mod:`.compare`), and what needs calculus or search (:mod:`.algebra`).

Two expressions with variables are the same if they agree at every point where both have a value: two points
at which all variables are positive, and points with other signs, where only real values count, so that
``\sqrt{1/n}`` equals ``1/\sqrt{n}`` and ``|x|`` does not equal ``x``. For polynomials and fractions of them
this is exact but for a chance below one in a thousand; the points are drawn from the names of the variables,
so a verdict is the same in every process.

Every evaluation has a budget of bits: what exceeds it is undecided, never wrong.
"""

from __future__ import annotations

import random
import threading
from fractions import Fraction
from functools import lru_cache
from typing import Any

from cot_assets.grading.reading.terms import Node, NotATermError, parse

_DIGITS = (50, 110)  #: decimal digits of the two evaluations of an irrational value
_MOST_BITS = 40_000  #: of one exact value: 2006! has 19,000
_BUDGET = 3_000_000  #: bits of all values of one comparison
_MOST_MAGNITUDE = 10**6  #: binary exponent of a value in floating point


class UndecidedError(ArithmeticError):
    """Two expressions cannot be told apart, or shown to be equal, within the budget."""


class _NoValueError(ArithmeticError):
    """An expression has no value at a point."""


_lock = threading.Lock()  #: mpmath's functions change the precision of their context for a while


@lru_cache(maxsize=1)
def _contexts() -> tuple[Any, ...]:
    from mpmath import MPContext

    contexts = []
    for digits in _DIGITS:
        context = MPContext()
        context.dps = digits
        contexts.append(context)
    return tuple(contexts)


class _Evaluator:
    """Values of trees: fractions where they are exact, else complex numbers of ``mp``."""

    def __init__(self, mp: Any, budget: list[int], point: dict[str, Fraction]) -> None:
        self.mp, self.budget, self.point = mp, budget, point

    def spend(self, value: Any) -> Any:
        if isinstance(value, Fraction):
            bits = value.numerator.bit_length() + value.denominator.bit_length()
            if bits > _MOST_BITS:
                raise UndecidedError
        else:
            bits = 2000
            if not self.mp.isfinite(value) or (value and abs(self.mp.mag(value)) > _MOST_MAGNITUDE):
                raise UndecidedError
        self.budget[0] -= bits + 50
        if self.budget[0] < 0:
            raise UndecidedError
        return value

    def lift(self, value: Any) -> Any:
        return self.mp.mpf(value.numerator) / value.denominator if isinstance(value, Fraction) else value

    def value(self, node: Node) -> Any:
        return self.spend(self._value(node))

    def _value(self, node: Node) -> Any:
        kind = node[0]
        if kind == "num":
            return node[1]
        if kind == "var":
            return self.point[node[1]]
        if kind in ("pi", "e"):
            return +getattr(self.mp, kind)
        if kind == "i":
            return self.mp.mpc(0, 1)
        if kind == "degree":
            return self.mp.pi / 180
        if kind == "fn":
            return self.function(node[1], self.value(node[2]))
        a = self.value(node[1])
        if kind == "neg":
            return -a
        b = self.value(node[2])
        if kind == "^":
            return self.raised(a, b)
        if kind == "binom":
            return self.binomial(a, b)
        if not (isinstance(a, Fraction) and isinstance(b, Fraction)):
            a, b = self.lift(a), self.lift(b)
        if kind == "+":
            return a + b
        if kind == "*":
            return a * b
        if b == 0:
            raise _NoValueError
        return a / b

    def raised(self, base: Any, exponent: Any) -> Any:
        if isinstance(base, Fraction) and isinstance(exponent, Fraction):
            if exponent.denominator == 1:
                power = int(exponent)
                bits = max(base.numerator.bit_length(), base.denominator.bit_length())
                if base == 0 and power < 0:
                    raise _NoValueError
                if abs(base) != 1 and bits * abs(power) > _MOST_BITS:
                    raise UndecidedError
                return base**power if abs(base) != 1 else Fraction(1 if base > 0 or power % 2 == 0 else -1)
            if exponent.denominator % 2 and base < 0:  # the real root
                sign = -1 if exponent.numerator % 2 else 1
                return sign * self.lift(self.raised(-base, exponent))
        base, exponent = self.lift(base), self.lift(exponent)
        if base == 0:
            if self.mp.re(exponent) <= 0:
                raise _NoValueError
            return self.mp.mpf(0)
        if abs(exponent) * (abs(self.mp.mag(base)) + 4) > _MOST_MAGNITUDE:
            raise UndecidedError
        return self.mp.power(base, exponent)

    def binomial(self, n: Any, k: Any) -> Any:
        if not (isinstance(n, Fraction) and isinstance(k, Fraction) and n.denominator == k.denominator == 1):
            raise UndecidedError
        if not 0 <= k <= n:
            return Fraction(0)
        steps = int(min(k, n - k))
        if steps * (int(n).bit_length() + 1) > _MOST_BITS:
            raise UndecidedError
        value = 1
        for i in range(steps):
            value = value * (int(n) - i) // (i + 1)
        return Fraction(value)

    def function(self, name: str, x: Any) -> Any:
        mp = self.mp
        if isinstance(x, Fraction):
            if name in ("abs", "floor", "ceil"):
                return (
                    abs(x) if name == "abs" else Fraction(x // 1) if name == "floor" else Fraction(-(-x // 1))
                )
            if name == "!" and x.denominator == 1 and x >= 0:
                if x > 3000:
                    raise UndecidedError
                value = 1
                for i in range(2, int(x) + 1):
                    value *= i
                return Fraction(value)
        x = self.lift(x)
        if name == "abs":
            return abs(x)
        if x and mp.mag(x) > 60:  # so far out, digits are lost or an exponential overflows
            raise UndecidedError
        if name == "exp":
            if abs(x) > _MOST_MAGNITUDE // 2:
                raise UndecidedError
            return mp.exp(x)
        if name == "!":
            if abs(x) > 10**4:
                raise UndecidedError
            return mp.factorial(x)
        known = {
            "ln": "log",
            "arcsin": "asin",
            "arccos": "acos",
            "arctan": "atan",
            "arccot": "acot",
            "ceil": "ceil",
        }
        if name in ("sinh", "cosh", "tanh") and abs(x) > _MOST_MAGNITUDE // 2:
            raise UndecidedError
        try:
            return getattr(mp, known.get(name, name))(x)
        except (ValueError, ZeroDivisionError) as error:
            raise _NoValueError from error


def constant(form: str) -> Fraction | None:
    """The exact value of an expression without variables, as far as it is rational; else None."""
    try:
        node, names = parse(form)
        if names:
            return None
        with _lock:
            found = _Evaluator(_contexts()[0], [_BUDGET], {}).value(node)
    except (ArithmeticError, NotATermError, ValueError):
        return None
    return found if isinstance(found, Fraction) else None


def approximate(form: str) -> Fraction | None:
    """A constant's value to 50 digits, None where it is not real or has no value."""
    try:
        node, names = parse(form)
        if names:
            return None
        with _lock:
            mp = _contexts()[0]
            found = _Evaluator(mp, [_BUDGET], {}).value(node)
            if isinstance(found, Fraction):
                return found
            if mp.im(found):
                return None
            return (
                Fraction(mp.nstr(mp.re(found), 45, min_fixed=0, max_fixed=0))
                if abs(mp.mag(found)) < 2000
                else None
            )
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
            sign = (
                1
                if number < 2
                else -1
                if number == 2
                else (-1) ** (number + place if number < 5 else rng.randint(0, 1))
            )
            point[name] = sign * size
        found.append(point)
    return found


def values(form: str, names: frozenset[str]) -> list[Any]:
    """Values at :func:`points`, for each precision; None where there is none.

    Raises:
        NotATermError: The form is outside the grammar.
        UndecidedError: The budget does not do.
    """
    node, _ = parse(form)
    budget = [_BUDGET]
    found = []
    with _lock:
        for point in points(names):
            try:
                found.append(tuple(_Evaluator(mp, budget, point).value(node) for mp in _contexts()))
            except (UndecidedError, RecursionError, OverflowError, MemoryError) as error:
                raise UndecidedError from error
            except (ArithmeticError, ValueError):
                found.append(None)
    return found


def is_zero(difference: tuple[Any, Any], scale: Any) -> bool:
    """Whether a difference, known to two precisions, is zero: it is below its own rounding error in both."""
    low, high = difference
    if isinstance(low, Fraction) and isinstance(high, Fraction):
        return low == 0
    mp = _contexts()[0]
    size = abs(low)
    if size == 0 or size <= abs(scale) * mp.mpf(10) ** (8 - _DIGITS[0]):
        return abs(high) <= max(abs(scale), size) * mp.mpf(10) ** (20 - _DIGITS[1]) or abs(high) == 0
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
        with _lock:
            pair = [_difference(u, v, scale, mp) for u, v, mp in zip(x, y, _contexts(), strict=True)]
            is_real = all(isinstance(v, Fraction) or not _contexts()[0].im(v) for v in (x[0], y[0]))
            equal = is_zero((pair[0], pair[1]), _lifted(y[0], _contexts()[0]))
        if number >= 2 and not is_real and not equal:
            continue
        if not equal:
            return False
        compared += 1
    if compared < min(2, len(points(names))):
        raise UndecidedError
    return True


def _difference(a: Any, b: Any, scale: Fraction, mp: Any) -> Any:
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return a * scale - b
    return _lifted(a, mp) * (mp.mpf(scale.numerator) / scale.denominator) - _lifted(b, mp)


def _lifted(value: Any, mp: Any) -> Any:
    return mp.mpf(value.numerator) / value.denominator if isinstance(value, Fraction) else value
