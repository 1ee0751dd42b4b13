"""Text made fit to be shown.

Belongs here: making invisible characters visible, bounding length, file names from identifiers. Does
not belong here: escaping for HTML, which Jinja2's autoescape does to all that these functions return;
nothing here returns markup.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from itertools import groupby

_KEPT = "\n\t"
#: Control, format (bidi, zero width, tags), surrogate, private, unassigned; line and paragraph separators.
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MOST_MARKS = 4  # combining marks kept in a row; more of them climb over the neighboring lines


def _shown(character: str) -> str:
    if character in _KEPT or unicodedata.category(character) not in _HIDDEN_CATEGORIES:
        return character
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return f"⟨U+{code:04X}⟩"


def visible(text: str, limit: int | None = None) -> str:
    """The text with every character that does not show replaced by one that does.

    Line feeds and tabs stay. C0 controls become control pictures (U+2400 ...); other controls, bidi
    and zero-width characters, lone surrogates, private and unassigned code points become
    ``⟨U+202E⟩``. A run of more than four combining marks is cut and its length stated.

    Args:
        text: Anything a model or data set may hold.
        limit: Most characters taken from ``text``; see :func:`bounded`.
    """
    if limit is not None:
        text = bounded(text, limit)
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    pieces: list[str] = []
    for are_marks, group in groupby(text, key=lambda character: unicodedata.category(character)[0] == "M"):
        if not are_marks:
            pieces += map(_shown, group)
            continue
        marks = "".join(group)
        more = len(marks) - _MOST_MARKS
        pieces.append(marks if more <= 0 else f"{marks[:_MOST_MARKS]}⟨+{more} marks⟩")
    return "".join(pieces)


def bounded(text: str, limit: int) -> str:
    """At most ``limit`` characters of the text: its beginning and end, and a note of what is left out."""
    if len(text) <= limit:
        return text
    head = limit * 2 // 3
    tail = limit - head
    left_out = len(text) - head - tail
    return f"{text[:head]} ⟨… {left_out:,} characters not shown …⟩ {text[len(text) - tail :] if tail else ''}"


def one_line(text: str, limit: int) -> str:
    """The text in one line, white space collapsed, for titles and table cells."""
    squeezed = re.sub(r"\s+", " ", text[: 8 * limit]).strip()
    return visible(squeezed if len(squeezed) <= limit else squeezed[: limit - 1] + "…")


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key under which ``p10`` follows ``p9``; runs of more than 18 digits sort as text."""
    parts = re.findall(r"[0-9]{1,18}|[^0-9]+", text[:200])
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)


def file_stem(*names: str, unseen: str = "") -> str:
    """A file name, without extension, that any file system takes and that no other ``names`` share.

    Letters, digits and ``_`` of the names stay, up to 40 characters of each; twelve hex digits of a
    SHA-256 of the exact names and ``unseen`` follow, so names that differ only in case or in other
    characters do not meet in one file.
    """
    exact = json.dumps([*names, unseen]).encode()
    readable = "-".join(re.sub(r"[^A-Za-z0-9_]+", "-", name[:200]).strip("-")[:40] for name in names[:3])
    return f"{readable.strip('-') or 'page'}-{hashlib.sha256(exact).hexdigest()[:12]}".lower()
