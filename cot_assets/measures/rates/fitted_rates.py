"""Rates with the sampling noise removed: shares of traces expected to have a pattern, and how often steps really change.

Belongs here: chances per trace and per step from the law fitted to all changes. Does not belong here: the law
(:mod:`cot_assets.statistics.change_law`), and the rates of traces that a rule calls (:mod:`.pattern_rates`).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from cot_assets.measures.estimates import CHANGES, FILTERS, Labels, Row, Unit, estimates, row
from cot_assets.measures.frames import COUNTS, CURVE, UNITS, pair_counts, reals
from cot_assets.statistics.change_law import (
    CENTERS,
    ChangePrior,
    change_likelihoods,
    converged_change_prior,
    fit_change_prior,
    posterior_masses,
    probability_beyond,
)
from cot_assets.statistics.clusters import jackknifed_shares
from cot_assets.statistics.special import Floats
from cot_assets.study import Protocol


def fitted_rates(traces: pl.DataFrame, changes: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """Expected shares of traces with an insight, with a tangent, and without a fall, as ``estimates``.

    Args:
        traces: view ``monotonicity``; its rows are the measured traces.
        changes: view of that name, of the same traces.
        protocol: gives the thresholds and the tolerance, and stamps the result.

    Returns:
        Per problem set, model, cut policy and trace filter a row of each pattern, with the interval of the jackknife.
    """
    measured = traces.filter(pl.col("n_pairs") > 0).sort(*UNITS, "trace_id")
    rows: list[Row] = []
    for unit, own in measured.group_by(*UNITS, maintain_order=True):
        steps = changes.filter(pl.col(name) == value for name, value in zip(UNITS, unit, strict=True))
        rows += _unit_rates(own, steps, {**dict(zip(UNITS, unit, strict=True)), "rule": "fitted"}, protocol)
    return estimates(rows, "pattern_rates", protocol)


def _unit_rates(
    traces: pl.DataFrame, steps: pl.DataFrame, labels: Labels, protocol: Protocol
) -> Iterator[Row]:
    numbered = traces.select(*CURVE, trace=pl.int_range(pl.len()))
    at = steps.join(numbered, on=CURVE, how="inner").sort("trace", *COUNTS)
    # The same few pairs of counts return again and again: each is one row of the fit, counted.
    table, pair = np.unique(np.column_stack(pair_counts(at)), axis=0, return_inverse=True)
    likelihoods, pair, trace = change_likelihoods(*table.T), pair.ravel(), at["trace"].to_numpy()
    inside = {name: reals(traces.with_columns(is_in=is_in), "is_in") == 1 for name, is_in in FILTERS.items()}
    whole = converged_change_prior(likelihoods, _tally(pair, len(table)))

    def fit(kept: npt.NDArray[np.bool_]) -> Floats:
        law = whole if kept.all() else converged_change_prior(
            likelihoods, _tally(pair[kept[trace]], len(table)), start=whole
        )  # fmt: skip
        chances = _chances(likelihoods, law, pair, trace, len(kept), protocol)
        asked = [kept & own for own in inside.values()]
        return np.array([chance[own].mean() if own.any() else np.nan for own in asked for chance in chances])

    problems = traces["problem_id"].to_numpy()
    counts = [(int(own.sum()), len(np.unique(problems[own]))) for own in inside.values() for _ in CHANGES]
    names = [(pattern, name) for name in inside for pattern in CHANGES]
    for (pattern, name), found in zip(names, jackknifed_shares(fit, problems, counts=counts), strict=True):
        yield row(pattern, "share", found, "traces", "jackknife", {**labels, "trace_filter": name})


def _tally(pair: npt.NDArray[np.int64], n: int) -> Floats:
    return np.bincount(pair, minlength=n).astype(np.float64)


def _chances(
    likelihoods: Floats,
    law: ChangePrior,
    pair: npt.NDArray[np.int64],
    trace: npt.NDArray[np.int64],
    n: int,
    protocol: Protocol,
) -> tuple[Floats, Floats, Floats]:
    """Chances of an insight, of a tangent, and of no fall beyond the tolerance, a number per trace."""

    def none(threshold: float, *, rises: bool) -> Floats:
        beyond = probability_beyond(likelihoods, law, threshold, "rise" if rises else "drop")
        # Steps are taken as independent given the law: the logarithm of the chance that none is beyond.
        logs = np.log1p(-np.minimum(beyond, 1 - 1e-12))[pair]
        return np.exp(np.bincount(trace, weights=logs, minlength=n))

    analysis = protocol.analysis
    return (
        1 - none(analysis.insight_threshold, rises=True),
        1 - none(analysis.tangent_threshold, rises=False),
        none(analysis.monotone_tolerance, rises=False),
    )


def true_changes(own: Unit) -> Iterator[Row]:
    """Shares and sizes of changes, as estimated step by step and under the law fitted to all of them."""
    pairs, key, rules = own["changes"], [*CURVE, "cut_index"], own.protocol.analysis
    for pattern, events in (("insight", own["spikes"]), ("tangent", own["tangents"])):
        found = events.select(*key, "by_threshold")
        both = pairs.join(found, on=key, how="left")
        for rule, flag in (
            ("threshold", pl.col("by_threshold").fill_null(value=False)),
            ("confirmed", pl.col(f"is_{pattern}_confirmed")),
        ):
            each = own.group(both, "steps", rule=rule, split_by="pattern", part=pattern)
            yield each.share("event", flag)
    likelihoods = change_likelihoods(*pair_counts(pairs))
    law = fit_change_prior(likelihoods)

    def fit(kept: npt.NDArray[np.bool_]) -> list[float]:
        own = likelihoods[kept]
        prior = law if kept.all() else fit_change_prior(own)
        rises = probability_beyond(own, prior, rules.insight_threshold, "rise")
        drops = probability_beyond(own, prior, rules.tangent_threshold, "drop")
        return [float(rises.mean()), float(drops.mean()), prior.at_zero] if kept.any() else [0.0, 0.0, 1.0]

    numbers: list[Row] = [
        *({"measure": "event", "split_by": "pattern", "part": name} for name in ("insight", "tangent")),
        {"measure": "no_change"},
    ]
    # The mean of |change| under each posterior, not of |posterior mean|, which is less.
    masses = posterior_masses(likelihoods, law)[:, 1:]
    sizes = pl.Series("size_fitted", masses @ np.abs(CENTERS), dtype=pl.Float64)
    whole = own.group(pairs.with_columns(sizes), "steps")
    yield from ({"rule": "fitted", **row} for row in whole.fitted(numbers, fit))
    for rule, column in (("estimate", "delta"), ("fitted", "size_fitted")):
        yield {**whole.mean("size", pl.col(column).abs()), "rule": rule}
