r"""Numbers whose digits are grouped, and decimal commas, as numbers with a point.

Belongs here: which sign between digits groups them, in the ways of several countries. Does not belong here: values
(:mod:`..reading.numbers`).
"""

from __future__ import annotations

import re

#: Signs between digits, in order: those that only ever group them, ``{,}``, and the plain comma.
_GROUPED = re.compile(r"(?<![\d.,])(\d{1,3})((?:(?:,?\\[,!]\s?|,\\!\s?|'|~|_)\d{3})+)(?![\d_])")
_BRACED_COMMA = re.compile(r"(?<=\d) ?\{ ?, ?\} ?(?=\d)")
_COMMA_GROUPS = re.compile(r"(?<![\d.,])(?:[1-9]\d{0,2}(?:,\d{3})+|\d{1,2}(?:,\d\d)+,\d{3})(?!\d|,\d)")
_EUROPEAN = re.compile(r"(?<![\d.,])[1-9]\d{0,2}(?:(?:\.\d{3})+,\d+|(?:\.\d{3}){2,})(?![\d,]|\.\d)")
#: The same with blanks: 1 000,5, where a list would have a blank behind its comma.
_SPACED_DECIMAL = re.compile(
    r"(?<![\d.,/] )(?<![\d.,/\w(\[{])([1-9]\d{0,2}(?: \d{3})+),(\d{1,2}|\d{4,})(?![\w,.]|\.\d)"
)
#: With a zero that begins no number: 0,05.
_DECIMAL = re.compile(r"(?<![\w.,] )(?<![\w.,(\[{])(\d+),(0\d+)(?![\w,]|\.\d)")
SPACED_GROUPS = re.compile(r"(?<![\d.,/] )(?<![\d.,/\w])\d{1,3}(?: \d{3})+(?![\d/]| [\d/])")
_BRACKET = re.compile(r"[(\[{][^()\[\]{}]*[)\]}]")


def ungrouped(text: str) -> str:
    """Without the signs that group digits by thousands, and with a point for every decimal comma.

    ``12,144`` is one number and ``12, 144`` two. Within brackets a comma separates, unless others there are
    followed by a blank and it is not, or it is followed by a zero, with which no number of two figures begins.
    """
    if not any(sign in text for sign in ",'~\\_") and text.count(".") < 2:
        return text
    text = _GROUPED.sub(lambda m: m[1] + re.sub(r"\D", "", m[2]), text)
    text = _BRACED_COMMA.sub(lambda m: _comma_or_point(m.string, m.start(), m.end()), text)
    text = _EUROPEAN.sub(lambda m: m[0].replace(".", "").replace(",", "."), text)
    if "," not in text:
        return text
    text = _SPACED_DECIMAL.sub(lambda m: f"{m[1].replace(' ', '')}.{m[2]}", text)
    text = _DECIMAL.sub(lambda m: m[0] if len(m[2]) == 3 and m[1] != "0" else f"{m[1]}.{m[2]}", text)
    inside = [match.span() for match in _BRACKET.finditer(text) if not re.search(r", |,0\d\d", match[0])]
    return _COMMA_GROUPS.sub(
        lambda m: m[0] if any(a <= m.start() < b for a, b in inside) else m[0].replace(",", ""), text
    )


def _comma_or_point(text: str, start: int, end: int) -> str:
    """What ``{,}`` between digits is: it groups before three digits, and is a decimal comma elsewhere."""
    before, after = re.search(r"\d+$", text[:start]), re.match(r"\d+", text[end:])
    groups = before and after and len(after[0]) == 3 and before[0] != "0"
    return "" if groups else "."
