"""Sensitivity: what would the rates be with another threshold, fewer rollouts, or no change at all?

Belongs here: threshold-rule rates over a grid of thresholds and of n, and their noise floor. Does not
belong here: the published rates (:mod:`.rates`).

Fewer rollouts are had by drawing n of those that exist without replacement: what the experiment would
have shown with that n. The noise floor replaces every pair of neighbouring cuts by two fresh samples of
their pooled share: the rate that noise alone would give to curves at these levels.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from cot_assets.config import Protocol
from cot_assets.potential.frames import (
    CURVE,
    EPSILON,
    IDENTITY,
    SENSITIVITY,
    UNITS,
    checked_curves,
    conform,
    measured_cuts,
)
from cot_assets.potential.rates import FILTERS
from cot_assets.potential.special import Floats

DRAWS = 50
SIZES = (16, 32, 64, 128, 256)
CHANGES = tuple(round(0.05 * i, 2) for i in range(1, 17))  #: 0.05, 0.10, ... 0.80
TOLERANCES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3)
BELOW = (0.02, 0.05, 0.1, 0.2)
GRIDS: Mapping[str, tuple[float, ...]] = {
    "insight": CHANGES,
    "tangent": CHANGES,
    "monotone": TOLERANCES,
    "late_spike": BELOW,
}


def rate_sensitivity(curves: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """Rates by the threshold rule over thresholds and n, with the rate that noise alone would give.

    Args:
        curves: see :mod:`cot_assets.potential.frames`.
        protocol: gives ``n``, ``solved_threshold``, the seed, and its thresholds, which join the grid.

    Returns:
        The columns of table ``sensitivity``: for each problem set, model and cut policy every pattern of
        :data:`GRIDS`, trace filter, threshold and n (those of :data:`SIZES` below the protocol's n, and
        that n itself; cuts with fewer rollouts keep what they have). ``rate`` is the mean over draws,
        ``rate_sd`` its standard deviation between draws (0 where nothing is left out); NULL without
        traces. ``noise_floor`` is NULL for late_spike, which no change of potential defines.

    Raises:
        ValueError: ``curves`` lacks a column or has a cut twice.
    """
    checked = checked_curves(curves)
    grids = _with_protocol(protocol)
    rows: list[dict[str, object]] = []
    for values, unit in checked.sort(*UNITS, *CURVE, "cut_index").group_by(*UNITS, maintain_order=True):
        base = dict(zip(UNITS, values, strict=True))
        table = _Table(unit, protocol)
        sizes = sorted({*(n for n in SIZES if n < protocol.n), protocol.n})
        for n in sizes:
            rng = np.random.default_rng([protocol.seed, n])
            is_whole = bool(np.all(table.n <= n))
            observed = _stacked(
                [table.extremes(table.thinned(n, rng)) for _ in range(1 if is_whole else DRAWS)]
            )
            noise = _stacked([table.noise(n, rng) for _ in range(DRAWS)])
            for pattern, thresholds in grids.items():
                for threshold in thresholds:
                    seen, floor = _has(pattern, observed, threshold), _has(pattern, noise, threshold)
                    for name, chosen in table.filters(pattern).items():
                        rates = seen[:, chosen].mean(axis=1) if chosen.any() else np.array([np.nan])
                        has_floor = chosen.any() and pattern != "late_spike"
                        rows.append(
                            {
                                **base,
                                "pattern": pattern,
                                "trace_filter": name,
                                "threshold": threshold,
                                "n": n,
                                "n_traces": int(chosen.sum()),
                                "rate": float(rates.mean()),
                                "rate_sd": float(rates.std()),
                                "noise_floor": float(floor[:, chosen].mean()) if has_floor else None,
                            }
                        )
    frame = pl.DataFrame(rows, schema=dict(SENSITIVITY))
    return conform(frame.with_columns(pl.col("rate", "rate_sd").fill_nan(None)), SENSITIVITY, protocol)


class _Table:
    """Curves of one unit as arrays: cuts in a row, with the trace that each belongs to."""

    def __init__(self, unit: pl.DataFrame, protocol: Protocol) -> None:
        cuts = measured_cuts(unit)
        v0 = cuts.filter(pl.col("cut_index") == 0).select(*CURVE, pl.col("potential").alias("v0"))
        last = cuts.group_by(*CURVE).agg(pl.col("cut_index").max(), pl.col("n").last().alias("n_last"))
        self.traces = (
            unit.select(*IDENTITY, "verdict")
            .unique()
            .sort(*CURVE)
            .with_row_index("row")
            .join(v0, on=CURVE, how="left")
            .join(last.select(*CURVE, "n_last"), on=CURVE, how="left", maintain_order="left")
            .with_columns(
                (pl.col("v0") >= protocol.solved_threshold - EPSILON).alias("is_solved_without_cot")
            )
            .sort("row")
        )
        cuts = cuts.join(self.traces.select(*CURVE, "row"), on=CURVE).sort("row", "cut_index")
        known = cuts.filter(pl.col("n").is_not_null())
        self.trace: npt.NDArray[np.int64] = known["row"].cast(pl.Int64).to_numpy()
        self.index: npt.NDArray[np.int64] = known["cut_index"].cast(pl.Int64).to_numpy()
        self.k: npt.NDArray[np.int64] = known["n_correct"].cast(pl.Int64).to_numpy()
        self.n: npt.NDArray[np.int64] = known["n"].cast(pl.Int64).to_numpy()
        is_pair = (np.diff(self.trace) == 0) & (np.diff(self.index) == 1)
        self.before = np.flatnonzero(is_pair)
        self.has_pair = np.zeros(self.traces.height, dtype=np.bool_)
        self.has_pair[self.trace[self.before]] = True

    def thinned(self, n: int, rng: np.random.Generator) -> Floats:
        """Potential of every cut from at most n of its rollouts."""
        size = np.minimum(self.n, n)
        return rng.hypergeometric(self.k, self.n - self.k, size) / size

    def noise(self, n: int, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
        """Largest rise and fall per trace when no pair changes; the last potential is not simulated."""
        i, j = self.before, self.before + 1
        pooled = (self.k[i] + self.k[j]) / (self.n[i] + self.n[j])
        sizes = np.minimum(self.n[i], n), np.minimum(self.n[j], n)
        before, after = (rng.binomial(size, pooled) / size for size in sizes)
        return (*self._largest(after - before), np.full(self.traces.height, np.nan))

    def extremes(self, potential: Floats) -> tuple[Floats, Floats, Floats]:
        """Largest rise, largest fall and last potential of every trace."""
        last = np.full(self.traces.height, np.nan)
        last[self.trace] = potential  # ascending, so the last cut of a trace stays
        return (*self._largest(potential[self.before + 1] - potential[self.before]), last)

    def filters(self, pattern: str) -> dict[str, npt.NDArray[np.bool_]]:
        """Traces of each filter for which the pattern is decidable."""
        if pattern == "late_spike":
            is_correct = self.traces.select((pl.col("verdict") == "correct").alias("is"))["is"].to_numpy()
            decidable = np.asarray(
                is_correct & self.traces["n_last"].is_not_null().to_numpy(), dtype=np.bool_
            )
        else:
            decidable = self.has_pair
        masks = self.traces.select([expr.alias(name) for name, expr in FILTERS.items()])
        return {
            name: np.asarray(masks[name].fill_null(False).to_numpy(), dtype=np.bool_) & decidable
            for name in FILTERS
        }

    def _largest(self, change: Floats) -> tuple[Floats, Floats]:
        rise, fall = np.zeros(self.traces.height), np.zeros(self.traces.height)
        owner = self.trace[self.before]
        np.maximum.at(rise, owner, change)
        np.maximum.at(fall, owner, -change)
        return rise, fall


def _stacked(draws: list[tuple[Floats, Floats, Floats]]) -> tuple[Floats, Floats, Floats]:
    """Extremes of all draws as arrays (draws, traces)."""
    rise, fall, last = (np.stack(values) for values in zip(*draws, strict=True))
    return rise, fall, last


def _has(pattern: str, extremes: tuple[Floats, Floats, Floats], threshold: float) -> npt.NDArray[np.bool_]:
    rise, fall, last = extremes
    if pattern == "insight":
        return rise > threshold + EPSILON
    if pattern == "tangent":
        return fall > threshold + EPSILON
    if pattern == "monotone":
        return fall <= threshold + EPSILON
    return last < threshold - EPSILON


def _with_protocol(protocol: Protocol) -> dict[str, tuple[float, ...]]:
    own = {
        "insight": protocol.insight_threshold,
        "tangent": protocol.tangent_threshold,
        "monotone": protocol.monotone_tolerance,
        "late_spike": protocol.late_spike_threshold,
    }
    return {name: tuple(sorted({*grid, own[name]})) for name, grid in GRIDS.items()}
