"""Sensitivity: what would the rates be with another threshold, fewer rollouts, or no event at all?

Belongs here: threshold-rule rates over a grid of thresholds and of n, and their noise floors. Does not
belong here: the published rates (:mod:`.rates`).

Fewer rollouts are had by drawing n of those that exist without replacement: what the experiment would
have shown with that n. The noise floors replace every curve by a new one of the same cuts and rollouts
whose true potential is known to hold no event: flat at the level of the trace, or never falling (its
isotonic fit). Guesses are potentials and no changes; a flat curve at their level holds them, so for them there is
no floor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from cot_assets.measures.frames import (
    CURVE,
    EPSILON,
    IDENTITY,
    SENSITIVITY,
    UNITS,
    checked_curves,
    conform,
    measured_cuts,
)
from cot_assets.measures.rates.pattern_rates import FILTERS
from cot_assets.statistics.clusters import effective_sample_size
from cot_assets.statistics.estimates import jeffreys_interval
from cot_assets.statistics.isotonic import isotonic_fit
from cot_assets.statistics.special import Floats
from cot_assets.study import Protocol

DRAWS = 50
SIZES = (16, 32, 64, 128, 256)
THRESHOLDS = tuple(round(0.05 * i, 2) for i in range(1, 17))  #: 0.05, 0.10, ... 0.80
PATTERNS = ("insight", "tangent", "monotone", "late_spike", "lucky_guess")
GUESSES = ("late_spike", "lucky_guess")


def rate_sensitivity(curves: pl.DataFrame, lucky_guesses: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """Rates by the threshold rule over thresholds and n, with the rates that noise alone would give.

    Args:
        curves: see :mod:`cot_assets.measures.frames`.
        lucky_guesses: table of that name; it says at which cut a guess is looked for.
        protocol: gives ``solved_threshold``, the seed, and its thresholds, which join the grid.

    Returns:
        The columns of table ``sensitivity``: for each problem set, model and cut policy every pattern of
        :data:`PATTERNS`, trace filter, threshold and n (those of :data:`SIZES` below the most that
        a cut has, and that one; cuts with fewer rollouts keep what they have). ``rate`` is the mean over draws of n
        rollouts; its interval is Jeffreys' at the effective sample size for clustering by problem, what one
        experiment of that n would state. ``noise_flat`` and ``noise_monotone`` are the mean rates of simulated curves
        that are flat, or that never fall; NULL for guesses, which such a curve holds too where its level is
        low. NULL without traces.

    Raises:
        ValueError: ``curves`` lacks a column or has a cut twice.
    """
    checked = checked_curves(curves)
    grids = _with_protocol(protocol)
    rows: list[dict[str, object]] = []
    for values, unit in checked.sort(*UNITS, *CURVE, "cut_index").group_by(*UNITS, maintain_order=True):
        base = dict(zip(UNITS, values, strict=True))
        table = _Table(unit, lucky_guesses, protocol)
        most = int(table.n.max(initial=0)) or protocol.n
        for n in sorted({*(n for n in SIZES if n < most), most}):
            observed, flat, rising = table.draw(n, np.random.default_rng([protocol.seed, n]))
            for pattern, (own, thresholds) in grids.items():
                filters, is_change = table.filters(pattern), pattern not in GUESSES
                for threshold in thresholds:
                    has, is_flat, is_rising = (
                        _has(pattern, draws[pattern], threshold) for draws in (observed, flat, rising)
                    )
                    for name, chosen in filters.items():
                        rows.append(
                            {
                                **base,
                                "pattern": pattern,
                                "trace_filter": name,
                                "threshold": threshold,
                                "is_in_use": threshold == own,
                                "n": n,
                                "n_traces": int(chosen.sum()),
                                "n_problems": len(np.unique(table.problems[chosen])),
                                "n_eff": _size(has[:, chosen], table.problems[chosen]),
                                "rate": _mean(has[:, chosen]),
                                # A flat curve at the level of a guess holds the guess: no floor for these.
                                "noise_flat": _mean(is_flat[:, chosen]) if is_change else None,
                                "noise_monotone": _mean(is_rising[:, chosen]) if is_change else None,
                            }
                        )
    schema = {**SENSITIVITY, "n_eff": pl.Float64}
    frame = pl.DataFrame(rows, schema=schema)
    rate, size = frame["rate"].to_numpy(), frame["n_eff"].to_numpy()
    # A rate of 1 must give exactly the size, or the interval would miss its end at 1 by rounding.
    low, high = jeffreys_interval(np.where(rate == 1, size, np.nan_to_num(rate * size)), size)
    frame = frame.with_columns(
        pl.Series("ci_low", low, dtype=pl.Float64), pl.Series("ci_high", high, dtype=pl.Float64)
    )
    return conform(frame.with_columns(pl.col(pl.Float64).fill_nan(None)), SENSITIVITY, protocol)


class _Table:
    """Curves of one unit as arrays: known cuts in a row, with the trace that each belongs to."""

    def __init__(self, unit: pl.DataFrame, lucky_guesses: pl.DataFrame, protocol: Protocol) -> None:
        cuts = measured_cuts(unit)
        v0 = cuts.filter(pl.col("cut_index") == 0).select(*CURVE, pl.col("potential").alias("v0"))
        self.traces = (
            unit.select(*IDENTITY, "verdict")
            .unique()
            .sort(*CURVE)
            .with_row_index("row")
            .join(v0, on=CURVE, how="left", maintain_order="left")
            .with_columns(
                (pl.col("v0") >= protocol.solved_threshold - EPSILON).alias("is_solved_without_cot")
            )
        )
        self.problems: npt.NDArray[np.object_] = self.traces["problem_id"].to_numpy()
        known = (
            cuts.filter(pl.col("n").is_not_null())
            .join(self.traces.select(*CURVE, "row"), on=CURVE)
            .sort("row", "cut_index")
            .with_row_index("place")
        )
        self.trace: npt.NDArray[np.int64] = known["row"].cast(pl.Int64).to_numpy()
        index: npt.NDArray[np.int64] = known["cut_index"].cast(pl.Int64).to_numpy()
        self.k: npt.NDArray[np.int64] = known["n_correct"].cast(pl.Int64).to_numpy()
        self.n: npt.NDArray[np.int64] = known["n"].cast(pl.Int64).to_numpy()
        self.before = np.flatnonzero((np.diff(self.trace) == 0) & (np.diff(index) == 1))
        self.decidable = {name: np.zeros(self.traces.height, dtype=np.bool_) for name in PATTERNS}
        for name in ("insight", "tangent", "monotone"):
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
        sources: tuple[tuple[int, Callable[[], npt.NDArray[np.int64]]], ...] = (
            (1 if is_whole else DRAWS, lambda: rng.hypergeometric(self.k, self.n - self.k, size)),
            (DRAWS, lambda: rng.binomial(size, flat)),
            (DRAWS, lambda: rng.binomial(size, rising)),
        )
        return tuple(
            self._deciding(np.stack([right() for _ in range(draws)]) / size) for draws, right in sources
        )

    def _levels(self) -> tuple[Floats, Floats]:
        """Per cut: the share of the whole trace, and the closest curve that never falls."""
        flat, rising = np.empty(len(self.k)), np.empty(len(self.k))
        starts = np.flatnonzero(np.diff(self.trace, prepend=-1))
        for start, end in zip(starts, [*starts[1:], len(self.k)], strict=True):
            k, n = self.k[start:end], self.n[start:end]
            flat[start:end] = k.sum() / n.sum()
            rising[start:end] = np.clip(isotonic_fit(k, n), 0, 1)
        return flat, rising

    def _deciding(self, potential: Floats) -> dict[str, Floats]:
        """Largest rise, largest fall, or the potential at the judged cut; NaN where undecidable."""
        draws = np.arange(len(potential))[:, None]
        change = potential[:, self.before + 1] - potential[:, self.before]
        rise, fall = np.zeros((2, len(potential), self.traces.height))
        owner = self.trace[self.before][None, :]
        np.maximum.at(rise, (draws, owner), change)
        np.maximum.at(fall, (draws, owner), -change)
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


def _has(pattern: str, deciding: Floats, threshold: float) -> npt.NDArray[np.bool_]:
    if pattern in ("insight", "tangent"):
        return deciding > threshold + EPSILON
    if pattern == "monotone":
        return deciding <= threshold + EPSILON
    return deciding < threshold - EPSILON


def _mean(has: npt.NDArray[np.bool_]) -> float:
    return float(has.mean()) if has.size else float("nan")


def _size(has: npt.NDArray[np.bool_], problems: npt.NDArray[np.object_]) -> float:
    """Effective sample size of one experiment: the mean over draws, each (draws, traces) taken by itself."""
    distinct, times = np.unique(has, axis=0, return_counts=True)
    return float(np.average([effective_sample_size(row, problems) for row in distinct], weights=times))


def _with_protocol(protocol: Protocol) -> Mapping[str, tuple[float, tuple[float, ...]]]:
    """By pattern the protocol's own threshold, and the grid that it joins."""
    own = {
        "insight": protocol.insight_threshold,
        "tangent": protocol.tangent_threshold,
        "monotone": protocol.monotone_tolerance,
        "late_spike": protocol.late_spike_threshold,
        "lucky_guess": protocol.guess_threshold,
    }
    return {name: (own[name], tuple(sorted({*THRESHOLDS, own[name]}))) for name in PATTERNS}
