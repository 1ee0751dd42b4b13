"""Transfer: does a prefix by one model help another to solve the problem?

Belongs here: the verdict on each prefix, and summaries over problems. Does not belong here: which text
the reader is given (the sampling side) and the potential of a model's own traces (:mod:`.events`).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import polars as pl

from cot_assets.config import Protocol
from cot_assets.potential.clusters import cluster_bootstrap_mean
from cot_assets.potential.estimates import CONFIDENCE, probability_below
from cot_assets.potential.frames import EPSILON, UNLOCKS, conform, require
from cot_assets.potential.special import Floats

UNSOLVED_BELOW = 0.05  #: V0 of a problem that the reader cannot solve
LIFTED_ABOVE = 0.10  #: potential that shows that the prefix helped
SOLVED_FROM = 0.5  #: potential of a prefix from which the reader mostly succeeds

_PAIR = ("problem_set", "reader", "writer")
_NEEDED = (
    *_PAIR,
    *("problem_id", "trace_id", "fraction", "control", "trace_verdict", "leaks_answer", "n", "n_correct"),
)
_PLACE = ("share", "n_tokens")


def judge_unlocks(transfer_potentials: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """Judge every prefix above fraction 0.

    ``unlocked``: P(V0 < 0.05) >= 0.95 and P(V_f > 0.10) >= 0.95. ``not_unlocked``: P(V0 < 0.05) >= 0.95
    and P(V_f > 0.10) <= 0.05. ``solved_before``: P(V0 < 0.05) <= 0.05. Everything else, unknown
    potentials included, is ``undecided``.

    Args:
        transfer_potentials: table of that name. The reader's V0 is its row at fraction 0 without control,
            of any trace of the problem: the prefix is the bare prompt for all of them.
        protocol: stamped on the result.

    Returns:
        The columns of table ``unlocks``.

    Raises:
        ValueError: a column is missing.
    """
    require(transfer_potentials, (*_NEEDED, *_PLACE), "transfer_potentials")
    key = [*_PAIR, "problem_id"]
    start = (
        transfer_potentials.filter((pl.col("fraction") == 0) & (pl.col("control") == "none"))
        .sort(*key, pl.col("n").fill_null(0), descending=[False] * len(key) + [True])
        .unique(key, keep="first", maintain_order=True)
        .select(*key, pl.col("n").alias("n0"), pl.col("n_correct").alias("k0"))
    )
    frame = transfer_potentials.filter(pl.col("fraction") > 0).join(start, on=key, how="left")
    unsolved = probability_below(_column(frame, "k0"), _column(frame, "n0"), UNSOLVED_BELOW)
    lifted = 1 - probability_below(_column(frame, "n_correct"), _column(frame, "n"), LIFTED_ABOVE)
    is_unsolved = pl.col("probability_unsolved") >= CONFIDENCE
    frame = frame.with_columns(
        pl.Series("probability_unsolved", unsolved, dtype=pl.Float64).fill_nan(None),
        pl.Series("probability_lifted", lifted, dtype=pl.Float64).fill_nan(None),
        pl.when(pl.col("n0") > 0).then(pl.col("k0") / pl.col("n0")).alias("v0"),
        pl.when(pl.col("n") > 0).then(pl.col("n_correct") / pl.col("n")).alias("potential"),
    ).with_columns(
        is_unsolved.alias("is_unsolved"),
        (pl.col("potential") >= SOLVED_FROM - EPSILON).alias("is_solved"),
        pl.when(pl.col("probability_unsolved") <= 1 - CONFIDENCE)
        .then(pl.lit("solved_before"))
        .when(is_unsolved & (pl.col("probability_lifted") >= CONFIDENCE))
        .then(pl.lit("unlocked"))
        .when(is_unsolved & (pl.col("probability_lifted") <= 1 - CONFIDENCE))
        .then(pl.lit("not_unlocked"))
        .otherwise(pl.lit("undecided"))
        .alias("status"),
    )
    return conform(frame, UNLOCKS, protocol).sort(*_PAIR, "problem_id", "trace_id", "control", "fraction")


def transfer_curve(
    transfer_potentials: pl.DataFrame, seed: int = 0, leaks: Literal["kept", "dropped"] = "kept"
) -> pl.DataFrame:
    """Mean potential of the reader against the share of the writer's trace that it was given.

    Args:
        transfer_potentials: table of that name; prefixes without rollouts take no part.
        seed: of the bootstrap.
        leaks: ``dropped`` leaves out prefixes in which the gold answer stands.

    Returns:
        One row per ``problem_set, reader, writer, control, fraction, trace_filter`` (``all``, or
        ``correct`` = traces whose verdict is right) with ``potential`` (mean over traces), ``ci_low``,
        ``ci_high`` (bootstrap by problem), ``n_traces``, ``n_problems``.

    Raises:
        ValueError: a column is missing.
    """
    require(transfer_potentials, _NEEDED, "transfer_potentials")
    known = transfer_potentials.filter(pl.col("n") > 0)
    if leaks == "dropped":
        known = known.filter(~pl.col("leaks_answer"))
    key = (*_PAIR, "control", "fraction")
    rows: list[dict[str, object]] = []
    for name, frame in (("all", known), ("correct", known.filter(pl.col("trace_verdict") == "correct"))):
        for values, group in frame.sort(*key, "trace_id").group_by(*key, maintain_order=True):
            share = _column(group, "n_correct") / _column(group, "n")
            mean = cluster_bootstrap_mean(share, group["problem_id"].to_numpy(), seed)
            rows.append(
                {
                    **dict(zip(key, values, strict=True)),
                    "trace_filter": name,
                    "potential": mean.mean,
                    "ci_low": mean.low,
                    "ci_high": mean.high,
                    "n_traces": mean.n,
                    "n_problems": mean.n_clusters,
                }
            )
    schema = {
        **{name: pl.Float64 if name == "fraction" else pl.String for name in key},
        **{"trace_filter": pl.String, "potential": pl.Float64, "ci_low": pl.Float64, "ci_high": pl.Float64},
        **{"n_traces": pl.Int32, "n_problems": pl.Int32},
    }
    return pl.DataFrame(rows, schema=schema).sort(*_PAIR, "control", "trace_filter", "fraction")


def unlock_counts(unlocks: pl.DataFrame) -> pl.DataFrame:
    """How many prefixes of unsolved problems unlock them, the undecided ones in sight.

    Args:
        unlocks: table of that name.

    Returns:
        One row per ``problem_set, reader, writer, control, fraction, trace_filter`` (``all``,
        ``correct``) with ``n_traces``, ``n_unlocked``, ``n_not_unlocked``, ``n_undecided``,
        ``n_solved_before``, and ``n_problems_unsolved``, ``n_problems_unlocked`` (by at least one prefix).
    """
    require(unlocks, UNLOCKS, "unlocks")
    key = [*_PAIR, "control", "fraction", "trace_filter"]
    both = pl.concat(
        [
            unlocks.with_columns(pl.lit("all").alias("trace_filter")),
            unlocks.filter(pl.col("trace_verdict") == "correct").with_columns(
                pl.lit("correct").alias("trace_filter")
            ),
        ]
    )
    statuses = ("unlocked", "not_unlocked", "undecided", "solved_before")
    return (
        both.group_by(key)
        .agg(
            pl.len().cast(pl.Int32).alias("n_traces"),
            *((pl.col("status") == s).sum().cast(pl.Int32).alias(f"n_{s}") for s in statuses),
            *(
                pl.col("problem_id").filter(flag).n_unique().cast(pl.Int32).alias(f"n_problems_{name}")
                for name, flag in (
                    ("unsolved", pl.col("is_unsolved").fill_null(False)),
                    ("unlocked", pl.col("status") == "unlocked"),
                )
            ),
        )
        .sort(key)
    )


def _column(frame: pl.DataFrame, name: str) -> Floats:
    return np.asarray(frame[name].cast(pl.Float64).to_numpy(), dtype=np.float64)
