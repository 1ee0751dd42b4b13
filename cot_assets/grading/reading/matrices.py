r"""Matrices and vectors in an environment of LaTeX.

Belongs here: rows, cells, and a factor in front. Does not belong here: a vector in brackets (:mod:`.answer`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from cot_assets.grading.comparing.values import UndecidedError, constant, is_same
from cot_assets.grading.reading.kinds import Kind, Reading
from cot_assets.grading.reading.terms import NotATermError, is_term
from cot_assets.grading.text.splitting import TOKEN

_MATRIX = re.compile(r"([^&]*?)\\begin\{((?:[pbBvV]|small)?matrix|array)\}(?:\{[clr|]*\})?(.*)\\end\{\2\}")


ROWS: tuple[Kind, ...] = ("tuple", "region", "pair")  #: what a row in brackets is read as
#: A column, with a sign below that no choice of so many has.
COLUMN = re.compile(r"\\binom\{((?:[^{}]|\{[^{}]*\})*)\}\{((?:[^{}]|\{[^{}]*\})*)\}")
_MARKED = re.compile(
    r"\\(?:hat|vec|text)\{(\\(?:hat|vec)\{)?\\?([ijk])(?:math)?\}(?(1)\})"
)  #: as a unit vector
_CASES = re.compile(r"\\begin\{(cases|align(?:ed)?|gather(?:ed)?)\}((?:(?!\\begin).)*)\\end\{\1\}")
_TRANSPOSED = re.compile(r"(.*\\end\{\w+\}[)\]]?)\^\{?(?:T|\\top|\\text\{T\})\}?")
_IF = re.compile(r"(?<=&)\s?\\text\{ ?(?:if|for|when)(?: (?=[^}]))?\}?")


def _rows(body: str) -> list[str]:
    rows = re.split(r"\\\\(?:\[[^\]]*\])?|\\cr(?![a-z])", body.replace(r"\hline", ""))
    return [row for row in rows if row.strip()]


def read_vector(form: str, item: Callable[[str], Reading]) -> Reading | None:
    r"""``2i - j`` as the tuple of its parts, those of ``\\hat{i}`` too; None for what is no sum of unit vectors."""
    tokens = TOKEN.findall(_MARKED.sub(r" \2", form))
    names = ("i", "j", "k")[: 2 + ("k" in tokens)]
    parts = ["".join(f"({int(t == n)})" if t in names else t for t in tokens) for n in names]
    nothing, twice = ("".join(f"({n})" if t in names else t for t in tokens) for n in (0, 2))
    try:
        if "j" not in tokens or not is_same(nothing, "0") or not is_same(twice, f"2({'+'.join(parts)})"):
            return None
    except (NotATermError, UndecidedError):
        return None
    items = (item(part if (value := constant(part)) is None else str(value)) for part in parts)
    return Reading("tuple", form, items=tuple(items))


def is_rows(items: tuple[Reading, ...]) -> bool:
    """Whether the parts of a bracket are rows: of one length, each in a bracket of its own."""
    return all(item.kind in ROWS for item in items) and len({len(item.items) for item in items}) == 1


def of_rows(reading: Reading) -> Reading:
    """A collection of rows as the matrix that it is."""
    return replace(reading, kind="matrix", items=tuple(replace(row, kind="tuple") for row in reading.items))


def read_matrix(form: str, item: Callable[[str], Reading]) -> Reading | None:
    """A matrix, multiplied by a factor in front of it, or the rows of cases as a list; None for anything else. ``item`` reads a cell."""
    if (
        (match := _TRANSPOSED.fullmatch(form))
        and (inner := read_matrix(match[1], item))
        and is_rows(inner.items)
    ):
        columns = zip(*(row.items for row in inner.items), strict=True)
        rows = (Reading("tuple", "&".join(cell.form for cell in cells), items=cells) for cells in columns)
        return replace(inner, form=form, items=tuple(rows))
    if (
        re.fullmatch(r"[\[(]\\begin\{(array|(?:small)?matrix)\}.*\\end\{\1\}[\])]", form)
        and form.count(r"\begin") == 1
    ):
        form = form[1:-1]
    if (match := COLUMN.fullmatch(form)) and match[2].startswith("-"):
        return Reading("tuple", form, items=tuple(map(item, match.groups())))
    if _MARKED.search(form) and (vector := read_vector(form, item)):
        return vector
    if match := _CASES.fullmatch(form):
        body = (
            match[2] if match[1] == "cases" else re.sub(r"(?:\\\\)?\s*&?\s*=", "=", match[2]).replace("&", "")
        )
        rows = [[cell.strip(" ,;.") for cell in _IF.sub("", row).split("&")] for row in _rows(body)]
        cases = tuple(
            item(row[0]) if len(row) == 1 else Reading("tuple", "&".join(row), items=tuple(map(item, row)))
            for row in rows
        )
        return cases[0] if len(cases) == 1 else Reading("list", form, items=cases, signs=(",",))
    if not (match := _MATRIX.fullmatch(form)):
        return None
    factor, name, body = match.groups()
    cells = [[cell.strip() for cell in row.split("&")] for row in _rows(body)]
    if factor:
        factor += "1" * (factor in ("+", "-"))
        if not is_term(factor):
            return None
        cells = [[f"({factor})({cell})" for cell in row] for row in cells]
    items = tuple(Reading("tuple", "&".join(row), items=tuple(map(item, row))) for row in cells)
    kind: Kind = "expression" if name in ("vmatrix", "Vmatrix") else "matrix"
    return Reading(kind, f"\\begin{{{name}}}{body}\\end{{{name}}}", items=items if kind == "matrix" else ())
