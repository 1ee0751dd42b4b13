"""Quantities: numbers and expressions with a unit, factors in words, and sentences, which are none for all their signs.

Belongs here: one quantity as a reading. Does not belong here: the units themselves (:mod:`.units`).
"""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from cot_assets.grading.reading.kinds import Kind, Reading
from cot_assets.grading.reading.numbers import Number, leading_words, read_number
from cot_assets.grading.reading.quantities import currency, is_noun, read_unit, split_unit
from cot_assets.grading.reading.terms import is_term
from cot_assets.grading.reading.units import Unit
from cot_assets.grading.text.spelling import canonical, plain
from cot_assets.grading.text.splitting import RELATIONS, is_name, parts_of, split
from cot_assets.grading.text.words import words_in

_ANGLE = re.compile(
    r"(?:\\?[A-Za-z]+ ?= ?)?(.+?) ?(?:\^\{?\\circ ?\}?|\\degree|(?:\\text\{ ?)?degrees? ?\}?)"
)
_PRODUCT = re.compile(r"^(.*[0-9.})])([A-Za-z])$")
#: What is a unit behind a number, and a product elsewhere: a week, 2 M, 2\mu m, 5J\cdot s, 2m, and x cm.
_AS_QUANTITY = (
    (re.compile(r"^an? (?=[a-z]{3,}$)"), "1 "),
    (re.compile(r"^([0-9.]+) ?'$"), r"\1 foot"),
    (re.compile(r"^([0-9.]+) ?(?:''|\")$"), r"\1 inch"),
    (re.compile(r"(?<=[0-9]) ?\\frac\{([A-Za-z]{1,3})\}\{([A-Za-z]{1,3})\}$"), r" \\text{\1/\2}"),
    (re.compile(r"(?<=[0-9}]) ?(?:\\text\{ ?)?M ?\}?$"), " molar"),
    (re.compile(r"(?<=[0-9}]) ?\\mu ?(?=[A-Za-z]{1,3}$)"), " μ"),
    (re.compile(r"(?<=[0-9.})])(?=[A-Za-z]{1,3}(?:\\cdot ?[A-Za-z]{1,3}(?:\^\{?-?[1-9]\}?)?)+$)"), " "),
    (_PRODUCT, r"\1 \2"),
    (re.compile(r"^([^\\ ]*[A-Za-z]) ([a-z]{2,}\^?[1-9]?)$"), r"\1\\text{\2}"),
)
#: Amounts in words: 時速60キロメートル, half an hour, a quarter of an hour, an hour and a half, two and a half hours.
_IN_WORDS = (
    (re.compile(r"^[時时]速 ?(.+)$"), r"\1/小时"),
    (re.compile(r"^(?:([分秒])速|每([^0-9 ]{1,4})) ?(.+)$"), r"\3/\1\2"),
    (re.compile(r"(?:a )?half (?:of )?an? (?=[a-z])"), "0.5 "),
    (re.compile(r"(?:an? |one )?quarter of an? (?=[a-z])"), "0.25 "),
    (re.compile(r"three quarters of an? (?=[a-z])"), "0.75 "),
    (re.compile(r"(?:an?|one) ([a-z]+)\\land a half$"), r"1.5 \1"),
    (re.compile(r"([1-9][0-9]{0,3})(?:\\land a half ([a-z]+)| ([a-z]+)\\land a half)$"), r"\1.5 \2\3"),
)
#: Several words for what is counted: 7 red balls, correct where the statement asks how many red balls there are.
_DESCRIBED = re.compile(r"([0-9]+) ?(?:\\text\{ ?)?([a-z]{2,20}(?: [a-z]{2,20}){1,3}) ?\}?")
_AMOUNT = re.compile(r"(?<=[0-9]) ?(M|K|k|B|bn|mn)$")  #: of money
_AMOUNTS = {"m": " million", "k": " thousand", "b": " billion"}
#: What a price is for: $18 per day.
_RATE = re.compile(r"(.*[0-9]) ?((?:/|(?:per|an?|each|every) )[A-Za-z ]+)")
#: Minutes and seconds of an angle, feet and inches.
_MARKED = re.compile(
    r"""(\d+)(?:(?P<degrees>\^\{?\\circ ?\}?)|(?:'|\^\{?\\prime\}?)(?!$))"""
    r""" ?(\d+(?:\.\d+)?)(?:(?(degrees)(?:'|\^\{?\\prime\}?)(?: ?(\d+(?:\.\d+)?)(?:''|"|\^\{?\\prime\\prime\}?))?|(?:''|")?))"""
)
_ARC = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(?:(')|''|\")")  #: minutes or seconds of an angle
_RADIANS = re.compile(r" ?(?:\\text\{ ?)?rad(?:ians?)? ?\}?$")


def in_radians(text: str) -> tuple[str, bool]:
    """An angle without its unit, in radians, and whether it was stated in degrees."""
    bare = plain(text)
    if (match := _ANGLE.fullmatch(bare)) and is_term(canonical(match[1])):
        return rf"({match[1]})\cdot\frac{{\pi}}{{180}}", True
    if match := _ARC.fullmatch(bare):
        return rf"{match[1]}\cdot\frac{{\pi}}{{{180 * (60 if match[2] else 3600)}}}", True
    return _RADIANS.sub("", bare), False


def priced(bare: str) -> Reading | None:
    """A number or an expression with the sign of a currency; None for anything else."""
    without, sign = currency(bare)
    unit = read_unit(sign)[0] if sign else None
    if unit is None:
        return None
    if rate := _RATE.fullmatch(without):
        return read_quantity(f"{rate[1]} {unit.name} {rate[2]}", f"{rate[1]} {unit.name} {rate[2]}", None)
    form = canonical(_AMOUNT.sub(lambda m: _AMOUNTS[m[1][0].lower()], without))
    value, _, factor = split_unit(form)
    number = read_number(value if factor != 1 else form)
    if number:
        return Reading("quantity", form, replace(number, value=number.value * factor), unit)
    return Reading("quantity", form, None, unit) if is_term(form) and not words_in(form) else None


def read_quantity(bare: str, form: str, gold: Kind | None) -> Reading | None:
    """A number or an expression with a unit, a factor in words, or both; None for anything else."""
    if found := priced(bare):
        return found
    if marked := _MARKED.fullmatch(bare):
        names = ("degree", "arcminute", "arcsecond") if marked["degrees"] else ("foot", "inch")
        form = " ".join(
            f"{value} {name}" for value, name in zip(filter(None, marked.group(1, 3, 4)), names, strict=False)
        )
    if gold == "quantity":
        for pattern, replacement in _AS_QUANTITY:
            form = pattern.sub(replacement, form)
    if (match := re.match(r"([a-z]+)(?=\\land a half [a-z])", form)) and (whole := read_number(match[1])):
        form = f"{whole.value}{form[match.end() :]}"
    for words, figures in _IN_WORDS if form[-1:].isalpha() else ():
        form = words.sub(figures, form)
    if (gold or form.islower()) and (counted := leading_words(form)):  # Two Face is a name
        form = f"{counted[0]} {counted[1]}"
    if found := read_compound(form):
        return found
    value, unit, factor = split_unit(form)
    if (
        gold == "number"
        and value == form
        and (described := _DESCRIBED.fullmatch(form))
        and is_noun(described[2])
    ):
        value, what = described.groups()
        unit = Unit(Fraction(1), ((what, 1),), f"how many {what}", is_listed=False)
    if value == form or (unit and not unit.is_listed and gold not in ("number", "quantity")):
        return None
    inner = read_number(value)
    if inner is None and (not is_term(value) or words_in(value)):
        return None
    if factor != 1:
        inner = inner and Number(inner.value * factor)
        value = rf"({value})\cdot {factor}"
    if unit is None:
        return Reading("number" if inner else "expression", value, inner)
    return Reading("quantity", value, inner, unit)


def read_compound(form: str) -> Reading | None:
    """``2 h 30 min``, ``5 feet and 10 inches``: a sum in the first of its units, each smaller than the one before.

    Blanks do not matter (``1h30min``), and m with hours or seconds is minutes.
    """
    pieces = re.split(r"(?:(?<=[^\W\d_])|(?<=[.}]))(?:\\land|,)?\s*(?=[0-9])", form)
    if not 2 <= len(pieces) <= 4:
        return None
    pieces = [_PRODUCT.sub(r"\1 \2", piece) for piece in pieces]
    if any(piece.endswith((" h", " s")) for piece in pieces):
        pieces = [piece + "in" if piece.endswith(" m") else piece for piece in pieces]
    if pieces[-1].endswith((" pence", " p")):
        pieces = [re.sub(r" pounds?$", " GBP", piece) for piece in pieces]
    parts = [split_unit(piece) for piece in pieces]
    numbers, units = [read_number(value) for value, _, _ in parts], [unit for _, unit, _ in parts]
    first = units[0]
    if first is None or not all(numbers) or len({unit.dimension if unit else None for unit in units}) != 1:
        return None
    sizes = [unit.size for unit in units if unit]
    if any(a <= b for a, b in pairwise(sizes)):
        return None
    total = sum(number.value * size for number, size in zip(numbers, sizes, strict=True) if number)
    return Reading("quantity", form, Number(total / sizes[0]), first)


def is_prose(form: str) -> bool:
    """Whether the words of a form make its signs those of a sentence."""
    parts = [split(part, RELATIONS)[0] for part in parts_of(form)[0] or [form]]
    inner = [
        side for sides in parts for side in (sides[1:] if len(sides) > 1 and is_name(sides[0]) else sides)
    ]
    words = [word for side in inner if read_quantity(side, side, None) is None for word in words_in(side)]
    is_related = any(len(sides) > 1 for sides in parts)
    return (bool(words) and (is_related or len(parts) < 2)) or len(words) > 2 * len(parts)
