r"""Where a text boxes an answer.

Belongs here: finding ``\boxed{...}`` and ``\fbox{...}`` and their matching braces. Does not belong here:
what the content means.
"""

from __future__ import annotations

import re

from cot_assets.grading.text.spelling import MAX_ANSWER_CHARS

_COMMANDS = (r"\boxed", r"\fbox")
_OPENING = re.compile(r"\s{0,8}\{")
_LETTER = re.compile(r"\s{1,8}(?=[A-Z](?![A-Za-z0-9{]))")  #: \boxed B, as TeX reads it
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)


def last_box(
    text: str, end: int | None = None, *, most: int = MAX_ANSWER_CHARS
) -> tuple[int, int | None, int | None] | None:
    r"""The last box that begins before ``end``: (start of command, start and end of the content).

    Start and end are None where the box is malformed: no opening brace, or none that closes it within
    ``most`` characters. Escaped braces do not count. None where there is no box. Time is linear.
    """
    end = len(text) if end is None else end
    while (start := max(text.rfind(command, 0, end) for command in _COMMANDS)) >= 0:
        after = start + (6 if text.startswith(_COMMANDS[0], start) else 5)
        if not text[after : after + 1].isalpha():
            opening = _OPENING.match(text, after)
            if letter := _LETTER.match(text, after):
                return start, letter.end(), letter.end() + 1
            content_end = _closing(text, opening.end(), most) if opening else None
            return start, opening.end() if opening and content_end is not None else None, content_end
        end = start
    return None


def _closing(text: str, start: int, most: int) -> int | None:
    depth = 1
    for match in _BRACE.finditer(text, start, start + most + 1):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if depth == 0:
            return match.start()
    return None
