"""Pattern rates: the share of traces with at least one event.

Belongs here: which traces a rate is over. Does not belong here: what an event is
(:mod:`cot_assets.measures.patterns`) and the interval
(:mod:`cot_assets.statistics.clusters`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from cot_assets.measures.estimates import FILTERS, GUESSES, RULES, Group, Labels, estimates
from cot_assets.measures.frames import CURVE, UNITS
from cot_assets.study import Protocol

Decisions = Mapping[tuple[str, str], pl.DataFrame]  #: by rule and pattern, from :func:`decided_traces`


def pattern_rates(decisions: Decisions, protocol: Protocol) -> pl.DataFrame:
    """Rates of every pattern under every rule and trace filter, as ``estimates``.

    A trace counts where the pattern is decidable: it has a pair of neighboring known cuts (insight,
    tangent, monotone); it is correct and the judged cut has rollouts (late_spike, lucky_guess). Filter
    ``incorrect`` holds every scored trace that is not correct; ``paper`` leaves out traces whose V0 is
    unknown, since they may be solved from the start.

    Args:
        decisions: what :func:`decided_traces` returned.
        protocol: what the traces were judged by.
    """
    rows = (
        Group(unit.filter(is_in), "traces", {**labels, "trace_filter": name}).share(pattern, pl.col("has"))
        for pattern, labels, unit in decided_units(decisions)
        for name, is_in in FILTERS.items()
    )
    return estimates(rows, "pattern_rates", protocol)


def decided_units(decisions: Decisions) -> Iterator[tuple[str, Labels, pl.DataFrame]]:
    """Pattern, labels and traces of every rule, pattern, problem set, model and cut policy."""
    for (rule, pattern), decided in decisions.items():
        for values, unit in decided.sort(*UNITS, "trace_id").group_by(*UNITS, maintain_order=True):
            yield pattern, {**dict(zip(UNITS, values, strict=True)), "rule": rule}, unit


def decided_traces(
    tangents: pl.DataFrame, spikes: pl.DataFrame, lucky_guesses: pl.DataFrame, monotonicity: pl.DataFrame
) -> Decisions:
    """Every measured trace under every rule and pattern, and whether it ``has`` it, where that is decidable.

    Args:
        tangents: table of that name.
        spikes: table of that name.
        lucky_guesses: table of that name.
        monotonicity: table of that name; its rows are the measured traces.

    Returns:
        By (rule, pattern) frames with the columns of :data:`FILTERS`, the curve's identity, ``v0`` and
        ``has``, NULL where the pattern is not decidable.
    """
    about = (*UNITS, "trace_id", "problem_id", "verdict", "n_pairs", "v0", "is_solved_without_cot")
    traces = monotonicity.select(about)
    decisions: dict[tuple[str, str], pl.DataFrame] = {}
    for rule, flag in RULES.items():
        decisions[rule, "insight"] = _with_event(traces, spikes.filter(flag))
        decisions[rule, "tangent"] = _with_event(traces, tangents.filter(flag))
        if rule != "confirmed":  # reached by next to no curve for which it is true; rule fitted says how many
            decisions[rule, "monotone"] = _with_flag(traces, monotonicity, flag)
        for guess in GUESSES:
            decisions[rule, guess] = _with_flag(traces, lucky_guesses.filter(rule=guess), flag)
    return decisions


def _with_event(traces: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    found = events.select(*CURVE, has=pl.lit(True)).unique()
    joined = traces.join(found, on=CURVE, how="left")
    return joined.with_columns(pl.when(pl.col("n_pairs") > 0).then(pl.col("has").fill_null(False)))


def _with_flag(traces: pl.DataFrame, judged: pl.DataFrame, flag: str) -> pl.DataFrame:
    return traces.join(judged.select(*CURVE, has=pl.col(flag)), on=CURVE, how="left")
