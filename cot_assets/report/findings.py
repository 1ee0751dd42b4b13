"""What the report says first: three findings, chosen by rules from rows of queries, and what to beware of.

Belongs here: which rows decide, and whether they do: an interval that leaves it open, or a small n, makes a finding that there
is too little to say. Does not belong here: the sentences (``findings.html.j2``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from cot_assets.report import numbers
from cot_assets.report.source import Row, Source
from cot_assets.report.text import one_line

FEWEST_TRACES = 10  #: below it a rate is too uncertain to be a headline
FEWEST_PROBLEMS = 6  #: below it a mean over problems is
LITTLE = 0.05  #: change of a chance below which a reader gains little
MOST_TRUNCATED, MOST_UNSCORED = 0.10, 0.02  #: shares of traces or rollouts from which the page warns


@dataclass(frozen=True)
class Finding:
    """What a headline and its sentence are written from, by the macro ``kind`` of ``findings.html.j2``.

    Attributes:
        kind: What it says: who solves more, whether half is solved, steps, transfer or guesses.
        query: Shows its numbers.
        row: Of the query, with the estimate that decides.
        is_open: There is too little to say.
        rows: More of the same model, by measure or by pattern and rule.
    """

    kind: str
    query: str
    row: Row
    is_open: bool
    rows: Mapping[Any, Row] = field(default_factory=dict[Any, Row])


def findings(source: Source) -> list[Finding]:
    """The three findings that the report opens with; fewer where less was measured."""
    rates = source.query("pattern_rates", rule=None, trace_filter="all")
    solving = [*_more(source.query("model_pairs"))] or _half(source.query("difficulty"))
    return [*solving, *_steps(rates), *_transfer(source), *_guesses(rates)][:3]


def _more(pairs: pl.DataFrame) -> Iterator[Finding]:
    """Which model solves more, of the pair that differs most."""
    known = pairs.filter(pl.col("difference").is_not_null(), measure="accuracy")
    for row in _first(known, pl.col("difference").abs(), "model_a", "model_b"):
        is_open = _is_open(row["ci_low"], row["ci_high"], row["n_problems"])
        yield Finding("more", "model_pairs", row, is_open)


def _half(difficulty: pl.DataFrame) -> Iterator[Finding]:
    """How much one model solves, by its accuracy or else its chance at the start."""
    known = difficulty.filter(pl.col("estimate").is_not_null(), split_by="none")
    for row in _first(
        known, pl.col("measure").replace_strict({"accuracy": 2, "v0": 1}, default=None), "model"
    ):
        own = {r["measure"]: r for r in known.filter(model=row["model"]).iter_rows(named=True)}
        is_open = _is_open(row["ci_low"], row["ci_high"], row["n_problems"], between=0.5)
        yield Finding("half", "difficulty", row, is_open, own)


def _steps(rates: pl.DataFrame) -> Iterator[Finding]:
    """How often single steps decide, in the model whose traces hold most insights or tangents."""
    known = rates.filter(pl.col("rate").is_not_null(), pl.col("pattern").is_in(["insight", "tangent"]))
    for row in _first(known.filter(rule="fitted"), pl.col("rate"), "model"):
        same = known.filter(model=row["model"], cut_policy=row["cut_policy"]).iter_rows(named=True)
        own = {(r["pattern"], r["rule"]): r for r in same}
        yield Finding("steps", "pattern_rates", row, row["n_traces"] < FEWEST_TRACES, own)


def _transfer(source: Source) -> Iterator[Finding]:
    """What a part of a writer's trace does for the reader that it lifts most."""
    is_headline = (pl.col("fraction") - source.protocol.analysis.headline_fraction).abs() < 1e-9
    curve = source.query("transfer").filter(is_headline, pl.col("lift").is_not_null(), control="none")
    for row in _first(curve, pl.col("lift"), "reader"):
        ends, n = (row["lift_low"], row["lift_high"]), row["n_problems"]
        is_little = n >= FEWEST_PROBLEMS and None not in ends and max(map(abs, ends)) < LITTLE
        yield Finding("transfer", "transfer", {**row, "is_little": is_little}, _is_open(*ends, n))


def _guesses(rates: pl.DataFrame) -> Iterator[Finding]:
    """How often an answer came out of nowhere."""
    own = rates.filter(pl.col("n_traces") > 0, pattern="lucky_guess", rule="threshold")
    for row in _first(own, pl.col("rate"), "model"):
        is_open = row["n_traces"] < FEWEST_TRACES
        yield Finding("guesses", "pattern_rates" if is_open else "guesses", row, is_open)


def _first(rows: pl.DataFrame, most: pl.Expr, *names: str) -> list[Row]:
    """The row that has most of something, of several the first by name; none where there is none that has any."""
    ordered = rows.filter(most.is_not_null()).sort(most, *names, descending=[True, *(False for _ in names)])
    return ordered.head(1).to_dicts()


def _is_open(low: float | None, high: float | None, n: int, between: float = 0) -> bool:
    """Whether an interval, or the few problems that it rests on, leave open on which side of a value the truth is."""
    return n < FEWEST_PROBLEMS or low is None or high is None or low <= between <= high


def warnings(verdicts: pl.DataFrame, quality: pl.DataFrame, *, has_checks: bool = False) -> Iterator[str]:
    """What a reader should know before trusting any number: truncation, unscored answers, unknown cuts, few traces.

    Not of rollouts where they were checked when they were sampled: a check that failed says it.
    """
    for row in verdicts.iter_rows(named=True):
        model, n = one_line(row["model"], 40), row["n_traces"]
        for name, most in (("truncated", MOST_TRUNCATED), ("unscored", MOST_UNSCORED)):
            if n and row[f"n_{name}"] / n > most:
                yield f"{model}: {row[f'n_{name}']:,} of {numbers.counted(n, 'trace')} are {name}."
        if row["n_measured"] < FEWEST_TRACES:
            yield f"{model}: only {numbers.counted(row['n_measured'], 'trace')} with a curve; most rates are open."
    for row in quality.iter_rows(named=True):
        model = one_line(row["model"], 40)
        for name, most in (("truncated", MOST_TRUNCATED), ("unscored", MOST_UNSCORED)):
            share = None if has_checks else row[f"{name}_share"]
            if share is not None and share > most:
                yield f"{model}: {numbers.percent(share)} of the rollouts are {name}."
        if row["n_unknown"]:
            yield f"{model}: {numbers.counted(row['n_unknown'], 'cut')} of {row['n_prefixes']:,} without a scored rollout."
