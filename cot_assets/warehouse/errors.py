"""The errors of this package.

Belongs here: exception types, the escaping of foreign text in their messages, and which text cannot be stored. Does not belong here:
the conditions that raise them.
"""

from __future__ import annotations

import difflib
import re
import unicodedata

_FULL = re.compile("No space left|quota exceeded|File too large", re.IGNORECASE)


class WarehouseError(RuntimeError):
    """A table, file or statement is wrong; the message names it, the value and the way out."""


class WarehouseLockedError(WarehouseError):
    """Another process or thread held the warehouse for longer than the wait; the message names it."""


def is_of_no_room(error: BaseException) -> bool:
    """Whether a disk was full, in the words of any library."""
    return _FULL.search(str(error)) is not None


def printable(text: str) -> str:
    r"""The text with every control and format character written as an escape (``\n``, ``\x1b``, ``\u202e``).

    Text from models and data sets may hold terminal escape sequences or direction overrides.
    """
    # What is not printable is a kind of control (C), a break of lines or paragraphs (Zl, Zp), or a blank (Zs).
    return "".join(
        c
        if c.isprintable() or unicodedata.category(c) == "Zs"
        else c.encode("unicode_escape").decode("ascii")
        for c in text
    )


def shown(value: object, limit: int = 60) -> str:
    """A value for an error message: its ``repr``, printable and at most ``limit`` characters."""
    text = printable(repr(value))
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def unfit(text: str, most: int) -> str:
    """Why a text cannot be stored, empty where it can; ``most`` characters are taken."""
    if len(text) > most:
        return f"holds {len(text):,} characters; at most {most:,} are taken"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "holds half a surrogate pair, which is not text"
    return "holds a NUL, which is not text" if "\x00" in text else ""


def reason(error: BaseException) -> str:
    """The text of an error in one printable line."""
    return printable(" ".join(str(error).split()))


def unknown(what: str, name: str, known: list[str]) -> str:
    """A message that names the thing that is not there, and what is near it."""
    near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    near += [other for other in known if other not in near and name.lower() in other][:3]
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(known) or 'none'}"
    return f"no {what} {shown(name)}; {hint}"
