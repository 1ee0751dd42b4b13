"""What the grader says of one pair.

Belongs here: the types that every judge returns. Does not belong here: any judge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

GradeVerdict = Literal["correct", "incorrect", "unscored"]
Pair = tuple[str, str, str]  #: answer, what it is judged by, answer kind


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and how it was reached, or why it could not be.

    ``unit``: only one of the two has this unit, so ``correct`` holds for problems that name it; see
    :func:`cot_assets.grading.verify.settled`. ``illegal_move``: the number of the first move of a list that breaks a
    rule, from 1 on.
    """

    verdict: GradeVerdict
    reason: str
    unit: str | None = None
    illegal_move: int | None = None
