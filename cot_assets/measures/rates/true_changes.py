"""How often and how far the potential really changes between neighboring cuts, sampling noise removed.

Belongs here: the numbers of the query ``true_changes``. Does not belong here: the law of changes
(:mod:`cot_assets.statistics.change_law`), and which steps are events (:mod:`cot_assets.measures.patterns`).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from cot_assets.measures.estimates import Row, Unit
from cot_assets.measures.frames import CURVE, pair_counts
from cot_assets.statistics.change_law import (
    CENTERS,
    change_likelihoods,
    fit_change_prior,
    posterior_masses,
    probability_beyond,
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
