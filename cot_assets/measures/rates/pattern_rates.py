"""Pattern rates: the share of traces with at least one event.

Belongs here: which traces a rate is over, and the rate with its interval. Does not belong here: what an
event is (:mod:`.events`, :mod:`.guesses`, :mod:`.monotonicity`) and the statistics of clustered values,
which are in :mod:`.clusters` and handed on from here.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from cot_assets.measures.frames import (
    CURVE,
    LUCKY_GUESSES,
    MONOTONICITY,
    PATTERN_RATES,
    SPIKES,
    TANGENTS,
    UNITS,
    conform,
    require,
)
from cot_assets.statistics.clusters import cluster_bootstrap_mean, effective_sample_size, paired_difference
from cot_assets.statistics.estimates import jeffreys_interval
from cot_assets.study import Protocol

__all__ = [
    "FILTERS",
    "PATTERNS",
    "RULES",
    "cluster_bootstrap_mean",
    "decided_traces",
    "effective_sample_size",
    "paired_difference",
    "pattern_rates",
    "rate_summary",
]

PATTERNS = ("insight", "tangent", "late_spike", "lucky_guess", "monotone")
RULES: Mapping[str, str] = {"threshold": "by_threshold", "confirmed": "is_confirmed"}
_IS_CORRECT = pl.col("verdict") == "correct"
FILTERS: Mapping[str, pl.Expr] = {
    "paper": _IS_CORRECT & ~pl.col("is_solved_without_cot"),
    "correct": _IS_CORRECT,
    "incorrect": pl.col("verdict").is_in(["incorrect", "no_answer", "truncated"]),
    "all": pl.lit(True),
}


def pattern_rates(
    tangents: pl.DataFrame,
    spikes: pl.DataFrame,
    lucky_guesses: pl.DataFrame,
    monotonicity: pl.DataFrame,
    protocol: Protocol,
) -> pl.DataFrame:
    """Rates of every pattern under every rule and trace filter.

    A trace counts where the pattern is decidable: it has a pair of neighboring known cuts (insight,
    tangent, monotone); it is correct and the judged cut has rollouts (late_spike, lucky_guess). Filter
    ``incorrect`` holds every scored trace that is not correct; ``paper`` leaves out traces whose V0 is
    unknown, since they cannot be said not to be solved without CoT.

    Args:
        tangents: table of that name.
        spikes: table of that name.
        lucky_guesses: table of that name.
        monotonicity: table of that name; its rows are the measured traces.
        protocol: what the tables were judged by.

    Returns:
        The columns of table ``pattern_rates``: for each problem set, model and cut policy in
        ``monotonicity`` all 5 patterns x 2 rules x 4 filters. Intervals are Jeffreys at the effective
        sample size; rate, interval and n_eff are NULL without traces.

    Raises:
        ValueError: a frame lacks a column.
    """
    decisions = decided_traces(tangents, spikes, lucky_guesses, monotonicity)
    rows: list[dict[str, object]] = []
    for rule in RULES:
        for unit in monotonicity.select(UNITS).unique().sort(UNITS).iter_rows(named=True):
            here = pl.all_horizontal(*(pl.col(name) == value for name, value in unit.items()))
            for pattern in PATTERNS:
                decided = decisions[rule, pattern].filter(here)
                for name, is_in in FILTERS.items():
                    summary = rate_summary(decided.filter(is_in))
                    rows.append({**unit, "pattern": pattern, "rule": rule, "trace_filter": name, **summary})
    return conform(pl.DataFrame(rows, schema=dict(PATTERN_RATES)), PATTERN_RATES, protocol)


def decided_traces(
    tangents: pl.DataFrame, spikes: pl.DataFrame, lucky_guesses: pl.DataFrame, monotonicity: pl.DataFrame
) -> dict[tuple[str, str], pl.DataFrame]:
    """For every rule and pattern the traces on which it is decidable, and whether each ``has`` it.

    Args:
        tangents: table of that name.
        spikes: table of that name.
        lucky_guesses: table of that name.
        monotonicity: table of that name; its rows are the measured traces.

    Returns:
        By (rule, pattern) frames with the columns of :data:`FILTERS`, the curve's identity, ``v0`` and
        ``has``.

    Raises:
        ValueError: a frame lacks a column.
    """
    for frame, schema, name in (
        (tangents, TANGENTS, "tangents"),
        (spikes, SPIKES, "spikes"),
        (lucky_guesses, LUCKY_GUESSES, "lucky_guesses"),
        (monotonicity, MONOTONICITY, "monotonicity"),
    ):
        require(frame, schema, name)
    traces = monotonicity.select(
        *UNITS, *CURVE[:1], "problem_id", "verdict", "n_pairs", "v0", "is_solved_without_cot"
    )
    decisions: dict[tuple[str, str], pl.DataFrame] = {}
    for rule, flag in RULES.items():
        decisions[rule, "insight"] = _with_event(traces, spikes.filter(flag))
        decisions[rule, "tangent"] = _with_event(traces, tangents.filter(flag))
        decisions[rule, "monotone"] = _with_flag(traces, monotonicity, flag)
        for guess in ("late_spike", "lucky_guess"):
            judged = lucky_guesses.filter(pl.col("rule") == guess)
            decisions[rule, guess] = _with_flag(traces, judged, flag)
    return decisions


def _with_event(traces: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    found = events.select(*CURVE, pl.lit(True).alias("has")).unique()
    joined = traces.filter(pl.col("n_pairs") > 0).join(found, on=CURVE, how="left")
    return joined.with_columns(pl.col("has").fill_null(False))


def _with_flag(traces: pl.DataFrame, judged: pl.DataFrame, flag: str) -> pl.DataFrame:
    decided = judged.filter(pl.col(flag).is_not_null()).select(*CURVE, pl.col(flag).alias("has"))
    return traces.join(decided, on=CURVE, how="inner")


def rate_summary(traces: pl.DataFrame) -> dict[str, object]:
    """Rate of the column ``has`` over traces, with its interval, clustered by ``problem_id``.

    Returns:
        ``n_traces, n_with, n_problems, rate, ci_low, ci_high, n_eff``; the last four None without traces.
    """
    flags, problems = traces["has"].to_numpy(), traces["problem_id"].to_numpy()
    n, hits = traces.height, int(np.sum(flags))
    counts: dict[str, object] = {"n_traces": n, "n_with": hits, "n_problems": len(np.unique(problems))}
    if not n:
        return {**counts, "rate": None, "ci_low": None, "ci_high": None, "n_eff": None}
    n_eff = effective_sample_size(flags, problems)
    # hits == n must give exactly n_eff, or the interval would miss its end at 1 by rounding.
    low, high = jeffreys_interval(n_eff if hits == n else hits / n * n_eff, n_eff)
    return {**counts, "rate": hits / n, "ci_low": float(low), "ci_high": float(high), "n_eff": n_eff}
