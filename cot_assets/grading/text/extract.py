r"""Find the final answer in a text.

Belongs here: which part of a text is the answer, by the rules that a problem set names. Does not belong
here: what it means (:mod:`..reading.answer`), and where else the text states it (:mod:`.statements`).

The rules are tried in their order, first in what follows the last ``</think>`` and then in the whole text:

- ``boxed``: the last ``\boxed`` or ``\fbox``. A malformed one ends the search: an earlier box is not the answer.
- ``statement``: what follows "the answer is", "Answer:" and the like, to the end of the sentence.
- ``hash``: what follows the last ``####``, to the end of its line.
- ``last_number``: the last number of the text.
- ``block``: the last fenced block, also one that the text leaves open.
- ``whole``: all of the text.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from cot_assets.grading.text.announced import last_announced, without_verb
from cot_assets.grading.text.boxes import joined_boxes, last_box
from cot_assets.grading.text.letters import choice_letter, leading_letter, names_letters
from cot_assets.grading.text.spelling import MAX_ANSWER_CHARS, MAX_JUDGED_CHARS, clean
from cot_assets.study import JUDGED_KINDS, AnswerRule

DEFAULT_RULES: tuple[AnswerRule, ...] = ("boxed",)
MAX_UNBOXED_CHARS = 300  #: an answer without a box ends with its line, and is not an essay
_END_OF_THOUGHT = "</think>"
_DELIMITED = re.compile(r"(\$\$?|\\\(|\\\[)(.+?)(?:\$\$?|\\\)|\\\])(\s?\\?%)?", re.DOTALL)
_SENTENCE_END = re.compile(
    r"(?<!\bDr)(?<!\bMr)(?<!\bMrs)(?<!\bMs)(?<!\bSt)[.;](?=\s|$)|[。।။۔]|, (?:since|because|as|so|which|where)\b"
)
#: Words by which an answer is taken back without another one being announced.
_TAKEN_BACK = re.compile(
    r"\b(?:wait|hmm|hold on|oops|sorry|actually|no)\b[\s,.!—–-]{0,3}(?:no\b|(?:that|this|it)(?:'s| is| was) (?:wrong|incorrect|not (?:right|correct))|I made an? (?:mistake|error))",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.,/{}])[-−+]?\s?[$€£]?(?:(?:\d{1,40}\s?)?\\[dt]?frac\{\d{1,40}\}\{\d{1,40}\}|\d{1,40}\s\d{1,40}/\d{1,40}"
    r"|(?:\d{1,3}(?:[,\u00a0\u202f]\d{3}|\s000(?!\d))+|\d{1,40}(?:,\d{1,40})?)(?:\.\d{1,40})?(?:[eE][-+]?\d{1,4}(?!\w))?(?:/\d{1,40})?)"
    r"(?:\s?\\?%)?(?!\.?\d)"
)


_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\n`]*$", re.MULTILINE)
_WORDS_ONLY = re.compile(r"\\(?:text|textbf|mathrm|mathtt|texttt)\s?\{([^{}\\]*)\}")


class Extracted(NamedTuple):
    """A final answer and the rule that found it; both None where no rule did."""

    answer: str | None
    rule: AnswerRule | None


class _StopError(Exception):
    """The text ends in something that is meant as an answer and is none."""


def extract_answer(text: str, kind: str, rules: Sequence[AnswerRule] = DEFAULT_RULES) -> Extracted:
    r"""The final answer of a text.

    Args:
        text: The whole text.
        kind: The answer kind of the problem set. Of ``multiple_choice`` the letter is returned; a box that
            holds mathematics instead of a letter is not an answer, and a letter stated behind it is.
        rules: Tried in this order.

    Returns:
        The answer without control characters, at most ``MAX_ANSWER_CHARS`` long, and its rule. What a verifier or
        tests judge keeps its lines, and may be ``MAX_JUDGED_CHARS`` long.
    """
    tail = text[text.rfind(_END_OF_THOUGHT) + len(_END_OF_THOUGHT) :] if _END_OF_THOUGHT in text else None
    try:
        for part in (text,) if tail is None else (tail, text):
            for rule in rules:
                if (found := _RULES[rule](part, kind)) and found.answer:
                    return found
    except _StopError:
        pass
    return Extracted(None, None)


def _boxed(text: str, kind: str) -> Extracted | None:
    is_judged = kind in JUDGED_KINDS
    box = last_box(text, most=MAX_JUDGED_CHARS if is_judged else MAX_ANSWER_CHARS)
    if box is None:
        return None
    _, start, end = box
    if start is None or end is None:
        raise _StopError
    content = _as_written(text[start:end]) if is_judged else clean(joined_boxes(text, box) or text[start:end])
    if kind != "multiple_choice":
        if not content:
            raise _StopError
        return Extracted(content, "boxed")
    if letter := choice_letter(content):
        return Extracted(letter, "boxed")
    if names_letters(content):
        if (said := _statement(content, kind)) and said.answer:
            return Extracted(said.answer, "boxed")
        raise _StopError
    return _statement(text[end:], kind)


def _statement(text: str, kind: str) -> Extracted | None:
    if (start := last_announced(text)) is None or _TAKEN_BACK.search(text, start):
        return None
    value = text[start : start + MAX_UNBOXED_CHARS].lstrip()
    if delimited := _DELIMITED.match(value):
        value = delimited[2] + (delimited[3] or "")
    else:
        value = value.partition("\n")[0]
        if ending := _SENTENCE_END.search(value):
            value = value[: ending.start()]
    value = without_verb(value.strip(" *_.,;。")).strip(" *_")
    if kind == "multiple_choice":
        return Extracted(choice_letter(value) or leading_letter(value), "statement")
    return Extracted(clean(value) or None, "statement")


def _hash(text: str, kind: str) -> Extracted | None:
    start = text.rfind("####")
    if start < 0:
        return None
    value = clean(text[start + 4 :].lstrip(" #").partition("\n")[0][:MAX_ANSWER_CHARS])
    return Extracted((choice_letter(value) if kind == "multiple_choice" else value) or None, "hash")


def _last_number(text: str, kind: str) -> Extracted | None:
    if kind == "multiple_choice":
        return None
    found = deque(_NUMBER.finditer(text), maxlen=1)
    return Extracted(clean(found[0][0]), "last_number") if found else None


def _block(text: str, kind: str) -> Extracted | None:
    opened: re.Match[str] | None = None
    last: str | None = None
    for fence in _FENCE.finditer(text):
        if opened is None:
            opened = fence
        elif fence[1].startswith(opened[1]) and fence[0].strip() == fence[1]:
            last, opened = text[opened.end() : fence.start()], None
    if opened is not None:
        last = text[opened.end() :]
    return None if last is None else Extracted(_kept(last, kind), "block")


def _kept(text: str, kind: str) -> str | None:
    """The text as its kind is judged: a program keeps its indentation, a comparison takes one line, a choice a letter."""
    if kind in JUDGED_KINDS:
        return _as_written(text) or None
    return choice_letter(clean(text)) if kind == "multiple_choice" else clean(text) or None


def _as_written(text: str) -> str:
    """Lines and blanks within them as they are; without what no file can hold, and a command around all of it."""
    text = text[: MAX_JUDGED_CHARS + 1]
    kept = "".join("�" if "\ud800" <= c <= "\udfff" else c for c in text if c != "\0").strip("\n\r").rstrip()
    command = _WORDS_ONLY.fullmatch(kept.strip())
    return command[1].strip() if command else kept


_RULES: dict[AnswerRule, Callable[[str, str], Extracted | None]] = {
    "boxed": _boxed,
    "statement": _statement,
    "hash": _hash,
    "last_number": _last_number,
    "block": _block,
    "whole": lambda text, kind: Extracted(_kept(text, kind), "whole"),
}
