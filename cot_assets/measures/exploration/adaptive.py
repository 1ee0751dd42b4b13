"""Adaptive sampling: where on a trace to look next, and what to confirm in the end.

Belongs here: the search on one trace, a pure function of counts. Does not belong here: sampling and grading
(the asset ``completions``), and what is published (only confirmation rollouts are).

The search goes from coarse to fine. A block of rollouts is drawn at every coarse cut; an interval between two
neighboring explored cuts is split in the middle while its ends differ by more than an event may, so a place
is found in logarithmically many steps; where that is neither likely nor excluded, more rollouts are drawn at
the ends first. What is found this way is chosen for being large, so its own rollouts overstate it, and
stopping when it looks large biases it further: exploration only decides *where*. Both ends of every
candidate and all coarse cuts are then sampled afresh with the protocol's fixed n.

A rise that is undone within the same coarse interval is not seen: the coarse grid bounds what can be missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from cot_assets.statistics.estimates import probability_change_beyond
from cot_assets.study import BLOCK_SIZE, Protocol

Ints = npt.NDArray[np.int64]


class Search:
    """The search on one trace; holds no counts, so it can be asked again after an interruption.

    Args:
        n_positions: Positions at which the trace may be cut, in order; all below are indices of them.
        coarse: Those of the protocol's grid, ascending, position 0 first.
        protocol: Gives the thresholds and the settings of the search.

    Raises:
        ValueError: ``coarse`` is empty, unordered, or names a position that is not there.
    """

    def __init__(self, n_positions: int, coarse: Sequence[int], protocol: Protocol) -> None:
        self.coarse = np.asarray(coarse, dtype=np.int64)
        if not len(coarse) or coarse[0] or (np.diff(self.coarse) <= 0).any() or coarse[-1] >= n_positions:
            raise ValueError(
                f"coarse cuts {list(coarse)} are not ascending positions from 0 among {n_positions}"
            )
        self._n_positions, self._protocol = n_positions, protocol

    def wanted(self, asked: Sequence[int], n: Sequence[int], k: Sequence[int]) -> dict[int, int]:
        """Further exploration rollouts by position; empty when the search is over.

        Args:
            asked: Exploration rollouts drawn so far at every position.
            n: Those among them that were scored.
            k: Those among them that were correct.
        """
        settings = self._protocol.sampling.adaptive
        drawn = self._checked(asked)
        if (new := self.coarse[drawn[self.coarse] == 0]).size:
            return {int(position): settings.first for position in new}
        left, right, plausible = self._intervals(drawn, n, k)
        more: dict[int, int] = {}
        for a, b, p in zip(left.tolist(), right.tolist(), plausible, strict=True):
            if p < settings.plausible or (b - a == 1 and p >= settings.likely):
                continue
            fewest = min(drawn[a], drawn[b])
            if p < settings.likely and fewest < settings.most:
                more |= {i: BLOCK_SIZE for i in (a, b) if drawn[i] == fewest}
            elif b - a > 1:
                more[(a + b) // 2] = settings.first
        return more

    def to_confirm(self, asked: Sequence[int], n: Sequence[int], k: Sequence[int]) -> list[int]:
        """Positions to sample afresh: the coarse cuts and both ends of every candidate, ascending.

        A candidate is a pair of neighboring positions between which an event is plausible.
        """
        left, right, plausible = self._intervals(self._checked(asked), n, k)
        is_candidate = (right - left == 1) & (plausible >= self._protocol.sampling.adaptive.plausible)
        ends = np.concatenate([self.coarse, left[is_candidate], right[is_candidate]])
        return np.unique(ends).tolist()

    def _checked(self, asked: Sequence[int]) -> Ints:
        if len(asked) != self._n_positions:
            raise ValueError(f"counts of {len(asked)} positions were given, there are {self._n_positions}")
        return np.asarray(asked, dtype=np.int64)

    def _intervals(
        self, drawn: Ints, n: Sequence[int], k: Sequence[int]
    ) -> tuple[Ints, Ints, npt.NDArray[np.float64]]:
        """Neighboring explored positions, with the probability that an event lies between them.

        The ends of an interval of several positions may differ by less than an event within it, where the
        rest of the interval goes the other way: ``slack`` is taken off the thresholds there.
        """
        at = np.flatnonzero(drawn)
        left, right = at[:-1], at[1:]
        slack, protocol = self._protocol.sampling.adaptive.slack, self._protocol
        plausible = [
            _event_probability(
                (k[a], n[a], k[b], n[b]),
                protocol.analysis.insight_threshold - (slack if b - a > 1 else 0.0),
                protocol.analysis.tangent_threshold - (slack if b - a > 1 else 0.0),
            )
            for a, b in zip(left.tolist(), right.tolist(), strict=True)
        ]
        return left, right, np.array(plausible)


@lru_cache(maxsize=1 << 16)
def _event_probability(counts: tuple[int, int, int, int], rise: float, drop: float) -> float:
    """Posterior probability of a change beyond either threshold; 0 where a count is unknown.

    The same few counts return in every round of every trace, so each is integrated once.
    """
    found = (
        probability_change_beyond(*counts, rise, "rise"),
        probability_change_beyond(*counts, drop, "drop"),
    )
    return float(np.nan_to_num(np.maximum(*found)))
