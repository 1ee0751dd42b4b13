"""Comparing models whose problems are not equally hard to them.

Belongs here: rates matched on V0, and differences between two models: paired by problem, and matched on
V0. Does not belong here: the rates themselves (:mod:`.rates`) and the bins of V0 (:mod:`.guesses`).

A model that solves most problems at once has little left to gain by an insight, and one that solves few must
guess. Two views stand side by side: the same problems (whatever their V0 for either model), and problems of
like V0 (whichever they are).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import cast

import numpy as np
import polars as pl

from cot_assets.measures.frames import MATCHED_RATES, MODEL_DIFFERENCES, conform
from cot_assets.measures.rates.pattern_rates import FILTERS, rate_summary
from cot_assets.statistics.clusters import Estimate, cluster_bootstrap_mean, paired_difference
from cot_assets.statistics.estimates import jeffreys_interval
from cot_assets.statistics.guesses import V0_BINS, v0_bin
from cot_assets.statistics.special import Floats
from cot_assets.study import Protocol

EQUAL_WEIGHTS = "equal weights"  #: in the column v0_bin: the mean over the bins that have traces
Decisions = Mapping[tuple[str, str], pl.DataFrame]  #: by rule and pattern, from rates.decided_traces


def matched_rates(decisions: Decisions, protocol: Protocol) -> pl.DataFrame:
    """Rates within each of the five V0 bins, and their mean with equal weights.

    Args:
        decisions: what :func:`cot_assets.measures.rates.pattern_rates.decided_traces` returned. Traces whose V0 is
            unknown take no part.
        protocol: stamped on the result.

    Returns:
        The columns of table ``matched_rates``: six rows per problem set, model, cut policy, pattern, rule
        and trace filter: five bins, empty ones with NULL, and :data:`EQUAL_WEIGHTS`. The interval of a bin
        is that of a rate; of the mean, Jeffreys' at the size that a rate of this variance has.
    """
    rows: list[dict[str, object]] = []
    for (rule, pattern), decided in decisions.items():
        binned = decided.with_columns(v0_bin(pl.col("v0")).alias("v0_bin"))
        units = ["problem_set", "model", "cut_policy"]
        for values, unit in binned.sort(*units, "trace_id").group_by(*units, maintain_order=True):
            base = {**dict(zip(units, values, strict=True)), "pattern": pattern, "rule": rule}
            for name, is_in in FILTERS.items():
                bins = {b: rate_summary(unit.filter(is_in & (pl.col("v0_bin") == b))) for b in V0_BINS}
                filled = [b for b in V0_BINS if bins[b]["n_traces"]]
                together = _equal_weights([bins[b] for b in filled])
                for label, row in {**bins, EQUAL_WEIGHTS: together}.items():
                    n_empty = len(V0_BINS) - len(filled)
                    rows.append(
                        {**base, "trace_filter": name, "v0_bin": label, "n_empty_bins": n_empty, **row}
                    )
    return conform(pl.DataFrame(rows, schema=dict(MATCHED_RATES)), MATCHED_RATES, protocol)


def model_differences(decisions: Decisions, traces: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """Differences between every two models of a problem set.

    Args:
        decisions: what :func:`cot_assets.measures.rates.pattern_rates.decided_traces` returned.
        traces: ``problem_set, model, problem_id, verdict`` of all sampled traces, for the accuracy.
        protocol: gives the seed and stamps the result.

    Returns:
        The columns of table ``model_differences``: measures ``accuracy`` (all scored traces), ``v0``, and
        every pattern by rule, trace filter and cut policy. ``difference``: mean over the problems that
        both models have, each counting once, cluster bootstrap. ``matched_difference``: of the rates with
        equal weights over the V0 bins that both fill, NULL for accuracy and V0 and where they share none.
    """
    rows: list[dict[str, object]] = []
    scored = traces.filter(pl.col("verdict") != "unscored").select(
        "problem_set", "model", "problem_id", (pl.col("verdict") == "correct").alias("has")
    )
    starts = _starts(decisions)
    for measure, frame in (("accuracy", scored), ("v0", starts)):
        rows += _pairs(frame, {"measure": measure, "rule": "none", "cut_policy": "any"}, protocol.seed)
    for (rule, pattern), decided in decisions.items():
        binned = decided.with_columns(v0_bin(pl.col("v0")).alias("v0_bin"))
        for (policy,), own in binned.sort("cut_policy", "trace_id").group_by("cut_policy"):
            for name, is_in in FILTERS.items():
                base = {"measure": pattern, "rule": rule, "cut_policy": policy, "trace_filter": name}
                rows += _pairs(own.filter(is_in), base, protocol.seed)
    frame = pl.DataFrame(rows, schema=dict(MODEL_DIFFERENCES)).with_columns(pl.col(pl.Float64).fill_nan(None))
    return conform(frame, MODEL_DIFFERENCES, protocol).sort(
        "problem_set", "model_a", "model_b", "measure", "rule", "cut_policy", "trace_filter"
    )


def _starts(decisions: Decisions) -> pl.DataFrame:
    """V0 of every model and problem, once."""
    columns = ("problem_set", "model", "problem_id", pl.col("v0").alias("has"))
    frames = [decided.select(columns).drop_nulls("has") for decided in decisions.values()]
    key = ["problem_set", "model", "problem_id"]
    return pl.concat(frames).sort(*key, "has").unique(key, keep="last", maintain_order=True)


def _pairs(frame: pl.DataFrame, base: Mapping[str, object], seed: int) -> list[dict[str, object]]:
    """One row per two models of a problem set, compared on the column ``has``."""
    rows: list[dict[str, object]] = []
    for (problem_set,), whole in frame.group_by("problem_set", maintain_order=True):
        own = {str(key[0]): part for key, part in whole.partition_by("model", as_dict=True).items()}
        for first, second in combinations(sorted(own), 2):
            a, b = own[first], own[second]
            common = set(a["problem_id"].to_list()) & set(b["problem_id"].to_list())
            paired = paired_difference(
                _values(a), a["problem_id"].to_numpy(), _values(b), b["problem_id"].to_numpy(), seed
            )
            one, other = (_mean_of_problems(part, common, seed) for part in (a, b))
            rows.append(
                {
                    "trace_filter": "all",
                    **base,
                    "problem_set": problem_set,
                    "model_a": first,
                    "model_b": second,
                    "n_problems": len(common),
                    "value_a": one.mean,
                    "value_a_low": one.low,
                    "value_a_high": one.high,
                    "value_b": other.mean,
                    "value_b_low": other.low,
                    "value_b_high": other.high,
                    "difference": paired.mean,
                    "ci_low": paired.low,
                    "ci_high": paired.high,
                    **_matched(a, b),
                }
            )
    return rows


def _values(part: pl.DataFrame) -> Floats:
    return np.asarray(part["has"].cast(pl.Float64).to_numpy(), dtype=np.float64)


def _mean_of_problems(part: pl.DataFrame, problems: set[str], seed: int) -> Estimate:
    chosen = part.filter(pl.col("problem_id").is_in(sorted(problems)))
    each = chosen.group_by("problem_id").agg(pl.col("has").cast(pl.Float64).mean())
    return cluster_bootstrap_mean(each["has"].to_numpy(), each["problem_id"].to_numpy(), seed)


def _matched(a: pl.DataFrame, b: pl.DataFrame) -> dict[str, object]:
    nothing: dict[str, object] = {
        "n_bins": 0, "matched_n_a": 0, "matched_n_b": 0, "matched_difference": None, "matched_low": None, "matched_high": None,
    }  # fmt: skip
    if "v0_bin" not in a.columns:
        return nothing
    both = [name for name in V0_BINS if name in a["v0_bin"].to_list() and name in b["v0_bin"].to_list()]
    if not both:
        return nothing
    first, second = (
        _equal_weights([rate_summary(part.filter(pl.col("v0_bin") == name)) for name in both])
        for part in (a, b)
    )
    rates = [_number(side, "rate") for side in (first, second)]
    # Newcombe (1998): the square root of summed squares of what each side's interval adds at its end.
    below = (
        _number(first, "rate") - _number(first, "ci_low"),
        _number(second, "ci_high") - _number(second, "rate"),
    )
    above = (
        _number(first, "ci_high") - _number(first, "rate"),
        _number(second, "rate") - _number(second, "ci_low"),
    )
    difference = rates[0] - rates[1]
    return {
        "n_bins": len(both),
        "matched_n_a": first["n_traces"],
        "matched_n_b": second["n_traces"],
        "matched_difference": difference,
        "matched_low": difference - float(np.hypot(*below)),
        "matched_high": difference + float(np.hypot(*above)),
    }


def _equal_weights(bins: Sequence[dict[str, object]]) -> dict[str, object]:
    """Mean of the bins' rates, with Jeffreys' interval at its effective sample size.

    A mean of B rates r from n_b trials each has variance r (1 - r) sum(1 / n_b) / B^2, that of a rate from
    B^2 / sum(1 / n_b) trials; where the rates differ between bins it is less.
    """
    counts: dict[str, object] = {
        name: sum(int(_number(row, name)) for row in bins) for name in ("n_traces", "n_with", "n_problems")
    }
    if not bins:
        return {**counts, "rate": None, "ci_low": None, "ci_high": None}
    rate = float(np.mean([_number(row, "rate") for row in bins]))
    size = len(bins) ** 2 / sum(1 / _number(row, "n_eff") for row in bins)
    low, high = jeffreys_interval(size if rate == 1 else rate * size, size)
    return {**counts, "rate": rate, "ci_low": float(low), "ci_high": float(high)}


def _number(row: Mapping[str, object], name: str) -> float:
    return float(cast("float", row[name]))
