"""Inequalities as the intervals that they describe.

Belongs here: relations and lists of them, in one variable that is alone on its side, as a region. Does not belong
here: inequalities that have to be solved (:mod:`.algebra`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from cot_assets.grading.reading.kinds import Reading
from cot_assets.grading.reading.numbers import Number
from cot_assets.grading.text.splitting import MOST_ITEMS

_End = tuple[Fraction | float, int]
_ENDLESS = (Reading("expression", r"-\infty"), Reading("expression", r"\infty"))
_VARIABLE = re.compile(r"[a-zA-Z](?:_\w)?|\\[a-z]+")
_CONSTANTS = ("i", "e", r"\pi", r"\infty")
_REALS = re.compile(
    r"\\mathbb\{R\}(?:[_^]\{?(?P<part>[-+]|[<>] ?0|\\[gl]eq ?0)\}?)?|(?:the )?(?:set of )?(?:all )?(?i:(?:(?P<non>non-?)?(?P<side>positive|negative) )?real(?: number)?s)|(?:[a-z] is )?(?:all|any|every) real (?:number|[a-z])"
)
_BELOW, _ABOVE = ("<", "<="), (">", ">=")


def region_of(reading: Reading) -> Reading | None:
    """The region that a reading is, or says; None where it says none.

    Relations joined by "or" are a union, two of them joined by "and" an interval with both ends. A comma
    between two says what is not idle: "and" where they overlap, "or" where they do not.
    """
    if reading.kind == "region":
        return reading
    if reading.kind == "pair":
        return Reading("region", reading.form, items=reading.items, signs=("()",))
    if reading.kind == "relation":
        named = _named_region(reading)
        return replace(named[1], name=named[0]) if named else None
    if reading.kind != "list" or any(item.kind != "relation" for item in reading.items):
        return None
    named = [found for item in reading.items if (found := _named_region(item) or _point(item))]
    names, regions = {name for name, _ in named}, [region for _, region in named]
    if len(named) < len(reading.items) or len(names) != 1 or all(r.signs == ("=",) for r in reading.items):
        return None
    joined = _joined(reading, regions)
    return joined and replace(joined, name=names.pop())


def _joined(reading: Reading, regions: Sequence[Reading]) -> Reading | None:
    """Regions of one variable as one, by how a list joins them."""
    joints = set(reading.signs)
    if joints == {","} and len(regions) == 2 and all(spans(region) for region in regions):
        joints = {r"\land" if _overlap(*regions) else r"\lor"}
    if joints == {r"\lor"}:
        return union(reading.form, regions)
    if joints == {r"\land"} and len(regions) == 2 and all(len(region.signs) == 1 for region in regions):
        lower = next((r for r in regions if r.items[1] == _ENDLESS[1] and r.items[0] != _ENDLESS[0]), None)
        upper = next((r for r in regions if r.items[0] == _ENDLESS[0] and r.items[1] != _ENDLESS[1]), None)
        if lower and upper:
            ends, signs = (lower.items[0], upper.items[1]), (lower.signs[0][0] + upper.signs[0][1],)
            return Reading("region", reading.form, items=ends, signs=signs)
    return common(regions) if joints == {r"\land"} else None


def _overlap(a: Reading, b: Reading) -> bool:
    shared = common((a, b))
    return shared is not None and bool(shared.signs)


def reals(form: str) -> Reading | None:
    r"""All real numbers, or those on one side of 0: ``\mathbb{R}^+``, ``\mathbb{R}_{\leq0}``; None for anything else."""
    if not (match := _REALS.fullmatch(form)):
        return None
    part, zero = match["part"] or "", _end(Fraction(0))
    if side := match["side"]:
        part = {"pos": (">", r"\leq"), "neg": ("<", r"\geq")}[side[:3].lower()][match["non"] is not None]
    low = zero if part[:1] in ("+", ">") or "g" in part else _ENDLESS[0]
    high = zero if part[:1] in ("-", "<") or "l" in part else _ENDLESS[1]
    return _interval(low, high, "<=" if "g" in part else "<", "<=" if "l" in part else "<")


def union(form: str, parts: Sequence[Reading | None]) -> Reading | None:
    """The union of regions and of sets, whose items are single points; None where a part is neither."""
    items, signs = list[Reading](), list[str]()
    if all(part and part.kind == "set" for part in parts):
        return Reading("set", form, items=tuple(item for part in parts if part for item in part.items))
    for part in parts:
        region = region_of(part) if part and part.kind in ("region", "pair") else None
        if part and part.kind == "set":
            items += [item for item in part.items for _ in range(2)]
            signs += ["[]"] * len(part.items)
        elif region:
            items += region.items
            signs += region.signs
        else:
            return None
    return Reading("region", form, items=tuple(items), signs=tuple(signs))


def without(holes: Sequence[Reading]) -> Reading:
    r"""All real numbers but some: ``\mathbb{R}\setminus\{0,1\}``."""
    places = sorted(holes, key=lambda hole: hole.number.value if hole.number else 0)
    items = (_ENDLESS[0], *(hole for hole in places for _ in range(2)), _ENDLESS[1])
    return Reading("region", "all but some", items=items, signs=("()",) * (len(places) + 1))


def spans(region: Reading) -> list[tuple[_End, _End]] | None:
    """The intervals of a region in order, those that touch as one; None where an end is not a known number.

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


def common(parts: Sequence[Reading | None]) -> Reading | None:
    """What regions have in common; None where one of them is none, or has an end that is not a known number."""
    regions = [region_of(part) if part else None for part in parts]
    places = [spans(region) if region else None for region in regions]
    found = places[0]
    for other in places[1:]:
        if found is None or other is None:
            return None
        found = [
            (begin, end)
            for x in found
            for y in other
            if (begin := max(x[0], y[0])) < (end := min(x[1], y[1]))
        ]
    return None if found is None else _spanning(found)


def difference(region: Reading | None, taken: Reading | None) -> Reading | None:
    """What of a region is not in another one; None where one of them is none, or has an end that is not a known number."""
    places = spans(out) if taken and (out := region_of(taken)) else None
    if places is None:
        return None
    cuts = [(-math.inf, 1), *(cut for ends in places for cut in ends), (math.inf, 0)]
    return common((region, _spanning([(a, b) for a, b in zip(cuts[::2], cuts[1::2], strict=True) if a < b])))


def integers(region: Reading | None) -> Reading | None:
    """The set of the integers in a region; None where there are more than a list may have, or an end is not a known number."""
    places = spans(inside) if region and (inside := region_of(region)) else None
    if not places or not all(math.isfinite(end) for ends in places for end, _ in ends):
        return None
    runs = [
        range(math.ceil(a + b * (a == math.ceil(a))), math.floor(c - (1 - d) * (c == math.floor(c))) + 1)
        for (a, b), (c, d) in places
    ]
    if sum(run.stop - run.start for run in runs) > MOST_ITEMS:  # their len() may overflow
        return None
    items = (Reading("number", str(n), Number(Fraction(n))) for run in runs for n in run)
    return Reading("set", "integers", items=tuple(items), signs=(",",))


def _spanning(places: Sequence[tuple[_End, _End]]) -> Reading:
    signs = tuple("[("[begin[1]] + ")]"[end[1]] for begin, end in places)
    items = tuple(_end(end) for ends in places for end, _ in ends)
    return Reading("region", str(places), items=items, signs=signs)


def _end(place: Fraction | float) -> Reading:
    if isinstance(place, Fraction):
        return Reading("number", str(place), Number(place))
    return _ENDLESS[place > 0]


def _place(end: Reading) -> Fraction | float | None:
    if end.number and not end.unit:
        return end.number.value
    return {r"\infty": math.inf, r"+\infty": math.inf, r"-\infty": -math.inf}.get(end.form)


def _named_region(relation: Reading) -> tuple[str, Reading] | None:
    """The variable of a relation and its region."""
    sides, signs = relation.items, relation.signs
    if signs and all(sign in _ABOVE for sign in signs):
        sides, signs = sides[::-1], tuple("<" + sign[1:] for sign in signs[::-1])
    if signs == ("!=",):
        name, hole = sides if _is_variable(*sides) else sides[::-1]
        return (name.form, without((hole,))) if _is_variable(name, hole) else None
    if len(signs) == 1:
        is_below = _is_variable(*sides)
        sides = (_ENDLESS[0], *sides) if is_below else (*sides, _ENDLESS[1])
        signs = ("<", *signs) if is_below else (*signs, "<")
    if len(signs) != 2 or not set(signs) <= set(_BELOW) or not _is_variable(sides[1], sides[0], sides[2]):
        return None
    return sides[1].form, _interval(sides[0], sides[2], *signs)


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
