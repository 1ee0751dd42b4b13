r"""Units after numbers, and words that multiply.

Belongs here: splitting a unit and a factor from a form, and whether a problem statement names a unit. Does not
belong here: the table (:mod:`.units`), the number before a unit (:mod:`.numbers`).
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from cot_assets.grading.reading.units import ONE, Unit, factors, units, written

_NO_NOUN = frozenset(written()["words"]["not counted"].split())
_PER = re.compile(r"\s*(?:/|\b(?:per|each|every|(?-i:an?))\b|\bан?\b|每)\s*", re.IGNORECASE)
_PART = re.compile(
    r"(?P<before>(?:(?:square|cubic|sq|cu|кв|куб)(?:\s|\.\s?)|平方|立方))?(?P<name>[^\W\d_](?:[^\W\d_]|[\u0900-\u0963\u0e31-\u0e4e])*(?:[-'][^\W\d_]+)*\$?|[$€£¥₽₹₩₺₫₪₱¢])\.?"
    r"(?:\s?(?:\^\s?\{?\s?(?P<power>-?[1-9])\s?\}?|(?P<word>squared|cubed)))?"
)
_POWER = r"[^0-9=<>,]{0,60}?(?:\^\{?-?[1-9]\}?)?"
_MEASURED = re.compile(
    r"(?P<value>.*?[0-9)}\]ie]|.*?\\pi|[+-]?[A-Za-z]|[^\\ ]+[A-Za-z](?=\\text\{))\s*"
    r"(?P<unit>(?:\\text\{|(?<=[0-9)}\]]) |(?<=\\pi) (?=[a-z]{2})|(?<=[0-9)}\]])(?=[^\W\d_]{2}|[^\x00-\x7f]))"
    rf"{_POWER}{_POWER}\}}?)"
)
#: Units as a fraction, and those that are a command.
_OVER = re.compile(r"\\frac\{(\\text\{[^{}]*\}[^{}]*)\}\{(\\text\{[^{}]*\}[^{}]*)\}$")
_OHM = re.compile(r"(?<=[0-9 }]) ?(?:\\text\{ ?([kMm])\} ?)?(?:\\text\{ ?)?([kMm]?)\\Omega ?\}?$")
_MICRO = re.compile(r" ?(?:\\text\{ ?)?\\mu ?(?:\}?\\text)?\{? ?([A-Za-z]+)\}$")
#: Units of several words.
_SEVERAL = tuple(
    (re.compile(words, re.IGNORECASE), word)
    for words, word in (
        (r"electron volt", "electronvolt"), (r"\bU\.?S\.? dollar", "dollar"), (r"\blight[- ]years?\b", "ly"), (r"\bkilowatt[- ]hours?\b", "kWh"),
        (r"\bswiss francs?\b", "CHF"), (r"\baustralian dollars?\b", "AUD"), (r"\bcanadian dollars?\b", "CAD"),
    )
)  # fmt: skip
_DEGREES = re.compile(r"^deg(?:ree)?s? (?=celsius|fahrenheit|kelvin)", re.IGNORECASE)
#: What a statement names a base by, which a gold answer (in base 5) needs more than an answer (base 5).
_BASE = re.compile(r"(in )?base (\d+)")
_BASE_NAMES = {"2": ("two", "binary"), "8": ("eight", "octal"), "16": ("sixteen", "hexadecimal"), "3": ("three", "ternary"), "12": ("twelve",)} | {
    str(n): (word,) for n, word in zip((4, 5, 6, 7, 9), ("four", "five", "six", "seven", "nine"), strict=True)
}  # fmt: skip
_DIVISOR = re.compile(r"/ ?\(([^()/]*)\)$")  #: all of it divides
_SUFFIX = re.compile(r"\s*(?:\\text|\\cdot|[{}~*·]|\\[,;:! ])\s*")


def split_unit(form: str) -> tuple[str, Unit | None, Fraction]:
    r"""A form as (value, unit, factor): ``5\text{ million cm}`` is 5, the centimeter, and a million.

    The unit is None and the factor 1 where the form has none. No unit is so long that its end is sought far away: the
    time of a hostile form would grow with its third power.
    """
    match = _MEASURED.fullmatch(
        _OHM.sub(r" \\text{\1\2Ω}", _MICRO.sub(r" \\text{μ\1}", _OVER.sub(r"\1/\2", form)))
    )
    if match is None:
        return form, None, Fraction(1)
    text = " ".join(_SUFFIX.sub(" ", _DIVISOR.sub(r"/\1", match["unit"])).split())
    unit, factor = read_unit(text)
    if (unit is None and factor == 1) or match["unit"] in ("mn", "bn"):  # together, a product
        return form, None, Fraction(1)
    return match["value"], unit, factor


@lru_cache(maxsize=4096)
def read_unit(text: str) -> tuple[Unit | None, Fraction]:
    """The unit and the factor that words after a number name; (None, 1) where they are neither."""
    nothing = None, Fraction(1)
    factor = Fraction(1)
    text = _DEGREES.sub("", text)
    for words, word in _SEVERAL:
        text = words.sub(word, text)
    while text:
        word, _, rest = text.partition(" ")
        known = word.lower().rstrip(".")
        if known in factors():
            factor, text = factor * factors()[known], rest.removeprefix("of ")
        elif word[0] in factors() and word not in units():
            factor, text = factor * factors()[word[0]], (word[1:] + " " + rest).strip()
        else:
            break
    if not text:
        return (None, factor) if factor != 1 else nothing
    unit = _product(text)
    return (unit, factor) if unit else nothing


def is_noun(words: str) -> bool:
    """Whether words after a number may be what is counted, since none of them says how to calculate."""
    return _NO_NOUN.isdisjoint(words.split(" "))


def currency(text: str) -> tuple[str, str]:
    """A plain text as (what is left, name of the currency whose sign stood before or behind the number)."""
    match = re.fullmatch(
        r"(?P<a>[+-]?\s?)(?P<sign>(?:US|A|C)?\\?\$|[€£¥₽₹₩₺₫₪₱]|USD|EUR|GBP|CHF|AUD|CAD|Rs\.?)\s?(?P<b>[0-9.\\(].*)|(?P<c>.*[0-9}])\s?(?P<after>\\?\$)",
        text,
    )
    if match is None:
        return text, ""
    if match["sign"]:
        return match["a"] + match["b"], match["sign"].replace("\\", "").rstrip(".")
    return match["c"], match["after"].lstrip("\\")


def names_unit(statement: str, unit: str) -> bool:
    """Whether a problem statement names a unit, given as :attr:`Unit.name`, in any of its spellings.

    An angle in degrees needs no word; ``%`` is named by "percent" and the like. Of a product, one of its
    units is enough: an area in square meters may be asked for where only lengths in meters are given. A unit
    that divides (``/second``) has to be named.
    """
    lowered = statement.lower()
    own, _, wanted = unit.partition(" as ")
    if wanted:  # 50 cents, where dollars are asked for
        return _is_asked_for(statement, wanted) and not _is_asked_for(statement, own)
    if unit.startswith("how many "):
        return unit in lowered
    if base := _BASE.fullmatch(unit):
        if base[1] and re.search(r"base[ -](?:10|ten)\b|decimal|_\{?10", lowered):
            return False
        words = _BASE_NAMES.get(base[2], ())
        names, alone = "|".join((base[2], *words)), "|".join(words) or "-"
        asked = rf"base[ -_{{$]*(?:{names})\b|_\{{?{base[2]}\b|\b(?:{alone})\b"
        return re.search(asked, lowered) is not None
    if unit in ("%", "percent"):
        return "%" in lowered or "percent" in lowered or "per cent" in lowered
    parts = unit.split(" ")
    named = [part for part in parts if _is_named(statement, part.removeprefix("/"))]
    return bool(named) and all(part in named for part in parts if part.startswith("/"))


def _is_named(statement: str, unit: str) -> bool:
    for name in _spellings(unit):
        if not name[:1].isalnum() or not name.isascii():
            if name in statement:
                return True
        elif re.search(
            rf"(?<![A-Za-z]){re.escape(name)}(?:s|es)?(?![A-Za-z])", statement, 0 if len(name) < 3 else re.I
        ):
            return True
    return unit in ("degree", "unit")


def _is_asked_for(statement: str, unit: str) -> bool:
    names = "|".join(map(re.escape, _spellings(unit)))
    asked = rf"\b(?:how many|number of|in|into|to) (?:[A-Za-z.]+ )?(?:{names})(?:s|es)?(?![A-Za-z])"
    return re.search(asked, statement, re.IGNORECASE) is not None


def is_listed(unit: str) -> bool:
    """Whether every part of a unit's name is in the table; ``%`` is."""
    return all(part.removeprefix("/") in units() for part in unit.split(" ")) or unit == "%"


def _spellings(name: str) -> set[str]:
    known = units().get(name)
    if known is None:
        return {name}
    same = (known.size, known.dimension)
    return {name} | {other for other, unit in units().items() if (unit.size, unit.dimension) == same}


def _product(text: str) -> Unit | None:
    """The product of unit names, with powers, and with a stroke or "per" before those that divide."""
    unit, names = ONE, list[str]()
    for index, side in enumerate(_PER.split(text)):
        end = 0
        for match in _PART.finditer(side):
            if side[end : match.start()].strip(" ·-"):
                return None
            end = match.end()
            part = _named(match["name"], is_only=match["name"] == text)
            if part is None:
                return None
            before, word = (match["before"] or "").strip().rstrip("."), match["word"]
            power = 2 if before in ("square", "sq", "кв", "平方") or word == "squared" else 1
            power = 3 if before in ("cubic", "cu", "куб", "立方") or word == "cubed" else power
            power *= int(match["power"] or 1)
            unit = unit.times(part, -power if index else power)
            names.append("/" * (index > 0) + part.name)
        if side[end:].strip(" .") or end == 0:
            return None
    return Unit(unit.size, unit.dimension, " ".join(names), unit.is_listed)


def _named(name: str, *, is_only: bool) -> Unit | None:
    known, low = units(), name.lower()
    # 5 CM are centimeters, 5 mM no millimeters
    least = 2 if name[1:] != "M" or name.isupper() else 3
    for candidate in (name, low, name.removesuffix("s"), low.removesuffix("s"), low.removesuffix("es")):
        if candidate in known and (candidate == name or len(candidate) >= least):
            return known[candidate]
    if is_only and len(name) > 2 and name.islower() and name.isalpha() and name not in _NO_NOUN:
        return Unit(Fraction(1), ((name.removesuffix("s"), 1),), name, is_listed=False)
    return None
