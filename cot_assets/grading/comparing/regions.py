"""Inequalities as the intervals that they stand for.

Belongs here: relations and lists of them, in one variable that stands alone, as a region. Does not belong
here: inequalities that have to be solved (:mod:`.algebra`).
"""

from __future__ import annotations

import math
import re
from fractions import Fraction

from cot_assets.grading.reading.kinds import Reading

_End = tuple[Fraction | float, int]
_ENDLESS = (Reading("expression", r"-\infty"), Reading("expression", r"\infty"))
_VARIABLE = re.compile(r"[a-zA-Z](?:_\w)?|\\[a-z]+")
_CONSTANTS = ("i", "e", r"\pi", r"\infty")
_BELOW, _ABOVE = ("<", "<="), (">", ">=")


def region_of(reading: Reading) -> Reading | None:
    """The region that a reading is, or says; None where it says none.

    Relations joined by "or" are a union, two of them joined by "and" an interval with both ends. A comma
    between inequalities says neither.
    """
    if reading.kind == "region":
        return reading
    if reading.kind == "pair":
        return Reading("region", reading.form, items=reading.items, signs=("()",))
    if reading.kind == "relation":
        named = _named_region(reading)
        return named[1] if named else None
    if reading.kind != "list" or any(item.kind != "relation" for item in reading.items):
        return None
    named = [_named_region(item) or _point(item) for item in reading.items]
    if all(item.signs == ("=",) for item in reading.items):
        return None
    if not all(named) or len({name for name, _ in filter(None, named)}) != 1:
        return None
    regions = [region for _, region in filter(None, named)]
    if set(reading.signs) == {r"\lor"}:
        return Reading(
            "region",
            reading.form,
            items=tuple(item for region in regions for item in region.items),
            signs=tuple(sign for region in regions for sign in region.signs),
        )
    if reading.signs == (r"\land",) and all(len(region.signs) == 1 for region in regions):
        lower = next((r for r in regions if r.items[1] == _ENDLESS[1] and r.items[0] != _ENDLESS[0]), None)
        upper = next((r for r in regions if r.items[0] == _ENDLESS[0] and r.items[1] != _ENDLESS[1]), None)
        if lower and upper:
            return Reading(
                "region",
                reading.form,
                items=(lower.items[0], upper.items[1]),
                signs=(lower.signs[0][0] + upper.signs[0][1],),
            )
    return None


def spans(region: Reading) -> list[tuple[_End, _End]] | None:
    """The intervals of a region in order, those that touch as one; None where an end is no known number.

    An end is a number and 1 where the interval begins just beyond it or ends just there, else 0.
    """
    found = list[tuple[_End, _End]]()
    for i, (opening, closing) in enumerate(region.signs):
        low, high = (_place(item) for item in region.items[2 * i : 2 * i + 2])
        if low is None or high is None or low > high:
            return None
        begin, end = (low, int(opening == "(")), (high, int(closing == "]"))
        if begin < end:
            found.append((begin, end))
    found.sort()
    merged = found[:1]
    for begin, end in found[1:]:
        if begin > merged[-1][1]:
            merged.append((begin, end))
        else:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
    return merged


def _place(end: Reading) -> Fraction | float | None:
    if end.number and not end.unit:
        return end.number.value
    return {r"\infty": math.inf, r"+\infty": math.inf, r"-\infty": -math.inf}.get(end.form)


def _named_region(relation: Reading) -> tuple[str, Reading] | None:
    """The variable of a relation and its region."""
    sides, signs = relation.items, relation.signs
    if signs and all(sign in _ABOVE for sign in signs):
        sides, signs = sides[::-1], tuple("<" + sign[1:] for sign in signs[::-1])
    if (
        len(signs) == 2
        and all(sign in _BELOW for sign in signs)
        and _is_variable(sides[1], sides[0], sides[2])
    ):
        return sides[1].form, _interval(sides[0], sides[2], signs[0], signs[1])
    if len(signs) != 1:
        return None
    low, high = sides
    if signs[0] == "!=" and (_is_variable(low, high) or _is_variable(high, low)):
        name, hole = (low, high) if _is_variable(low, high) else (high, low)
        items = (_ENDLESS[0], hole, hole, _ENDLESS[1])
        return name.form, Reading("region", relation.form, items=items, signs=("()", "()"))
    if signs[0] not in _BELOW:
        return None
    if _is_variable(low, high):
        return low.form, _interval(_ENDLESS[0], high, "<", signs[0])
    if _is_variable(high, low):
        return high.form, _interval(low, _ENDLESS[1], signs[0], "<")
    return None


def _point(relation: Reading) -> tuple[str, Reading] | None:
    """``x = 1`` among inequalities as the region [1, 1]."""
    if relation.signs != ("=",) or not _is_variable(*relation.items):
        return None
    name, value = relation.items
    return name.form, _interval(value, value, "<=", "<=")


def _is_variable(side: Reading, *others: Reading) -> bool:
    name = side.form
    if not _VARIABLE.fullmatch(name) or name in _CONSTANTS:
        return False
    return not any(name in re.findall(r"\\[a-zA-Z]+|[a-zA-Z]", other.form) for other in others)


def _interval(low: Reading, high: Reading, below: str, above: str) -> Reading:
    opening, closing = "[" if below == "<=" else "(", "]" if above == "<=" else ")"
    return Reading(
        "region", f"{opening}{low.form},{high.form}{closing}", items=(low, high), signs=(opening + closing,)
    )
