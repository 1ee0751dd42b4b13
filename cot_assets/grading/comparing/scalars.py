"""Whether two numbers, quantities or expressions are equal, and who is asked where no rule decides.

Belongs here: equality of single values. Does not belong here: the verdict on them, with its units
(:mod:`.compare`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

from cot_assets.grading.comparing.series import as_sum
from cot_assets.grading.comparing.values import UndecidedError, approximate, constant, is_same
from cot_assets.grading.reading.kinds import Reading
from cot_assets.grading.reading.numbers import is_rounded
from cot_assets.grading.reading.terms import NotATermError

#: Decides what no rule can: (canonical form of the answer, of the gold answer, "scalar" or "relation").
Algebra = Callable[[str, str, str], bool]


class NeedsAlgebraError(Exception):
    """No rule decides a pair of forms, and no algebra was given."""


class UndecidableError(Exception):
    """Nothing here can compare the two; the message says why."""


#: What has no value that could be compared: ends, omissions, sets, products of vectors and matrices, the derivative of a function that is only named.
_OPAQUE = re.compile(
    r"\\(?:infty|ldots|cup|cap|setminus|mathbb|neg|forall|exists)|\\vec.*\\times|[A-Z]\([^()]*\||[ABD-OQ-Z]\}?\([^()]*,|[A-Z]\^\{-1\}.*[A-Z]|[A-Z].*[A-Z]\^\{-1\}|(?P<a>[A-Z])(?P<b>[A-Z])-(?P=b)(?P=a)|\\frac\{(?:d|\\partial ?)[A-Za-z]\}\{(?:d|\\partial ?)[A-Za-z]\}"
)


#: A union of names, or an intersection, that is not one of the other's operands.
_OPERANDS = re.compile(
    r"(?:(?<=^)|(?<=[(|]))[^()|,\\]+(\\c[ua]p)(?![a-z])[^()|,\\]+(?:\1[^()|,\\]+)*(?=$|[)|])"
)


def no_algebra(given: str, gold: str, what: str) -> bool:
    """Refuses: for a process in which nothing may take long."""
    raise NeedsAlgebraError(f"{given} and {gold} ({what})")


def percent_of(given: Reading, gold: Reading) -> str | None:
    """Which unit has to be named where one is a percentage, and the other the same figure without the sign; else None.

    A figure below 1 may be a share itself: for 0.5 to be 0.5%, the statement has to say so.
    """
    a, b = given.number, gold.number
    if a is None or b is None or a.is_percent == b.is_percent:
        return None
    percentage, figure = (a, b) if a.is_percent else (b, a)
    if percentage.value * 100 != figure.value:
        return None
    return "%" if abs(figure.value) >= 1 else "percent"


def is_same_value(given: Reading, gold: Reading, algebra: Algebra, scale: Fraction = Fraction(1)) -> bool:
    """Whether two values are equal, exactly or by a decimal that means one without end."""
    a, b = given.number, gold.number
    if a and b:
        if a.value * scale == b.value:
            return True
        if scale != 1 or a.is_percent or b.is_percent:
            return False
        return (b.is_endless and is_rounded(a, b.value - a.value, b.value)) or (
            a.is_endless and is_rounded(b, a.value - b.value, a.value)
        )
    if scale == 1 and _in_order(given.form) == _in_order(gold.form):
        return True
    sums = [as_sum(form) if r"\ldots" in form else None for form in (given.form, gold.form)]
    if any(sums) and scale == 1:
        return algebra(sums[0] or form_of(given), sums[1] or form_of(gold), "scalar")
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


def _in_order(form: str) -> str:
    r"""A form without a plus in front, and with what a union or an intersection is of in order."""
    if r"\cup" not in form and r"\cap" not in form:
        return form.removeprefix("+")
    return _OPERANDS.sub(lambda m: m[1].join(sorted(part.strip() for part in m[0].split(m[1]))), form)


def form_of(reading: Reading) -> str:
    """A form in which a number has no sign that the grammar of expressions lacks."""
    number = reading.number
    return f"({number.value.numerator})/{number.value.denominator}" if number else reading.form


def is_percentage(reading: Reading) -> bool:
    """Whether a percent sign was written."""
    return reading.number is not None and reading.number.is_percent
