"""The demo's problem set, drawn from the side of the corpus that no demo model was trained on.

Belongs here: which problems, how many, in which order. Does not belong here: the families and their
answers (:mod:`cot_assets.demo.families`).
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from cot_assets.demo.families import FAMILIES, LEVELS, Problem, make_problem
from cot_assets.problems.sources import ProblemSetError

MAX_DRAWS = 2000  #: draws for one more distinct problem before the cell counts as exhausted


def demo_problems(generator: Mapping[str, Any], seed: int) -> list[tuple[str, Problem]]:
    """Draw distinct problems that are held out from training.

    Every family and level has its own random stream, so asking for more problems keeps those that were
    there; only a statement that two levels share (the ranges of levels overlap) goes to the lower one.

    Args:
        generator: ``{"per_cell": [a, b, c, d]}``: problems per family at levels 1 to 4.
        seed: Seed of all streams.

    Returns:
        (id, problem) by family and level; ids read ``power-3-1``: family, level, number from 1.

    Raises:
        ProblemSetError: ``generator`` is malformed, or a cell has too few problems.
    """
    counts = _per_cell(generator)
    drawn: list[tuple[str, Problem]] = []
    taken: set[str] = set()
    for family in FAMILIES:
        for level, count in zip(LEVELS, counts, strict=True):
            cell = _draw(family, level, count, seed, taken)
            drawn += [(f"{family}-{level}-{i}", problem) for i, problem in enumerate(cell, start=1)]
    return drawn


def _per_cell(generator: Mapping[str, Any]) -> list[int]:
    counts = generator.get("per_cell")
    well_formed = (
        set(generator) == {"per_cell"}
        and isinstance(counts, (list, tuple))
        and len(counts) == len(LEVELS)
        and all(type(count) is int and count >= 0 for count in counts)
        and sum(counts) > 0
    )
    if not well_formed:
        raise ProblemSetError(
            f"generated:demo: generator = {dict(generator)!r}; write {{ per_cell = [1, 1, 2, 2] }}: problems "
            "per family at levels 1 to 4, not all 0"
        )
    return list(counts)  # type: ignore[arg-type]


def _draw(family: str, level: int, count: int, seed: int, taken: set[str]) -> list[Problem]:
    """``count`` problems of a cell whose statements are not in ``taken``, which they are added to."""
    rng = random.Random(f"{seed}/{family}/{level}")  # noqa: S311 - not for secrets
    cell: list[Problem] = []
    draws = 0
    while len(cell) < count:
        problem = make_problem(family, level, rng, held_out=True)
        draws += 1
        if problem.statement not in taken:
            taken.add(problem.statement)
            cell.append(problem)
            draws = 0
        elif draws == MAX_DRAWS:
            raise ProblemSetError(
                f"generated:demo: family {family!r} has only about {len(cell)} problems at level {level}, "
                f"{count} were asked for; lower per_cell"
            )
    return cell
