r"""The parts of a form: what comes between separators outside of brackets.

Belongs here: pure functions from a canonical form to smaller ones. Does not belong here: what the parts are
(:mod:`..reading.answer`).
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from itertools import accumulate

MOST_ITEMS = 100
TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|.")
OPENING = frozenset(("(", "[", "{", r"\{", r"\langle", r"\begin", r"\lfloor", r"\lceil"))
CLOSING = frozenset((")", "]", "}", r"\}", r"\rangle", r"\end", r"\rfloor", r"\rceil"))
RELATIONS = {
    "=": "=", "<": "<", ">": ">", r"\leq": "<=", r"\geq": ">=", r"\neq": "!=", r"\in": "in", r"\equiv": "==",
    r"\approx": "=", r"\Rightarrow": "=>", r"\to": "->", r"\sim": "~", r"\subset": "sub", r"\supset": "sup", r"\subseteq": "sub=", r"\supseteq": "sup=", r"\Leftrightarrow": "<=>", r"\perp": "perp",
}  # fmt: skip
_SEPARATORS = frozenset((",", ";", r"\land", r"\lor"))
#: What makes another thing of what it stands before.
DENIED = re.compile(r"[-<>]|\\(?:neg|neq|pm)|(?:\\text\{ ?)?(?:not|half|twice|at (?:most|least))\b")
_NAME = re.compile(
    r"\\(?:sum|prod|int)(?![a-z])[^<>]{1,80}|(?:[^=<>0-9,{}^]|\{[^{}^]*\}|[_(][0-9]+\)?|\^\{-1\}(?=\()|P\([^()]{1,40}\)){1,80}"
)


def split(form: str, separators: Container[str]) -> tuple[list[str], list[str]]:
    """The parts of a form outside of any bracket, and the separators between them."""
    parts, found, depth, start, at = list[str](), list[str](), 0, 0, 0
    bars = 0
    for match in TOKEN.finditer(form):
        sign, at = match[0], match.end()
        bars += sign == "|"
        if sign in OPENING:
            depth += 1
        elif sign in CLOSING:
            depth -= 1
        elif depth == 0 and sign in separators and (bars % 2 == 0 or sign not in (",", ";")):
            parts.append(form[start : match.start()].strip())
            found.append(sign)
            start = at
    parts.append(form[start:].strip())
    return parts, found


def parts_of(form: str) -> tuple[list[str], list[str]]:
    r"""Items of a list that is not in brackets, ``\\pm`` as two of them; empty where there are fewer than two."""
    parts, joints = split(form, _SEPARATORS)
    spread = [side for part in parts for side in both_signs(part)]
    if len(spread) < 2 or len(spread) > MOST_ITEMS or not all(spread):
        return [], []
    return spread, joints or [","]


def both_signs(form: str) -> list[str]:
    r"""A form with ``\pm`` as the two that it means; others as they are."""
    if r"\pm" not in form:
        form = form.replace(r"\mp", r"\pm")
    if form.count(r"\pm") != 1 or any(sign in form for sign in ("<", ">")):
        return [form]
    plus = re.sub(r"^((?:.*=)?)\+", r"\1", form.replace(r"\pm", "+"))
    return [re.sub(r"\{\+", "{", plus), form.replace(r"\pm", "-")]


def depths(signs: Iterable[str], opening: Container[str], closing: Container[str]) -> list[int]:
    """How many brackets are open behind each sign, after a 0 where there is none."""
    return [*accumulate((sign in opening) - (sign in closing) for sign in signs)] or [0]


def nesting(text: str) -> int:
    """The greatest number of brackets of any sort that are open at once."""
    return max(0, *depths(text, "([{", ")]}"))


def is_one_group(tokens: list[str]) -> bool:
    """Whether the first sign is a bracket that is closed by the last."""
    *within, last = depths(tokens, OPENING, CLOSING)
    return tokens[0] in OPENING and tokens[-1] in CLOSING and last == 0 and 0 not in within


def is_name(form: str) -> bool:
    r"""Whether the side of an equation only names what the other side is: ``x``, ``f(2)``, ``\\angle APC``."""
    return _NAME.fullmatch(form) is not None and not DENIED.match(form)
