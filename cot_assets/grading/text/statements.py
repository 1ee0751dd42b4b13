r"""Where a text first states an answer.

Belongs here: finding statements of a known answer in a trace: boxed, as a whole right side of an equation,
after "answer is", or (for leaks) as a whole expression. Does not belong here: extraction of an unknown
answer (:mod:`.extract`), mathematical equivalence (:mod:`..verify`): statements are compared as strings, up
to the spellings that :mod:`.spelling` knows.

One scan of a trace decides all of its cuts: a prefix leaks exactly if ``first_leak(trace, ...)`` is not
None and at most the length of the prefix. That is also the better rule than looking at each prefix alone,
since a prefix may end within a longer number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

from cot_assets.grading.reading.numbers import Number, read_number
from cot_assets.grading.reading.quantities import split_unit
from cot_assets.grading.text.boxes import last_box
from cot_assets.grading.text.letters import choice_letter
from cot_assets.grading.text.spelling import canonical

MAX_SOUGHT_CHARS = 400  #: longer answers are only looked for in the last box
_MAX_CANDIDATES = 20_000  #: a text with more occurrences of an answer than this is not read further
_WINDOW = 80  #: characters looked at on either side of an occurrence

_Context = Literal["boxed", "equation", "answer", "expression"]

_FILLER = r"(?:\s|~|\\[,;:! ]|\\(?:left|right|[bB]igg?[lr]?)(?![a-zA-Z])){0,4}"
#: Between the words of an answer it does not matter which of them are inside a text command.
_TEXT_FILLER = r"(?:\s|~|\\[,;:! ]|\\(?:text|math)[a-z]{0,6}|\\mbox|[{}]){0,6}"
_WORDS = re.compile(r"(?:\\text\{[^{}]*\}|[A-Za-z][A-Za-z' -]*[A-Za-z])")
_ASSIGNED = re.compile(r"^\\?[A-Za-z]+(?:_\{?\w+\}?)?(?:\([A-Za-z]\))?=([^=]+)$")
_THOUSANDS = r"(?:,|\{,\}|\\[,!]|,\\!|,?\\!\s?)?"
_MINUS = r"[-−–]\s?"
_SPELLINGS = {
    r"\frac": r"\\[dtc]?frac", r"\cdot": r"(?:\\cdot|\\times|[*·×])", r"\pi": r"(?:\\pi|π)",
    r"\sqrt": r"(?:\\sqrt|√|sqrt)", r"\infty": r"(?:\\infty|∞)", r"\leq": r"(?:\\leq?|≤)",
    r"\geq": r"(?:\\geq?|≥)", r"\cup": r"(?:\\cup|∪)", "{": r"[{(]?", "}": r"[})]?", "-": r"[-−–]",
    r"\text": r"(?:\\(?:text|math)[a-z]{0,6}|\\mbox)?", r"\land": r"(?:,?\s?(?:\\text\{\s?)?and(?:\s?\})?|,)",
    r"\lor": r"(?:,?\s?(?:\\text\{\s?)?or(?:\s?\})?|,)",
}  # fmt: skip
_TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|[0-9]+|[a-zA-Z]+|\S")

#: What may come between a relation sign or a word and the answer itself.
_JUNK_LEFT = re.compile(
    r"(?:\s|[&~$*_]|\\[,;:!$( \[]|\\left|\\displaystyle|\\(?:text|math)[a-z]{0,6}\{|(?<=[\s$=])\{)+$"
)
_BOX_LEFT = re.compile(r"\\(?:boxed|fbox)\s{0,8}\{$")
_EQUATION_LEFT = re.compile(r"(?<![!<>≠])=$")
_LIMIT_LEFT = re.compile(r"_\s?\{[^{}]*=$")  # the lower limit of a sum or product
_ANSWER_LEFT = re.compile(r"\banswer\b[^.\n]{0,50}(?:\b(?:is|are)|:)[\s:*]*$", re.IGNORECASE)
_WHOLE_LEFT = re.compile(
    r"(?:^|[\n.,;:!?&\[=<>≤≥≈]|\\\\|\\(?:leq?|geq?|neq?|approx|equiv|quad|qquad|in)|(?<![\w)}\]])\(|\b[A-Za-z]{2,})$"
)
_OPERATOR_WORDS = (
    r"(?:mod|modulo|times|plus|minus|over|divided|multiplied|choose|squared|cubed|percent|factorial|hundred"
    r"|thousand|million|billion|sqrt|pi|sin|cos|tan|log|ln|gcd|lcm|exp|frac|cdot|to)"
)
_OPERATOR_WORD_LEFT = re.compile(rf"(?:\\[a-zA-Z]+|\b{_OPERATOR_WORDS})$")
_JUNK_RIGHT = re.compile(
    r"(?:[ \t~$*_]|\\[,;:! )\]]|\\right|\\?%|°|\s?\^\s?\{?\s?\\circ\s?\}?|\}(?=\s*(?:[$.,;}\n)]|\\|$)))*"
)
#: The expression has ended: what follows cannot belong to it.
_ENDED = re.compile(
    r"$|[\n.,;:?&=<>≤≥≈≠⇒→|)\]}]"
    r"|\\\\|\\(?:text|mbox|quad|qquad|implies|Rightarrow|Longrightarrow|to|rightarrow|iff|pmod|end|leq?|geq?|neq?|approx"
    r"|equiv|in|cup|boxed)(?![a-zA-Z])"
    r"|\((?=[A-Za-z]{2})|[-–—]\s+(?=[A-Za-z]{2})|—"
    rf"|(?!{_OPERATOR_WORDS}\b)[A-Za-z]{{2,}}|I\b|!(?=$|\s*\n|\s+[A-Z])"
)


def states_answer_at(text: str, answer: str, kind: str = "expression") -> int | None:
    """Where the first statement of ``answer`` in ``text`` ends.

    Args:
        text: a trace.
        answer: its own final answer, as extracted.
        kind: ``integer``, ``expression`` or ``multiple_choice``.

    Returns:
        The offset, in characters, after the last character of the answer where it is first boxed, the
        whole right side of an equation, or follows "answer is"; None where the text never states it.
    """
    stated = (end for context, end in _occurrences(text, answer, kind) if context != "expression")
    return next(stated, None) or _end_in_last_box(text, answer, kind)


def first_leak(text: str, gold: str, kind: str) -> int | None:
    """Where the first mention of the gold answer ends in a text that is not the problem statement.

    As :func:`states_answer_at`, and also as a whole expression, if the answer has three or more digits or
    is not an integer (a small integer, a letter or a word may be there by chance).
    """
    return next((end for _, end in _occurrences(text, gold, kind)), None) or _end_in_last_box(
        text, gold, kind
    )


def statement_ends(text: str, gold: str, kind: str) -> list[int]:
    """Where each mention that :func:`first_leak` would count ends, in ascending order."""
    ends = sorted({end for _, end in _occurrences(text, gold, kind)})
    boxed = None if ends else _end_in_last_box(text, gold, kind)
    return ends if boxed is None else [boxed]


def _end_in_last_box(text: str, answer: str, kind: str) -> int | None:
    """The fall-back for answers that are too unusual to be sought: the last box holds the same string."""
    box = last_box(text)
    if box is None or box[1] is None or box[2] is None:
        return None
    content = text[box[1] : box[2]]
    if kind == "multiple_choice":
        return box[2] if (letter := choice_letter(content)) and letter == choice_letter(answer) else None
    return box[2] if canonical(content) == canonical(answer) != "" else None


def _occurrences(text: str, answer: str, kind: str) -> Iterator[tuple[_Context, int]]:
    sought = _sought(answer, kind)
    if sought is None:
        return
    pattern, contexts = sought
    for count, match in enumerate(pattern.finditer(text)):
        if count >= _MAX_CANDIDATES:
            return
        context = _context(text, match.start(), match.end())
        if context is not None and context in contexts:
            yield context, match.end()


@lru_cache(maxsize=1024)
def _sought(answer: str, kind: str) -> tuple[re.Pattern[str], frozenset[_Context]] | None:
    """What to look for, and the contexts in which it counts."""
    stated = frozenset[_Context](("boxed", "equation", "answer"))
    if kind == "multiple_choice":
        letter = choice_letter(answer)
        if letter is None:
            return None
        return re.compile(rf"(?<!\w){letter}(?!\w)"), frozenset[_Context](("boxed", "answer"))
    if len(answer) > MAX_SOUGHT_CHARS:
        return None
    form = split_unit(_ASSIGNED.sub(r"\1", canonical(answer)))[0]
    if not form:
        return None
    value = read_number(form)
    body = _spelling(form) if value is None else "|".join(_spellings_of(value, form))
    if not body:
        return None
    is_mathematics = not _WORDS.fullmatch(form) and len(form) > 1 and value is None
    long = value is not None and (not value.is_integer or abs(value.value) >= 100)
    pattern = re.compile(
        rf"(?<![0-9A-Za-z\\])(?<![0-9][.,])(?:\\left\s?)?(?:{body})(?![0-9A-Za-z_])(?!\.[0-9]|,[0-9]{{3}})",
        re.IGNORECASE if _WORDS.fullmatch(form) else 0,
    )
    return pattern, stated | frozenset[_Context](("expression",)) if is_mathematics or long else stated


def _spellings_of(value: Number, form: str) -> Iterator[str]:
    number = abs(value.value)
    sign = _MINUS if value.value < 0 else ""
    if "." in form or ("/" not in form and "frac" not in form):  # written as a decimal, or an integer
        digits, _, decimals = form.strip("+-%\\$").replace(",", "").partition(".")
        behind = rf"\.{decimals.rstrip('0')}0*" if decimals.strip("0") else ""
        yield sign + _integer(digits) + (behind or r"(?:\.0+)?")
        if behind and not digits.strip("0"):
            yield sign + behind
    if number.denominator > 1:
        p, q = map(_integer, (str(number.numerator), str(number.denominator)))
        yield rf"{sign}\\[dtc]?frac\s?\{{?\s?{p}\s?\}}?\s?\{{?\s?{q}\s?\}}?"
        yield rf"\\[dtc]?frac\{{\s?{sign}{p}\s?\}}\{{\s?{q}\s?\}}" if sign else rf"{p}\s?/\s?{q}"
        yield rf"{sign}{p}\s?/\s?{q}"
        whole, rest = divmod(number.numerator, number.denominator)
        if whole:
            yield rf"{sign}{_integer(str(whole))}\s?\\[dtc]?frac\s?\{{?{rest}\}}?\s?\{{?{q}\}}?"


def _integer(digits: str) -> str:
    digits = digits.lstrip("0") or "0"
    first = len(digits) % 3 or 3
    groups = [digits[:first], *(digits[i : i + 3] for i in range(first, len(digits), 3))]
    return "0{0,3}" + _THOUSANDS.join(groups)


def _spelling(form: str) -> str:
    """A pattern for the canonical form and the spellings that have the same one."""
    if r"\text" in form and not re.search(r"\\(?!text)", form):
        return _TEXT_FILLER.join(map(re.escape, _TOKEN.findall(re.sub(r"\\text|[{}]", " ", form))))
    parts: list[str] = []
    tokens = _TOKEN.findall(form)
    for before, token in zip(["", *tokens], tokens, strict=False):
        if token in _SPELLINGS:
            parts.append(_SPELLINGS[token])
        elif before in ("^", "_") and token.isalnum() and len(token) == 1:
            parts.append(rf"\{{?{token}\}}?")
        else:
            parts.append(re.escape(token))
    return _FILLER.join(parts)


def _context(text: str, start: int, end: int) -> _Context | None:
    """The context of the expression at ``start:end``; None: only as part of something larger."""
    left = _JUNK_LEFT.sub("", text[max(0, start - _WINDOW) : start])
    right = text[end : end + _WINDOW]
    for _ in range(3):
        right = right[junk.end() :] if (junk := _JUNK_RIGHT.match(right)) else right
        if not (left.endswith("(") and right.startswith(")")) or left[-2:-1].isalnum():
            break
        left, right = _JUNK_LEFT.sub("", left[:-1]), right[1:]
    if not _ENDED.match(right):
        return None
    if _BOX_LEFT.search(left):
        return "boxed"
    if _EQUATION_LEFT.search(left):
        return None if _LIMIT_LEFT.search(left) else "equation"
    if _ANSWER_LEFT.search(left):
        return "answer"
    if _WHOLE_LEFT.search(left) and not _OPERATOR_WORD_LEFT.search(left):
        return "expression"
    return None
