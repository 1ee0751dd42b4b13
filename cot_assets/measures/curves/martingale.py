"""The martingale check: is what was sampled from prefixes what the model really does?

Belongs here: which cuts of a curve are stopping times, and one joint test of the values there. Does not belong here:
what a failed check leads to (the asset checks).

The potential of a growing prefix is a martingale that ends at the trace's own verdict Y. If prompts,
budgets and grading of traces and rollouts agree, then for every stopping time tau: E[V_tau] = V0, and
given the prefix at tau the trace's own ending is just one more rollout of it. A position is a stopping
time if it can be recognized when it is reached (token t, k-th line or sentence); a share of the final
length cannot. The law of V_tau is unknown and lopsided: a slip is rare and large, so for a good model
most traces sit a little above V0 and a few far below. Tests that estimate the spread from 8 to 24
problems (Student, Hotelling, wild bootstrap) then reject far too often, and with more positions than
problems the covariance is singular. The test here has three parts, each valid for any number of problems
and any such law (docs/methods-sampling.md has the simulations):

1. start to end: given the successes among m verdicts and n rollouts of a problem's empty CoT, the number
   among the verdicts is hypergeometric; summed over problems, an exact conditional test.
2. start to position: e-values. With mean V over the traces of problem i, E[V] = v, and k0 of n0 right at
   the start, (1 - s) + s V (n0 + 1) / (k0 + 1) has mean at most 1 for s in [0, 1], because
   E[(n0 + 1) / (k0 + 1)] = (1 - (1 - v)^(n0 + 1)) / v. So has the product over problems, and every
   weighted mean over stakes s, over both directions (V or 1 - V) and over positions, however these depend
   on one another. By Markov's inequality 1 / e-value is a p-value (Vovk and Wang 2021).
3. position to end: as part 1 for every prefix, Bonferroni over positions.

p = number of parts times the smallest of their p-values. Traces of one problem share its V0, and may
share prefixes: parts 1 and 3 pool by prefix, part 2 counts a problem once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from cot_assets.measures.frames import checked_curves, measured_cuts
from cot_assets.sampling.cuts import absolute_cuts
from cot_assets.statistics.clusters import Estimate, cluster_bootstrap_mean
from cot_assets.statistics.special import Floats, hypergeometric_pmf, log_sum_exp
from cot_assets.study import Protocol

STOPPING_POLICIES = ("lines", "sentences")
STOPPING = {
    "problem_id": pl.String,
    "trace_id": pl.String,
    "is_correct": pl.Boolean,
    "position": pl.Int32,
    "prefix_id": pl.String,
    "has_ended": pl.Boolean,
    "n": pl.Int32,
    "n_correct": pl.Int32,
}


def stopping_frame(
    curves: pl.DataFrame, protocol: Protocol, traces: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Values at stopping times, from the curves of unfiltered traces.

    Under the cut policies ``lines`` and ``sentences`` cut k is the end of the k-th line or sentence for
    k < (max_cuts + 1) // 2, however long the trace is; where later cuts lie depends on its length. Under
    any other policy no cut but 0 is a stopping time, and only verdicts are compared with V0. A position
    is used only if every measured trace has rollouts there or has ended.

    Args:
        curves: of one model and problem set; see :mod:`cot_assets.measures.frames`.
        protocol: that the curves were measured by; gives ``max_cuts`` and ``measured``.
        traces: table ``traces`` (problem_id, trace_id, verdict), to use the verdicts of unfiltered traces
            without a curve as well.

    Returns:
        The frame that :func:`martingale_test` takes.

    Raises:
        ValueError: the protocol measures correct traces only, or the curves have several cut policies.
    """
    if protocol.sampling.measured == "correct":
        raise ValueError(
            f"protocol {protocol.name!r} measures correct traces only; the martingale check needs traces "
            "that were not chosen by their verdict (measured = 'first' or 'all')"
        )
    checked = checked_curves(curves).filter(pl.col("verdict") != "unscored")
    policies = sorted(checked["cut_policy"].unique().to_list())
    if len(policies) > 1:
        raise ValueError(f"the curves mix the cut policies {', '.join(policies)}; pass one at a time")
    fixed = absolute_cuts(protocol.sampling.max_cuts) if policies and policies[0] in STOPPING_POLICIES else 1
    checked = checked.with_columns(position="cut_index", is_correct=pl.col("verdict") == "correct")
    cuts = measured_cuts(checked)
    known = cuts.filter(pl.col("n") > 0)
    starts = known.filter(pl.col("position") == 0).unique("problem_id", keep="first", maintain_order=True)
    ends = checked.group_by("problem_id", "trace_id", "is_correct").agg(cuts=(~pl.col("is_end")).sum())
    at_cuts = known.filter(pl.col("position").is_between(1, fixed - 1))
    later = _at_positions(ends, at_cuts).filter(pl.col("problem_id").is_in(starts["problem_id"].implode()))
    everyone = ends.select("problem_id", "trace_id", "is_correct")
    if traces is not None:
        scored = traces.filter(pl.col("verdict") != "unscored")
        is_correct = (pl.col("verdict") == "correct").alias("is_correct")
        others = scored.select("problem_id", "trace_id", is_correct)
        everyone = pl.concat([everyone, others]).unique("trace_id", keep="first")
    first = everyone.join(
        starts.select("problem_id", "position", "prefix_id", "n", "n_correct"), on="problem_id"
    ).with_columns(has_ended=pl.lit(False))
    columns = [pl.col(name).cast(kind) for name, kind in STOPPING.items()]
    return pl.concat([first.select(columns), later.select(columns)]).sort(
        "problem_id", "trace_id", "position"
    )


def _at_positions(ends: pl.DataFrame, at_cuts: pl.DataFrame) -> pl.DataFrame:
    """A row per trace and position, ``has_ended`` where the trace is over, of positions that no trace lacks."""
    counts = at_cuts.select("trace_id", "position", "prefix_id", "n", "n_correct")
    return (
        ends.join(at_cuts.select("position").unique(), how="cross")
        .join(counts, on=["trace_id", "position"], how="left")
        .with_columns(has_ended=pl.col("position") >= pl.col("cuts"))
        .filter((pl.col("n").is_not_null() | pl.col("has_ended")).all().over("position"))
    )


LEVEL = 0.01  #: of the published check
STAKES = (0.05, 0.1, 0.2, 0.4, 0.7, 1.0)


@dataclass(frozen=True)
class MartingaleResult:
    """Outcome of :func:`martingale_test`; a part that nothing could be said about is None.

    ``drift`` is the mean over problems of V - V0, positions and end alike, with a bootstrap interval by problem.
    """

    p_value: float
    drift: Estimate
    n_traces: int
    p_start_to_end: float | None
    p_start_to_position: float | None
    p_position_to_end: float | None

    @property
    def is_passed(self) -> bool:
        """Whether the p-value is at least :data:`LEVEL`."""
        return self.p_value >= LEVEL


def martingale_test(frame: pl.DataFrame) -> MartingaleResult:
    """One joint test that values at stopping times have mean V0 and foretell the verdict.

    Args:
        frame: columns ``problem_id, trace_id, is_correct, position, prefix_id, has_ended, n, n_correct``.
            Every trace has a row at position 0 (the empty CoT, same counts for all traces of a problem);
            traces with a curve have a row at every other position, where ``has_ended`` says that the
            trace was over by then. Verdicts must not be among the rollouts.

    Raises:
        ValueError: a row is missing, a count is unknown, or no trace is there to test.
    """
    _check(frame)
    start = frame.filter(pl.col("position") == 0)
    later = frame.filter(pl.col("position") > 0)
    positions: list[int] = later["position"].unique().sort().to_list()
    running = later.filter(~pl.col("has_ended")).partition_by("position")
    p_at = [_exact_test(rows) for rows in running]
    parts = (
        _exact_test(start),
        _from_e_values(start, later, positions) if positions else None,
        min(1.0, len(p_at) * min(p_at)) if p_at else None,
    )
    known = [p for p in parts if p is not None]
    return MartingaleResult(min(1.0, len(known) * min(known)), _drift(start, later), start.height, *parts)


def _check(frame: pl.DataFrame) -> None:
    if not frame.height:
        raise ValueError("the martingale check has no traces; measure unfiltered traces first")
    bare = frame.filter(~pl.col("has_ended") & (pl.col("n").fill_null(0) <= 0))
    if bare.height:
        raise ValueError(f"trace {bare['trace_id'][0]!r} has no rollouts at position {bare['position'][0]}")
    start = frame.filter(pl.col("position") == 0)
    counts = start.group_by("problem_id").agg(kinds=pl.struct("n", "n_correct").n_unique())
    mixed = counts.filter(pl.col("kinds") > 1)
    if mixed.height:
        raise ValueError(f"problem {mixed['problem_id'][0]!r} has several counts at position 0")
    lost = frame.join(start.select("trace_id"), on="trace_id", how="anti")
    later = frame.filter(pl.col("position") > 0)
    rows = later.group_by("trace_id").len().filter(pl.col("len") != later["position"].n_unique())
    if lost.height or rows.height:
        name = lost["trace_id"][0] if lost.height else rows["trace_id"][0]
        raise ValueError(f"trace {name!r} lacks a row at some position; a gap would be a choice of traces")


def _exact_test(rows: pl.DataFrame) -> float:
    """Two-sided exact conditional test that verdicts and rollouts of each prefix have one success rate.

    Given all successes of a prefix, those among its verdicts are hypergeometric (Fisher); their sum over
    prefixes is a convolution (the exact form of Cochran, Mantel and Haenszel's test). p = twice the
    smaller tail.
    """
    strata = rows.group_by("problem_id", "prefix_id").agg(
        pl.col("n", "n_correct").first(), m=pl.len(), correct=pl.col("is_correct").sum()
    )
    lowest, distribution = 0, np.ones(1)
    for m, correct, n, k in strata.select("m", "correct", "n", "n_correct").iter_rows():
        low, pmf = hypergeometric_pmf(m + n, correct + k, m)
        lowest += low
        distribution = np.convolve(distribution, pmf)
    at = int(strata["correct"].sum()) - lowest
    tails = distribution[: at + 1].sum(), distribution[at:].sum()
    return float(min(1.0, 2 * min(tails)))


def _values(later: pl.DataFrame) -> pl.DataFrame:
    """V of every trace and position: the potential, or the verdict once the trace has ended."""
    verdict = pl.col("is_correct").cast(pl.Float64)
    value = pl.when(pl.col("has_ended")).then(verdict).otherwise(pl.col("n_correct") / pl.col("n"))
    return later.with_columns(value=value)


def _from_e_values(start: pl.DataFrame, later: pl.DataFrame, positions: list[int]) -> float:
    means = _values(later).group_by("problem_id", "position").agg(pl.col("value").mean())
    table = means.pivot(on="position", index="problem_id", values="value").sort("problem_id")
    counts = table.select("problem_id").join(
        start.unique("problem_id").select("problem_id", "n", "n_correct"),
        on="problem_id",
        maintain_order="left",
    )
    v = table.select([str(p) for p in positions]).to_numpy()
    n0 = np.asarray(counts["n"].to_numpy(), dtype=np.float64)[:, None]
    k0 = np.asarray(counts["n_correct"].to_numpy(), dtype=np.float64)[:, None]
    # The mean over positions sees a lasting drift best, the single positions one that comes and goes.
    v = np.column_stack([v.mean(axis=1), v])
    weights = np.array([0.5] + [0.5 / len(positions)] * len(positions))
    stakes = np.array(STAKES)[:, None, None]
    up = (1 - stakes) + stakes * v * (n0 + 1) / (k0 + 1)
    down = (1 - stakes) + stakes * (1 - v) * (n0 + 1) / (n0 - k0 + 1)
    with np.errstate(divide="ignore"):
        log_e: Floats = np.concatenate([np.log(up).sum(axis=1), np.log(down).sum(axis=1)])
    log_mean = float(log_sum_exp((log_e + np.log(weights / len(log_e))).ravel()))
    return float(min(1.0, np.exp(-log_mean)))


def _drift(start: pl.DataFrame, later: pl.DataFrame) -> Estimate:
    at_end = start.with_columns(value=pl.col("is_correct").cast(pl.Float64), position=pl.lit(-1))
    v0 = start.select("trace_id", v0=pl.col("n_correct") / pl.col("n"))
    columns = ("problem_id", "trace_id", "position", "value")
    parts = [_values(later).select(columns), at_end.select(columns)]
    values = pl.concat(parts, how="vertical_relaxed").join(v0, on="trace_id")
    per_position = values.group_by("problem_id", "position").agg(
        drift=(pl.col("value") - pl.col("v0")).mean()
    )
    per_problem = (
        per_position.sort("problem_id", "position")
        .group_by("problem_id")
        .agg(pl.col("drift").mean())
        .sort("problem_id")
    )
    return cluster_bootstrap_mean(
        per_problem["drift"].to_numpy(), per_problem["problem_id"].to_numpy(), 0, bounds=(-1.0, 1.0)
    )
