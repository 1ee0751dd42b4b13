r"""Where sentences end, in reasoning of any language.

Belongs here: the ends of sentences as character offsets. Does not belong here: tokens and numbers of cuts
(:mod:`cot_assets.sampling.cuts`).

Why these rules and no library: an end must be known when it is reached, or a cut there is not a stopping time and
the martingale check is void. Libraries (pysbd, sentencex, wtpsplit) decide by what follows: they look for the
closing quote or bracket, or read the paragraph. They also want to be told the language, which nobody knows of a
trace that may change it midway, and know no formulas. The rules below look at most :data:`AHEAD` characters ahead.
"""

from __future__ import annotations

import re

AHEAD = 32  #: characters after an end that may decide whether it is one
_CLOSERS = r"[\"')\]}”’»*_`」』）】》〉]*"
_FORMULA_ENDS = {"$": "$", "$$": "$$", "\\(": "\\)", "\\[": "\\]"}
#: An amount of money opens no formula.
_MONEY = r"\$\d[\d,]*(?:\.\d+)?(?=[.,;:!?)]{0,2}(?:\s{1,4}[A-Za-z]{2}|\s{0,4}$|\n))"
_PLACES = re.compile(
    rf"(?P<skip>\\[\\$]|{_MONEY})"
    r"|(?P<formula>\$\$?|\\[()\[\]]|\\begin\{[a-z]{1,20}\*?\}|\\end\{[a-z]{1,20}\*?\})"
    # From the first of several stops only: from each of them, a long row would be read to its end.
    rf"|(?P<stop>(?<![.!?…])[.!?…]+{_CLOSERS}(?=\s))"
    # Scripts that put no blank after a full stop; the full-width point is also a decimal point.
    rf"|(?P<full>(?:[。｡！？।॥؟۔։።]|(?<!\d)．|．(?!\d))+{_CLOSERS})"
    r"|(?P<line>\n)"
)
#: What numbers an item, an initial or the name of a step: no sentence by itself.
_MARKER = re.compile(
    r"[\s>#*_\-•(]*(?:\d{1,3}|[ivxIVX]{1,5}|[A-Za-zА-Яа-я]|(?:[A-Z]\.\s?){1,3}[A-Z]"
    r"|(?i:step|case|part|problem|question|example|option|schritt|шаг)\s\d{1,3})\)?"
)
_NEVER_LAST = (
    r"Dr|Mr|Mrs|Ms|Mx|Prof|Gen|Capt|Lt|Sgt|Gov|Sen|Rev|Mt|St|Sr|Sra|Dra|Mme|Mlle|Hr|Fr|Figs?|figs?|Eqs?|eqs?|Nr|Nos|Vol|vol|pp|cf|ca|vs|viz|approx"
    r"|resp|bzw|Thm|Lem|Prop|Cor|Def|Sec|Ch|Ref|e\.g|i\.e|s\.t|w\.r\.t|z\.\s?B|d\.\s?h|p\.\s?ej|[Vv]gl|Kap|Abb|[Тт]|[Тт]\.\s?[ек]|см|рис|напр|डॉ|श्री"
)
_ABBREVIATION = re.compile(rf"(?<![^\W\d_])(?:{_NEVER_LAST})$")
#: Ends a sentence where the next one starts with a capital, else it does not.
_MAYBE_LAST = re.compile(r"(?<![^\W\d_])(?:etc|al|Inc|Ltd|Jr|т\.\s?д|т\.\s?п|(?:[^\W\d_]\.){1,4}[^\W\d_])$")
#: Ends no sentence before a number: No. 5, p. 3, Sept. 4.
_NUMBER_SIGN = re.compile(
    r"(?<![^\W\d_])(?:[Nn]o|p|[Aa]rt|Ex|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)$"
)
_SPLIT = frozenset(("zB.", "dh.", "ua.", "pe.", "eg.", "ie."))  #: z. B. with a blank within
_OPERATOR = re.compile(r"[=+/<>^×·÷≤≥≈≠]|\*(?!\*?[^\W\d_])")  #: *so* and **Step** are set in bold


def sentence_ends(text: str) -> list[int]:
    """Offsets after the end of each sentence, ascending; the text's own end is not looked for.

    A sentence ends at a stop with the quotes and brackets that close there, or at a line's end. Not within a
    formula, after an abbreviation, or after what only numbers an item. A formula that is not closed ends with its
    line, a displayed one with its paragraph.
    """
    ends: list[int] = []
    start, closing, is_display = 0, "", False
    for found in _PLACES.finditer(text):
        kind, mark = found.lastgroup, found[0]
        if kind == "formula":
            if not closing:
                closing = "\\end" if mark.startswith("\\begin") else _FORMULA_ENDS.get(mark, "")
                is_display = mark in ("$$", "\\[") or mark.startswith("\\begin")
            elif mark.startswith(closing):
                closing = ""
        elif kind == "line" and closing and (not is_display or text[found.end() : found.end() + 1] == "\n"):
            closing = ""
        if closing or kind in ("formula", "skip"):
            continue
        if kind == "line":
            is_end = not text[start : found.start()].isspace() and start < found.start()
        else:
            is_end = _is_end(text, start, found.start(), found.end(), is_point=mark[0] in ".．")
        if is_end:
            ends.append(found.end())
        if is_end or kind == "line":
            start = found.end()
    return ends


def _is_end(text: str, start: int, stop: int, end: int, *, is_point: bool) -> bool:
    """Whether the stop at ``stop`` ends the sentence that began at ``start``; ``end`` is after its closers."""
    rest = text[end : end + AHEAD].lstrip(" \t")
    after = rest[:1]
    if _OPERATOR.match(rest):
        return False  # a factorial, or a formula without signs around it
    before = text[max(start, stop - AHEAD) : stop]
    if not before.strip():
        return False
    if not is_point:
        return not (text[stop] == "!" and text[stop - 1] in "0123456789)" and after.islower())
    if stop - start <= AHEAD and _MARKER.fullmatch(text, start, stop):
        return False
    if _ABBREVIATION.search(before) or before[-1:] + rest[:2] in _SPLIT:
        return False
    if text.startswith("...", stop) and before[-1:].isdigit() and after.islower():
        return False  # 0.333... and
    if _NUMBER_SIGN.search(before):
        return not after.isdigit()
    return not (_MAYBE_LAST.search(before) and after.islower())
