"""pass@k, unbiased, with and without guesses.

Belongs here: pass@k from counts and from the tables of traces and guesses. Does not belong here: what a
guess is (:mod:`cot_assets.measures.patterns.guesses`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import polars as pl

from cot_assets.measures.estimates import GUESSES, Group, Labels, Row, estimates
from cot_assets.statistics.special import Floats, Numbers, log_choose
from cot_assets.study import Protocol
from cot_assets.warehouse.schema import polars_schema

Rule = Literal["lucky_guess", "late_spike"]
_GROUP = ("problem_set", "model")


def pass_at_k(n: Numbers, c: Numbers, k: Numbers) -> Floats:
    """Unbiased estimate of P(at least one of k traces is correct): 1 - C(n-c, k) / C(n, k).

    Chen et al. 2021, "Evaluating Large Language Models Trained on Code", equation 1.

    Args:
        n: samples of the problem.
        c: correct ones among them.
        k: samples drawn, at least 1.

    Returns:
        An array of the broadcast shape; NaN where k > n, since no unbiased estimate exists.

    Raises:
        ValueError: c lies outside [0, n] or k below 1.
    """
    n_, c_, k_ = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (n, c, k)))
    if bool(np.any((c_ < 0) | (c_ > n_))) or bool(np.any(k_ < 1)):
        raise ValueError("pass@k needs 0 <= c <= n and k >= 1")
    incorrect = n_ - c_
    log_ratio = log_choose(np.maximum(incorrect, k_), k_) - log_choose(np.maximum(n_, k_), k_)
    no_correct = np.where(incorrect < k_, 0.0, np.exp(log_ratio))
    return np.where(k_ > n_, np.nan, 1 - no_correct)


def pass_at_k_by_problem(
    traces: pl.DataFrame, lucky_guesses: pl.DataFrame, ks: Sequence[int], rule: Rule = "lucky_guess"
) -> pl.DataFrame:
    """pass@k of every problem, with all correct traces and with guesses counted as incorrect.

    Args:
        traces: the measured traces: ``problem_set, model, problem_id, trace_id, verdict`` (table
            ``monotonicity`` will do). Unscored traces are left out.
        lucky_guesses: table of that name.
        ks: values of k.
        rule: which guesses are taken out.

    Returns:
        One row per problem_set, model, problem_id and k: ``k``, ``n_traces``, ``n_correct``,
        ``n_guesses``, ``pass_at_k``, ``pass_at_k_without_guesses`` (NULL where k > n_traces).
    """
    guessed = lucky_guesses.filter((pl.col("rule") == rule) & pl.col("by_threshold").fill_null(False))
    counts = (
        traces.filter(pl.col("verdict") != "unscored")
        .join(guessed.select("trace_id", is_guess=pl.lit(True)).unique(), on="trace_id", how="left")
        .with_columns(is_correct=pl.col("verdict") == "correct")
        .group_by(*_GROUP, "problem_id")
        .agg(
            n_traces=pl.len().cast(pl.Int32),
            n_correct=pl.col("is_correct").sum().cast(pl.Int32),
            n_guesses=(pl.col("is_correct") & pl.col("is_guess").fill_null(False)).sum().cast(pl.Int32),
        )
        .join(pl.Series("k", list(ks), pl.Int32).to_frame(), how="cross")
        .sort(*_GROUP, "problem_id", "k")
    )
    n, c, g, k = (counts[name].to_numpy() for name in ("n_traces", "n_correct", "n_guesses", "k"))
    return counts.with_columns(
        pl.Series("pass_at_k", pass_at_k(n, c, k), dtype=pl.Float64).fill_nan(None),
        pl.Series("pass_at_k_without_guesses", pass_at_k(n, c - g, k), dtype=pl.Float64).fill_nan(None),
    )


def sampled_pass_at_k(traces: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """Mean pass@k of all sampled traces, measured or not, over problems with at least k of them, as ``estimates``.

    Args:
        traces: ``problem_set, model, problem_id, trace_id, verdict`` of every sampled trace.
        protocol: says how many traces each problem has, gives the seed and stamps the result.

    Returns:
        Rows with k = 1, 2, 4, ... up to the traces per problem in the column ``size``, every correct trace counting
        (rule ``kept``); cuts play no part.
    """
    nothing = pl.DataFrame(schema=polars_schema("lucky_guesses"))
    by_problem = pass_at_k_by_problem(traces, nothing, _powers(protocol.sampling.traces_per_problem))
    rows = _means(by_problem, "pass_at_k", {"rule": "kept"}, protocol.sampling.seed)
    return estimates(rows, "pass_at_k", protocol)


def measured_pass_at_k(
    monotonicity: pl.DataFrame, lucky_guesses: pl.DataFrame, protocol: Protocol
) -> pl.DataFrame:
    """Mean pass@k of the measured traces over problems with at least k of them, as ``estimates``.

    Args:
        monotonicity: table of that name; its rows are the measured traces.
        lucky_guesses: table of that name.
        protocol: says which traces are measured, gives the seed and stamps the result.

    Returns:
        Rows with k = 1, 2, 4, ... up to the measured traces per problem in the column ``size``, with guesses (rule
        ``kept``) and without those of either rule; NULL where no problem has k traces. Beside each mean the
        share of traces that are taken as guesses. No rows where the protocol measures traces picked by their
        verdict, of which pass@k says nothing.
    """
    rows: list[Row] = []
    if protocol.sampling.measured != "correct":
        per_problem = protocol.sampling.measured_per_problem
        most = per_problem if protocol.sampling.measured == "first" else protocol.sampling.traces_per_problem
        ks = _powers(most)
        for (policy,), traces in monotonicity.group_by("cut_policy", maintain_order=True):
            own = lucky_guesses.filter(pl.col("cut_policy") == policy)
            for rule in GUESSES:
                by_problem = pass_at_k_by_problem(traces, own, ks, rule)
                labels = {"cut_policy": policy, "rule": rule}
                rows += _means(by_problem, "pass_at_k_without_guesses", labels, protocol.sampling.seed)
                if rule == GUESSES[0]:
                    rows += _means(
                        by_problem, "pass_at_k", {**labels, "rule": "kept"}, protocol.sampling.seed
                    )
    return estimates(rows, "pass_at_k", protocol)


def _powers(most: int) -> list[int]:
    """1, 2, 4, ... up to 64, and the most."""
    return [k for k in (1, 2, 4, 8, 16, 32, 64) if k < most] + [most]


def _means(by_problem: pl.DataFrame, column: str, labels: Labels, seed: int) -> Iterator[Row]:
    key = (*_GROUP, "k")
    for values, group in by_problem.sort(*key, "problem_id").group_by(*key, maintain_order=True):
        names = dict(zip((*_GROUP, "size"), values, strict=True))
        known = Group(group.drop_nulls(column), "traces", {**labels, **names}, seed)
        n = int(known.frame["n_traces"].sum())
        yield {**known.mean("pass_at_k", pl.col(column)), "n": n}
        if column != "pass_at_k":
            yield known.count("guess", "share", int(known.frame["n_guesses"].sum()), n)
