r"""What can be measured of the text of a step, for a reader who judges whether it explains a rise.

Belongs here: length, calculations, self-checks and stated answers between neighboring measured cuts. Does
not belong here: which steps are insights (:mod:`.steps`), and whether a person can
explain one: no rule decides that.

Every sign is found once in the whole trace and belongs to the step in which it ends, so a cut within a
word or a number neither hides nor invents one. Searches look at a bounded window around each sign: the time
is linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from cot_assets.grading.text.statements import statement_ends
from cot_assets.measures.frames import CURVE

_WINDOW = 80  #: characters of the line looked at on either side of a relation sign
_RELATION = re.compile(r"(?<![<>=!])=(?!=)|[≈≡]|\\(?:approx|equiv)(?![a-zA-Z])")
_DIGIT = re.compile(r"[0-9]")
_OPERATION = re.compile(
    r"[0-9)\]}a-zA-Z!]\s{0,3}(?:[-+*/^×·÷−%]|\\(?:times|cdot|div|pmod|bmod)(?![a-zA-Z])|mod\b)\s{0,3}[-−({\[\\0-9a-zA-Z]"
    r"|\\(?:[dtc]?frac|sqrt|binom)(?![a-zA-Z])|√|[0-9)]!"
)
_SELF_CHECK = re.compile(
    r"\b(?:wait|hmm+|hold on|on second thought|(?:double|re)[- ]?check(?:s|ed|ing)?|check(?:s|ed|ing)?"
    r"|verif(?:y|ies|ied|ying|ication)|mistake[ns]?|let me re[- ]?(?:think|consider|do|calculate|compute|read)"
    r"|is (?:that|this) (?:right|correct))\b",
    re.IGNORECASE | re.ASCII,
)


def calculation_ends(text: str) -> list[int]:
    """Where equalities between numbers end: a digit on both sides, an operation on at least one.

    An end is that of the first digit right of the sign, so the step that writes the result has it.
    """
    ends: list[int] = []
    for sign in _RELATION.finditer(text):
        left = text[max(0, sign.start() - _WINDOW) : sign.start()].rpartition("\n")[2]
        right = text[sign.end() : sign.end() + _WINDOW].partition("\n")[0]
        digit = _DIGIT.search(right)
        if digit and _DIGIT.search(left) and (_OPERATION.search(left) or _OPERATION.search(right)):
            ends.append(sign.end() + digit.end())
    return ends


def self_check_ends(text: str) -> list[int]:
    """Where words end by which a text doubts or checks itself, such as ``wait`` or ``double-check``."""
    return [match.end() for match in _SELF_CHECK.finditer(text)]


def find_signs(pairs: pl.DataFrame, checked: pl.DataFrame, problems: pl.DataFrame) -> pl.DataFrame:
    """The columns that table ``steps`` has of the text, a row for each pair, insight or not.

    The other steps are there to compare with: four insights in five may calculate
    something, but so may four steps in five.

    Args:
        pairs: from :func:`cot_assets.measures.frames.neighboring_pairs`.
        checked: from :func:`cot_assets.measures.frames.checked_curves`, the same curves.
        problems: columns problem_id, gold_answer and answer_kind.
    """
    stated = checked.select(*CURVE, "cut_index", "states_answer")
    after = stated.select(*CURVE, pl.col("cut_index") - 1, after="states_answer")
    key = [*CURVE, "cut_index"]
    steps = (
        pairs.select(*CURVE, "problem_id", "cut_index", "char_start", "char_end", "text")
        .join(stated, on=key, how="left", maintain_order="left")
        .join(after, on=key, how="left", maintain_order="left")
        .join(
            problems.select("problem_id", "gold_answer", "answer_kind"),
            on="problem_id",
            how="left",
            maintain_order="left",
        )
    )
    signs: dict[str, list[npt.NDArray[np.bool_]]] = {name: [] for name in _SIGNS}
    for _, group in steps.group_by(*CURVE, maintain_order=True):
        text, gold, kind = (group[name][0] for name in ("text", "gold_answer", "answer_kind"))
        found = (
            calculation_ends(text),
            self_check_ends(text),
            statement_ends(text, gold, kind) if gold else [],
        )
        starts, ends = group["char_start"].to_numpy(), group["char_end"].to_numpy()
        for name, places in zip(_SIGNS, found, strict=True):
            signs[name].append(_has_any(places, starts, ends))
    return steps.select(
        *(
            pl.Series(name, np.concatenate(parts) if parts else [], dtype=pl.Boolean)
            for name, parts in signs.items()
        ),
        has_first_answer=pl.col("after") & ~pl.col("states_answer"),
    )


_SIGNS = ("is_calculation", "is_self_check", "has_gold_answer")


def _has_any(
    places: Sequence[int], starts: npt.NDArray[np.integer], ends: npt.NDArray[np.integer]
) -> npt.NDArray[np.bool_]:
    """Whether a place lies in (start, end], for every span."""
    order = np.sort(np.asarray(places, dtype=np.int64))
    return np.searchsorted(order, ends, "right") > np.searchsorted(order, starts, "right")
