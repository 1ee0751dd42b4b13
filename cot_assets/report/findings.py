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
LITTLE = 0.05  #: change of a chance below which a reader gains little
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
    solving = _solving(source.query("difficulty"), source.query("model_pairs"))
    found = [solving, _patterns(rates), _transfer(source), _guesses(rates)]
    return [finding for finding in found if finding is not None][:3]


def _solving(difficulty: pl.DataFrame, pairs: pl.DataFrame) -> Finding | None:
    """Which model solves more, of the pair that differs most; of one model alone, how much it solves."""
    known = pairs.filter(pl.col("difference").is_not_null(), measure="accuracy")
    if not known.is_empty():
        return _solving_more(known)
    own = difficulty.filter(pl.col("split_by") == "none", pl.col("estimate").is_not_null())
    levels = own.filter(pl.col("measure").is_in(["accuracy", "v0"])).sort("measure", "model")
    if levels.is_empty():
        return None
    row = levels.row(0, named=True)
    rows = {r["measure"]: r for r in levels.filter(model=row["model"]).iter_rows(named=True)}
    name, n = one_line(row["model"], 40), row["n_problems"]
    correct = f"traces are correct in {_written(rows['accuracy'], 'share')}" if "accuracy" in rows else ""
    chance = f"chance before the first token is {_written(rows['v0'], 'value')}" if "v0" in rows else ""
    said = ", its ".join(part for part in (correct, chance) if part)
    sentence = f"Over {numbers.counted(n, 'problem')}, {name}'s {said}."
    if _is_open(row["ci_low"], row["ci_high"], n, between=0.5):
        return Finding(f"Too few problems to say whether {name} solves half of them", sentence, "difficulty")
    share = "more" if row["estimate"] > 0.5 else "fewer"
    return Finding(f"{name} solves {share} than half of the problems", sentence, "difficulty")


def _solving_more(pairs: pl.DataFrame) -> Finding:
    """Of the two models that differ most in accuracy, the one that solves more."""
    order = [pl.col("difference").abs(), pl.col("model_a"), pl.col("model_b")]
    row = pairs.sort(order, descending=[True, False, False]).row(0, named=True)
    names = {x: one_line(row[f"model_{x}"], 40) for x in "ab"}
    first, second = (f"{names[x]} is correct in {numbers.percent(row[f'value_{x}'])}" for x in "ab")
    difference = numbers.with_interval(row["difference"], row["ci_low"], row["ci_high"], "share")
    points = difference.replace("%", " points")
    n = row["n_problems"]
    sentence = (
        f"On the {numbers.counted(n, 'problem')} that both have, {first}, {second}: a difference of {points}."
    )
    if _is_open(row["ci_low"], row["ci_high"], n):
        return Finding("Too few problems to say which model solves more", sentence, "model_pairs")
    better, other = "ab" if row["difference"] > 0 else "ba"
    return Finding(f"{names[better]} solves more than {names[other]}", sentence, "model_pairs")


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
        ends, is_enough = (row["lift_low"], row["lift_high"]), row["n_problems"] >= FEWEST_PROBLEMS
        if is_enough and None not in ends and max(map(abs, ends)) < LITTLE:
            return Finding(f"{writer}'s beginnings change little for {reader}", sentence, "transfer")
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
        f"The answer was unlikely just before it was stated in {row['n_with']:,} of {one_line(row['model'], 40)}'s "
        f"{numbers.counted(row['n_traces'], 'correct trace')}: {_written(row, 'share')}."
    )
    if row["n_traces"] < FEWEST_TRACES:
        return Finding("Too few correct traces to say how many are guessed", sentence, "pattern_rates")
    headline = "Some correct answers look guessed" if row["n_with"] else "No answer looks guessed"
    return Finding(headline, sentence, "guesses")


def _is_open(low: float | None, high: float | None, n: int, between: float = 0) -> bool:
    """Whether an interval, or the few problems that it rests on, leave open on which side of a value the truth is."""
    return n < FEWEST_PROBLEMS or low is None or high is None or low <= between <= high


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
