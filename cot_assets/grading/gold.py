"""Gold answers: read once, when a problem set loads, and refused where no answer could equal them.

Belongs here: the checks of a gold answer, and the kind that a problem set declares. Does not belong here:
reading itself (:mod:`.reading.answer`).
"""

from __future__ import annotations

import re
from dataclasses import replace

from cot_assets.grading.comparing.values import has_value
from cot_assets.grading.reading.answer import read
from cot_assets.grading.reading.kinds import Reading, UnreadableError

#: What marks an answer within a solution; an answer is read without it.
_PLACES = (r"\boxed", r"\fbox", "####")


#: What a cell holds that has no value, in several programs.
_MISSING = (
    "", "nan", "NaN", "NAN", "null", "Null", "NULL", "None", "n/a", "N/A", "NA", "<NA>", "NaT",
    "#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NUM!", "#NAME?",
)  # fmt: skip
#: An operator without what it is for.
_INCOMPLETE = re.compile(r"(?:(?<!\^)[-+]|[=<>,/*_^])$|^[,/*_^]|,,|\\frac\{\}|\{\}$")


def _is_broken(reading: Reading) -> bool:
    """Whether an expression has no value anywhere, such as 1/0, or is not complete, such as ``2^{`` and ``x=``."""
    if reading.number or reading.kind not in ("expression", "quantity"):
        return False
    brackets = re.sub(r"\\[{}]|[^()\[\]{}]", "", reading.form)
    is_open = len(re.findall(r"[(\[{]", brackets)) * 2 != len(brackets)
    return is_open or _INCOMPLETE.search(reading.form) is not None or not has_value(reading.form)


def read_gold(text: str, answer_kind: str) -> Reading:
    """The reading of a gold answer.

    Raises:
        UnreadableError: It can be met by no answer, or is not of the declared kind; the message says why
            and what to do.
    """
    stripped = text.strip()
    if stripped in _MISSING and answer_kind != "text":
        raise UnreadableError(
            f"{stripped!r} stands for a missing value; give the answer, or leave the row out"
        )
    has_lines = len([line for line in stripped.splitlines() if line.strip()]) > 1 and r"\begin" not in text
    reading = read(text, answer_kind) if not has_lines else None
    if reading is None or any(mark in str(reading) for mark in _PLACES):
        what = "several lines" if reading is None else "an answer within, in a box or behind ####"
        raise UnreadableError(
            f'it has {what}; give the answer alone, or say where it is: gold_rules = ["hash"] or ["boxed"]'
        )
    if reading.form == r"\ldots" or any(_is_broken(part) for part in (reading, *reading.items)):
        raise UnreadableError("it has no value, or brackets without an end; mend it")
    wanted = {"integer": ("number",), "interval": ("region", "pair"), "tuple": ("tuple", "pair"), "quantity": ("quantity", "number"),
              "set": ("set", "list"), "list": ("list",), "multiple_choice": ("letter",), "expression": ()}.get(answer_kind, (answer_kind,))  # fmt: skip
    if answer_kind in ("list", "set") and reading.kind not in ("list", "set"):
        reading = Reading("set" if answer_kind == "set" else "list", reading.form, items=(reading,))
    if wanted and reading.kind not in wanted:
        raise UnreadableError(
            f"it reads as {reading.kind}, not as {answer_kind}; mend it, or declare another answer_kind"
        )
    if answer_kind == "integer" and not (reading.number and reading.number.is_integer):
        raise UnreadableError("it is not an integer; set answer_kind to 'expression'")
    if answer_kind == "set":
        return replace(reading, kind="set")
    if reading.kind == "pair" and answer_kind in ("interval", "tuple"):
        return replace(reading, kind="region" if answer_kind == "interval" else "tuple")
    return reading
