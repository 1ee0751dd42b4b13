"""Transfer: does a prefix by one model help another to solve the problem?

Belongs here: the verdict on each prefix, and summaries over problems. Does not belong here: which text
the reader is given (the sampling side) and the potential of a model's own traces (:mod:`.events`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from cot_assets.measures.frames import (
    EPSILON,
    TRANSFER_CURVE,
    UNLOCK_RATES,
    UNLOCKS,
    conform,
    require,
)
from cot_assets.measures.rates.pattern_rates import rate_summary
from cot_assets.statistics.clusters import cluster_bootstrap_mean
from cot_assets.statistics.estimates import CONFIDENCE, probability_below
from cot_assets.statistics.special import Floats
from cot_assets.study import Protocol

UNSOLVED_BELOW = 0.05  #: V0 of a problem that the reader cannot solve
LIFTED_ABOVE = 0.10  #: potential that shows that the prefix helped
SOLVED_FROM = 0.5  #: potential of a prefix from which the reader mostly succeeds
#: Traces of the writer that a summary is over.
FILTERS: Mapping[str, pl.Expr] = {"all": pl.lit(True), "correct": pl.col("trace_verdict") == "correct"}

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
    frame = transfer_potentials.filter(pl.col("fraction") > 0)
    frame = frame.join(_starts(transfer_potentials), on=key, how="left")
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


def transfer_curve(transfer_potentials: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """Mean potential of the reader against the share of the writer's trace that it was given.

    Args:
        transfer_potentials: table of that name; prefixes without rollouts take no part.
        protocol: gives the seed and stamps the result.

    Returns:
        The columns of table ``transfer_curve``: per reader, writer, control and fraction a row for each of
        :data:`FILTERS`, with all prefixes (``leaks`` = ``kept``) and without those in which the gold answer
        stands (``dropped``). Means over traces with a bootstrap by problem. ``lift``: the mean difference to
        the reader's V0, over the ``n_paired`` traces whose V0 is known; NULL at fraction 0, where V0 stands.

    Raises:
        ValueError: a column is missing.
    """
    require(transfer_potentials, _NEEDED, "transfer_potentials")
    problem = [*_PAIR, "problem_id"]
    known = (
        transfer_potentials.filter(pl.col("n") > 0)
        .join(_starts(transfer_potentials), on=problem, how="left")
        .with_columns(
            (pl.col("n_correct") / pl.col("n")).alias("potential"),
            pl.when(pl.col("n0") > 0).then(pl.col("k0") / pl.col("n0")).alias("v0"),
        )
    )
    key = (*_PAIR, "control", "fraction")
    rows: list[dict[str, object]] = []
    for values, group in known.sort(*key, "trace_id").group_by(*key, maintain_order=True):
        for labels, chosen in _views(group):
            paired = chosen.drop_nulls("v0").filter(pl.col("fraction") > 0)
            mean, lift = (
                cluster_bootstrap_mean(change, part["problem_id"].to_numpy(), protocol.seed, bounds=bounds)
                for part, change, bounds in (
                    (chosen, _column(chosen, "potential"), (0.0, 1.0)),
                    (paired, _column(paired, "potential") - _column(paired, "v0"), (-1.0, 1.0)),
                )
            )
            row: dict[str, object] = {**dict(zip(key, values, strict=True)), **labels}
            row |= {"potential": mean.mean, "ci_low": mean.low, "ci_high": mean.high}
            row |= {"n_traces": mean.n, "n_problems": mean.n_clusters, "n_paired": lift.n}
            rows.append({**row, "lift": lift.mean, "lift_low": lift.low, "lift_high": lift.high})
    frame = pl.DataFrame(rows, schema=dict(TRANSFER_CURVE)).with_columns(pl.col(pl.Float64).fill_nan(None))
    return conform(frame, TRANSFER_CURVE, protocol)


def unlock_rates(unlocks: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """How many prefixes of unsolved problems unlock them, the undecided ones in sight.

    Args:
        unlocks: table of that name.
        protocol: stamped on the result.

    Returns:
        The columns of table ``unlock_rates``: per reader, writer, control and fraction a row for each of
        :data:`FILTERS`, with and without prefixes in which the gold answer stands. Shares are of unsolved
        traces, and of unsolved problems (unlocked by one trace at least): ``low`` if nothing undecided
        unlocks, ``high`` if all of it does. The interval reaches from the lower end of the one to the
        upper end of the other, each Jeffreys at the effective sample size.

    Raises:
        ValueError: a column is missing.
    """
    require(unlocks, UNLOCKS, "unlocks")
    key = (*_PAIR, "control", "fraction")
    rows: list[dict[str, object]] = []
    for values, group in unlocks.sort(*key, "trace_id").group_by(*key, maintain_order=True):
        for labels, chosen in _views(group):
            if chosen.height:
                rows.append({**dict(zip(key, values, strict=True)), **labels, **_unlock_rate(chosen)})
    return conform(pl.DataFrame(rows, schema=dict(UNLOCK_RATES)), UNLOCK_RATES, protocol)


def _unlock_rate(traces: pl.DataFrame) -> dict[str, object]:
    unsolved = traces.filter("is_unsolved").with_columns(
        (pl.col("status") == "unlocked").alias("surely"),
        pl.col("status").is_in(["unlocked", "undecided"]).alias("perhaps"),
    )
    problems = unsolved.group_by("problem_id").agg(pl.col("surely", "perhaps").any())
    found: dict[str, object] = {
        "n_traces": traces.height,
        "n_problems": traces["problem_id"].n_unique(),
        "n_unsolved": unsolved.height,
        "n_problems_unsolved": problems.height,
        "n_problems_unlocked": problems.filter("surely").height,
        "n_start_unclear": traces.filter(
            pl.col("status") == "undecided", ~pl.col("is_unsolved").fill_null(value=False)
        ).height,
        "n_unlocked_and_solved": unsolved.filter("surely", "is_solved").height,
    }
    for status in ("unlocked", "not_unlocked", "undecided", "solved_before"):
        found[f"n_{status}"] = traces.filter(pl.col("status") == status).height
    for prefix, frame in (("", unsolved), ("problems_", problems)):
        low, high = (
            rate_summary(frame.with_columns(pl.col(flag).alias("has"))) for flag in ("surely", "perhaps")
        )
        found |= {f"{prefix}share_low": low["rate"], f"{prefix}share_high": high["rate"]}
        found |= {f"{prefix}ci_low": low["ci_low"], f"{prefix}ci_high": high["ci_high"]}
    return found


def _views(group: pl.DataFrame) -> Iterator[tuple[dict[str, object], pl.DataFrame]]:
    """The rows under every trace filter, with and without leaks."""
    for name, is_in in FILTERS.items():
        for leaks, is_clean in (("kept", pl.lit(value=True)), ("dropped", ~pl.col("leaks_answer"))):
            yield {"trace_filter": name, "leaks": leaks}, group.filter(is_in, is_clean)


def _starts(transfer_potentials: pl.DataFrame) -> pl.DataFrame:
    """``n0`` and ``k0`` of the reader at the bare prompt of each problem, which its traces share."""
    key = [*_PAIR, "problem_id"]
    return (
        transfer_potentials.filter((pl.col("fraction") == 0) & (pl.col("control") == "none"))
        .sort(*key, pl.col("n").fill_null(0), descending=[False] * len(key) + [True])
        .unique(key, keep="first", maintain_order=True)
        .select(*key, pl.col("n").alias("n0"), pl.col("n_correct").alias("k0"))
    )


def _column(frame: pl.DataFrame, name: str) -> Floats:
    return np.asarray(frame[name].cast(pl.Float64).to_numpy(), dtype=np.float64)
