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
_ABOUT = r"(?:approximately|approx\.?|about|around|roughly)"
_AROUND = re.compile(
    rf"^(\\text\{{)?\s?(?:there (?:are|is) |exactly |only |probably |pH ?(?:= ?|is |of )?|(?:in )?(?:the )?year |in (?=\d{{4}}$)|{_ABOUT} ?|(?:a |in )?total(?: of |: ?))\s?(?(1)(?:(?P<end>\}})\s?)?)"
    rf"(?=[^a-z]*\d)|(?<=[\w}}]) ?(?P<text>\\text\{{ ?)?\(?(?:in (?:total|all)|altogether|only|exactly|tall|long|wide|deep|high|thick|old|away|{_ABOUT})\)?(?(text) ?\}}$|(?=\}}?$))",
    re.IGNORECASE,
)
#: How a value was found, behind it; the same value again: ``0.5 (or 1/2)``, ``\\frac12 (50\\%)``.
_REMARK = re.compile(
    r"(?<=[\w}%]) ?(?:(?:\\text\{ ?)?\(|,|(?:,? ?\\text\{ ?)) ?(?:rounded|(?:correct )?to (?:the nearest|\d+ (?:d\.?p|decimal|sig))|nearest|double root|(?:with )?multiplicity)\b[^(){}]*(?:\) ?\}?|\)?\}|)$"
)
_AGAIN = re.compile(
    r"(.+?) ?(?:(?:\\text\{ ?)?\( ?(?:\\text\{ ?)?(?:(=|\\lor|or|that is|i\.e\.)|\\approx|approximately|approx\.?|about)(?![a-z.]),? ?\}? ?([^()]+)\) ?\}?|\((\d[\d.]*\\%)\))"
)
#: What a number is a part of: a quarter of the cake.
_OF_WHOLE = re.compile(
    r"(?<=[\w}%]) ?(?:\\text\{ ?)?\bof (?:the|its|his|her|their|all)(?: the)?(?: (?!hundred|thousand|[mbtr]+illion|dozen)[a-z]{3,20}){1,3} ?\}?$"
)
#: The letter of an integer, behind what is made of it.
_INTEGER = re.compile(
    r"(.+?)[ ,]+(?:for|where|with) (?:(?:any|all|every|each|some|an) )?(?:integers? ([a-z])|([a-z]) (?:is|are|being) (?:an |any )?integers?|([a-z]) ?\\in ?\\mathbb\{Z\})"
)
#: Rows of a matrix as programs have them, and a time of day as in 14h05 and 1405 hours.
_ROWS = re.compile(r"\[([^\[\];]+(?:;[^\[\];]+)+)\]")
_HOURS = re.compile(r"(?:at )?(\d{1,2})(?:h|(?=\d\d ?h(?:ou)?rs$))([0-5]\d)(?: ?h(?:ou)?rs)?")
_ONE_IN = re.compile(r"^(\d{1,9}) in (?:every )?(\d{1,9})$")  #: as a share
_MIXED = re.compile(r"(?<=[0-9])\\land (?=[0-9]+/|\\frac)")
#: How many ways there are to choose; 70k under a number.
_CHOICES = re.compile(r"C\((\d+),(\d+)\)|(\d+)C_?(\d+)|C_\{?(\d+)\}?\^\{?(\d+)\}?")
_ORDERS = re.compile(
    r"P\((\d+),(\d+)\)|(\d+)P_?(\d+)|(?:\{\})?_\{?(\d+)\}?P_\{?(\d+)\}?|[AP]_\{?(\d+)\}?\^\{?(\d+)\}?"
)
_KILO = re.compile(r"(?<=[0-9])(?<![\^_][0-9])[kK]$")


def meant(bare: str, form: str, gold: Kind | None) -> tuple[str, str]:
    """A plain text and its form, with the signs of the gold answer's kind; None: of a gold answer itself."""
    if gold == "ratio" or (gold is None and _is_odds(_TO.sub(":", form))):
        form = _TO.sub(":", form)
    if gold in ("number", "quantity", "expression"):
        form = _REMARK.sub("", form)
        if match := _AGAIN.fullmatch(form):
            form = match[1] + ("=" if match[2] or match[4] else r"\approx ") + (match[3] or match[4])
    if gold in (None, "number", "quantity"):
        bare, form = (_AROUND.sub(lambda m: (m[1] or "") * (not m["end"]), text) for text in (bare, form))
    if match := _INTEGER.fullmatch(" ".join(re.sub(r"\\text\{([^{}]*)\}", r" \1 ", form).split())):
        form = rf"{match[1]},{match[2] or match[3] or match[4]}\in\mathbb{{Z}}"
    if gold == "matrix" and (match := _ROWS.fullmatch(form)):
        form = "[" + ",".join(f"[{re.sub('[ ,]+', ',', row.strip())}]" for row in match[1].split(";")) + "]"
    if gold == "time":
        bare = _HOURS.sub(r"\1:\2", re.sub(r"^(\d{1,2}) ?(?:h|Uhr)$", r"\1:00", bare.removeprefix("at ")))
    if gold in ("number", "quantity"):
        # No list is a number: 3,14 has a decimal comma, 2 and 1/2 is mixed.
        if _DECIMAL_COMMA.match(bare):
            bare, form = bare.replace(",", "."), form.replace(",", ".")
        bare, form = (_OF_WHOLE.sub("", text) for text in (bare, form))
        form = re.sub(r"^(\d{1,2}) ?h ?([0-5]\d)$", r"\1 h \2 min", form)
        form = _ONE_IN.sub(r"\1/\2", _MIXED.sub(" ", form))
    if gold == "number":
        bare, form = _KILO.sub(" thousand", bare), _KILO.sub(" thousand", form)
    if gold in ("number", "expression"):
        if match := _CHOICES.fullmatch(form):
            form = r"\binom{{{}}}{{{}}}".format(*filter(None, match.groups()))
        elif match := _ORDERS.fullmatch(form):
            n, k = map(int, filter(None, match.groups()))
            form = rf"\frac{{{n}!}}{{{n - k}!}}" if k <= n else form
    if _PRICE.fullmatch(bare):
        bare, form = bare.replace(",", "."), form.replace(",", ".")
    return bare, form


def _is_odds(form: str) -> bool:
    """Whether two figures are a ratio in lowest terms; others, such as 5 to 10, may be a range."""
    match = re.fullmatch(r"(\d{1,9}):(\d{1,9})", form)
    return match is not None and math.gcd(int(match[1]), int(match[2])) == 1
