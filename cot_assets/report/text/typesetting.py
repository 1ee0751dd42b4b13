r"""Foreign text as its writer meant it to look: formulas in LaTeX as MathML, which browsers typeset, and Markdown's emphasis.

Belongs here: finding formulas between their delimiters, and what of a foreign formula a page may hold. Does not belong
here: reading answers, which the grader does; lists, tables and links of Markdown, which stay as they were written.

The converter passes text and attributes through as they are (``\text{<script>}``, ``\href{javascript:…}``), so its tree
is written again here: elements and attributes of a list, everything else escaped or dropped. What it may have
misunderstood is not typeset at all.
"""

from __future__ import annotations

import html
import re
from functools import lru_cache
from xml.etree.ElementTree import Element

from markupsafe import Markup, escape

#: Longest formula, deepest nesting and most pieces of a text that are typeset; the rest stays as it was written.
_MOST_CHARACTERS, _DEEPEST, _MOST_PIECES = 600, 12, 2000

_PIECE = re.compile(
    r"""\\\((?P<round>[^\n]{1,600}?)\\\) | \\\[(?P<square>.{1,600}?)\\\] | \$\$(?P<display>[^$]{1,600})\$\$
      | (?<![\\$\w])\$(?P<dollar>(?=[^\s$])[^$\n]{1,600}?(?<=[^\s\\$]))\$(?![\d$])
      | (?<![\w*])\*\*(?P<strong>(?=[^\s*])[^*\n$\\]{1,200}(?<=[^\s*]))\*\*(?![\w*]) | ^\#{1,6}[ ](?P<heading>[^\n$\\]{1,200})$""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
#: Between single dollars is a formula, not two prices, if it has one of these or is one name.
_MATHEMATICAL = re.compile(r"[\\^_={}<>+]|^\S{1,3}$")
_TAGS = frozenset(
    ["math", "mrow", "mi", "mn", "mo", "mtext", "mfrac", "msqrt", "mroot", "msub", "msup", "msubsup", "munder", "mover",
     "munderover", "mtable", "mtr", "mtd", "mstyle", "mspace", "menclose"]
)  # fmt: skip
_ATTRIBUTES = {
    "display": r"block|inline", "displaystyle": r"true|false", "stretchy": r"true|false", "accent": r"true|false",
    "fence": r"true|false", "form": r"prefix|infix|postfix", "scriptlevel": r"[+-]?[0-3]", "linethickness": r"0|0px|0em",
    "columnalign": r"[a-z ]{1,80}", "notation": r"[a-z ]{1,40}", "mathvariant": r"[a-z-]{1,40}",
    "width": r"0?\.\d{1,4}em|[12]em", "minsize": r"[\d.]{1,5}em", "maxsize": r"[\d.]{1,5}em",
}  # fmt: skip


def typeset(text: str) -> list[tuple[str, Markup | None]]:
    """The text piece by piece, each formula and emphasis with its markup; None where a piece is plain text.

    The pieces make up the text. A formula that is too long, too deeply nested, not balanced, or that uses a command that
    the converter does not know, is not taken apart from its text.

    Args:
        text: Text as it is shown, see :func:`~cot_assets.report.text.visible`.
    """
    pieces: list[tuple[str, Markup | None]] = []
    done = 0
    for match in _PIECE.finditer(text):
        kind = match.lastgroup or ""
        body = match[kind]
        if kind == "dollar" and not _MATHEMATICAL.search(body):
            continue
        if kind in ("strong", "heading"):
            markup = Markup("<b>{}</b>").format(body.strip("* "))
        else:
            markup = mathml(body.strip(), is_block=kind in ("square", "display"))
        if markup is not None:
            pieces += [(text[done : match.start()], None), (match[0], markup)]
            done = match.end()
        if len(pieces) == 2 * _MOST_PIECES:
            break
    return [piece for piece in (*pieces, (text[done:], None)) if piece[0]]


@lru_cache(maxsize=4096)
def mathml(formula: str, *, is_block: bool = False) -> Markup | None:
    """A formula as MathML; None where it cannot be had, or where it may not be what was meant."""
    from latex2mathml.converter import convert_to_element

    if not _is_sound(formula):
        return None
    try:
        tree = convert_to_element(formula, display="block" if is_block else "inline")
        return _written(tree)
    except Exception:  # noqa: BLE001 - a foreign parser on foreign text; the text is shown as it is
        return None


def _is_sound(formula: str) -> bool:
    """Whether the formula is short, flat and balanced, so that the converter cannot lose a part of it."""
    if not 0 < len(formula) <= _MOST_CHARACTERS:
        return False
    depth = 0
    for brace in re.findall(r"\\.|[{}]", formula, re.DOTALL):
        depth += {"{": 1, "}": -1}.get(brace, 0)
        if not 0 <= depth <= _DEEPEST:
            return False
    return depth == 0 and formula.count(r"\left") - formula.count(r"\leftarrow") <= _DEEPEST


def _written(element: Element) -> Markup:
    """The element as text.

    Raises:
        ValueError: It holds a command that the converter did not know.
    """
    inside = html.unescape(element.text or "")
    if inside.startswith("\\") and element.tag != "mtext":
        raise ValueError(f"{inside} is not known")
    tag = element.tag if element.tag in _TAGS else "mrow"
    known = {
        name: value
        for name, value in element.attrib.items()
        if name in _ATTRIBUTES and re.fullmatch(_ATTRIBUTES[name], value)
    }
    head = Markup().join(Markup(' {}="{}"').format(name, value) for name, value in known.items())
    return Markup("<{0}{1}>{2}{3}</{0}>").format(
        tag, head, escape(inside), Markup().join(_written(child) for child in element)
    )
