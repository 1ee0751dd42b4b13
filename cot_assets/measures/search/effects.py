"""Searched traces: how good they are compared with sampled ones, and how much the search flatters itself.

Belongs here: potentials and judgements of the two arms, paired comparisons, the selection bias. Does not
belong here: the search (the sampling side).

Both arms are cut on the same grid and measured with the same number of rollouts, since the share of traces
that count as monotone depends on both. The search knows the gold answer: what it gains shows how far
chunks decide, and is not an accuracy that a user of the model could have.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from cot_assets.measures.estimates import Group, Row, comparison, estimates, paired
from cot_assets.measures.frames import EPSILON, reals, stamped
from cot_assets.statistics.clusters import cluster_bootstrap_mean
from cot_assets.statistics.estimates import add_potential
from cot_assets.statistics.isotonic import LEVEL, fall_p_value
from cot_assets.study import Protocol
from cot_assets.warehouse.schema import polars_schema

ARMS = ("searched", "sampled")
MEASURES = (
    "correct", "n_tokens", "potential", "monotone_by_tolerance", "monotone_by_test", "selection_bias",
)  # fmt: skip

_MONOTONE = ("trace_id", "n_known_cuts", "max_drop", "p_value")
_ESTIMATED = ("potential", "ci_low", "ci_high")


def judge_steps(counted: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """The table ``search_steps`` from its counts.

    Args:
        counted: Its columns but potentials and intervals.
        protocol: Stamped on every row.

    Returns:
        The same rows with both estimates of every chosen chunk, NULL where n is 0 or unknown.
    """
    chosen = counted.select(n="selection_n", n_correct="selection_n_correct")
    selected = add_potential(chosen).select(
        pl.col(name).alias("selection_" + name.removeprefix("ci_")) for name in _ESTIMATED
    )
    frame = add_potential(counted).with_columns(selected)
    return stamped(frame, "search_steps", protocol).sort("problem_id", "arm", "cut_index")


def judge_searches(counted: pl.DataFrame, steps: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """The table ``search_traces``: what each trace's fresh estimates show.

    Args:
        counted: Its columns up to ``tokens_spent``, and model_revision and grader_version.
        steps: From :func:`judge_steps`.
        protocol: Gives tolerance and seed.
    """
    start = steps.filter(pl.col("cut_index") == 0).select(
        "trace_id", n0="n", v0="potential", v0_low="ci_low", v0_high="ci_high"
    )
    later = steps.filter(pl.col("cut_index") > 0)
    means = later.group_by("trace_id").agg(mean_potential=pl.col("potential").mean())
    frame = counted
    for part in (_monotone(steps, protocol), start, means):
        frame = frame.join(part, on="trace_id", how="left")
    return stamped(frame, "search_traces", protocol).sort("problem_id", "arm")


def _monotone(steps: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """By trace: the largest fall between neighboring chunks against the tolerance, and the test of all of them."""
    known = steps.filter(~pl.col("is_end") & (pl.col("n") > 0)).sort("trace_id", "cut_index")
    rows: list[dict[str, object]] = []
    for trace_id, index, k_, n_ in (
        known.group_by("trace_id", maintain_order=True).agg("cut_index", "n_correct", "n").iter_rows()
    ):
        k, n = np.asarray(k_, dtype=np.float64), np.asarray(n_, dtype=np.float64)
        falls = -np.diff(k / n)[np.diff(index) == 1]
        rows.append(
            {
                "trace_id": trace_id,
                "n_known_cuts": len(index),
                "max_drop": float(falls.max(initial=0.0)) if falls.size else None,
                "p_value": fall_p_value(k, n, protocol.sampling.seed) if len(index) > 1 else None,
            }
        )
    found = pl.DataFrame(rows, polars_schema("search_traces", _MONOTONE))
    return (
        steps.select(pl.col("trace_id").unique())
        .join(found, on="trace_id", how="left")
        .with_columns(
            pl.col("n_known_cuts").fill_null(0),
            tolerance=pl.lit(protocol.analysis.monotone_tolerance),
            is_monotone_by_tolerance=pl.col("max_drop") <= protocol.analysis.monotone_tolerance + EPSILON,
            is_monotone_by_test=pl.col("p_value") >= LEVEL,
        )
    )


def stopped_values(
    traces: pl.DataFrame, steps: pl.DataFrame, chunk: int, n_chunks: int | None = None
) -> pl.DataFrame:
    """The value of each trace at every multiple of the chunk length.

    Where a trace has ended, its value is the verdict: so two traces of different lengths are compared at
    the same token positions, and not at shares of their lengths.

    Args:
        traces: Table ``search_traces`` of one model and problem set.
        steps: Table ``search_steps`` of the same.
        chunk: Tokens of a chunk.
        n_chunks: Up to which multiple; if None up to the longer trace of each problem.

    Returns:
        problem_id, arm, ``position`` (tokens) and ``value``; no row where nothing is known: without rollouts,
        after the end of the search's budget, or if the grader failed on the trace.
    """
    last = pl.col("n_chunks").max().over("problem_id") if n_chunks is None else pl.lit(n_chunks)
    places = traces.select(
        "problem_id", "arm", "n_tokens", "verdict", position=pl.int_ranges(0, (last + 1) * chunk, chunk)
    ).explode("position")
    measured = steps.select("problem_id", "arm", "potential", position=pl.col("token_end").cast(pl.Int64))
    has_ended = (pl.col("position") >= pl.col("n_tokens")) & (pl.col("verdict") != "unscored")
    verdict = pl.when(has_ended).then((pl.col("verdict") == "correct").cast(pl.Float64))
    return (
        places.join(
            measured.drop_nulls("potential"),
            on=["problem_id", "arm", "position"],
            how="left",
            maintain_order="left",
        )
        .select("problem_id", "arm", "position", value=pl.coalesce("potential", verdict))
        .drop_nulls("value")
    )


def mean_curves(traces: pl.DataFrame, steps: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """Mean value of both arms over token positions, over the problems that have both there.

    Args:
        traces: Table ``search_traces``, of any models.
        steps: Table ``search_steps``.
        protocol: Gives chunk length and seed.

    Returns:
        model, arm, position, mean, ci_low, ci_high (bootstrap by problem), n_problems: one row per model,
        arm and position; problems that ended before keep their verdict.
    """
    rows: list[tuple[Any, ...]] = []
    for (model,), own in traces.sort("model").group_by("model", maintain_order=True):
        last = int(own["n_chunks"].to_numpy().max())
        values = stopped_values(
            own, steps.filter(pl.col("model") == model), protocol.sampling.search_chunk, last
        )
        both = values.filter(pl.len().over("problem_id", "position") == len(ARMS))
        for (arm, position), group in both.group_by("arm", "position"):
            mean = cluster_bootstrap_mean(
                reals(group, "value"), group["problem_id"].to_numpy(), protocol.sampling.seed
            )
            rows.append((model, arm, position, mean.mean, mean.low, mean.high, mean.n_clusters))
    columns = ["model", "arm", "position", "mean", "ci_low", "ci_high", "n_problems"]
    return pl.DataFrame(rows, columns, orient="row").sort("model", "arm", "position")


def search_effects(
    traces: pl.DataFrame, steps: pl.DataFrame, sampled: pl.DataFrame, protocol: Protocol
) -> pl.DataFrame:
    """The table ``search_effects`` of one model on one problem set.

    Args:
        traces: Table ``search_traces``.
        steps: Table ``search_steps``.
        sampled: All rows of ``traces`` of the same problems: problem_id, verdict, n_tokens.
        protocol: Gives chunk length, the token budget and the seed.

    Returns:
        Rows of ``estimates``: for every measure of :data:`MEASURES` ``mean`` (searched), ``reference`` (sampled) and
        their ``difference``, NULL without a problem that has both.
    """
    if traces.is_empty():
        return estimates([], "search_effects", protocol)
    searched, plain = (traces.filter(pl.col("arm") == arm) for arm in ARMS)
    judged = pl.col("verdict") != "unscored"
    is_correct = (pl.col("verdict") == "correct").cast(pl.Float64).alias("value")
    length = (pl.col("n_tokens") / protocol.sampling.max_tokens).clip(upper_bound=1.0).alias("value")
    ended = searched.filter("is_complete")
    values = stopped_values(traces, steps, protocol.sampling.search_chunk).filter(
        (pl.len().over("problem_id", "position") == len(ARMS)) & (pl.col("position") > 0)
    )
    sides: dict[str, tuple[pl.DataFrame, pl.DataFrame]] = {
        "correct": (
            ended.filter(judged).select("problem_id", is_correct),
            sampled.filter(judged).select("problem_id", is_correct),
        ),
        "n_tokens": (ended.select("problem_id", length), sampled.select("problem_id", length)),
        "potential": (values.filter(pl.col("arm") == ARMS[0]), values.filter(pl.col("arm") == ARMS[1])),
    }
    for rule in ("tolerance", "test"):
        flag = pl.col(f"is_monotone_by_{rule}").cast(pl.Float64).alias("value")
        one, other = (side.select("problem_id", flag).drop_nulls() for side in (searched, plain))
        sides[f"monotone_by_{rule}"] = (one, other)
    labels = {name: traces[name][0] for name in ("problem_set", "model")}
    rows = [*_bias(Group(steps, "chunks", labels, protocol.sampling.seed))]
    for measure, (value, reference) in sides.items():
        scale = float(protocol.sampling.max_tokens) if measure == "n_tokens" else 1.0
        found = paired(value, reference, "value", protocol.sampling.seed)
        rows += comparison(measure, found, "problems", labels, scale)
    return estimates(rows, "search_effects", protocol)


def _bias(steps: Group) -> Iterator[Row]:
    """Selection against fresh estimate of every chosen chunk, whole problems resampled."""
    won, fresh = pl.col("selection_potential"), pl.col("potential")
    both = replace(steps, frame=steps.frame.filter(won.is_not_null() & fresh.is_not_null()))
    for statistic, value, bounds in (
        ("mean", won, (0.0, 1.0)), ("reference", fresh, (0.0, 1.0)), ("difference", won - fresh, (-1.0, 1.0)),
    ):  # fmt: skip
        yield {**both.mean("selection_bias", value, bounds), "statistic": statistic}
