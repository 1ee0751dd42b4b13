"""Sensitivity: what would the rates be with another threshold, fewer rollouts, or no event at all?

Belongs here: threshold-rule rates over a grid of thresholds and of n, and their noise floors. Does not
belong here: the published rates (:mod:`.pattern_rates`).

Fewer rollouts are had by drawing n of those that exist without replacement: what the experiment would
have shown with that n. The noise floors replace every curve by a new one of the same cuts and rollouts
whose true potential is known to hold no event: flat at the level of the trace, or never falling (its
isotonic fit). Guesses are potentials and no changes; a flat curve at their level holds them, so for them there is
no floor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from cot_assets.measures.estimates import CHANGES, FILTERS, GUESSES, PATTERNS, Labels, Row, estimates, row
from cot_assets.measures.frames import CURVE, EPSILON, IDENTITY, UNITS, checked_curves, measured_cuts
from cot_assets.statistics.clusters import NOTHING, Estimate
from cot_assets.statistics.effective_size import effective_sizes
from cot_assets.statistics.estimates import jeffreys_interval
from cot_assets.statistics.isotonic import isotonic_fit
from cot_assets.statistics.special import Floats, Numbers
from cot_assets.study import Protocol

Flags = npt.NDArray[np.bool_]
DRAWS = 50
SIZES = (16, 32, 64, 128, 256)
THRESHOLDS = tuple(round(0.05 * i, 2) for i in range(1, 17))  #: 0.05, 0.10, ... 0.80


def rate_sensitivity(curves: pl.DataFrame, lucky_guesses: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """Rates by the threshold rule over thresholds and n, with the rates that noise alone would give, as ``estimates``.

    Args:
        curves: see :mod:`cot_assets.measures.frames`.
        lucky_guesses: table of that name; it says at which cut a guess is looked for.
        protocol: gives ``solved_threshold``, the seed, and its thresholds, which join the grid.

    Returns:
        For each problem set, model and cut policy every pattern of :data:`~cot_assets.measures.estimates.PATTERNS`, trace filter, threshold and n
        (in the column ``size``: those of :data:`SIZES` below the most that a cut has, and that one; cuts with
        fewer rollouts keep what they have). ``share`` is the mean over draws of n rollouts; its interval is
        Jeffreys' at the effective sample size for clustering by problem, what one experiment of that n would
        state. ``noise_flat`` and ``noise_monotone`` are the mean rates of simulated curves that are flat, or that
        never fall; none for guesses, which such a curve holds too where its level is low. NULL without traces.

    Raises:
        ValueError: ``curves`` has a cut twice.
    """
    checked = checked_curves(curves)
    grids = _with_protocol(protocol)
    rows: list[Row] = []
    for values, unit in checked.sort(*UNITS, *CURVE, "cut_index").group_by(*UNITS, maintain_order=True):
        names = dict(zip(UNITS, values, strict=True))
        table = _Table(unit, lucky_guesses, protocol)
        most = int(table.n[table.is_later].max(initial=0)) or protocol.sampling.n
        for n in sorted({*(n for n in SIZES if n < most), most}):
            draws = table.draw(n, np.random.default_rng([protocol.sampling.seed, n]))
            for pattern, (own, thresholds) in grids.items():
                has = [_has(pattern, deciding[pattern], thresholds) for deciding in draws]
                for name, chosen in table.filters(pattern).items():
                    subset = [{**names, "trace_filter": name, "size": n, "threshold": at,
                               "rule": "threshold" if at == own else "varied"} for at in thresholds]  # fmt: skip
                    shown = [flags[..., chosen] for flags in has]
                    rows += _rates(pattern, shown, table.problems[chosen], subset)
    return estimates(rows, "sensitivity", protocol)


def _rates(
    pattern: str, has: list[Flags], problems: npt.NDArray[np.int64], subset: Sequence[Labels]
) -> Iterator[Row]:
    """Rows of every threshold. ``has``: flags (thresholds, draws, traces) of observed, flat and rising curves."""
    n, n_problems = len(problems), len(np.unique(problems))
    found = [NOTHING] * len(subset)
    if n:
        rate = has[0].mean(axis=(1, 2))
        order = np.argsort(problems, kind="stable")
        starts = np.flatnonzero(np.diff(problems[order], prepend=-1))
        hits = np.add.reduceat(has[0][..., order].astype(np.float64), starts, axis=-1)
        # What one experiment would state: the mean over draws, each taken by itself.
        size = effective_sizes(np.diff(starts, append=n).astype(np.float64), hits).mean(axis=1)
        # A rate of 1 must give exactly the size, or the interval would miss its end at 1 by rounding.
        low, high = jeffreys_interval(np.where(rate == 1, size, rate * size), size)
        found = [Estimate(*ends, n, n_problems) for ends in zip(rate, low, high, strict=True)]
    # A flat curve at the level of a guess holds the guess: no floor for these.
    noise = {} if pattern in GUESSES else dict(zip(("noise_flat", "noise_monotone"), has[1:], strict=True))
    for i, (labels, observed) in enumerate(zip(subset, found, strict=True)):
        yield row(pattern, "share", observed, "traces", "jeffreys", labels)
        for statistic, flags in noise.items():
            floor = (
                NOTHING._replace(mean=float(flags[i].mean()), n=n, n_clusters=n_problems) if n else NOTHING
            )
            yield row(pattern, statistic, floor, "traces", "none", labels)


class _Table:
    """Curves of one unit as arrays: known cuts in a row, with the trace that each belongs to."""

    def __init__(self, unit: pl.DataFrame, lucky_guesses: pl.DataFrame, protocol: Protocol) -> None:
        cuts = measured_cuts(unit)
        v0 = cuts.filter(pl.col("cut_index") == 0).select(*CURVE, v0="potential")
        self.traces = (
            unit.select(*IDENTITY, "verdict")
            .unique()
            .sort(*CURVE)
            .with_row_index("row")
            .join(v0, on=CURVE, how="left", maintain_order="left")
            .with_columns(is_solved_without_cot=pl.col("v0") >= protocol.analysis.solved_threshold - EPSILON)
        )
        self.problems: npt.NDArray[np.int64] = (
            self.traces["problem_id"].rank("dense").cast(pl.Int64).to_numpy()
        )
        known = (
            cuts.filter(pl.col("n").is_not_null())
            .join(self.traces.select(*CURVE, "row"), on=CURVE)
            .sort("row", "cut_index")
            .with_row_index("place")
        )
        self.trace: npt.NDArray[np.int64] = known["row"].cast(pl.Int64).to_numpy()
        index: npt.NDArray[np.int64] = known["cut_index"].cast(pl.Int64).to_numpy()
        self.k: Floats = known["n_correct"].to_numpy()
        self.n: npt.NDArray[np.int64] = known["n"].cast(pl.Int64).to_numpy()
        self.is_later = index > 0  # V0 may be known from more
        self.before = np.flatnonzero((np.diff(self.trace) == 0) & (np.diff(index) == 1))
        self.decidable = {name: np.zeros(self.traces.height, dtype=np.bool_) for name in PATTERNS}
        for name in CHANGES:
            self.decidable[name][self.trace[self.before]] = True
        judged = lucky_guesses.join(known.select(*CURVE, "cut_index", "place"), on=[*CURVE, "cut_index"])
        self.judged: dict[str, npt.NDArray[np.int64]] = {}  # the cut at which a guess is looked for
        for name in GUESSES:
            self.judged[name] = judged.filter(rule=name)["place"].cast(pl.Int64).to_numpy()
            self.decidable[name][self.trace[self.judged[name]]] = True

    def draw(self, n: int, rng: np.random.Generator) -> tuple[dict[str, Floats], ...]:
        """What decides each pattern, for curves as observed, flat, and never falling: (draws, traces)."""
        size = np.minimum(self.n, n)
        flat, rising = self._levels()
        is_whole = bool(np.all(self.n <= n))
        sources: tuple[tuple[int, Callable[[], Numbers]], ...] = (
            (1 if is_whole else DRAWS, lambda: self._thinned(size, rng)),
            (DRAWS, lambda: rng.binomial(size, flat)),
            (DRAWS, lambda: rng.binomial(size, rising)),
        )
        return tuple(
            self._deciding(np.stack([right() for _ in range(draws)]) / size) for draws, right in sources
        )

    def _thinned(self, size: npt.NDArray[np.int64], rng: np.random.Generator) -> Numbers:
        """Correct ones among ``size`` of the rollouts; of rollouts with weights, those that their shares would give."""
        if np.all(self.k % 1 == 0):
            k = self.k.astype(np.int64)
            return rng.hypergeometric(k, self.n - k, size)
        if np.all(size == self.n):
            return self.k
        return rng.binomial(size, self.k / self.n)

    def _levels(self) -> tuple[Floats, Floats]:
        """Per cut: the share of the whole trace, and the closest curve that never falls."""
        flat, rising = np.empty(len(self.k)), np.empty(len(self.k))
        starts = np.flatnonzero(np.diff(self.trace, prepend=-1))
        ends = np.append(starts[1:], len(self.k))[: len(starts)]  # none where no cut has rollouts
        for start, end in zip(starts, ends, strict=True):
            k, n = self.k[start:end], self.n[start:end]
            flat[start:end] = k.sum() / n.sum()
            rising[start:end] = np.clip(isotonic_fit(k, n), 0, 1)
        return flat, rising

    def _deciding(self, potential: Floats) -> dict[str, Floats]:
        """Largest rise, largest fall, or the potential at the judged cut; NaN where undecidable."""
        change = potential[:, self.before + 1] - potential[:, self.before]
        rise, fall = np.zeros((2, len(potential), self.traces.height))
        owner = self.trace[self.before]
        if len(owner):
            starts = np.flatnonzero(np.diff(owner, prepend=-1))
            rise[:, owner[starts]] = np.maximum(np.maximum.reduceat(change, starts, axis=1), 0)
            fall[:, owner[starts]] = np.maximum(-np.minimum.reduceat(change, starts, axis=1), 0)
        deciding = {"insight": rise, "tangent": fall, "monotone": fall}
        for name, place in self.judged.items():
            deciding[name] = np.full(rise.shape, np.nan)
            deciding[name][:, self.trace[place]] = potential[:, place]
        return deciding

    def filters(self, pattern: str) -> dict[str, npt.NDArray[np.bool_]]:
        """Traces of each filter for which the pattern is decidable."""
        masks = self.traces.select([expr.alias(name) for name, expr in FILTERS.items()])
        return {
            name: np.asarray(masks[name].fill_null(False).to_numpy(), dtype=np.bool_)
            & self.decidable[pattern]
            for name in FILTERS
        }


def _has(pattern: str, deciding: Floats, thresholds: tuple[float, ...]) -> Flags:
    """Flags (thresholds, draws, traces) from what decides (draws, traces)."""
    at = np.array(thresholds)[:, None, None]
    if pattern in ("insight", "tangent"):
        return deciding > at + EPSILON
    if pattern == "monotone":
        return deciding <= at + EPSILON
    return deciding < at - EPSILON


def _with_protocol(protocol: Protocol) -> Mapping[str, tuple[float, tuple[float, ...]]]:
    """By pattern the protocol's own threshold, and the grid that it joins."""
    own = {
        "insight": protocol.analysis.insight_threshold,
        "tangent": protocol.analysis.tangent_threshold,
        "monotone": protocol.analysis.monotone_tolerance,
        "late_spike": protocol.analysis.late_spike_threshold,
        "lucky_guess": protocol.analysis.guess_threshold,
    }
    return {name: (own[name], tuple(sorted({*THRESHOLDS, own[name]}))) for name in PATTERNS}
