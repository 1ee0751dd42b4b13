"""Which steps transfer: does what lifts the writer lift the reader?

Belongs here: changes of both models' potentials between the same two cuts of the writer's trace, and how
they go together. Does not belong here: the reader's potential at one cut (:mod:`.unlocks`).

A reader is given prefixes that end at measured cuts of the writer's trace, so at each of them both
potentials are measured and nothing is interpolated. A step goes from one such cut to the next one that the
reader was given; cuts of the writer in between are passed over. The two models' rollouts are independent,
so choosing steps by the writer's change does not bias the reader's. The correlation is weakened by the noise
of both estimates; with it comes one from whose variances the binomial noise is taken off.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from cot_assets.measures.estimates import Group, Row, estimates, row
from cot_assets.measures.frames import EPSILON, reals, stamped
from cot_assets.statistics.clusters import NOTHING, cluster_bootstrap_correlation
from cot_assets.statistics.special import Floats
from cot_assets.study import Protocol

KINDS = ("all", "insight", "tangent", "other")
_PAIR = ("problem_set", "reader", "writer")
_TRACE = (*_PAIR, "problem_id", "trace_id")


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
        ValueError: a cut is there twice.
    """
    if points.select(pl.struct(*_TRACE, "cut_index").is_duplicated().any()).item():
        raise ValueError("points has a cut of a trace more than once for a reader")
    known = pl.when((pl.col("n") > 0) & (pl.col("writer_n") > 0))
    frame = points.sort(*_TRACE, "cut_index").with_columns(
        reader_to=known.then(pl.col("n_correct") / pl.col("n")),
        writer_to=known.then(pl.col("writer_n_correct") / pl.col("writer_n")),
    )
    before = {
        "cut_from": "cut_index", "reader_from": "reader_to", "writer_from": "writer_to",
        "reader_n_from": "n", "writer_n_from": "writer_n",
    }  # fmt: skip
    frame = frame.with_columns(
        *(pl.col(name).shift(1).over(_TRACE).alias(alias) for alias, name in before.items()),
        cut_to="cut_index",
        reader_n_to="n",
        writer_n_to="writer_n",
    ).filter(pl.col("reader_from").is_not_null() & pl.col("reader_to").is_not_null())
    frame = frame.with_columns(
        reader_change=pl.col("reader_to") - pl.col("reader_from"),
        writer_change=pl.col("writer_to") - pl.col("writer_from"),
    ).with_columns(
        kind=pl.when(pl.col("writer_change") > protocol.analysis.insight_threshold + EPSILON)
        .then(pl.lit("insight"))
        .when(pl.col("writer_change") < -protocol.analysis.tangent_threshold - EPSILON)
        .then(pl.lit("tangent"))
        .otherwise(pl.lit("other"))
    )
    return stamped(frame, "transfer_steps", protocol)


def step_correlations(steps: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """How the reader's changes go with the writer's, by kind of step.

    Args:
        steps: what :func:`transfer_steps` returned.
        protocol: gives the seed.

    Returns:
        Rows of ``estimates`` per reader and writer for every kind of :data:`KINDS`, with all steps (``leaks`` =
        ``kept``) and without those at whose end the text holds the gold answer (``dropped``). Means over
        steps; intervals are cluster bootstraps by problem. NULL where there is nothing to estimate from: no
        steps, or for a correlation fewer than 3 problems (for its interval fewer than 6) or a change that is
        the same everywhere. ``corrected`` (all steps only) has the binomial noise of both changes taken off
        their variances; NULL where a change does not vary beyond its noise.
    """
    rows: list[Row] = []
    for values, pair in steps.sort(*_TRACE, "cut_from").group_by(*_PAIR, maintain_order=True):
        names = dict(zip(("problem_set", "model", "other"), values, strict=True))
        for kind in KINDS:
            chosen = pair if kind == "all" else pair.filter(pl.col("kind") == kind)
            for leaks, own in (("kept", chosen), ("dropped", chosen.filter(~pl.col("leaks_answer")))):
                labels = {**names, "split_by": "kind", "part": kind, "leaks": leaks}
                group = Group(own, "steps", labels, protocol.sampling.seed)
                for change in ("writer_change", "reader_change"):
                    rows += [group.mean(change, pl.col(change), (-1.0, 1.0))]
                rows += [group.count("traces", "count", None, own["trace_id"].n_unique())]
                rows += _correlations(group, kind)
    return estimates(rows, "step_correlations", protocol)


def _correlations(group: Group, kind: str) -> Iterator[Row]:
    """The plain correlation; without noise for all steps: within a kind the writer's noise was part of the choice."""
    steps = group.frame
    writer, reader = (reals(steps, name) for name in ("writer_change", "reader_change"))
    problems = steps["problem_id"].to_numpy()
    is_known = steps["problem_id"].n_unique() >= 3
    plain = corrected = NOTHING._replace(n=steps.height)
    if is_known:
        plain = cluster_bootstrap_correlation(writer, reader, problems, group.seed)
    if is_known and kind == "all":
        noise = (_noise(steps, "writer"), _noise(steps, "reader"))
        corrected = cluster_bootstrap_correlation(writer, reader, problems, group.seed, noise=noise)
    for statistic, found in (("correlation", plain), ("corrected", corrected)):
        yield row("change", statistic, found, group.n_of, "bootstrap", group.labels)


def _noise(steps: pl.DataFrame, side: str) -> Floats:
    """Unbiased error variance of each change: p (1 - p) / (n - 1) at either end; NaN where n is 1."""
    total = np.zeros(steps.height)
    for end in ("from", "to"):
        p, n = reals(steps, f"{side}_{end}"), reals(steps, f"{side}_n_{end}")
        total += p * (1 - p) / np.where(n > 1, n - 1, np.nan)
    return total
