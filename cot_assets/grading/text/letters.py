r"""The letter of a multiple-choice answer.

Belongs here: which one letter a short text names. Does not belong here: finding that text in a response
(:mod:`.extract`).
"""

from __future__ import annotations

import re

from cot_assets.grading.text.spelling import MAX_ANSWER_CHARS, plain

_FORMATTING = re.compile(
    r"\\(?:(?:text|math)?(?:bf|it|rm|sf|tt|sc|normal|text|cal|frak|bb|scr)?|boxed|fbox|mbox|hbox|boldsymbol|operatorname)\s?(?=\{)"
    r"|\\(?:displaystyle|bf|rm|it|left|right|[bB]igg?[lr]?)(?![A-Za-z])|[{}$*`\"]|_(?![{\d])|\\[()$\[\],;:! ]|\\(?:quad|qquad|checkmark)(?![A-Za-z])|[~✓✔✅]"
)
_ALONE_IN = re.compile(r"(?<![A-Za-z0-9'])[A-J](?![A-Za-z0-9'])")
_ALONE = re.compile(r"[(\[<«„【「『〈《]?\s?([A-Za-z])\s?[)\]>»】」』〉》.:。]*")
#: A letter, marked as a label, and the text of the option behind it.
_LABEL = re.compile(
    r"(?:[(\[]\s?([A-Za-j])\s?[)\]][.:]?|([A-Z](?=\s?[).:])|[a-j](?=\)))\s?[).:]|([A-Z])(?:\s-{1,2}(?=\s)|(?=\s\((?![A-Z]\)))"
    r"|(?<!I)(?:[,;](?=\s[a-z])|(?=\s\\(?:[dt]?frac|sqrt)(?![a-z])))|(?<![AI])(?=\s[0-9])))\s?(?P<rest>\S.*)"
)
#: A letter, and nothing but why, or that it is the only one.
_EXPLAINED = re.compile(
    r"[(\[]?([A-Z])[)\]]?(?:(?:,? (?:because|since)|, as)\b(?!.*\b(?:wait|actually|instead|rather)\b).*|,? only)"
)
_NAMED = re.compile(
    r"(?:(?:the )?(?:(?:final|correct|best) )?(?:option|choice|answer|letter|statement)(?: is)?|it is|choose|select|pick|选项?|選項?|答案[是为為]?)\s?[:=]?\s?[(\[]?([A-Za-z])[)\]]?\.?"
    r"(?:\s?[):.-]\s?\S.*)?"
    r"|(?:(?:option|choice|answer) )?[(\[]?([A-Z])[)\]]? is (?:the )?(?:correct|right|best)(?: (?:option|choice|answer))?",
    re.IGNORECASE,
)
_WHY = re.compile(r"\b(?:because|since|(?<!well )as(?! well))\b")
_LEADING = re.compile(r"\(?([A-Z])\)?(?=[.,:;)]|$|\s(?:because|since|as|\W))")
#: Another label in the same answer: "(A), (C)", "A) B)", "B or C", "A) is wrong, so C".
_OTHER_LABEL = re.compile(
    r"[(\[]\s?[A-Za-j]\s?[)\]]|(?<![A-Za-z0-9(])[A-Za-j]\s?\)|(?:,|\bor\b|\band\b|&|/|\bso\b|\bnot\b|\bbut\b|\bis\b)\s?[A-Z](?![A-Za-z0-9'])"
    r"|(?<![A-Za-z0-9(])[A-J]:|^[A-J]\.\s[A-J]\b|^[A-Z][.:]?$"
)
_TAKEN_BACK = re.compile(
    r"^(?:is|are|was|looks|seems|cannot|can't|isn't|or|and)\b|^\(?[✗✘❌]|^\(?(?:wrong|incorrect|not (?:correct|right))\b(?! [a-z])|\b(?:wait|actually|instead|or rather)\b",
    re.IGNORECASE,
)
#: What an option says of others: "All of the above (A, B and C)".
_OF_OTHERS = re.compile(
    r"(?:all|both|none|neither|either)\b(?!.*\b(?:so|but|not|hence|therefore)\b)", re.IGNORECASE
)


def _bare(text: str) -> str:
    short = plain(text[:MAX_ANSWER_CHARS].replace("—", " - "))
    bare = " ".join(_FORMATTING.sub(" ", short).split()).rstrip("\\ ")
    return re.sub(r"(?<=[(\[]) | (?=[)\]])", "", bare)


def names_letters(text: str) -> bool:
    """Whether a text without mathematics has the letter of an option in it."""
    bare = _bare(text)
    return _ALONE_IN.search(bare) is not None and not re.search(r"[\\^_=+<>]", bare)


def leading_letter(text: str) -> str | None:
    """The letter that a statement begins with, where what follows is why, or names no other option; else None."""
    if (match := _LEADING.match(text)) is None:
        return None
    rest = _bare(text[match.end() :]).lstrip(" .,:;-")
    return None if _TAKEN_BACK.search(rest) or _ALONE_IN.search(_WHY.split(rest)[0]) else match[1]


def choice_letter(text: str) -> str | None:
    r"""The letter that an answer names: ``B``, ``(b)``, ``\text{B}``, ``B. 42``, ``option B``; else None.

    None too where it names several, or takes one back: that is not an answer.
    """
    bare = _bare(text)
    if match := _ALONE.fullmatch(bare) or _EXPLAINED.fullmatch(bare) or _NAMED.fullmatch(bare):
        return next(filter(None, match.groups())).upper()
    match = _LABEL.fullmatch(bare)
    if match is None or _TAKEN_BACK.search(rest := match["rest"]):
        return None
    is_list = bare[1] in ",;" and _ALONE_IN.search(rest)
    if is_list or (_OTHER_LABEL.search(rest) and not _OF_OTHERS.match(rest)):
        return None
    return (match[1] or match[2] or match[3]).upper()
