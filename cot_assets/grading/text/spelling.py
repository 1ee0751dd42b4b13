"""One spelling for the many ways in which an answer can be written.

Belongs here: pure functions on short strings, without any computation: cleaning, and a canonical LaTeX form.
Does not belong here: what an answer means (:mod:`..reading.answer`).

Callers cap lengths at :data:`MAX_ANSWER_CHARS`; white space is collapsed before any other rule, so every
pattern below runs in time that is linear, or nearly so, in a string of that length.
"""

from __future__ import annotations

import html
import re
import tomllib
import unicodedata
from functools import partial
from pathlib import Path

from cot_assets.grading.text.announced import announced
from cot_assets.grading.text.grouping import SPACED_GROUPS, ungrouped
from cot_assets.grading.text.splitting import depths

MAX_ANSWER_CHARS = 4096  #: nothing longer is an answer; below Python's limit on digits of an int
MAX_JUDGED_CHARS = 65_536  #: of moves, boards and programs, which nothing here reads

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ", "0123456789-+n")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_TABLE = tomllib.loads(Path(__file__).with_name("signs.toml").read_text(encoding="utf-8"))
#: Full-width ASCII, and signs that have a command.
_UNICODE = str.maketrans({chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)} | _TABLE["signs"])
_GREEK = {c: unicodedata.name(c).split()[-1].replace("LAMDA", "LAMBDA") for c in "αβγδεζηθκλνξπρστφχψωΓΘΛΦΨ"}
_ROOT = re.compile(r"([√∛∜]) ?(\d+(?:\.\d+)?)")  #: of all the figures behind the sign
#: Such a letter that is not one of a Greek word.
_GREEK_LETTER = re.compile(rf"(?<![\u0370-\u03ff])[{''.join(_GREEK)}](?![\u0370-\u03ff])")
_ENTITY = re.compile(r"&(?:[A-Za-z][A-Za-z0-9]{1,7}|#[0-9]{1,6}|#x[0-9A-Fa-f]{1,5});")
#: Letters and figures in other shapes: mathematical bold and italic ones, circled ones, and units in one character.
_SHAPED = re.compile("[\U0001d400-\U0001d7ff\u2160-\u217f\u2460-\u24ff]")
_UNIT_SIGN = re.compile("[\u3371-\u33df℃℉]")
_FRACTION = re.compile("[¼-¾⅐-⅞]|[⁰¹²³⁴-⁹]+⁄[₀-₉]+")
_in_ascii = partial(unicodedata.normalize, "NFKC")
#: What changes how an answer looks and not what it says: commands of TeX, and an environment of one row.
_LOOKS = re.compile(
    r"\\(?:underline|uline|emph|bm|pmb|ensuremath|mathop|textcircled)(?![a-zA-Z])(?=\s?[{\\])"
    r"|\\(?:text)?color\s?(?:\[\w*\])?\s?\{[\w!]*\}|\\(?:tag\*?|label|[hv]space\*?|[hv]?phantom)\s?\{[^{}]*\}"
    r"|\\(?:tiny|scriptsize|footnotesize|small|normalsize|large|Large|LARGE|huge|Huge|nonumber|notag)(?![a-zA-Z])\s?"
)
_ONE_ROW = re.compile(
    r"\\begin\s?\{((?:aligned|align|equation|gathered|gather|split)\*?)\}((?:(?!\\\\|\\(?:end|begin)).)*)(?:\\\\\s?)?\\end\s?\{\1\}"
)
#: "Answer:" and "The final answer is" in front of an answer, upright or not.
_ANSWER_IS = re.compile(
    r"(\\text\w*\s?\{)?\s?(?:the )?(?:final |correct )?answer(?: is:?|:)\s?(?(1)(\})?)\s?(?=[^\s}])",
    re.IGNORECASE,
)
_STOPS = ".,;:。．｡،؛।॥۔、။၊"  #: what ends a sentence, in several scripts
_WRAPPERS = (
    ("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"), ("**", "**"), ("`", "`"), ('"', '"'), ("'", "'"), ("「", "」"), ("『", "』"), ("«", "»"), ("„", '"'), (r"\boxed{", "}"), (r"\fbox{", "}"), ("{", "}"),
)  # fmt: skip
#: ``\\`` is listed first so that the break of a matrix row is never read as the start of a command.
_COMMAND = re.compile(
    r"\\\\"
    r"|\\(?P<space>[,;:> ]|quad(?![a-zA-Z])|qquad(?![a-zA-Z]))"
    r"|\\(?P<nothing>!\s?|\$|(?:left|right|[bB]igg?[lr]?|displaystyle|textstyle|limits)(?![a-zA-Z]))\.?"
    r"|\\(?P<frac>[dtcs]frac|nicefrac)(?![a-zA-Z])"
    r"|\\(?P<text>text(?:bf|it|rm|sf|sc|tt|normal)?|ce|math(?:rm|bf|it|sf|tt|cal|frak)|boldsymbol|operatorname|mbox|hbox)\s?(?=\{)"
    r"|\\(?P<times>times|cdot|ast)(?![a-zA-Z])"
    r"|\\(?P<rename>[a-zA-Z]+)"
)
_FIXED = {"space": " ", "frac": r"\frac", "text": r"\text"}
_AND_OR = re.compile(
    r" ?[,;]? ?(?:\\text\{ ?(?:and|or|或者?|且) ?\}|(?<![A-Za-z\\])(?:and|or)(?![A-Za-z])|(?<=[0-9a-z)}\]]) ?(?:或者?|または|且| или)(?= ?[-0-9a-z(\\])) ?"
)
_DEGREES = re.compile(r" ?\^ ?(?:\{ ?\\circ ?\}|\\circ(?![a-zA-Z]))")
_TEMPERATURE = re.compile(rf"(?:{_DEGREES.pattern}|(?<=\d )deg(?:rees?)?\.?) ?(?:\\text\{{)? ?([CF])\b ?\}}?")
_TRIG = re.compile(r"\\(?:(?:arc)?(?:sin|cos|tan|cot|sec|csc)|cis)(?![a-zA-Z])")
_WORD_COMMANDS = re.compile(
    r"(?<![\\A-Za-z])(sqrt|pi|[Ii]nfinity|infty|inf|theta|arcsin|arccos|arctan|sin|cos|tan|cot|(?<!\d )sec|csc|ln|log|exp|(?:max|min)(?=\(|\\?\{))(?![A-Za-z])"
)
_ARGUMENTS = (
    (re.compile(r"(?<=[)\]]) ?U ?(?=[(\[])"), r"\\cup "),
    (re.compile(r"(?<=[a-z]) in (?=[(\[])"), r"\\in "),
    (re.compile(r"\\log ?_ ?(?:\{e\}|e(?![A-Za-z]))"), r"\\ln "),
    (re.compile(r"\\lg(?![A-Za-z])"), r"\\log_{10}"),
    (re.compile(r"(?:\{ ?|^)([\w+-]+) ?\\choose ?([\w+-]+)(?: ?\}|$)"), r"\\binom{\1}{\2}"),
    (
        re.compile(
            r"(?<![\w})\]])(?:\{ ?\})?(?:\^|_) ?\{?(\w+)\}? ?\\?(?:text\{)?C\}? ?_ ?(?:\{(\w+)\}|(\w))(?!\w)"
        ),
        r"\\binom{\1}{\2\3}",
    ),
    (re.compile(r"\\(vec|hat) ([A-Za-z])(?![A-Za-z])"), r"\\\1{\2}"),
    (re.compile(r"(\\in) ?([NZQR])(?![A-Za-z])"), r"\1\\mathbb{\2}"),
    (re.compile(r"^<([^<>=]*,[^<>=]*)>$"), r"\\langle \1\\rangle "),
    (re.compile(r"\\text\{ ?cis ?\}|(?<![A-Za-z\\])cis(?![A-Za-z])"), r"\\cis "),
    (re.compile(r"\\frac ?(\d) ?(\d)"), r"\\frac{\1}{\2}"),
    (re.compile(r"\\frac ?(\d) ?\{"), r"\\frac{\1}{"),
    (re.compile(r"\\frac ?(\{[^{}]*\}) ?(\d)"), r"\\frac\1{\2}"),
    (re.compile(r"\\sqrt(\[\w+\])? ?(\d|[a-zA-Z](?![a-zA-Z]))"), r"\\sqrt\1{\2}"),
    (re.compile(r"\\mathbb ?([A-Z])(?![A-Za-z])"), r"\\mathbb{\1}"),
)
_POWER_OF_TEN = re.compile(r"(?<=\d) ?[xX] ?(?=10 ?(?:\^|\*\*))")
#: What is named by points, whose order tells.
_POINTS = re.compile(
    r"(\\(?:angle|triangle|overline|overrightarrow|vec|widehat) ?\{?)([A-Z](?: [A-Z])+)(?![A-Za-z])"
)
#: A name with primes, which is another name, written as one with a subscript: computer algebra would drop them.
_PRIMED = re.compile(
    r"((?<![A-Za-z\\])[A-Za-z]|\\[A-Za-z]+)(?:_(\w)|_\{(\w+)\})? ?((?:'|\^ ?\{?(?:\\prime ?)+\}?)+)(?![A-Za-z])"
)
_SPACE = re.compile(r" (?![A-Za-z0-9])|(?<![A-Za-z0-9]) ")
_SHORT_BRACES = re.compile(r"([\^_])\{([A-Za-z0-9])\}(?![0-9])")
_BARE_POINT = re.compile(r"(?<![0-9])\.(?=[0-9])")
_PERCENT = re.compile(r"\\?%")
_SUPERSCRIPT_RUN = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ]+")
_SUBSCRIPT_RUN = re.compile("[₀₁₂₃₄₅₆₇₈₉]+")
_TYPED = re.compile(r"(?<![<>=])([<>])=(?![=>])|(?<= )!=(?= )|-{1,2}>")  #: relations in ASCII


def clean(text: str) -> str:
    """The text without control and invisible characters, white space collapsed and stripped.

    Lone surrogates, which no file can hold, become U+FFFD.
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    kept = (
        " " if c.isspace() else "�" if "\ud800" <= c <= "\udfff" else c
        for c in text
        if c.isspace() or unicodedata.category(c) not in ("Cc", "Cf")
    )
    return " ".join("".join(kept).split())


def plain(text: str) -> str:
    """The text in composed characters, with ASCII digits and signs, out of its wrappers, without a final stop."""
    text = clean(text)
    if "&" in text:
        text = clean(_ENTITY.sub(lambda match: html.unescape(match[0]), text))
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
        text = _FRACTION.sub(lambda m: r"\frac{{{}}}{{{}}}".format(*_in_ascii(m[0]).split("⁄")), text)
        text = _SUPERSCRIPT_RUN.sub(lambda m: f"^{{{m[0].translate(_SUPERSCRIPTS)}}}", text)
        text = _SUBSCRIPT_RUN.sub(lambda m: f"_{{{m[0].translate(_SUBSCRIPTS)}}}", text)
        text = _UNIT_SIGN.sub(lambda m: " " + re.sub(r"(?<=m)(?=[23]$)", "^", _in_ascii(m[0])), text)
        text = _SHAPED.sub(lambda m: _in_ascii(m[0]), text)
        text = _ROOT.sub(r"\1{\2}", text)
        text = text.translate(_UNICODE)
        text = _GREEK_LETTER.sub(
            lambda m: f"\\{_GREEK[m[0]].lower() if m[0].islower() else _GREEK[m[0]].capitalize()} ", text
        )
        text = "".join(str(unicodedata.digit(c)) if c.isdecimal() else c for c in text)
    if r"\begin" not in text:
        text = re.sub(r" \\?& ", " and ", text).replace("approx. ", "approx ")
        text = re.sub(r"\\\\(?=[a-zA-Z({\[$%])", lambda _: "\\", text)  # escaped twice, as in JSON
    if "\\" in text:
        text = _LOOKS.sub("", _ONE_ROW.sub(lambda m: m[2].replace("&", ""), text))
        text = re.sub(r"(\\(?:begin|end)\{[a-z]+)\*", r"\1", text)
        text = text.strip() if r"\begin" in text else re.sub(r"(?:\\\\\s?)+$", "", text).strip()
    text = _unwrapped(text)
    if match := _ANSWER_IS.match(text):
        text = _unwrapped((match[1] if match[1] and not match[2] else "") + text[match.end() :])
    elif other := announced(text):
        text = _unwrapped(other)
    if text.endswith(("!", "?")) or not text:
        return text
    bare = text.rstrip(_STOPS + " ")
    # "..." and "\," are not stops: the first says that a list goes on.
    return text if text.endswith("...") or bare.endswith("\\") else _unwrapped(bare)


def canonical(text: str) -> str:
    r"""A LaTeX form that is the same for many spellings of one expression.

    Fractions ``\frac{p}{q}``, products ``\cdot``, "and" as ``\land``, "or" as ``\lor``; no sizes, dollar signs,
    wrappers, signs that group digits, or idle spaces. Nothing is computed: ``2/4`` and ``1/2`` stay apart.
    """
    text = _POWER_OF_TEN.sub(r"\\times ", ungrouped(plain(text)).replace("...", r"\ldots "))
    text = _TEMPERATURE.sub(r"\\text{deg\1}", _COMMAND.sub(_replace_command, text).replace("$", ""))
    text = _calls_to_braces(text.replace("**", "^"))
    text = _WORD_COMMANDS.sub(lambda m: "\\infty" if m[1][1:3] == "nf" else "\\" + m[1], text)
    text = (
        re.sub(r"(?:negative|minus) (?=\\infty)", "-", text).replace("*", r"\cdot ").replace("+/-", r"\pm ")
    )
    text = _TYPED.sub(
        lambda m: {"<": r"\leq ", ">": r"\geq "}.get(m[1], r"\neq " if m[0] == "!=" else r"\to "), text
    )
    for pattern, replacement in _ARGUMENTS:
        text = pattern.sub(replacement, text)
    text = _AND_OR.sub(lambda m: r"\land " if re.search("and|且", m[0]) else r"\lor ", text)
    text = re.sub(r"(\\l(?:and|or) )\}", r"}\1", text)
    if not _TRIG.search(text):
        text = _DEGREES.sub("", text)  # an angle in degrees is written with or without the sign
    text = " ".join(text.split()).strip("~ ").rstrip(".,;: ").replace("~", " ")
    text = SPACED_GROUPS.sub(lambda m: m[0].replace(" ", ""), text)
    text = _SPACE.sub("", text).removeprefix(r"\approx").removeprefix(r"\sim").removeprefix("=")
    text = _BARE_POINT.sub("0.", _SHORT_BRACES.sub(r"\1\2", text))
    text = _PRIMED.sub(_primed, text)
    text = _POINTS.sub(lambda m: m[1] + m[2].replace(" ", ""), text)
    text = re.sub(r"^\\?% ?(\d[\d.]*)$", r"\1%", text)  # as it is written in Turkish and in Arabic
    return _unparenthesised(_PERCENT.sub(r"\\%", text))


def _primed(match: re.Match[str]) -> str:
    n = match[4].count("'") + match[4].count("prime")
    return f"{match[1]}_{{{match[2] or match[3] or ''}0{'0' * n}}}"


def _replace_command(match: re.Match[str]) -> str:
    if (fixed := _FIXED.get(match.lastgroup or "")) is not None:
        return fixed
    if match["nothing"] is not None:
        # The dot of \right. is part of the command; a dot after anything else is not.
        keeps_dot = match[0].endswith(".") and match["nothing"] not in ("left", "right")
        return "." if keeps_dot else ""
    if match["times"] and not (match["times"] == "times" and r"\vec" in match.string):
        return r"\cdot "
    return _TABLE["commands"].get(match["rename"], match[0]) if match["rename"] else match[0]


def _unwrapped(text: str) -> str:
    for _ in range(8):
        for opening, closing in _WRAPPERS:
            inner = text[len(opening) : len(text) - len(closing)]
            if (
                len(text) > len(opening) + len(closing)
                and text.startswith(opening)
                and text.endswith(closing)
                and not text.endswith("\\" + closing)
                and _is_balanced(inner)
                and opening not in inner
                and not (opening == "{" and re.search(r"[,;]", inner))
            ):
                text = inner.strip()
                break
        else:
            return text
    return text


def _is_balanced(text: str) -> bool:
    open_braces = depths(re.findall(r"\\.|[{}]", text), "{", "}")
    return min(open_braces) >= 0 and open_braces[-1] == 0


def _pairs(text: str) -> dict[int, int]:
    """Position of every matched ``(`` or ``[``, to that of its ``)`` or ``]`` (half-open pairs too)."""
    stack: list[int] = []
    pairs: dict[int, int] = {}
    for i, c in enumerate(text):
        if c in "([":
            stack.append(i)
        elif c in ")]" and stack:
            pairs[stack.pop()] = i
    return pairs


def _calls_to_braces(text: str) -> str:
    """``sqrt(x)`` and ``^(x)`` with braces in place of the parentheses."""
    if "(" not in text:
        return text
    characters = list(text)
    for opening, closing in _pairs(text).items():
        if (
            text[opening] == "("
            and text[closing] == ")"
            and text[:opening].rstrip().endswith(("sqrt", "sqrt[3]", "^"))
        ):
            characters[opening], characters[closing] = "{", "}"
    return "".join(characters)


def _unparenthesised(text: str) -> str:
    """Without parentheses around the whole, unless they make a tuple or an interval."""
    while text.startswith("(") and text.endswith(")"):
        pairs = _pairs(text)
        if pairs.get(0) != len(text) - 1 or re.search("[,;]", text) or not text[1:-1].strip():
            return text
        text = text[1:-1].strip()
    return text
