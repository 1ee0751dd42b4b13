"""The cuts of a fine curve that make the 21-point grid.

Belongs here: which of the published cuts are nearest to the grid. Does not belong here: their rows
(:mod:`cot_assets.importing.frames`).
"""

from __future__ import annotations

from collections.abc import Sequence

from cot_assets.importing.base import Cut

GRID_STEPS = 20  #: the grid has a point at every 1/20 of a trace: 0, 5%, ..., 95%, and the end


def grid_cuts(cuts: Sequence[Cut], n_tokens: int) -> list[int]:
    """Indices of the cuts nearest to 0, 5%, ..., 95% of a trace, distinct and ascending.

    The first is always the empty prefix. Elsewhere the nearest cut with a known potential is taken if it
    lies within half a step of the grid; else the nearest cut, so that a gap stays a gap.
    """
    chosen = [0]
    step = n_tokens / GRID_STEPS
    known = [i for i, cut in enumerate(cuts) if (cut.counts.n or 0) > 0]
    for point in range(1, GRID_STEPS):
        target = point * step

        def distance(i: int, target: float = target) -> float:
            return abs(cuts[i].token_end - target)

        nearest = min(known, key=distance, default=None)
        if nearest is None or distance(nearest) > step / 2:
            nearest = min(range(len(cuts)), key=distance)
        if nearest > chosen[-1]:
            chosen.append(nearest)
    return chosen
