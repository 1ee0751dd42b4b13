r"""A form as it is meant where the kind of the gold answer is known.

Belongs here: what a sign is that may be several things: ``1 to 2``, ``3,14``, ``70k``. Does not belong here: spellings
that mean one thing everywhere (:mod:`.spelling`).
"""

from __future__ import annotations

import math
import re

from cot_assets.grading.reading.kinds import Kind

_TO = re.compile(r" ?(?:\\text\{ ?)?\bto\b ?\}? ?")
_DECIMAL_COMMA = re.compile(r"[-+]?[0-9]+,[0-9]+(?![0-9.,])(?! ?,)")
_PRICE = re.compile(
    r"(?:€|EUR) ?\d{1,9},\d\d|\d{1,9},\d\d ?(?:€|EUR|[Ee]uros?|₽|руб)|\d{1,9},\d{1,3} ?[а-яё]+\.?(?:/[а-яё]+)?"
)
#: What is said around a number without changing it.
_AROUND = re.compile(
    r"^(?:there (?:are|is) |exactly |(?:a |in )?total(?: of |: ?))|(?<=\w) (?:in (?:total|all)|altogether)(?=\}?$)",
    re.IGNORECASE,
)
_MIXED = re.compile(r"(?<=[0-9])\\land (?=[0-9]+/|\\frac)")
#: How many ways there are to choose; 70k under a number.
_CHOICES = re.compile(r"C\((\d+),(\d+)\)|(\d+)C_?(\d+)")
_KILO = re.compile(r"(?<=[0-9])(?<![\^_][0-9])[kK]$")


def meant(bare: str, form: str, gold: Kind | None) -> tuple[str, str]:
    """A plain text and its form, with the signs of the gold answer's kind; None: of a gold answer itself."""
    if gold == "ratio" or (gold is None and _is_odds(_TO.sub(":", form))):
        form = _TO.sub(":", form)
    if gold in ("number", "quantity"):
        bare, form = _AROUND.sub("", bare), _AROUND.sub("", form)
        # No list is a number: 3,14 has a decimal comma, 2 and 1/2 is mixed.
        if _DECIMAL_COMMA.match(bare):
            bare, form = bare.replace(",", "."), form.replace(",", ".")
        form = _MIXED.sub(" ", form)
    if gold == "number":
        bare, form = _KILO.sub(" thousand", bare), _KILO.sub(" thousand", form)
    if gold in ("number", "expression") and (match := _CHOICES.fullmatch(form)):
        form = rf"\binom{{{match[1] or match[3]}}}{{{match[2] or match[4]}}}"
    if _PRICE.fullmatch(bare):
        bare, form = bare.replace(",", "."), form.replace(",", ".")
    return bare, form


def _is_odds(form: str) -> bool:
    """Whether two figures are a ratio in lowest terms; others, such as 5 to 10, may be a range."""
    match = re.fullmatch(r"(\d{1,9}):(\d{1,9})", form)
    return match is not None and math.gcd(int(match[1]), int(match[2])) == 1
