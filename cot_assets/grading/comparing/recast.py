r"""A reading as another kind, for a comparison with one of that kind.

Belongs here: what a relation, a ratio, a set of one, a list or a matrix also is. Does not belong here: which
comparison asks for it (:mod:`.compare`).
"""

from __future__ import annotations

import re
from dataclasses import replace

from cot_assets.grading.comparing.values import constant
from cot_assets.grading.reading.kinds import Reading
from cot_assets.grading.reading.measured import read_quantity
from cot_assets.grading.reading.numbers import Number
from cot_assets.grading.reading.units import units
from cot_assets.grading.text.splitting import is_name

_NAME = re.compile(r"[A-Za-z](?:_\w)?")
_DOMAIN = re.compile(r"[a-z]\\in\\mathbb\{[NZQR]")


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
    """Whether two letters are not the same: of points or of variables, where D and x may name one set."""
    return (
        a != b
        and _NAME.fullmatch(a) is not None
        and _NAME.fullmatch(b) is not None
        and a[0].isupper() == b[0].isupper()
    )


def is_same_ratio(given: Reading, gold: Reading) -> bool | None:
    """Whether the figures of two ratios are in proportion; None where they are not as many, or not all figures."""
    numbers = [(a.number, b.number) for a, b in zip(given.items, gold.items, strict=False)]
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


def with_letter(reading: Reading, other: Reading) -> Reading:
    r"""``k\pi, k \in \mathbb{Z}`` in the letter that the other one has for k; others as they are."""
    names = [
        _DOMAIN.match(r.items[1].form) if r.kind == "list" and len(r.items) == 2 else None
        for r in (reading, other)
    ]
    if not all(names) or reading.items[1].form[0] == other.items[1].form[0]:
        return reading
    mine, theirs = (r.items[1].form[0] for r in (reading, other))
    if re.search(rf"(?<![\\A-Za-z]){theirs}(?![A-Za-z])", reading.items[0].form):
        return reading
    renamed = (re.sub(rf"(?<![\\A-Za-z]){mine}(?![A-Za-z])", theirs, item.form) for item in reading.items)
    return replace(
        reading,
        items=tuple(replace(item, form=form) for item, form in zip(reading.items, renamed, strict=True)),
    )


def without_domain(reading: Reading) -> Reading:
    r"""``2k, k \in \mathbb{Z}`` as ``2k``, where only one of two says what k is."""
    has_domain = reading.kind == "list" and len(reading.items) == 2 and _DOMAIN.match(reading.items[1].form)
    return reading.items[0] if has_domain else reading


def without_braces(reading: Reading, other: Reading) -> Reading:
    """The one item of a set, for a comparison with something that is neither a set nor a list."""
    is_one = reading.kind == "set" and len(reading.items) == 1 and other.kind not in ("set", "list")
    return reading.items[0] if is_one and reading.items[0].kind not in ("set", "region") else reading


def as_tuple(reading: Reading) -> Reading:
    """A pair, a list by commas, and a matrix of one row or column as the tuple of what is in it; others as they are."""
    if reading.kind == "pair" or (reading.kind == "list" and set(reading.signs) <= {","}):
        return replace(reading, kind="tuple")
    if reading.kind == "matrix" and 1 in (len(reading.items), len(reading.items[0].items)):
        return Reading(
            "tuple", reading.form, items=tuple(cell for row in reading.items for cell in row.items)
        )
    return reading


def by_name(reading: Reading) -> Reading:
    """``y=2, x=1`` as the tuple ``(1, 2)``; others as they are."""
    named = {i.items[0].form: i.items[1] for i in reading.items if i.kind == "relation" and i.signs == ("=",)}
    if (
        reading.kind != "list"
        or r"\lor" in reading.signs
        or len(named) < len(reading.items)
        or not all(len(n) == 1 for n in named)
    ):
        return reading
    return replace(
        reading, kind="tuple", items=tuple(named[name] for name in sorted(named)), signs=("(", ")")
    )
