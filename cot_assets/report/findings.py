"""What the report says first: three findings in sentences, written by rules from rows of queries, and what to beware of.

A sentence has its estimate, its interval and its n. Where the interval does not decide, or n is small, it says so: that
there is too little to say is a finding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from cot_assets.report import numbers
from cot_assets.report.source import Row, Source
from cot_assets.report.text import one_line

FEWEST_TRACES = 10  #: below it a rate is too uncertain to be a headline
FEWEST_PROBLEMS = 6  #: below it a mean over problems is
OFTEN = 0.10  #: share of traces above which something is said to happen often
MOST_TRUNCATED, MOST_UNSCORED = 0.10, 0.02  #: shares of traces or rollouts from which the page warns


@dataclass(frozen=True)
class Finding:
    """A headline, the sentence that it rests on, and the query that shows its numbers."""

    headline: str
    sentence: str
    query: str


def findings(source: Source) -> list[Finding]:
    """The three findings that the report opens with; fewer where less was measured."""
    rates = source.query("pattern_rates", rule=None, trace_filter="all")
    found = [_gain(source.query("difficulty")), _patterns(rates), _transfer(source), _guesses(rates)]
    return [finding for finding in found if finding is not None][:3]


def _gain(difficulty: pl.DataFrame) -> Finding | None:
    """What the chain of thought adds for the model that it helps most."""
    own = difficulty.filter((pl.col("split_by") == "none") & pl.col("estimate").is_not_null())
    by_model: dict[str, dict[str, Row]] = {}
    for row in own.iter_rows(named=True):
        by_model.setdefault(row["model"], {})[row["measure"]] = row
    known = {
        model: rows for model, rows in by_model.items() if {"gain_over_v0", "accuracy", "v0"} <= set(rows)
    }
    if not known:
        return None
    model = max(known, key=lambda name: known[name]["gain_over_v0"]["estimate"])
    rows, name = known[model], one_line(model, 40)
    gain = rows["gain_over_v0"]
    n = gain["n_problems"]
    sentence = (
        f"{name} answers {_written(rows['accuracy'], 'share')} of {numbers.counted(n, 'problem')} with a chain of thought "
        f"of its own; with none written yet its chance is {_written(rows['v0'], 'value')}. "
        f"The difference is {_written(gain, 'change')}."
    )
    if _is_open(gain["ci_low"], gain["ci_high"], n):
        return Finding("Too few problems to say whether writing it out helps", sentence, "difficulty")
    helps = "helps" if gain["estimate"] > 0 else "hurts"
    return Finding(f"Writing it out {helps} {name}", sentence, "difficulty")


def _patterns(rates: pl.DataFrame) -> Finding | None:
    """How often single steps decide, in the model whose traces hold most insights or tangents."""
    known = rates.filter(pl.col("rate").is_not_null() & pl.col("pattern").is_in(["insight", "tangent"]))
    if known.is_empty():
        return None
    expected = known.filter(pl.col("rule") == "fitted").sort("rate", "model", descending=[True, False])
    if expected.is_empty():
        return None
    row = expected.row(0, named=True)
    same = known.filter((pl.col("model") == row["model"]) & (pl.col("cut_policy") == row["cut_policy"]))
    parts: list[str] = []
    for pattern, verb in (("insight", "raises"), ("tangent", "lowers")):
        by_rule = {r["rule"]: r for r in same.filter(pl.col("pattern") == pattern).iter_rows(named=True)}
        fitted, seen, kept = (by_rule.get(rule) for rule in ("fitted", "threshold", "confirmed"))
        if fitted is not None:
            called = f", {seen['n_with']:,} by the paper's rule" if seen is not None else ""
            sure = f", {kept['n_with']:,} beyond chance" if kept is not None else ""
            parts.append(
                f"a single step {verb} the chance a lot in {_written(fitted, 'share')} "
                f"(of {numbers.counted(fitted['n_traces'], 'trace')}{called}{sure})"
            )
    sentence = f"In {one_line(row['model'], 40)}'s measured traces " + "; ".join(parts) + "."
    if row["n_traces"] < FEWEST_TRACES:
        return Finding("Too few traces to say how often single steps decide", sentence, "pattern_rates")
    is_common, is_rare = row["ci_low"] > OFTEN, row["ci_high"] < OFTEN
    often = "often" if is_common else "rarely" if is_rare else "sometimes"
    return Finding(f"Single steps {often} decide", sentence, "pattern_rates")


def _transfer(source: Source) -> Finding | None:
    """What a part of a writer's trace does for the reader that it lifts most."""
    headline = source.protocol.analysis.headline_fraction
    is_headline = ((pl.col("fraction") - headline).abs() < 1e-9) & (pl.col("control") == "none")
    curve = source.query("transfer").filter(is_headline & pl.col("lift").is_not_null())
    if curve.is_empty():
        return None
    row = curve.sort("lift", "reader", descending=[True, False]).row(0, named=True)
    reader, writer = one_line(row["reader"], 40), one_line(row["writer"], 40)
    lift = numbers.with_interval(row["lift"], row["lift_low"], row["lift_high"], "change")
    sentence = (
        f"Given the first {numbers.percent(headline)} of {writer}'s traces, {reader}'s chance changes by {lift}, over "
        f"{numbers.counted(row['n_paired'], 'trace')} of {numbers.counted(row['n_problems'], 'problem')}."
    )
    if _is_open(row["lift_low"], row["lift_high"], row["n_problems"]):
        return Finding(
            "Too few problems to say whether a beginning helps another model", sentence, "transfer"
        )
    return Finding(
        f"{writer}'s beginnings {'help' if row['lift'] > 0 else 'hurt'} {reader}", sentence, "transfer"
    )


def _guesses(rates: pl.DataFrame) -> Finding | None:
    """How often an answer came out of nowhere."""
    own = rates.filter(pl.col("n_traces") > 0, pattern="lucky_guess", rule="threshold")
    if own.is_empty():
        return None
    row = own.sort("rate", "model", descending=[True, False]).row(0, named=True)
    sentence = (
        f"{row['n_with']:,} of {one_line(row['model'], 40)}'s {numbers.counted(row['n_traces'], 'correct trace')} reach an "
        f"answer that was unlikely just before it was stated: {_written(row, 'share')}."
    )
    if row["n_traces"] < FEWEST_TRACES:
        return Finding("Too few correct traces to say how many are guessed", sentence, "pattern_rates")
    headline = "Some correct answers look guessed" if row["n_with"] else "No answer looks guessed"
    return Finding(headline, sentence, "guesses")


def compared(pairs: pl.DataFrame) -> str:
    """How far apart the two models are that differ most in accuracy, in a sentence; empty where none is known."""
    known = pairs.filter(pl.col("difference").is_not_null(), measure="accuracy")
    if known.is_empty():
        return ""
    row = known.sort(pl.col("difference").abs(), "model_a", "model_b", descending=[True, False, False]).row(
        0, named=True
    )
    first, second = (
        f"{one_line(row[f'model_{x}'], 40)} is correct in {numbers.percent(row[f'value_{x}'])}" for x in "ab"
    )
    difference = numbers.with_interval(row["difference"], row["ci_low"], row["ci_high"], "share")
    n = numbers.counted(row["n_problems"], "problem")
    return f"On the {n} that both have, {first}, {second}: a difference of {difference}."


def _is_open(low: float | None, high: float | None, n: int) -> bool:
    """Whether an interval, or the few problems that it rests on, leave open which way a difference goes."""
    return n < FEWEST_PROBLEMS or low is None or high is None or low <= 0 <= high


def _written(row: Row, kind: str) -> str:
    """Estimate or rate of a row with its interval."""
    return numbers.with_interval(row.get("estimate", row.get("rate")), row["ci_low"], row["ci_high"], kind)


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
