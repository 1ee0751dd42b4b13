r"""A reading as another kind, for a comparison with one of that kind.

Belongs here: what a relation, a ratio, a set of one, a list or a matrix also is. Does not belong here: which
comparison asks for it (:mod:`.compare`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from cot_assets.grading.comparing.scalars import form_of
from cot_assets.grading.comparing.values import UndecidedError, approximate, is_same
from cot_assets.grading.reading.answer import read
from cot_assets.grading.reading.kinds import Reading
from cot_assets.grading.reading.matrices import COLUMN, read_vector
from cot_assets.grading.reading.measured import read_quantity
from cot_assets.grading.reading.numbers import Number
from cot_assets.grading.reading.terms import NotATermError, is_term, parse
from cot_assets.grading.reading.units import units
from cot_assets.grading.text.splitting import TOKEN, is_name

_NAME = re.compile(r"[A-Za-z](?:_\w)?(?:\^\{-1\})?")
_SIGNED = {"pound": ("GBP",), "¥": ("yen", "yuan")}  #: what is money of several countries, or a mass
#: Kelvins in a degree of a scale, and where its zero is.
_SCALES = {
    "temperature": (Fraction(1), Fraction(0)),
    "celsius": (Fraction(1), Fraction(27315, 100)),
    "fahrenheit": (Fraction(5, 9), Fraction(45967, 180)),
}
#: A constant that a person may write in either case: + C, C_1, C e^x.
_CONSTANT = re.compile(r"(?<![A-Za-z\\])C(?=_\{?\d|$| ?e\^)")
_POINT = re.compile(r"([A-Z](?:_\w|_\{\w+\})?)(\([^()]*,.*\))")
_DOMAIN = re.compile(r"[a-z]\\in\\mathbb\{[NZQR]")


def value_of(relation: Reading) -> Reading | None:
    """What an equation such as ``x = 2 + 3 = 5`` says that a name is; None where it is none."""
    if set(relation.signs) != {"="}:
        return None
    *sides, last = relation.items
    if len(sides) == 1 and _only_names(last.form) and not _only_names(sides[0].form):
        return sides[0]  # 5 = x
    try:
        are_same = all(_only_names(side.form) or is_same(form_of(side), form_of(last)) for side in sides)
    except (NotATermError, UndecidedError):
        return None
    return last if are_same else None


def _only_names(form: str) -> bool:
    r"""Whether a side has no value of its own, as ``\sqrt{8}`` has; e and i may name other things."""
    return is_name(form) and (len(form) == 1 or approximate(form) is None)


def rounded_of(relation: Reading, other: Reading) -> Reading | None:
    r"""The value that is rounded in ``x = \\sqrt{2} \\approx 1.414``, or what it is rounded to, as the other one is written.

    None for anything else, also where the decimal is another number.
    """
    *names, exact, last = relation.items
    if set(relation.signs) != {"="} or not last.number or last.number.decimals is None or exact.unit:
        return None
    value = exact.number.value if exact.number else approximate(exact.form)
    if value is None or not all(is_name(side.form) for side in names):
        return None
    step, beyond = Fraction(1, 10**last.number.decimals), abs(value) - abs(last.number.value)
    if not -step / 2 <= beyond < step:  # rounded, or cut off
        return None
    return last if other.number and other.number.decimals is not None else exact


def in_letters_of(reading: Reading, other: Reading) -> Reading:
    """An expression with the other one's imaginary unit (i for j) and constant (C for c); others as they are."""
    if not reading.kind == other.kind == "expression" or r"\text" in reading.form:
        return reading
    tokens, theirs = (TOKEN.findall(r.form) for r in (reading, other))
    names: dict[str, str] = {}
    if "j" in tokens and "i" in theirs and {"i", "k"}.isdisjoint(tokens) and {"j", "k"}.isdisjoint(theirs):
        names["j"] = "i"
    if "c" in tokens and _CONSTANT.search(other.form) and "C" not in tokens and "c" not in theirs:
        names["c"] = "C"
    return _renamed(reading, names) if names else reading


def _renamed(reading: Reading, names: Mapping[str, str]) -> Reading:
    form = "".join(names.get(token, token) for token in TOKEN.findall(reading.form))
    return replace(reading, form=form, items=tuple(_renamed(item, names) for item in reading.items))


def unit_asked_for(given: Reading, gold: Reading) -> str | None:
    """``cent as dollar`` for 50 cents and 0.5, where only one has a unit; None where no unit makes them the same."""
    measured, bare = (given, gold) if given.unit else (gold, given)
    unit, a, b = measured.unit, measured.number, bare.number
    if not unit or bare.unit or not a or not b or not a.value or not b.value or a.is_percent or b.is_percent:
        return None
    size = a.value * unit.size / b.value
    found = (u.name for u in units().values() if u.size == size and u.dimension == unit.dimension)
    return next((f"{unit.name} as {name}" for name in found), None)


def called_alike(given: Reading, gold: Reading) -> bool | None:
    """Whether two equations say what one thing is: y = h(x) and f(x) = h(x) do, those of f and g do not; else None."""
    if not value_of(given) or not len(given.items) == len(gold.items) == 2:
        return None
    names = {given.items[0].form, gold.items[0].form}
    functions = {name for name in names if re.fullmatch(r"[a-zA-Z]\([a-z]\)", name)}
    if len(names) == 1 or (functions and "y" in names):
        return True
    return False if functions == names else None


def are_other_names(a: str, b: str) -> bool:
    """Whether two letters are not the same, where D and x may name one set, or one is made of the other: x and x^2."""
    if not a or not b or a == b:
        return False
    if _NAME.fullmatch(a) and _NAME.fullmatch(b):
        return a[0].isupper() == b[0].isupper()
    return is_term(a) and is_term(b) and parse(a)[1] == parse(b)[1] != frozenset()


def is_same_ratio(given: Reading, gold: Reading) -> bool | None:
    """Whether the figures of two ratios are in proportion; None where they are not as many, or not all figures."""
    numbers = [(a.number, b.number) for a, b in zip(given.items, gold.items, strict=False)]
    if len(given.items) == len(gold.items) == 2 and not all(a and b for a, b in numbers):
        (a, b), (c, d) = ([item.form for item in r.items] for r in (given, gold))
        try:
            return is_same(f"({a})({d})", f"({b})({c})") or None
        except (NotATermError, UndecidedError):
            return None
    if len(given.items) != len(gold.items) or not all(a and b and b.value for a, b in numbers):
        return None
    quotients = {a.value / b.value for a, b in numbers if a and b}
    return len(quotients) == 1 and min(quotients) > 0


def quotient_of(ratio: Reading) -> Reading | None:
    """``1:2`` as the number 1/2: a problem that asks for a ratio of two takes either."""
    numbers = [item.number.value for item in ratio.items if item.number]
    if ratio.kind != "ratio" or len(ratio.items) != 2 or len(numbers) != 2 or not numbers[1]:
        return None
    value = numbers[0] / numbers[1]
    return Reading("number", str(value), Number(value))


def as_duration(clock: Reading, other: Reading) -> Reading:
    """``1:30`` as a duration of an hour and a half, for a comparison with one; others as they are."""
    if (
        clock.form[-1:] not in ("?", "~")
        or not other.unit
        or other.unit.dimension != units()["hour"].dimension
    ):
        return clock
    hours, minutes, seconds = map(int, clock.form[:-1].split(":"))
    return replace(
        clock,
        kind="quantity",
        number=Number(hours + Fraction(60 * minutes + seconds, 3600)),
        unit=units()["hour"],
    )


def as_quantity(product: Reading) -> Reading | None:
    """``2m`` as 2 meters, for a comparison with something that has a unit; None where it cannot be one."""
    return read_quantity(product.form, product.form, "quantity") if product.kind == "expression" else None


def in_unit_of(reading: Reading, other: Reading) -> Reading:
    """Pounds and ¥ as the money of the other, a temperature in kelvins against one on another scale; others as they are."""
    unit = reading.unit
    if not (unit and other.unit):
        return reading
    for money in map(units().__getitem__, _SIGNED.get(unit.name, ())):
        if other.unit.dimension == money.dimension:
            return replace(reading, unit=money)
    mine, theirs = (_SCALES.get(u.dimension[0][0]) if u.dimension else None for u in (unit, other.unit))
    if mine and theirs and mine != theirs and reading.number and unit.dimension[0][1] == 1:
        value = reading.number.value * unit.size * mine[0] + mine[1]
        return replace(reading, number=Number(value), unit=units()["kelvin"])
    return reading


def with_letter(reading: Reading, other: Reading) -> Reading:
    r"""``k\pi, k \in \mathbb{Z}`` in the letter that the other one has for k; others as they are."""
    mine, theirs = _integer_letter(reading, other), _integer_letter(other, reading)
    if not mine or not theirs or mine == theirs or theirs in TOKEN.findall(reading.form):
        return reading
    return _renamed(reading, {mine: theirs})


def _integer_letter(reading: Reading, other: Reading) -> str | None:
    r"""The letter that is said to be an integer; without that, the only one of k, m and n, among multiples of \pi or where the other says so."""
    if domain := _domain(reading):
        return domain[0][0]
    found = {"k", "m", "n"} & set(TOKEN.findall(reading.form))
    return found.pop() if len(found) == 1 and (_domain(other) or r"\pi" in reading.form) else None


def without_domain(reading: Reading, other: Reading) -> Reading:
    r"""``2k, k \in \mathbb{Z}`` as ``2k``, where only one of two says what k is."""
    if not _domain(reading) or _domain(other):
        return reading
    *items, _ = reading.items
    return items[0] if len(items) == 1 else replace(reading, items=tuple(items), signs=reading.signs[:-1])


def _domain(reading: Reading) -> re.Match[str] | None:
    return _DOMAIN.match(reading.items[-1].form) if reading.kind == "list" and reading.items else None


def without_braces(reading: Reading, other: Reading) -> Reading:
    """The one item of a set, for a comparison with something that is neither a set nor a list."""
    is_one = reading.kind == "set" and len(reading.items) == 1 and other.kind not in ("set", "list")
    return reading.items[0] if is_one and reading.items[0].kind not in ("set", "region") else reading


def as_tuple(reading: Reading) -> Reading:
    """A pair, a list by commas, and a matrix of one row or column as the tuple of what is in it; others as they are."""
    if reading.kind == "pair" or (reading.kind == "list" and set(reading.signs) <= {","}):
        return replace(reading, kind="tuple")
    if reading.kind == "matrix" and 1 in (len(reading.items), len(reading.items[0].items)):
        cells = tuple(cell for row in reading.items for cell in row.items)
        return Reading("tuple", reading.form, items=cells)
    return reading


def as_row(reading: Reading, other: Reading) -> Reading:
    r"""``P(1,2)``, ``\\binom{1}{2}``, ``i+2j`` and ``[1,2]``, for a comparison with a tuple or a matrix; others as they are."""
    if reading.signs == ("[]",) and other.kind == "matrix":
        return replace(reading, kind="tuple", signs=("[", "]"))
    if reading.kind != "expression" or other.kind not in ("pair", "tuple", "matrix"):
        return reading
    if match := _POINT.fullmatch(reading.form):
        return replace(read(match[2]), name=match[1])
    if match := COLUMN.fullmatch(reading.form):
        return read(f"({match[1]},{match[2]})")
    return read_vector(reading.form, read) or reading


def by_name(reading: Reading) -> Reading:
    """``y=2, x=1`` as the tuple ``(1, 2)``; others as they are."""
    named = {i.items[0].form: i.items[1] for i in reading.items if i.kind == "relation" and i.signs == ("=",)}
    is_named = len(named) == len(reading.items) and all(len(name) == 1 for name in named)
    if reading.kind != "list" or r"\lor" in reading.signs or not is_named:
        return reading
    items = tuple(named[name] for name in sorted(named))
    return replace(reading, kind="tuple", items=items, signs=("(", ")"))
