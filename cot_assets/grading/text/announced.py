"""What announces an answer: "the answer is", "Answer:", and the same in other languages.

Belongs here: the words before an answer, and those of its sentence behind it. Does not belong here: where that answer
ends (:mod:`.extract`).
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

_LANGUAGES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))["language"]
_NOUNS = tuple(noun for language in _LANGUAGES for noun in language["nouns"])
_BEFORE = r"[\s:*_]{0,8}(?:(?:therefore|thus|hence|then|simply|just|indeed|exactly)\b,?\s)?"
_ENGLISH = re.compile(
    r"(?:\b(?:answer|(?:correct|right) (?:option|choice))\b[^.:：=\n]{0,60}?(?:\b(?:is|equals|comes (?:out )?to|(?:must|should|would|will) be)\b|[:：=])"
    rf"|^(?:#{{1,6}} ?|\*\*)(?:the )?(?:final |correct )?answer\**(?=\s*\n)){_BEFORE}",
    re.IGNORECASE | re.MULTILINE,
)
_PHRASES = "|".join(
    rf"(?:{'|'.join(language['nouns'])})(?:\s(?!n|не)[^\W\d_]{{3,12}})?\s?(?:{language['is']}|[:：])"
    for language in _LANGUAGES
)
_ELSEWHERE = re.compile(rf"(?:{_PHRASES}){_BEFORE}", re.IGNORECASE)
#: The verb behind an answer, where a language has it there.
_VERB = re.compile(r"\s?(?:です|である|だ|になります|となります|입니다|이다|है|हैं)\s?[.。।]?$")


def last_announced(text: str) -> int | None:
    """Where the last announcement of an answer ends; None where there is none."""
    lowered = text.lower()
    patterns = [_ENGLISH] + [_ELSEWHERE] * any(noun in lowered for noun in _NOUNS)
    return max((match.end() for pattern in patterns for match in pattern.finditer(text)), default=None)


def announced(text: str) -> str | None:
    """What a text that begins with an announcement in another language than English announces; else None."""
    match = _ELSEWHERE.match(text)
    return without_verb(text[match.end() :]) if match else None


def without_verb(text: str) -> str:
    """The end of a sentence that announces an answer, without the verb behind it."""
    return _VERB.sub("", text)
