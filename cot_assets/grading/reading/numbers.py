r"""Exact values of numerals.

Belongs here: everything that is one number as it is written: integers, decimals, fractions, mixed numbers,
percentages, powers of ten, numerals in a base, English number words. Does not belong here: units
(:mod:`.quantities`) and anything that has to be calculated (:mod:`.terms`).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction

_DIGITS = r"[0-9]+(?:\.[0-9]*)?"
_PLAIN = re.compile(rf"(?P<number>{_DIGITS})(?:[eE](?P<power>[+-]?[0-9]{{1,4}}))?")
_POWER = re.compile(rf"(?:(?P<number>{_DIGITS})\\cdot ?)?10\^\{{?(?P<power>[+-]?[0-9]{{1,4}})\}}?")
_RATIO = re.compile(
    r"(?:(?P<whole>[0-9]+) ?(?=\\)|(?P<whole2>[0-9]+)[ +](?=[0-9]))?"
    r"(?:\\frac\{(?P<inner>-?)(?P<p>[0-9]+)\}\{(?P<q>[0-9]+)\}|(?P<p2>[0-9]+)/(?P<q2>[0-9]+))"
)
_REPEATING = re.compile(
    r"(?P<before>[0-9]+\.(?P<fixed>[0-9]*?))"
    r"(?:\\(?:overline|bar|dot)\{?(?P<again>[0-9]+)\}?|\((?P<bracketed>[0-9]+)\)|(?P<seen>[0-9]{1,8}?)(?P=seen){2,40}\\ldots)"
)
_ORDINAL = re.compile(r"([0-9]+)(?:\^?\{?(?:\\text\{ ?)?)?(?:st|nd|rd|th)\}{0,2}")
_BASED = re.compile(
    r"(?P<digits>[0-9A-Fa-f]+)(?:_\{?(?:\\text\{)?| ?\(?(?:in )?(?:\\text\{ ?\(?)?base[ -])(?P<base>[0-9]+|[a-z]+)[})]{0,3}"
    r"|0(?P<letter>[xb])(?P<coded>[0-9A-Fa-f]+)"
)
_HALF = re.compile(r"(?:([a-z -]+)\\land (?:a )?)?half (?:a )?([a-z]+)")
#: Chinese and Japanese numerals: figures, and the powers of ten that they count.
_HAN = re.compile("[零〇一二两兩三四五六七八九十百千万萬亿億]{1,20}")
_PERCENT = re.compile(
    r"(?:\\%| ?(?:\\text\{ ?)?(?:percent|per cent|percentage|pct|por ?cien?to|pour cent|Prozent|процент(?:а|ов)?)\.? ?\}?)$",
    re.IGNORECASE,
)
_SIGN = re.compile(r"(?:[+-]|[负負]|(?:minus|negative)(?: |$))", re.IGNORECASE)

_SMALL = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_NAMED = {word: i for i, word in enumerate(_SMALL)} | {word: 10 * i for i, word in enumerate(_TENS, 2)}
_ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "eleventh": 11, "twelfth": 12, "twentieth": 20, "thirtieth": 30,
}  # fmt: skip
#: What a whole is divided into: "one fifth", "three quarters".
_PARTS = {word: n for word, n in _ORDINALS.items() if n > 2} | {"half": 2, "quarter": 4, "hundredth": 100}
_SCALES = {"dozen": 12, "thousand": 10**3, "million": 10**6, "billion": 10**9}
MIN_ROUNDED_DIGITS = 6  #: significant digits by which a decimal may mean a number that has no end


@dataclass(frozen=True, slots=True)
class Number:
    """An exact value and how it was written; ``decimals`` is None unless it has a decimal point."""

    value: Fraction
    decimals: int | None = None
    is_percent: bool = False

    @property
    def is_integer(self) -> bool:
        """Whether the value is an integer."""
        return self.value.denominator == 1

    @property
    def is_endless(self) -> bool:
        """Whether its decimals have no end."""
        divisor = self.value.denominator
        return pow(10, divisor.bit_length(), divisor) != 0  # with as many decimals as it can have

    def __str__(self) -> str:
        """The exact value, with a percent sign where one was written."""
        return f"{100 * self.value if self.is_percent else self.value}{'%' * self.is_percent}"


def read_number(form: str) -> Number | None:
    """The value of a canonical form that is one numeral; None for anything else."""
    form = re.sub(r"^([0-9]+)_\{?10\}?$", r"\1", form)
    bare = _PERCENT.sub("", form) if "%" in form or form[-1:].isalpha() or form.endswith("}") else form
    is_percent = bare != form
    negative = False
    if sign := _SIGN.match(bare):
        negative, bare = sign[0] not in ("+",), bare[sign.end() :]
    elif bare.endswith("below zero"):
        negative, bare = True, bare.removesuffix("below zero").strip().removesuffix(" degrees")
    value, decimals = _unsigned(bare)
    if value is None:
        return None
    value = -value if negative else value
    return Number(value / 100 if is_percent else value, decimals, is_percent)


def _unsigned(form: str) -> tuple[Fraction | None, int | None]:
    """Value and number of decimals."""
    if match := _PLAIN.fullmatch(form):
        return _scaled(match["number"], match["power"])
    if match := _RATIO.fullmatch(form):
        whole, p, q = (int(match[name] or match[f"{name}2"] or 0) for name in ("whole", "p", "q"))
        if q == 0 or (whole and match["inner"]):
            return None, None
        return whole + Fraction(-p if match["inner"] else p, q), None
    if match := _POWER.fullmatch(form):
        return _scaled(match["number"] or "1", match["power"])
    if match := _REPEATING.fullmatch(form):
        period = match["again"] or match["bracketed"] or match["seen"]
        again = Fraction(int(period), 10 ** len(period) - 1)
        return Fraction(match["before"].rstrip(".")) + again / 10 ** len(match["fixed"]), None
    if match := _ORDINAL.fullmatch(form):
        return Fraction(int(match[1])), None
    if _HAN.fullmatch(form.replace("分之", "")):
        return _in_han(form), None
    return _in_words(form), None


def _scaled(number: str, power: str | None) -> tuple[Fraction, int | None]:
    digits, point, decimals = number.partition(".")
    value = Fraction(int(digits + decimals), 10 ** len(decimals))
    exponent = int(power or 0)
    value = value * 10**exponent if exponent >= 0 else value / 10**-exponent
    return value, max(0, len(decimals) - exponent) if point else None


def _in_words(form: str) -> Fraction | None:
    """The value of an English number below a thousand billions: whole, with a fraction, or an ordinal."""
    if len(form) > 120 or not form[:1].isalnum():
        return None
    before, _, last = form.lower().rpartition(" ") if " " in form else form.lower().rpartition("-")
    tens = _NAMED.get(before, 0) if before else 0
    if last in _ORDINALS and (not before or tens >= 20):
        return Fraction(tens + _ORDINALS[last])
    if match := _HALF.fullmatch(form.lower()):
        whole, scale = _whole(match[1] or "zero"), _whole(f"one {match[2]}")
        return None if whole is None or scale is None else (whole + Fraction(1, 2)) * scale
    part = "half" if last == "halves" else last.removesuffix("s")
    if part not in _PARTS:
        return _whole(form)
    whole, joint, numerator = before.rpartition(r"\land ")
    count = Fraction(1) if numerator in ("", "a", "one") and part == last else _whole(numerator)
    if numerator.isascii() and numerator.isdigit():
        count = Fraction(int(numerator))
    if count is None or (count != 1) == (part == last) or (joint and _whole(whole) is None):
        return None
    return (_whole(whole) or 0) + count / _PARTS[part]


def _in_han(form: str) -> Fraction | None:
    """The value of a Chinese numeral, of its figures in a row too: 四十二, 二〇二四, 三分之二."""
    if "分之" in form:
        whole, part = map(_in_han, form.split("分之", 1))
        return part / whole if part is not None and whole else None
    parts = [int(unicodedata.numeric(c.replace("两", "二"))) for c in form]
    if len(parts) > 1 and max(parts) < 10:
        return Fraction(int("".join(map(str, parts))))
    total = group = figure = 0
    for before, part in zip([0, *parts], parts, strict=False):
        if part < 10:
            if 0 < before < 10:
                return None
            figure = part
        elif part < 10**4:
            group, figure = group + (figure or 1) * part, 0
        else:
            total, group, figure = (total + group + figure) * part, 0, 0
    return Fraction(total + group + figure) if parts else None


def _whole(form: str) -> Fraction | None:
    words = re.split(
        r"[ -]|\\land ?",
        re.sub(r"^(?:an? )?(?=(?:hundred|dozen|[a-z]+illion|thousand)(?![a-z]))", "one ", form.lower()),
    )
    if not words or words[0] not in _NAMED or len(words) > 12:
        return None
    total = group = 0
    for word in words:
        if word in _NAMED:
            # "twenty one" adds up; "one two" is a list of digits.
            if group % 100 and not (group % 10 == 0 and group % 100 >= 20 and _NAMED[word] < 10):
                return None
            group += _NAMED[word]
        elif word == "hundred" and 0 < group < 10:
            group *= 100
        elif word in _SCALES and group:
            total, group = total + group * _SCALES[word], 0
        elif word:
            return None
    return Fraction(total + group)


def leading_words(form: str) -> tuple[Fraction, str] | None:
    """``three apples`` as 3 and what is counted; None where a form does not begin with a number in words."""
    words = form.split(" ")
    for n in range(min(len(words) - 1, 8), 0, -1):
        if (value := _whole(" ".join(words[:n]))) is not None:
            return value, " ".join(words[n:])
    return None


def numeral_in_base(form: str) -> tuple[str, str] | None:
    """Digits and base of a numeral such as ``52_8``, ``52 base eight``, ``FF_{16}``, ``0xFF``."""
    if not (match := _BASED.fullmatch(form)):
        return None
    if match["letter"]:
        return match["coded"].lower(), "16" if match["letter"] == "x" else "2"
    digits, base = match["digits"], match["base"]
    base = base if base.isdigit() else str(_NAMED.get(base, ""))
    is_numeral = digits[0].isdigit() or (len(digits) > 1 and base == "16")
    return (digits.lower(), base) if base and base != "10" and is_numeral else None


def is_rounded(decimal: Number, difference: Fraction, exact: Fraction) -> bool:
    """Whether a decimal is ``exact`` rounded, or cut off, at its last place, with enough significant digits."""
    if decimal.decimals is None:
        return False
    step = Fraction(1, 10**decimal.decimals) / (100 if decimal.is_percent else 1)
    digits = len(str(abs(decimal.value) // step)) if decimal.value else 0
    cut_off = difference * (1 if exact > 0 else -1)  # exact - decimal, away from zero
    return digits >= MIN_ROUNDED_DIGITS and (abs(difference) <= step / 2 or 0 <= cut_off < step)
