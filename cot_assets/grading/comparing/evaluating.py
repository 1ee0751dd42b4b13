"""The value of one expression at one point, within a budget.

Belongs here: exact evaluation in fractions, and evaluation to many digits where a value is irrational. Does not belong
here: where expressions are evaluated, and whether two have the same values (:mod:`.values`).
"""

from __future__ import annotations

import math
import threading
from fractions import Fraction
from functools import lru_cache
from typing import Any

from cot_assets.grading.reading.terms import Node

DIGITS = (50, 110)  #: decimal digits of the two evaluations of an irrational value
BUDGET = 3_000_000  #: bits of all values of one comparison
_MOST_BITS = 40_000  #: of one exact value: 2006! has 19,000
_MOST_MAGNITUDE = 10**6  #: binary exponent of a value in floating point


_FARTHEST = {**dict.fromkeys(("exp", "sinh", "cosh", "tanh"), _MOST_MAGNITUDE // 2), "!": 10**4}
_NAMES = {
    "ln": "log", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arccot": "acot", "cis": "expj", "!": "factorial",
}  # fmt: skip
_WHOLE = {"abs": abs, "floor": math.floor, "ceil": math.ceil}  #: what is exact of a fraction


class UndecidedError(ArithmeticError):
    """Two expressions cannot be told apart, or shown to be equal, within the budget."""


class NoValueError(ArithmeticError):
    """An expression has no value at a point."""


lock = threading.Lock()  #: mpmath's functions change the precision of their context for a while


@lru_cache(maxsize=1)
def contexts() -> tuple[Any, ...]:
    """The arithmetic of mpmath with each number of digits of :data:`DIGITS`."""
    from mpmath import MPContext

    contexts = []
    for digits in DIGITS:
        context = MPContext()
        context.dps = digits
        contexts.append(context)
    return tuple(contexts)


def lifted(value: Any, mp: Any) -> Any:
    """A value as a number of ``mp``."""
    return mp.mpf(value.numerator) / value.denominator if isinstance(value, Fraction) else value


def evaluate(node: Node, mp: Any, budget: list[int], point: dict[str, Fraction]) -> Any:
    """The value of a tree at a point, a fraction where it is exact, else a complex number of ``mp``.

    Args:
        node: The tree.
        mp: One of :func:`contexts`; :data:`lock` must be held.
        budget: Bits that may still be used; what is used is taken off.
        point: Values of the variables.

    Raises:
        UndecidedError: The budget does not do.
        NoValueError: There is no value at this point.
    """
    return _Evaluator(mp, budget, point).value(node)


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
            if not self.mp.isfinite(value):  # the logarithm of 0
                raise NoValueError
            if value and abs(self.mp.mag(value)) > _MOST_MAGNITUDE:
                raise UndecidedError
        self.budget[0] -= bits + 50
        if self.budget[0] < 0:
            raise UndecidedError
        return value

    def lift(self, value: Any) -> Any:
        return lifted(value, self.mp)

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
            raise NoValueError
        return a / b

    def raised(self, base: Any, exponent: Any) -> Any:
        if isinstance(base, Fraction) and isinstance(exponent, Fraction):
            if exponent.denominator == 1:
                power = int(exponent)
                bits = max(base.numerator.bit_length(), base.denominator.bit_length())
                if base == 0 and power < 0:
                    raise NoValueError
                if abs(base) != 1 and bits * abs(power) > _MOST_BITS:
                    raise UndecidedError
                return base**power if abs(base) != 1 else Fraction(1 if base > 0 or power % 2 == 0 else -1)
            if exponent.denominator % 2 and base < 0:  # the real root
                sign = -1 if exponent.numerator % 2 else 1
                return sign * self.lift(self.raised(-base, exponent))
        root = exponent if isinstance(exponent, Fraction) and exponent.denominator % 2 else Fraction(1)
        base, exponent = self.lift(base), self.lift(exponent)
        if root.denominator > 1 and not self.mp.im(base) and self.mp.re(base) < 0:
            return (-1) ** root.numerator * self.mp.power(-base, exponent)
        if base == 0:
            if self.mp.re(exponent) <= 0:
                raise NoValueError
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
        return Fraction(math.comb(int(n), steps))

    def function(self, name: str, x: Any) -> Any:
        mp = self.mp
        if isinstance(x, Fraction):
            if name in _WHOLE:
                return Fraction(_WHOLE[name](x))
            if name in ("!", "!!") and x.denominator == 1 and x >= 0:
                if x > 3000:
                    raise UndecidedError
                return Fraction(math.prod(range(int(x), 1, -len(name))))
        if name == "!!":
            raise UndecidedError
        x = self.lift(x)
        if name == "abs":
            return abs(x)
        if x and mp.mag(x) > 60:  # so far out, digits are lost or an exponential overflows
            raise UndecidedError
        if abs(x) > _FARTHEST.get(name, math.inf):
            raise UndecidedError
        try:
            return getattr(mp, _NAMES.get(name, name))(x)
        except (ValueError, ZeroDivisionError) as error:
            raise NoValueError from error
