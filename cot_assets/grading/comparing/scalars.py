"""Whether two numbers, quantities or expressions are equal, and who is asked where no rule decides.

Belongs here: equality of single values. Does not belong here: the verdict on them, with its units
(:mod:`.compare`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from cot_assets.grading.comparing.values import UndecidedError, approximate, constant, is_same
from cot_assets.grading.reading.kinds import Reading
from cot_assets.grading.reading.measured import read_quantity
from cot_assets.grading.reading.numbers import Number, is_rounded
from cot_assets.grading.reading.terms import NotATermError
from cot_assets.grading.reading.units import units
from cot_assets.grading.text.splitting import is_name

#: Decides what no rule can: (canonical form of the answer, of the gold answer, "scalar" or "relation").
Algebra = Callable[[str, str, str], bool]


class NeedsAlgebraError(Exception):
    """No rule decides a pair of forms, and no algebra was given."""


class UndecidableError(Exception):
    """Nothing here can compare the two; the message says why."""


_DOMAIN = re.compile(r"[a-z]\\in\\mathbb\{[NZQR]")
#: What has no value that could be compared: ends, omissions, the derivative of a function that is only named.
_OPAQUE = re.compile(r"\\(?:infty|ldots)|\\frac\{(?:d|\\partial ?)[A-Za-z]\}\{(?:d|\\partial ?)[A-Za-z]\}")


def no_algebra(given: str, gold: str, what: str) -> bool:
    """Refuses: for a process in which nothing may take long."""
    raise NeedsAlgebraError(f"{given} and {gold} ({what})")


def is_percent_of(given: Reading, gold: Reading) -> bool:
    """Whether one is a percentage, and the other the same figure without the sign."""
    a, b = given.number, gold.number
    if a is None or b is None or a.is_percent == b.is_percent:
        return False
    percentage, figure = (a, b) if a.is_percent else (b, a)
    return percentage.value * 100 == figure.value


def is_same_value(given: Reading, gold: Reading, algebra: Algebra, scale: Fraction = Fraction(1)) -> bool:
    """Whether two values are equal, exactly or by a decimal that stands for one without end."""
    a, b = given.number, gold.number
    if a and b:
        if a.value * scale == b.value:
            return True
        if scale != 1 or a.is_percent or b.is_percent:
            return False
        return (b.is_endless and is_rounded(a, b.value - a.value, b.value)) or (
            a.is_endless and is_rounded(b, a.value - b.value, a.value)
        )
    if scale == 1 and given.form.removeprefix("+") == gold.form.removeprefix("+"):
        return True
    if any(_OPAQUE.search(form) for form in (given.form, gold.form)):
        return False
    try:
        if is_same(form_of(given), form_of(gold), scale):
            return True
    except (NotATermError, UndecidedError):
        return scale == 1 and algebra(form_of(given), form_of(gold), "scalar")
    decimal, other = (a, gold) if a else (b, given)
    if decimal is None or decimal.decimals is None or scale != 1:
        return False
    exact = approximate(other.form)
    return (
        exact is not None
        and constant(other.form) is None
        and is_rounded(decimal, exact - decimal.value, exact)
    )


def form_of(reading: Reading) -> str:
    """A form in which a number has no sign that the grammar of expressions lacks."""
    number = reading.number
    return f"({number.value.numerator})/{number.value.denominator}" if number else reading.form


def value_of(relation: Reading) -> Reading | None:
    """What an equation such as ``x = 2 + 3 = 5`` says that a name is; None where it is none."""
    if set(relation.signs) != {"="}:
        return None
    *sides, last = relation.items
    if len(sides) == 1 and is_name(last.form) and not is_name(sides[0].form):
        return sides[0]  # 5 = x
    exact = last.number.value if last.number else constant(last.form)
    for side in sides:
        if not is_name(side.form) and (exact is None or constant(side.form) != exact):
            return None
    return last


def quotient_of(ratio: Reading) -> Reading | None:
    """``1:2`` as the number 1/2: a problem that asks for a ratio of two takes either."""
    numbers = [item.number.value for item in ratio.items if item.number]
    if ratio.kind != "ratio" or len(ratio.items) != 2 or len(numbers) != 2 or not numbers[1]:
        return None
    value = numbers[0] / numbers[1]
    return Reading("number", str(value), Number(value))


def as_quantity(product: Reading) -> Reading | None:
    """``2m`` as 2 meters, for a comparison with something that has a unit; None where it cannot be one."""
    return read_quantity(product.form, product.form, "quantity") if product.kind == "expression" else None


def in_money(reading: Reading, other: Reading) -> Reading:
    """Pounds as money against money, others as they are."""
    sterling = units()["GBP"]
    is_money = (
        reading.unit
        and reading.unit.name == "pound"
        and other.unit
        and other.unit.dimension == sterling.dimension
    )
    return replace(reading, unit=sterling) if is_money else reading


def is_percentage(reading: Reading) -> bool:
    """Whether a percent sign was written."""
    return reading.number is not None and reading.number.is_percent


def without_domain(reading: Reading) -> Reading:
    r"""``2k, k \in \mathbb{Z}`` as ``2k``, where only one of two says what k is."""
    has_domain = reading.kind == "list" and len(reading.items) == 2 and _DOMAIN.match(reading.items[1].form)
    return reading.items[0] if has_domain else reading
