"""Which steps transfer: does what lifts the writer lift the reader?

Belongs here: changes of both models' potentials between the same two cuts of the writer's trace, and how
they go together. Does not belong here: the reader's potential at one cut (:mod:`.transfer`).

A reader is given prefixes that end at measured cuts of the writer's trace, so at each of them both
potentials are measured and nothing is interpolated. A step goes from one such cut to the next one that the
reader was given; cuts of the writer in between are passed over. The two models' rollouts are independent,
so choosing steps by the writer's change does not bias the reader's. The correlation is weakened by the noise
of both estimates; beside it stands one from whose variances the binomial noise is taken off.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from cot_assets.measures.frames import EPSILON, STEP_CORRELATIONS, TRANSFER_STEPS, conform, require
from cot_assets.statistics.clusters import cluster_bootstrap_correlation, cluster_bootstrap_mean
from cot_assets.statistics.special import Floats
from cot_assets.study import Protocol

KINDS = ("all", "insight", "tangent", "other")
_PAIR = ("problem_set", "reader", "writer")
_TRACE = (*_PAIR, "problem_id", "trace_id")
_POINTS = (*_TRACE, "cut_index", "leaks_answer", "n", "n_correct", "writer_n", "writer_n_correct")


def transfer_steps(points: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """One row per step between two successive cuts at which both potentials are known.

    Args:
        points: one row per reader, writer, trace and cut: ``problem_set, reader, writer, problem_id,
            trace_id, cut_index, leaks_answer``, the reader's ``n`` and ``n_correct`` and the writer's
            ``writer_n`` and ``writer_n_correct``.
        protocol: gives the thresholds by which the writer's change is an insight or a tangent.

    Returns:
        The columns of table ``transfer_steps``. A point where either potential is unknown ends a step and
        starts none: no step bridges it.

    Raises:
        ValueError: a column is missing, or a cut stands twice.
    """
    require(points, _POINTS, "points")
    if points.select(pl.struct(*_TRACE, "cut_index").is_duplicated().any()).item():
        raise ValueError("points has a cut of a trace more than once for a reader")
    known = pl.when((pl.col("n") > 0) & (pl.col("writer_n") > 0))
    frame = points.sort(*_TRACE, "cut_index").with_columns(
        known.then(pl.col("n_correct") / pl.col("n")).alias("reader_to"),
        known.then(pl.col("writer_n_correct") / pl.col("writer_n")).alias("writer_to"),
    )
    before = {
        "cut_from": "cut_index", "reader_from": "reader_to", "writer_from": "writer_to",
        "reader_n_from": "n", "writer_n_from": "writer_n",
    }  # fmt: skip
    frame = frame.with_columns(
        *(pl.col(name).shift(1).over(_TRACE).alias(alias) for alias, name in before.items()),
        pl.col("cut_index").alias("cut_to"),
        pl.col("n").alias("reader_n_to"),
        pl.col("writer_n").alias("writer_n_to"),
    ).filter(pl.col("reader_from").is_not_null() & pl.col("reader_to").is_not_null())
    frame = frame.with_columns(
        (pl.col("reader_to") - pl.col("reader_from")).alias("reader_change"),
        (pl.col("writer_to") - pl.col("writer_from")).alias("writer_change"),
    ).with_columns(
        pl.when(pl.col("writer_change") > protocol.insight_threshold + EPSILON)
        .then(pl.lit("insight"))
        .when(pl.col("writer_change") < -protocol.tangent_threshold - EPSILON)
        .then(pl.lit("tangent"))
        .otherwise(pl.lit("other"))
        .alias("kind")
    )
    return conform(frame, TRANSFER_STEPS, protocol)


def step_correlations(steps: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """How the reader's changes go with the writer's, by kind of step.

    Args:
        steps: what :func:`transfer_steps` returned.
        protocol: gives the seed.

    Returns:
        The columns of table ``step_correlations``: per reader and writer every kind of :data:`KINDS`, with
        all steps (``leaks`` = ``kept``) and without those at whose end the gold answer stands in the text
        (``dropped``). Means over steps; intervals are cluster bootstraps by problem. NULL where there is
        nothing to estimate from: no steps, or for a correlation fewer than 3 problems (for its interval fewer
        than 6) or a change that is the same everywhere. ``corrected`` (all steps only) has the binomial noise of both
        changes taken off their variances; NULL where a change does not vary beyond its noise.

    Raises:
        ValueError: a column is missing.
    """
    require(steps, TRANSFER_STEPS, "transfer_steps")
    rows: list[dict[str, object]] = []
    for values, pair in steps.sort(*_TRACE, "cut_from").group_by(*_PAIR, maintain_order=True):
        for kind in KINDS:
            for leaks in ("kept", "dropped"):
                chosen = pair if kind == "all" else pair.filter(pl.col("kind") == kind)
                if leaks == "dropped":
                    chosen = chosen.filter(~pl.col("leaks_answer"))
                base = {**dict(zip(_PAIR, values, strict=True)), "kind": kind, "leaks": leaks}
                rows.append(
                    {**base, **_summary(chosen, protocol.seed), **_corrected(chosen, kind, protocol.seed)}
                )
    frame = pl.DataFrame(rows, schema=dict(STEP_CORRELATIONS)).with_columns(pl.col(pl.Float64).fill_nan(None))
    return conform(frame, STEP_CORRELATIONS, protocol)


def _summary(steps: pl.DataFrame, seed: int) -> dict[str, object]:
    problems = steps["problem_id"].to_numpy()
    writer, reader = _reals(steps, "writer_change"), _reals(steps, "reader_change")
    chosen, mean = (
        cluster_bootstrap_mean(changes, problems, seed, bounds=(-1.0, 1.0)) for changes in (writer, reader)
    )
    together = cluster_bootstrap_correlation(writer, reader, problems, seed)
    is_known = together.n_clusters >= 3
    return {
        "n_steps": steps.height,
        "n_traces": steps["trace_id"].n_unique(),
        "n_problems": mean.n_clusters,
        "writer_change": chosen.mean,
        "writer_change_low": chosen.low,
        "writer_change_high": chosen.high,
        "reader_change": mean.mean,
        "reader_change_low": mean.low,
        "reader_change_high": mean.high,
        "correlation": together.mean if is_known else None,
        "correlation_low": together.low,
        "correlation_high": together.high,
    }


def _corrected(steps: pl.DataFrame, kind: str, seed: int) -> dict[str, object]:
    """Correlation without noise, for all steps: within a kind the writer's noise was part of the choice."""
    if kind != "all" or steps["problem_id"].n_unique() < 3:
        return {"corrected": None, "corrected_low": None, "corrected_high": None}
    found = cluster_bootstrap_correlation(
        _reals(steps, "writer_change"),
        _reals(steps, "reader_change"),
        steps["problem_id"].to_numpy(),
        seed,
        noise=(_noise(steps, "writer"), _noise(steps, "reader")),
    )
    return {"corrected": found.mean, "corrected_low": found.low, "corrected_high": found.high}


def _noise(steps: pl.DataFrame, side: str) -> Floats:
    """Unbiased error variance of each change: p (1 - p) / (n - 1) at either end; NaN where n is 1."""
    total = np.zeros(steps.height)
    for end in ("from", "to"):
        p, n = _reals(steps, f"{side}_{end}"), _reals(steps, f"{side}_n_{end}")
        total += p * (1 - p) / np.where(n > 1, n - 1, np.nan)
    return total


def _reals(steps: pl.DataFrame, name: str) -> Floats:
    return np.asarray(steps[name].cast(pl.Float64).to_numpy(), dtype=np.float64)
