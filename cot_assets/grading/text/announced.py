"""What announces an answer: "the answer is", "Answer:", and the same in other languages.

Belongs here: the words before an answer, and those of its sentence behind it. Does not belong here: where that answer
ends (:mod:`.extract`).
"""

from __future__ import annotations

import re

#: Words for "answer", and those that say what it is; a colon does so in every language.
_LANGUAGES: dict[tuple[str, ...], str] = {
    ("答案", "答え", "正解", "正答", "回答", "解答"): "[应應就该該]{0,2}[是为為]|[はが]",
    ("答",): "[为為]",
    ("选", "選"): r"[择擇]?[项項]?[:：]?(?=\s?[(（]?[A-J](?![A-Za-z]))",
    ("정답", "답"): "[은이]",
    ("उत्तर", "जवाब"): r"है|(?=\s?[A-J0-9(]|\s[०-९])",
    ("উত্তর",): "হলো?",
    ("الجواب", "الإجابة", "الاجابة"): r"ه[يو]|(?=\s?[0-9٠-٩])",
    ("คำตอบ",): "คือ",
    ("ответ",): "равен|это|[-—]",
    ("respuesta",): "es",
    ("antwort",): "ist|lautet",
    ("réponse",): "est",
    ("resposta",): "é",
    ("risposta",): "è",
    ("đáp án",): "là|=",
}
_NOUNS = tuple(noun for nouns in _LANGUAGES for noun in nouns)
_BEFORE = r"[\s:*_]{0,8}(?:(?:therefore|thus|hence|then|simply|just|indeed|exactly)\b,?\s)?"
_ENGLISH = re.compile(
    r"(?:\b(?:answer|(?:correct|right) (?:option|choice))\b[^.:：=\n]{0,60}?(?:\b(?:is|(?:must|should|would|will) be)\b|[:：=])"
    rf"|^(?:#{{1,6}} ?|\*\*)(?:the )?(?:final |correct )?answer\**(?=\s*\n)){_BEFORE}",
    re.IGNORECASE | re.MULTILINE,
)
_PHRASES = "|".join(
    rf"(?:{'|'.join(nouns)})(?:\s(?!n|не)[^\W\d_]{{3,12}})?\s?(?:{copula}|[:：])"
    for nouns, copula in _LANGUAGES.items()
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
