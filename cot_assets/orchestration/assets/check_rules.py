"""The rules of the asset checks, as pure functions of frames.

Belongs here: what a check asks of a table. Does not belong here: Dagster's check specs and results
(:mod:`cot_assets.orchestration.assets.materializing`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

import polars as pl

from cot_assets.statistics.batches import differ_by_chance
from cot_assets.statistics.surprise import LEVEL
from cot_assets.warehouse.schema import check_frame

MAX_UNSCORED_SHARE = 0.02
MAX_TRUNCATED_SHARE = 0.10
MAX_EMPTY_SHARE = 0.50
MAX_NO_ANSWER_SHARE = 0.50
MAX_MEDIAN_WIDTH = 0.30


@dataclass(frozen=True)
class Finding:
    """What a check found: passed or not, one sentence, and the figures behind it.

    Without ``can_block`` it only warns, also where its check blocks what follows.
    """

    is_passed: bool
    message: str
    figures: Mapping[str, float | int | str] = field(default_factory=dict)
    can_block: bool = True


class Check(NamedTuple):
    """Whether a check blocks what follows, what it says, and its rule; the asset itself finds out where it has none."""

    is_blocking: bool
    text: str
    rule: Callable[[pl.DataFrame], Finding] | None = None


Checks = Mapping[str, Check]  #: by name


def found(checks: Checks, rows: pl.DataFrame) -> dict[str, Finding]:
    """What the rules of the checks find in the rows of an asset."""
    return {name: check.rule(rows) for name, check in checks.items() if check.rule is not None}


def schema_holds(table: str, frame: pl.DataFrame) -> Finding:
    """Columns, types, NOT NULL and primary key are those of the DDL."""
    return _agrees(check_frame(table, frame), frame.height)


def _agrees(violations: Sequence[str], n_rows: int) -> Finding:
    message = "; ".join(violations[:5]) if violations else f"{n_rows:,} rows agree with the schema"
    return Finding(not violations, message, {"violations": len(violations)})


def some_are_measured(traces: pl.DataFrame, measured: pl.DataFrame, which: str) -> Finding:
    """Any trace is measured: of all, or of the correct ones."""
    message = f"{measured.height:,} of {traces.height:,} traces are measured"
    if measured.is_empty():
        wanted = 'correct, as `measured = "correct"` asks' if which == "correct" else "longer than no token"
        message = f"none of {traces.height:,} traces is {wanted}: there are no prefixes, and no potentials"
    return Finding(measured.height > 0, message)


def no_duplicate_rollouts(rollouts: pl.DataFrame) -> Finding:
    """No prefix has a sample index twice, and no block is spread over prefixes."""
    indices = rollouts.select("problem_id", "prefix_id", "sample_index")
    twice = indices.filter(pl.struct(pl.all()).is_duplicated()).n_unique()
    blocks = rollouts.group_by("block_key").agg(n=pl.col("prefix_id").n_unique())
    shared, message = blocks.filter(pl.col("n") > 1).height, "every sample index is there once"
    if twice or shared:
        message = (
            f"{twice} sample indices are there more than once, {shared} blocks belong to several prefixes"
        )
    return Finding(not twice and not shared, message, {"duplicates": twice, "shared_blocks": shared})


def blocks_agree(rollouts: pl.DataFrame) -> Finding:
    """Blocks of one prefix are as often correct as one another, but for chance: one model wrote them."""
    blocks = (
        rollouts.filter(pl.col("verdict") != "unscored")
        .group_by("prefix_id", "block_key")
        .agg(k=(pl.col("verdict") == "correct").sum(), n=pl.len())
    )
    p = differ_by_chance(blocks["k"], blocks["n"], blocks["prefix_id"])
    message = f"{blocks.height:,} blocks agree with others of their prefixes (p = {p:.2g})"
    if p < LEVEL:
        message = (
            f"blocks of one prefix differ beyond chance (p = {p:.0e}): did one model write them all? A server may have had "
            "other weights behind its name; give them a `revision` of their own in models.toml, and run again"
        )
    return Finding(p >= LEVEL, message, {"p": p, "blocks": blocks.height})


def unscored_share_is_small(rollouts: pl.DataFrame) -> Finding:
    """The grader failed on at most 2% of the rollouts: they leave n, so more would bias potentials."""
    return _share(rollouts, pl.col("verdict") == "unscored", "unscored", MAX_UNSCORED_SHARE)


def truncated_share_is_small(rollouts: pl.DataFrame) -> Finding:
    """At most 10% of the rollouts ran out of tokens: they count as incorrect."""
    return _share(rollouts, pl.col("verdict") == "truncated", "truncated", MAX_TRUNCATED_SHARE)


def empty_share_is_small(texts: pl.DataFrame, what: str = "rollouts") -> Finding:
    """At most half of the texts are empty: beyond that, the server or the template is broken."""
    return _share(texts, pl.col("n_tokens") == 0, "empty", MAX_EMPTY_SHARE, what)


def no_answer_share_is_small(texts: pl.DataFrame, what: str = "rollouts") -> Finding:
    """At most half of the texts that were ended by the model have no answer: beyond that, potentials measure a form.

    Its figures say by which rule the answers were found, and how many of all texts have none, as ``answer_rules`` does.
    """
    ended, is_unanswered = texts.filter(pl.col("verdict") != "truncated"), pl.col("verdict") == "no_answer"
    found = _share(ended, is_unanswered, "without an answer", MAX_NO_ANSWER_SHARE, f"finished {what}")
    rule = pl.when(pl.col("answer").is_null()).then(pl.lit("none")).otherwise(pl.col("answer_rule"))
    counts = (
        texts.group_by(rule=rule.fill_null("imported")).len().sort("len", "rule", descending=[True, False])
    )
    rules = dict(counts.iter_rows())
    told = ", ".join(f"{name} {n:,}" for name, n in rules.items())
    figures = {**found.figures, **{f"rule_{name}": n for name, n in rules.items()}}
    return replace(found, message=f"{found.message}; found by {told or 'nothing'}", figures=figures)


def _share(texts: pl.DataFrame, kind: pl.Expr, name: str, limit: float, what: str = "rollouts") -> Finding:
    count = texts.filter(kind).height
    share = count / texts.height if texts.height else 0.0
    message = f"{count:,} of {texts.height:,} {what} are {name} ({share:.1%}; limit {limit:.0%})"
    return Finding(
        share <= limit, message, {"share": share, "limit": limit, "count": count, what: texts.height}
    )


def potential_is_null_iff_unknown(potentials: pl.DataFrame) -> Finding:
    """The potential is NULL exactly where n is 0 or unknown, and otherwise n_correct / n in its interval.

    Where rollouts have weights (``n_effective``) it is their weighted share instead, which the counts do not tell.
    """
    has_weights = (
        pl.col("n_effective").is_not_null() if "n_effective" in potentials.columns else pl.lit(False)
    )
    is_unknown = pl.col("n").is_null() | (pl.col("n") == 0)
    wrong = potentials.filter(
        (pl.col("potential").is_null() != is_unknown)
        | (pl.col("ci_low").is_null() != is_unknown)
        | (pl.col("ci_high").is_null() != is_unknown)
        | (~has_weights & ((pl.col("potential") - pl.col("n_correct") / pl.col("n")).abs() > 1e-9))
        | (pl.col("potential") < pl.col("ci_low"))
        | (pl.col("potential") > pl.col("ci_high"))
    ).height
    unknown = potentials.filter(is_unknown).height
    message = f"{wrong} rows break the rule; {unknown} of {potentials.height:,} potentials are unknown"
    return Finding(not wrong, message, {"wrong": wrong, "unknown": unknown})


def intervals_are_narrow(potentials: pl.DataFrame) -> Finding:
    """The median 95% interval is at most 0.30 wide: wider ones cannot tell an insight from noise."""
    width = potentials.select((pl.col("ci_high") - pl.col("ci_low")).median()).item()
    if width is None:
        return Finding(False, "no potential is known")
    message = f"the median interval is {width:.2f} wide (limit {MAX_MEDIAN_WIDTH:.2f}); a larger n narrows it"
    return Finding(width <= MAX_MEDIAN_WIDTH, message, {"median_width": width})


def search_is_whole(traces: pl.DataFrame, steps: pl.DataFrame) -> Finding:
    """Chunks follow one another from token 0 to the trace's last, and the tokens spent on them add up.

    Only the last may end the trace, and does so exactly where the trace is complete.
    """
    ordered = steps.sort("problem_id", "arm", "cut_index")
    key = ["problem_id", "arm"]
    before = pl.col("token_end").shift(1, fill_value=0).over(key)
    is_broken = (
        (pl.col("cut_index") != pl.int_range(pl.len()).over(key))
        | (pl.col("token_start") != before)
        | (pl.col("token_end") < pl.col("token_start"))
        | (pl.col("is_end") & (pl.col("cut_index") < pl.len().over(key) - 1))
    )
    broken = ordered.filter(is_broken).height
    ends = ordered.group_by(key).agg(
        last=pl.col("token_end").last(),
        has_end=pl.col("is_end").last(),
        spent=pl.col("tokens_spent").sum(),
        chunks=pl.len() - 1,
    )
    agrees = (
        (pl.col("last") == pl.col("n_tokens"))
        & (pl.col("has_end") == pl.col("is_complete"))
        & (pl.col("spent") == pl.col("tokens_spent"))
        & (pl.col("chunks") == pl.col("n_chunks"))
    )
    joined = traces.join(ends, on=key, how="full", coalesce=True)
    odd = joined.filter(~agrees.fill_null(value=False)).height
    message = f"the chunks of {traces.height} traces add up"
    if broken or odd:
        message = (
            f"{broken} steps do not follow the one before; {odd} traces are not what their steps add up to"
        )
    return Finding(not broken and not odd, message, {"broken_steps": broken, "odd_traces": odd})


def selection_is_not_below_fresh(effects: pl.DataFrame) -> Finding:
    """The estimate that won is not, beyond chance, below the fresh one of the same chunk.

    The largest of several estimates is too large on average. Below the fresh ones it can only lie if the
    two kinds of rollouts do not come from the same law, or take each other's place.
    """
    row = effects.filter(pl.col("measure") == "selection_bias").drop_nulls("difference").to_dicts()
    if not row:
        return Finding(True, "no chunk was chosen by an estimate")
    bias, low, high, n = (row[0][c] for c in ("difference", "difference_low", "difference_high", "n"))
    message = f"selection minus fresh estimate: {bias:+.3f} ({low:+.3f} to {high:+.3f}) over {n} chunks" + (
        "" if high >= 0 else ": below 0, which choosing the best cannot do"
    )
    return Finding(high >= 0, message, {"bias": bias, "low": low, "high": high, "chunks": n})


def search_findings(tables: Mapping[str, pl.DataFrame], used: pl.DataFrame) -> dict[str, Finding]:
    """All findings on the tables of a search, by the name of the check.

    Args:
        tables: By name: search_traces, search_steps, search_effects.
        used: Every rollout that chose or measured a kept chunk, once per use.
    """
    violations = [f"{name}: {each}" for name, frame in tables.items() for each in check_frame(name, frame)]
    steps = tables["search_steps"]
    return {
        "schema": _agrees(violations, sum(frame.height for frame in tables.values())),
        "search_is_whole": search_is_whole(tables["search_traces"], steps),
        "no_duplicates": no_duplicate_rollouts(used),
        "unscored_share": unscored_share_is_small(used),
        "null_iff_unknown": potential_is_null_iff_unknown(steps),
        "selection_bias": selection_is_not_below_fresh(tables["search_effects"]),
    }


# --- which rules hold for what --------------------------------------------------------------------


def of_table(name: str) -> Checks:
    """The check that most assets have."""
    return {
        "schema": Check(True, "Columns, types and keys are those of the DDL.", partial(schema_holds, name))
    }


def of_texts(what: str) -> Checks:
    """Checks of what a model wrote: traces or rollouts."""
    empty, unanswered = (
        partial(rule, what=what) for rule in (empty_share_is_small, no_answer_share_is_small)
    )
    return {
        "empty_share": Check(True, "At most half of the texts are empty.", empty),
        "no_answer_share": Check(
            False, "At most half of the finished texts have no answer where `answer_rules` look.", unanswered
        ),
    }


def of_rollouts(table: str) -> Checks:
    """Checks of rollouts, wherever the prefix came from."""
    return {
        **of_table(table),
        "no_duplicates": Check(True, "No prefix has a sample index twice.", no_duplicate_rollouts),
        "unscored_share": Check(
            True, "The grader failed on at most 2% of the rollouts.", unscored_share_is_small
        ),
        "truncated_share": Check(
            False, "At most 10% of the rollouts ran out of tokens.", truncated_share_is_small
        ),
        "blocks_agree": Check(
            False, "Blocks of one prefix are correct equally often: level 1e-6.", blocks_agree
        ),
        **of_texts("rollouts"),
    }


def of_potentials(table: str) -> Checks:
    """Checks of potentials, wherever the prefix came from."""
    says = "The potential is NULL exactly where n is 0."
    return {**of_table(table), "null_iff_unknown": Check(True, says, potential_is_null_iff_unknown)}
