"""Steps: how the potential changes between neighboring measured cuts, and how sure that is.

Belongs here: the judgement of every pair of a partition by itself and under the law fitted to all of them. Does
not belong here: the law (:mod:`cot_assets.statistics.change_law`), the signs in the text (:mod:`.text_signs`) and
judgements of whole traces (:mod:`.whole_traces`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from cot_assets.measures.frames import CURVE, EPSILON, UNITS, pair_counts
from cot_assets.statistics.change_law import (
    CELL,
    CENTERS,
    ChangePrior,
    change_likelihoods,
    confirm,
    fit_change_prior,
    posterior_masses,
    probability_beyond,
)
from cot_assets.statistics.estimates import Direction, delta_interval, probability_change_beyond
from cot_assets.study import Protocol

LISTED_FROM = 0.5  #: a pair below the threshold is an event all the same from this probability (sql/views)
_WIDE = round(0.1 / CELL)  # cells of the grid in a published one


class Pattern(NamedTuple):
    """A change beyond a threshold, and the name that its columns begin with."""

    name: Literal["insight", "tangent"]
    direction: Direction
    threshold: float


def patterns_of(protocol: Protocol) -> tuple[Pattern, Pattern]:
    """Insight and tangent with the protocol's thresholds."""
    return (
        Pattern("insight", "rise", protocol.analysis.insight_threshold),
        Pattern("tangent", "drop", protocol.analysis.tangent_threshold),
    )


def judge_steps(
    pairs: pl.DataFrame, cuts: pl.DataFrame, protocol: Protocol
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Every pair with its judgement, and the law of changes of every problem set, model and cut policy.

    Confirmation holds for the events of such a unit together: at most 5% of them are expected to be false.

    Args:
        pairs: from :func:`cot_assets.measures.frames.neighboring_pairs`.
        cuts: from :func:`cot_assets.measures.frames.measured_cuts`, of the same curves.
        protocol: gives both thresholds and, for ``recovery_tokens``, ``monotone_tolerance``.

    Returns:
        The pairs with the columns that table ``steps`` has of numbers, and the rows of ``change_priors``.
    """
    counts = pair_counts(pairs)
    columns = {"delta_fitted": np.zeros(pairs.height)}
    flags: dict[str, npt.NDArray[np.bool_]] = {}
    patterns = patterns_of(protocol)
    for name, direction, threshold in patterns:
        sign = 1 if direction == "rise" else -1
        flags[f"is_{name}"] = sign * pairs["delta"].to_numpy() > threshold + EPSILON
        flags[f"is_{name}_confirmed"] = np.zeros(pairs.height, dtype=np.bool_)
        columns[f"{name}_probability"] = probability_change_beyond(*counts, threshold, direction)
        columns[f"{name}_fitted"] = np.zeros(pairs.height)
    likelihoods = change_likelihoods(*counts)
    laws: list[dict[str, object]] = []
    for unit, rows in _units(pairs):
        own = likelihoods[rows]
        prior = fit_change_prior(own)
        laws.extend({**unit, **cell} for cell in _cells(prior))
        columns["delta_fitted"][rows] = posterior_masses(own, prior)[:, 1:] @ CENTERS
        for name, direction, threshold in patterns:
            fitted = probability_beyond(own, prior, threshold, direction)
            columns[f"{name}_fitted"][rows] = fitted
            flags[f"is_{name}_confirmed"][rows] = confirm(fitted)
    steps = pairs.with_columns(
        *(pl.Series(name, values, dtype=pl.Float64) for name, values in columns.items()),
        *(pl.Series(name, values, dtype=pl.Boolean) for name, values in flags.items()),
        *(pl.lit(pattern.threshold).alias(f"{pattern.name}_threshold") for pattern in patterns),
    )
    steps = _with_intervals(steps)
    return _with_recovery(steps, cuts, protocol.analysis.monotone_tolerance), pl.DataFrame(laws)


def _with_intervals(steps: pl.DataFrame) -> pl.DataFrame:
    """Intervals of the change of events; those of other pairs would take most of the time and are not shown."""
    key, events = [*CURVE, "cut_index"], steps.filter(_is_event("insight") | _is_event("tangent"))
    low, high = delta_interval(*pair_counts(events))
    found = events.select(*key, pl.Series("delta_low", low), pl.Series("delta_high", high))
    return steps.join(found, on=key, how="left", maintain_order="left")


def _is_event(name: str) -> pl.Expr:
    """Whether the view of the pattern lists a pair."""
    is_probable = pl.col(f"{name}_probability") >= LISTED_FROM
    return pl.col(f"is_{name}") | pl.col(f"is_{name}_confirmed") | is_probable


def _with_recovery(steps: pl.DataFrame, cuts: pl.DataFrame, tolerance: float) -> pl.DataFrame:
    """``recovery_tokens`` of tangents: to the first later cut that is back within the tolerance."""
    tangents = steps.filter(_is_event("tangent"))
    later = cuts.select(
        *CURVE, pl.col("cut_index").alias("later"), pl.col("token_end").alias("back_at"), "potential"
    )
    back = pl.col("potential_before") - tolerance - EPSILON
    recovered = (
        tangents.select(*CURVE, "cut_index", "token_end", "potential_before")
        .join(later, on=CURVE)
        .filter((pl.col("later") > pl.col("cut_index") + 1) & (pl.col("potential") >= back))
        .group_by(*CURVE, "cut_index")
        .agg(recovery_tokens=(pl.col("back_at") - pl.col("token_end")).min())
    )
    return steps.join(recovered, on=[*CURVE, "cut_index"], how="left", maintain_order="left")


def _units(pairs: pl.DataFrame) -> Iterator[tuple[dict[str, object], npt.NDArray[np.int64]]]:
    """Every problem set, model and cut policy, with its row numbers."""
    numbered = pairs.select(*UNITS).with_row_index("row")
    for *names, rows in numbered.group_by(*UNITS, maintain_order=True).agg("row").iter_rows():
        yield dict(zip(UNITS, names, strict=True)), np.asarray(rows, dtype=np.int64)


def _cells(prior: ChangePrior) -> Iterator[dict[str, object]]:
    """No change (from 0 to 0) and the cells of width 0.1, with the mass of each."""
    masses: list[float] = prior.cells.reshape(-1, _WIDE).sum(axis=1).tolist()
    edges = [round(-1 + 0.1 * i, 2) for i in range(len(masses) + 1)]
    for low, high, mass in [(0.0, 0.0, prior.at_zero), *zip(edges[:-1], edges[1:], masses, strict=True)]:
        yield {"n_pairs": prior.n_pairs, "change_low": low, "change_high": high, "mass": mass}
