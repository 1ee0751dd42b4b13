r"""Words: which of an answer's letters are words, and the text that is equal for equal words.

Belongs here: pure functions on short strings. Does not belong here: what else an answer may be
(:mod:`..reading.answer`).
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from pathlib import Path

UPRIGHT = re.compile(r"\\text\{([^{}]*)\}")
_WORD = re.compile(r"(?<![\\A-Za-z])[^\W\d_]{2,}(?![^\W\d]|\^)")  #: with an index or a power it is none
_COMMAND = re.compile(r"\\(?:begin|end)\{[bpvBV]?matrix\}|\\[a-zA-Z]+")
#: Digits and signs that mean no calculation: a range, a telephone number, a version, an address.
CODE = re.compile(
    r"\d+(?:-\d+)+|\d+(?:\.\d+){2,}|\(\d+\) ?\d+-\d+|\d+/\d+/\d+|(?=.*\d)(?=.*[A-Za-z])[A-Za-z]*\d+[A-Za-z][A-Za-z0-9]*\d[A-Za-z0-9]*|[A-Za-z]+\d[A-Za-z0-9]*"
)
_ELEMENT = (
    "A[cglmr-u]|B[aehikr]?|C[adelmnorsu]?|D[bsy]|E[rsu]|F[elmr]?|G[ade]|H[efgos]?|I[nr]?|K[r]?|L[airuv]|M[dgnot]|N[abdeiop]?|"
    "O[gs]?|P[abdmortu]?|R[abefghnu]|S[bcegimnr]?|T[abehilm]|U|V|W|Xe|Yb?|Z[nr]"
)
_FORMULA = re.compile(
    rf"\d*(?:(?:{_ELEMENT})(?:_?[2-9]|_?\d{{2,3}})?|[()](?:_?[2-9])?){{2,20}}(?:\^[1-9]?[-+])?"
)
_REMAINDER = re.compile(r"(-?\d+) ?(?:R|remainder) ?(\d+)")
_AFTER = {"squared": "^2", "cubed": "^3", "factorial": "!"}
_BETWEEN = {
    "plus": "{}+{}", "minus": "({})-({})", "times": r"{}\cdot {}", "over": r"\frac{{{}}}{{{}}}", "choose": r"\binom{{{}}}{{{}}}", "out of": r"\frac{{{}}}{{{}}}",
    "divided by": r"\frac{{{}}}{{{}}}", "to the power of": "({})^{{{}}}",
}  # fmt: skip
_OPERAND = r"(-?[0-9]+(?:\.[0-9]+)?|[a-z])"
_SPOKEN = re.compile(
    rf"{_OPERAND} ({'|'.join(_AFTER)})|{_OPERAND} ({'|'.join(_BETWEEN)}) {_OPERAND}|(?:the )?square root of {_OPERAND}"
)
_POINTS = re.compile(r"\\(?:angle|triangle) ?\{?[A-Z]+\}?")
_ANGLE = re.compile(r"\\angle ?\{?([A-Z])([A-Z])([A-Z])\}?")  #: of two rays, in either order
#: Letters with an order: apart (A B C), a route (A-B-C), a bearing (N 30 E).
_SPELLED = re.compile(r"[A-Z](?: [A-Z]){2,19}|[A-Z](?:-[A-Z]){2,19}|[NS] \d+ [EW]")
_ION = re.compile(rf"\d*(?:(?:{_ELEMENT})\d*|[()]\d*)+[-+]")
_SPECIES = re.compile(rf"\d*(?:(?:{_ELEMENT})\d*|[()]\d*)+(?:\^\d?[-+])?|e\^-")  #: in a reaction
_ISOTOPE = re.compile(rf"\^\d+(?:_\d+)?(?:{_ELEMENT})")
_SHELLS = re.compile(
    r"(?:\[[A-Z][a-z]\] ?)?(?:[1-7][spdf]\^(?:1[0-4]|[1-9])(?!\d(?![spdf])) ?){2,20}|\[[A-Z][a-z]\] ?(?:[1-7][spdf]\^\d{1,2} ?)+"
)
_PRODUCT = re.compile(r"[xyz]{2,3}")
#: A run of letters that is a word among signs and figures too: a name, capitals, and what is counted (5 live, 2 left),
#: unless it is of letters that only variables have.
_NAMED = re.compile(r"[A-Z][a-z]{2,3}|[A-Z]{3,4}")
_CALLED = re.compile(r"(?<![A-Za-z])[A-Za-z]{3,4}(?=\()")
_COUNTED = re.compile(
    r"(?<=[0-9a-z] )(?!(?:[xyz]{2,3}|a?b?c?d?|[b-df-hj-np-tv-xz]{2,4}|[B-DF-HJ-NP-TV-XZ]{2})(?![A-Za-z]))[A-Za-z]{2,4}(?![A-Za-z])"
)
TEXTUAL = re.compile(r"\\(?:text|math)[a-z]{0,6}|\\ce(?=\{)|\\[,;:! ]|\\[mh]box|[{}$\"']|\\[()\[\]]")
_ELEMENTS = re.compile("[BCFHIKNOPSUVWY]{2}")  #: CO is no Co
#: That there is no solution.
NOTHING = re.compile(
    r"(?:none|(?:the )?(?:empty|null) set|(?:(?:there (?:is|are)|it has|has) )?no (?:(?:real|such) )?(?:solutions?|values?|roots?)(?: exists?)?"
    r"|нет ?(?:\w+ ?)?решений|решений ?нет|[无無]\w{0,3}解|解なし|keine (?:reelle )?lösung(?:en)?|(?:pas de|aucune) solution|(?:no hay|sin) soluci(?:ón|ones)) ?\.?",
    re.IGNORECASE,
)
#: Letters apart and together: ``n R T``, ``F = m a``.
_APART = re.compile(r"[^\W\d_](?:(?: (?![*=\\])| ?(?:\\cdot|\\times|[*=]) ?)[^\W\d_])+")
#: What is said of two segments, or of more: AB=CD says it in either order.
_SEGMENTS = re.compile(r"[A-Z]{2}(?:(?P<sign>=|\\(?:parallel|perp|cong) ?)[A-Z]{2})(?:(?P=sign)[A-Z]{2})*")
#: Short runs of letters that are words in every place.
_SMALL_WORDS = frozenset([
    "is", "in", "no", "if", "of", "to", "on", "at", "by", "or", "and", "the", "for", "not", "none", "yes", "all",
    "any", "both", "true", "false", "even", "odd", "never", "only",
])  # fmt: skip


def ordered(form: str) -> str | None:
    """The plain text of a form whose letters have an order: a chemical formula, a remainder, letters apart; else None.

    Points of an angle or a triangle too. A formula is of symbols of elements, with a number above 1 below one of them
    at least: ``P_1V_1`` is a product.
    """
    if match := _SEGMENTS.fullmatch(form):
        return match["sign"].join(sorted("".join(sorted(ab)) for ab in form.split(match["sign"])))
    upright = " ".join(UPRIGHT.sub(r" \1 " if "R" in form else r"\1", form).split())
    if match := _REMAINDER.fullmatch(upright):
        return f"{match[1]} remainder {match[2]}"
    if match := _ANGLE.fullmatch(form):
        return rf"\angle{min(match[1], match[3])}{match[2]}{max(match[1], match[3])}"
    if _SPELLED.fullmatch(upright) or _POINTS.fullmatch(form):
        return upright.replace(" ", "")
    tight = UPRIGHT.sub(r"\1", form).replace("{", "").replace("}", "")
    if r"\to" in tight:
        sides = [
            [part.strip() for part in re.split(r"\+(?![-+]|$)", side)]
            for side in re.sub(r"_|\((?:s|l|g|aq)\)", "", tight).split(r"\to")
        ]
        if all(_SPECIES.fullmatch(part) for side in sides for part in side) and any(
            c in form for c in "+23456789"
        ):
            return "->".join("+".join(sorted(side)) for side in sides)
    if _ISOTOPE.fullmatch(tight) or _SHELLS.fullmatch(tight):
        return tight.replace(" ", "")
    if _ION.fullmatch(charged := tight.replace("_", "").replace("^", "")):
        return charged
    if "_" in tight and _FORMULA.fullmatch(tight) and len(re.findall("[A-Z]", tight)) > 1:
        return tight.replace("_", "")
    return None


_SAME = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
_SYNONYMS = {text: meant for meant, texts in _SAME.items() for text in texts}


#: What is said to be something, or to have an end.
_SUBJECT = re.compile(
    r"^(?:(?:(?:it|this|that) (?:is|was|will be) (?!not\b)(?:(?:an?|on|in) )?|(?:an?|on|in) )(?=\w{3})|(?:it|(?:the )?(?:limit|series|integral|sequence|sum))(?: is)? (?=does not|diverge|converge|undefined$|infinite$))"
)
_REASON = re.compile(r" (?:because|since) (?!.*\b(?:wait|actually|instead|rather)\b).*")
_ECHO = re.compile(
    r"^(yes(?! .* not$)|no) (?:it|they|she|he|we|you|this|that|there) (?:is|are|does|do|can|will|has|have|was|were)(?: not)?$"
)


def is_same_text(a: str, b: str) -> bool:
    """Whether two folded texts differ by an article, a word that means the same, accents that one leaves out, or why a is so.

    A sentence that repeats yes or no says the same. Accents count in short words, and where both have some.
    """
    if not _REASON.search(b):
        a = _REASON.sub("", a)
    a, b = (_ECHO.sub(r"\1", _SUBJECT.sub("", text)) for text in (a, b))
    if _SYNONYMS.get(a, a) == _SYNONYMS.get(b, b):
        return True
    if a.isascii() == b.isascii() or min(len(a), len(b)) < 5:
        return False
    marked, plain = (b, a) if a.isascii() else (a, b)
    if re.search("[\u1e00-\u1eff]", marked):  # Vietnamese
        return False
    bare = "".join(c for c in unicodedata.normalize("NFD", marked) if not unicodedata.combining(c))
    return bare.replace("ł", "l").replace("ø", "o") == plain


def folded(bare: str) -> str:
    """The words of a plain text: case, stops, quotes, and blanks or hyphens between them do not matter."""
    points = re.sub(
        r"(?<=[A-Z0-9])'+(?![A-Za-z])",
        lambda m: "\u2032" * len(m[0]),
        re.sub(r"\^\{([^{}]*)\}", r"^\1", bare),
    )  # A'B is another line than AB
    found = re.sub(r"\b([ap])\.? ?m\.?(?=\W|$)", r"\1m", TEXTUAL.sub(" ", points).casefold())
    found = re.sub(r"(?<![^\W_])([a-z])\. ?(?=[a-z]\b)", r"\1", found)  # J. K. Rowling, U.S.A.
    found = re.sub(r"(?<!\d)[.,;:!?](?!\d)|(?<=\d)[.,;:!?](?!\d)", " ", found)
    bare = TEXTUAL.sub("", bare).strip()
    letters = bare.replace(".", "").removeprefix("the ")
    if _ELEMENTS.fullmatch(letters) and letters.lower() not in _SMALL_WORDS:
        return " ".join(letters.lower())
    if _APART.fullmatch(found := " ".join(found.split())):
        found = re.sub(r"\\cdot|\\times|[* ]", "", found)
    return " ".join(re.sub(r"(?<=\w)[-_](?=\w)", " ", found).split()).removeprefix("the ") or bare.casefold()


def spoken(form: str) -> str:
    """A form with a calculation in words as one in signs: ``5 squared``, ``3 over 4``; others as they are."""
    if not (match := _SPOKEN.fullmatch(form)):
        return form
    a, after, b, between, c, root = match.groups()
    if root:
        return rf"\sqrt{{{root}}}"
    return rf"({a}){_AFTER[after]}" if after else _BETWEEN[between].format(b, c)


def _is_spelled(run: str) -> bool:
    """Whether 3 or 4 letters are those of a word: with a vowel, and not in the order of the alphabet as in ``abx``."""
    return (
        len(run) > 2 and run.islower() and re.search("[aeiou]", run) is not None and list(run) != sorted(run)
    )


def words_in(form: str) -> list[str]:
    """Runs of letters that are not products of variables."""
    upright = [word for match in UPRIGHT.finditer(form) for word in re.findall(r"[^\W\d_]{2,}", match[1])]
    italic = _COMMAND.sub("@", UPRIGHT.sub("@", form))
    free, counted = _WORD.findall(italic), {*_COUNTED.findall(italic), *_CALLED.findall(italic)}
    has_sign = re.search(r"[-+*/^=<>0-9(|]|\\(?:cdot|frac|sqrt|log|ln|exp|sin|cos|tan)(?![a-z])", form)
    return upright + [
        word for word in free
        if not word.isascii() or len(word) > 4 or word.lower() in _SMALL_WORDS or word in counted or _NAMED.fullmatch(word)
        or _is_spelled(word) or not (has_sign or _PRODUCT.fullmatch(form))
    ]  # fmt: skip


def is_mathematics(form: str) -> bool:
    """Whether a form could be an expression: ASCII signs, balanced, no idle blank between numbers."""
    return (
        form.isascii()
        and re.search("[A-Za-z0-9]", form) is not None
        and not re.search(
            r"\d \d|[A-Za-z] ?\d|\d'|[<>?;#\"]|[A-Za-z]\.[A-Za-z]",
            re.sub(r"\\[a-zA-Z]+|_\{?\w+\}?", "@", form),
        )
    )
