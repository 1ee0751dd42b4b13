r"""Where a text boxes an answer.

Belongs here: finding ``\boxed{...}`` and ``\fbox{...}`` and their matching braces. Does not belong here:
what the content means.
"""

from __future__ import annotations

import re

from cot_assets.grading.text.spelling import MAX_ANSWER_CHARS

Box = tuple[int, int | None, int | None]  #: start of the command, start and end of the content
_COMMANDS = (r"\boxed", r"\fbox")
_MOST_JOINED, _LONGEST_JOINT = 20, 40
_OPENING = re.compile(r"\s{0,8}\{")
#: \boxed B and \boxed 3, as TeX reads them, and figures as they are meant
_BARE = re.compile(
    r"\s{1,8}([A-Z](?![A-Za-z0-9{])|-?\d+(?:\.\d+)?(?=\s*(?:\.?\s*$|[.,;:]\s|\.?[$*)]|\\[)\]])))"
)
_JOINT = re.compile(
    r"\}[\s$]*(?:\\[,;:! ]|\\text\s?\{)?\s?(?:,|;|(?:,\s?)?(?:and|or|&|和|或))\s?\}?(?:\\[,;:! ])?[\s$]*(?:([A-Za-z](?:_\{?\w\}?)?)\s?=\s?)?"
)
_NAME = re.compile(r"(?<![A-Za-z\\])([A-Za-z](?:_\{?\w\}?)?)\s?=\s?$")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)


def last_box(text: str, end: int | None = None, *, most: int = MAX_ANSWER_CHARS) -> Box | None:
    r"""The last box that begins before ``end``: (start of command, start and end of the content).

    Start and end are None where the box is malformed: no opening brace, or none that closes it within
    ``most`` characters. Escaped braces do not count. None where there is no box. Time is linear.
    """
    end = len(text) if end is None else end
    while (start := max(text.rfind(command, 0, end) for command in _COMMANDS)) >= 0:
        after = start + (6 if text.startswith(_COMMANDS[0], start) else 5)
        if not text[after : after + 1].isalpha():
            opening = _OPENING.match(text, after)
            if bare := _BARE.match(text, after):
                return start, bare.start(1), bare.end()
            content_end = _closing(text, opening.end(), most) if opening else None
            return start, opening.end() if opening and content_end is not None else None, content_end
        end = start
    return None


def joined_boxes(text: str, last: Box) -> str | None:
    """The contents of boxes that are one list: nothing but "and", "or" or a comma between them; None where it is one box.

    Boxes of different names (x and y) are several answers, of which the last one counts.
    """
    start, content, end = last
    found = [text[content:end]]
    while len(found) < _MOST_JOINED and "}" in text[max(0, start - _LONGEST_JOINT) : start]:
        box = last_box(text, start)
        if box is None or box[1] is None:
            break
        joint = _JOINT.fullmatch(text, box[2] or 0, start)
        name = _NAME.search(text, max(0, box[0] - 12), box[0])
        if joint is None or (joint[1] and joint[1] != (name and name[1])):
            break
        start = box[0]
        found.insert(0, text[box[1] : box[2]])
    return ", ".join(found) if len({*found}) > 1 else None


def _closing(text: str, start: int, most: int) -> int | None:
    depth = 1
    for match in _BRACE.finditer(text, start, start + most + 1):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if depth == 0:
            return match.start()
    return None
