r"""Matrices and vectors in an environment of LaTeX.

Belongs here: rows, cells, and a factor in front. Does not belong here: a vector in brackets (:mod:`.answer`).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from cot_assets.grading.reading.kinds import Kind, Reading
from cot_assets.grading.reading.terms import is_term

_MATRIX = re.compile(r"([^&]*?)\\begin\{((?:[pbBvV]|small)?matrix\*?|array)\}(?:\{[clr|]*\})?(.*)\\end\{\2\}")


_CASES = re.compile(r"\\begin\{cases\}((?:(?!\\begin).)*)\\end\{cases\}")
_IF = re.compile(r"(?<=&)\s?\\text\{ ?(?:if|for|when)(?: (?=[^}]))?\}?")


def _rows(body: str) -> list[str]:
    rows = re.split(r"\\\\(?:\[[^\]]*\])?|\\cr(?![a-z])", body.replace(r"\hline", ""))
    return [row for row in rows if row.strip()]


def read_matrix(form: str, item: Callable[[str], Reading]) -> Reading | None:
    """A matrix, multiplied by a factor in front of it, or the rows of cases as a list; None for anything else. ``item`` reads a cell."""
    if (
        re.fullmatch(r"[\[(]\\begin\{(array|(?:small)?matrix)\}.*\\end\{\1\}[\])]", form)
        and form.count(r"\begin") == 1
    ):
        form = form[1:-1]
    if match := _CASES.fullmatch(form):
        rows = [[cell.strip(" ,;.") for cell in _IF.sub("", row).split("&")] for row in _rows(match[1])]
        cases = (
            item(row[0]) if len(row) == 1 else Reading("tuple", "&".join(row), items=tuple(map(item, row)))
            for row in rows
        )
        return Reading("list", form, items=tuple(cases), signs=(",",))
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
