"""Comparing models whose problems are not equally hard to them.

Belongs here: rates matched on V0, and differences between two models: paired by problem, and matched on
V0. Does not belong here: the rates themselves (:mod:`.pattern_rates`) and the bins of V0
(:mod:`cot_assets.statistics.guesses`).

A model that solves most problems at once has little left to gain by an insight, and one that solves few must
guess. There are two views: the same problems (at any V0 for either model), and problems of
like V0 (whichever they are).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import cast

import numpy as np
import polars as pl

from cot_assets.measures.estimates import FILTERS, Group, Labels, Row, comparison, estimates, paired, row
from cot_assets.measures.rates.pattern_rates import Decisions, decided_units
from cot_assets.statistics.clusters import NOTHING, Estimate
from cot_assets.statistics.guesses import V0_BINS, v0_bin
from cot_assets.study import Protocol

EQUAL_WEIGHTS = "equal weights"  #: in the column part: the mean over the bins that have traces
_ENDS = ("estimate", "ci_low", "ci_high")
_MATCHED = ("matched_mean", "matched_reference", "matched_difference")


def matched_rates(decisions: Decisions, protocol: Protocol) -> pl.DataFrame:
    """Rates within each of the five V0 bins, and their mean with equal weights, as ``estimates``.

    Args:
        decisions: what :func:`cot_assets.measures.rates.pattern_rates.decided_traces` returned. Traces whose V0 is
            unknown are left out.
        protocol: stamped on the result.

    Returns:
        Six rows per problem set, model, cut policy, pattern, rule and trace filter: five bins, empty ones with
        NULL, and :data:`EQUAL_WEIGHTS`. The interval of a bin is that of a rate; that of the mean comes
        from the bins' own.
    """
    rows: list[Row] = []
    for pattern, labels, unit in decided_units(decisions):
        decided = unit.drop_nulls("has")
        for name, is_in in FILTERS.items() if decided.height else ():
            subset = {**labels, "trace_filter": name, "split_by": "v0_bin"}
            bins = _bins(decided.filter(is_in), pattern, subset)
            together = _equal_weights([found for found in bins.values() if found["n"]])
            mean = {**subset, "part": EQUAL_WEIGHTS}
            rows += [*bins.values(), row(pattern, "share", together, "traces", "mover", mean)]
    return estimates(rows, "matched_rates", protocol)


def model_differences(decisions: Decisions, traces: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """Differences between every two models of a problem set, as ``estimates``.

    Args:
        decisions: what :func:`cot_assets.measures.rates.pattern_rates.decided_traces` returned.
        traces: ``problem_set, model, problem_id, verdict`` of all sampled traces, for the accuracy.
        protocol: gives the seed and stamps the result.

    Returns:
        Measures ``accuracy`` (all scored traces), ``v0``, and every pattern by rule, trace filter and cut policy.
        ``difference``: mean over the problems that both models have, each counting once, cluster bootstrap.
        ``matched_difference``: of the rates with equal weights over the V0 bins that both fill; none for
        accuracy and V0.
    """
    scored = traces.filter(pl.col("verdict") != "unscored").select(
        "problem_set", "model", "problem_id", has=pl.col("verdict") == "correct"
    )
    rows = [
        *_pairs(scored, {"measure": "accuracy"}, protocol.sampling.seed),
        *_pairs(_starts(decisions), {"measure": "v0"}, protocol.sampling.seed),
    ]
    for (rule, pattern), decided in decisions.items():
        known = decided.drop_nulls("has").sort("cut_policy", "trace_id")
        for (policy,), own in known.group_by("cut_policy", maintain_order=True):
            for name, is_in in FILTERS.items():
                labels = {"measure": pattern, "rule": rule, "cut_policy": policy, "trace_filter": name}
                rows += _pairs(own.filter(is_in), labels, protocol.sampling.seed)
    return estimates(rows, "model_differences", protocol)


def _starts(decisions: Decisions) -> pl.DataFrame:
    """V0 of every model and problem, once."""
    key = ["problem_set", "model", "problem_id"]
    frames = [decided.drop_nulls(["has", "v0"]).select(*key, has="v0") for decided in decisions.values()]
    return pl.concat(frames).sort(*key, "has").unique(key, keep="last", maintain_order=True)


def _pairs(frame: pl.DataFrame, labels: Labels, seed: int) -> Iterator[Row]:
    """The rows of every two models of a problem set, compared on the column ``has``."""
    measure = str(labels["measure"])
    for (problem_set,), whole in frame.group_by("problem_set", maintain_order=True):
        own = {str(key[0]): part for key, part in whole.partition_by("model", as_dict=True).items()}
        for first, second in combinations(sorted(own), 2):
            pair = {**labels, "problem_set": problem_set, "model": first, "other": second}
            sides = paired(own[first], own[second], "has", seed)
            yield from comparison(measure, sides, "problems", pair)
            if "v0" in frame.columns:
                yield from _matched(measure, own[first], own[second], pair)


def _matched(measure: str, a: pl.DataFrame, b: pl.DataFrame, labels: Labels) -> Iterator[Row]:
    bins = [_bins(side, measure, {}) for side in (a, b)]
    both = [name for name in V0_BINS if all(side[name]["n"] for side in bins)]
    one, other = (_equal_weights([side[name] for name in both]) for side in bins)
    difference = NOTHING
    if both:
        # Newcombe (1998): the square root of summed squares of what each side's interval adds at its end.
        mean = one.mean - other.mean
        below = np.hypot(one.mean - one.low, other.high - other.mean)
        above = np.hypot(one.high - one.mean, other.mean - other.low)
        difference = Estimate(mean, mean - float(below), mean + float(above), len(both), 0)
    for statistic, found, n_of in zip(
        _MATCHED, (one, other, difference), ("traces", "traces", "bins"), strict=True
    ):
        yield row(measure, statistic, found, n_of, "mover", labels)


def _bins(decided: pl.DataFrame, pattern: str, labels: Labels) -> dict[str, Row]:
    """The rate within every bin of V0."""
    binned = decided.with_columns(bin=v0_bin(pl.col("v0")))
    return {
        name: Group(binned.filter(pl.col("bin") == name), "traces", {**labels, "part": name}).share(
            pattern, pl.col("has")
        )
        for name in V0_BINS
    }


def _equal_weights(bins: Sequence[Row]) -> Estimate:
    """Mean of the bins' rates, with the interval that their own intervals make (MOVER, Zou and Donner 2008).

    Each end lies as far from the mean as the root of the summed squared arms of the bins, over their number: a bin
    without an event but with few traces keeps its long arm, which a variance of pooled rates does not see.
    """
    n, k, n_problems = (sum(cast("int", found[name]) for found in bins) for name in ("n", "k", "n_problems"))
    if not bins:
        return NOTHING._replace(k=0)
    rate, low, high = (np.array([found[name] for found in bins], dtype=np.float64) for name in _ENDS)
    mean, below, above = rate.mean(), np.linalg.norm(rate - low), np.linalg.norm(high - rate)
    ends = float(mean - below / len(bins)), float(mean + above / len(bins))
    return Estimate(float(mean), *ends, n, n_problems, k)
