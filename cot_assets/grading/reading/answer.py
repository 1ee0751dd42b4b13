r"""What an answer is: one reading of a short text, as one of a few kinds.

Belongs here: which kind a text is, and its parts. Does not belong here: spelling (:mod:`..text.spelling`), values
(:mod:`.numbers`, :mod:`.quantities`, :mod:`.dates`), and whether two readings say the same
(:mod:`..comparing.compare`).

A text that could be several kinds is the first in the order of :func:`_read`; a problem set that means another
one declares it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from cot_assets.grading.comparing import regions
from cot_assets.grading.reading.dates import read_clock, read_date
from cot_assets.grading.reading.kinds import Kind, Reading, UnreadableError
from cot_assets.grading.reading.matrices import is_rows, of_rows, read_matrix
from cot_assets.grading.reading.measured import is_prose, priced, read_compound, read_quantity
from cot_assets.grading.reading.numbers import numeral_in_base, read_number
from cot_assets.grading.reading.residues import read_residue
from cot_assets.grading.reading.terms import is_term
from cot_assets.grading.text import splitting, words
from cot_assets.grading.text.letters import choice_letter
from cot_assets.grading.text.meant import meant
from cot_assets.grading.text.spelling import MAX_ANSWER_CHARS, canonical, plain

MAX_NESTING = 25  #: the time of a grammar grows with a power of the nesting

_LETTER = re.compile(r"\(?([A-J])\)?")
_LABEL = re.compile(r"\(?[a-j]\)")
_WORD_LIST = re.compile(r"[^\W\d_]+(?:(?:, ?|\\land ?){1,2}[^\W\d_]+)+")
#: A function without what it is of.
_BARE_FUNCTION = re.compile(
    r"\\(?:sin|cos|tan|cot|sec|csc|arcsin|arccos|arctan|ln|log|exp)(?:[\^_]\{?-?\w\}?)?(?=$|[-+*/=,)])"
)
_LETTERS = re.compile(r"[A-Za-z]{2,4}")  #: a product, where the gold answer is an expression
_OPTION = re.compile(r"(?:option|choice) \(?[A-J]\)?", re.IGNORECASE)
#: A bracket that is turned away from an end that is not in it.
_FRENCH = re.compile(r"(?!\[.*\]$)([\[\]])([^\[\]]*)([\[\]])")
_HOLES = re.compile(
    r"(.+?)(?:\\setminus|\\backslash|-|\\text\{ ?(?:except|without) ?\}) ?\\?\{([^{}]+?)\\?\}"
)
#: What a set is said to be of; braces without a backslash group in LaTeX and are gone.
_SUCH_THAT = re.compile(
    r"([a-z])(?:\\in\\mathbb\{[NZQR]\})?[|:](?=[^|:]*\1)(?=[^|:]*(?:[<>=]|\\[gln]eq))[^|:]*"
)
_WITHOUT = re.compile(r"(?<=^\\mathbb\{R\}) ?- ?(?=[(\[])")
#: An operator without what it is for; a gold answer that has one is refused.
_INCOMPLETE = re.compile(r"^(?:[*/=^_]|\\[gln]eq)|[-+*/=]$")
_EXCEPT = re.compile(
    r"(?:all [a-z]|(?:all )?real(?: numbers|s| [a-z])) (?:except|but|other than) (?:for )?(?:x ?= ?)?(.+)"
)
_TRANSPOSED = re.compile(r"(?<=[)\]])\^\{?(?:T|\\top|\\text\{T\})\}?$")
_POWER = re.compile(r"\(?[A-Z]{1,3}\)?\^\{?(?:-1|T|\\top|[0-9n])\}?")  #: of a matrix
_OF_INTEGERS = re.compile(r"[a-z]\\in\\mathbb\{[NZQ]\}")
_RATIO = re.compile(r"[^:=<>]+(?::[^:=<>]+)+")


@lru_cache(maxsize=65536)
def read(text: str, answer_kind: str = "expression", gold: Kind | None = None) -> Reading:
    """The reading of an answer.

    Args:
        text: At most :data:`MAX_ANSWER_CHARS`.
        answer_kind: What the problem set declares.
        gold: The kind of the gold answer that this text is to be compared with; None for a gold answer.

    Raises:
        UnreadableError: The text is empty, too long or nested too deeply, or not of the declared kind.
    """
    if len(text) > MAX_ANSWER_CHARS:
        raise UnreadableError(f"longer than {MAX_ANSWER_CHARS} characters")
    if answer_kind == "multiple_choice" or gold == "letter":
        return _read_letter(text, is_free=answer_kind != "multiple_choice")
    bare, form = plain(text), canonical(text)
    if not form or not re.search(
        r"\w|\\[a-zA-Z{]|[^\x00-\x7f]|\(\)|\[\]", words.UPRIGHT.sub(lambda m: m[1].strip(), form)
    ):
        raise UnreadableError("nothing in it")
    if splitting.nesting(form) > MAX_NESTING:
        raise UnreadableError(f"nested deeper than {MAX_NESTING} brackets")
    if answer_kind == "text" or gold == "text":
        return _text(words.ordered(form) or bare)
    if answer_kind in ("number", "quantity") and gold is None:
        bare, form = meant(bare, form, "number")
    if (
        answer_kind in ("list", "set")
        and (parts := splitting.parts_of(canonical(re.sub(r",(?! )", ", ", text))))[0]
    ):
        return _collection("list", *parts)
    return _read(bare, form, gold)


def _read_letter(text: str, *, is_free: bool) -> Reading:
    letter = choice_letter(text)
    if letter and is_free and is_term(form := canonical(text)) and re.search(r"[-+*/^]|\\cdot", form):
        letter = None  # B - 12 is a difference where letters are not the only answers
    if letter is None:
        raise UnreadableError("it names no letter, or several")
    return Reading("letter", letter)


def _read(bare: str, form: str, gold: Kind | None = None) -> Reading:
    """The first kind that a text can be, in the order of the checks below."""
    if match := words.UPRIGHT.fullmatch(form):
        inner = match[1].strip()
        if inner != form and (
            inner[:1].isdigit()
            or read_number(inner)
            or len(inner) == 1
            or inner.lstrip("+-") == r"\infty"
            or _LETTER.fullmatch(inner)
            or re.search("[+=/^]", inner)
            or _WORD_LIST.fullmatch(inner)
        ):
            return _read(inner, inner, gold)
    bare, form = meant(bare, form, gold)
    form, said = words.spoken(form), " ".join(words.TEXTUAL.sub(" ", bare).split())
    if date := read_date(said):
        return Reading("date", date)
    if clock := read_clock(said):
        return Reading("time", clock)
    if number := read_number(form):
        return priced(bare) or Reading("number", form, number)
    if numeral := numeral_in_base(form):
        return Reading("numeral", "_".join(numeral))
    if (
        gold is None
        and (_LETTER.fullmatch(form) or _LABEL.fullmatch(bare) or _OPTION.fullmatch(said))
        and (letter := choice_letter(bare))
    ):
        return Reading("letter", letter)
    if (written := words.ordered(form)) or (
        words.CODE.fullmatch(form) and not (read_compound(form) or priced(bare))
    ):  # 1h30min and US$5 are not codes
        return _text(written or bare)
    is_product = gold == "expression" and _LETTERS.fullmatch(form)
    return (
        read_residue(form)
        or _bracketed(form)
        or read_quantity(bare, form, gold)
        or (_text(bare) if is_prose(form) and not is_product else None)
        or _listed(form)
        or _related(form)
        or _ratio(form)
        or (
            _text(bare)
            if (words.words_in(form) and not is_product)
            or not words.is_mathematics(form)
            or (gold and _INCOMPLETE.search(form))
            or _BARE_FUNCTION.search(form)
            else Reading("expression", form)
        )
    )


def _text(bare: str) -> Reading:
    return Reading("text", words.folded(bare))


# --- collections ---------------------------------------------------------------------------------


def _item(form: str) -> Reading:
    return _read(form, form)


def _collection(kind: Kind, parts: list[str], joints: list[str]) -> Reading:
    return Reading(kind, ",".join(parts), items=tuple(map(_item, parts)), signs=tuple(joints))


def _listed(form: str) -> Reading | None:
    parts, joints = splitting.parts_of(form)
    if not parts:
        return None
    named = [splitting.split(part, splitting.RELATIONS) for part in parts]
    names = {sides[0] for sides, signs in named if signs == ["="]}
    if len(names) == 1 and named[0][1] == ["="] and all(signs in ([], ["="]) for _, signs in named):
        parts = [sides[-1] for sides, _ in named]  # x=1 or x=2; n=1,2,3
        if any(r"\land" in part or "," in part for part in names):
            return None
        return replace(_collection("list", parts, joints), name=names.pop())
    return _collection("list", parts, joints)


def _bracketed(form: str) -> Reading | None:
    if not form:
        return None
    if form in (r"\emptyset", r"\{\}") or words.NOTHING.fullmatch(words.UPRIGHT.sub(r"\1", form).strip()):
        return Reading("region", r"\emptyset")
    if matrix := read_matrix(form, _item):
        return matrix
    if _SUCH_THAT.fullmatch(form):
        form = rf"\{{{form}\}}"
    pieces, joints = splitting.split(form := _TRANSPOSED.sub("", form), (r"\cup",))
    if joints:
        return regions.union(form, [_bracketed(piece) for piece in pieces])
    if r"\cap" in form:
        pieces, joints = splitting.split(form, (r"\cap",))
        inside = (
            regions.common([_bracketed(piece) for piece in pieces if piece != r"\mathbb{Z}"])
            if joints
            else None
        )
        return regions.integers(inside) if r"\mathbb{Z}" in pieces else inside
    if region := regions.reals(words.UPRIGHT.sub(r"\1", form)):
        return region
    if match := _HOLES.fullmatch(form):
        holes = regions.without([_item(part) for part in splitting.split(match[2], (",", ";"))[0]])
        return holes if match[1] == r"\mathbb{R}" else regions.common([_bracketed(match[1]), holes])
    pieces, joints = splitting.split(_WITHOUT.sub(r"\\setminus", form), (r"\setminus", r"\backslash"))
    if len(joints) == 1:
        return regions.difference(*(_bracketed(piece) for piece in pieces))
    if match := _EXCEPT.fullmatch(words.UPRIGHT.sub(r"\1", form)):
        return regions.without(
            [_item(part) for part in splitting.split(match[1], (",", ";", r"\land", r"\lor"))[0]]
        )
    if match := _FRENCH.fullmatch(form):
        ends, _ = splitting.split(match[2], (",", ";"))
        opening, closing = "(" if match[1] == "]" else "[", ")" if match[3] == "[" else "]"
        return _bracketed(f"{opening}{match[2]}{closing}") if len(ends) == 2 else None
    tokens = splitting.TOKEN.findall(form)
    if not splitting.is_one_group(tokens):
        return None
    inner = "".join(tokens[1:-1]).strip()
    parts, joints = splitting.split(inner, (",", ";"))
    parts = [side for part in parts for side in splitting.both_signs(part)]
    if not all(parts) or len(parts) > splitting.MOST_ITEMS:
        return None
    if tokens[0] in ("{", r"\{"):
        described, bars = splitting.split(inner, ("|", ":"))
        if len(described) == 2 and _OF_INTEGERS.fullmatch(described[1]) and described[1][0] != described[0]:
            return _listed(f"{described[0]},{described[1]}")
        if len(described) == 2 and bars:
            inside = _listed(described[1]) or _related(described[1])
            found = inside and replace(regions.region_of(inside) or inside, name="")
            return (regions.integers(found) or found) if r"\in\mathbb{Z}" in described[0] else found
        is_set = tokens[0] != "{" or len(parts) > 1  # {x} groups
        return _collection("set", parts, joints) if is_set else None
    if len(parts) == 2 and tokens[0] in "([" and tokens[-1] in ")]":
        brackets, ends = tokens[0] + tokens[-1], tuple(map(_item, parts))
        kind = "pair" if brackets == "()" and "infty" not in inner else "region"
        if kind == "pair" or not any(map(_is_collection, ends)):
            return Reading(kind, ",".join(parts).join(brackets), items=ends, signs=(brackets,))
    if len(parts) > 1 or tokens[0] == "[":
        found = replace(_collection("tuple", parts, joints), signs=(tokens[0], tokens[-1]))
        is_matrix = tokens[0] == "[" and all(part.startswith("[") for part in parts) and is_rows(found.items)
        return of_rows(found) if is_matrix else found
    return None


def _related(form: str) -> Reading | None:
    sides, signs = splitting.split(form, splitting.RELATIONS)
    if not signs or not all(sides[1:]) or not sides[0]:
        return None
    if signs in (["="], [r"\in"]) and _is_collection(right := _item(sides[1])):
        is_named = splitting.is_name(sides[0]) or _bracketed(sides[0]) or signs == [r"\in"]
        if (is_named and not splitting.DENIED.match(sides[0])) or (
            right.kind == "matrix" and _POWER.fullmatch(sides[0])
        ):
            return replace(right, name=sides[0])  # D = (0, 1), (x, y) = (1, 2), A^{-1} = ...
    if signs == [r"\in"]:
        return None
    if any(words.words_in(side) for side in sides[1:]) and read_quantity(sides[-1], sides[-1], None) is None:
        return None
    return Reading(
        "relation",
        form,
        items=tuple(map(_side, sides)),
        signs=tuple(splitting.RELATIONS[sign] for sign in signs),
    )


def _is_collection(reading: Reading) -> bool:
    return reading.kind in ("region", "pair", "tuple", "set", "matrix", "list") or (
        reading.kind == "ratio" and all(item.number for item in reading.items)
    )


def _side(form: str) -> Reading:
    number = read_number(form)
    return (
        Reading("number", form, number)
        if number
        else read_quantity(form, form, None) or Reading("expression", form)
    )


def _ratio(form: str) -> Reading | None:
    if not _RATIO.fullmatch(form):
        return None
    parts, _ = splitting.split(form, (":",))
    if len(parts) < 2 or not all(parts) or any(words.words_in(part) for part in parts):
        return None
    return _collection("ratio", parts, [":"])
