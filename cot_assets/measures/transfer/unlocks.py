"""Transfer: does a prefix by one model help another to solve the problem?

Belongs here: the verdict on each prefix, summaries over problems, and what it costs that another model reads on. Does not belong here: which text
the reader is given (the sampling side) and the potential of a model's own traces (:mod:`cot_assets.measures.curves`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import polars as pl

from cot_assets.measures.estimates import Group, Row, estimates
from cot_assets.measures.frames import EPSILON, reals, stamped
from cot_assets.statistics.estimates import CONFIDENCE, probability_below
from cot_assets.study import Protocol

UNSOLVED_BELOW = 0.05  #: V0 of a problem that the reader cannot solve
LIFTED_ABOVE = 0.10  #: potential that shows that the prefix helped
SOLVED_FROM = 0.5  #: potential of a prefix from which the reader mostly succeeds
#: Traces of the writer that a summary is over.
FILTERS: Mapping[str, pl.Expr] = {"all": pl.lit(True), "correct": pl.col("trace_verdict") == "correct"}

_PAIR = ("problem_set", "reader", "writer")


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
    """
    key = [*_PAIR, "problem_id"]
    frame = transfer_potentials.filter(pl.col("fraction") > 0)
    frame = frame.join(_starts(transfer_potentials), on=key, how="left")
    unsolved = probability_below(reals(frame, "k0"), reals(frame, "n0"), UNSOLVED_BELOW)
    lifted = 1 - probability_below(reals(frame, "n_correct"), reals(frame, "n"), LIFTED_ABOVE)
    is_unsolved = pl.col("probability_unsolved") >= CONFIDENCE
    frame = frame.with_columns(
        pl.Series("probability_unsolved", unsolved, dtype=pl.Float64).fill_nan(None),
        pl.Series("probability_lifted", lifted, dtype=pl.Float64).fill_nan(None),
        v0=pl.when(pl.col("n0") > 0).then(pl.col("k0") / pl.col("n0")),
        potential=pl.when(pl.col("n") > 0).then(pl.col("n_correct") / pl.col("n")),
    ).with_columns(
        is_unsolved=is_unsolved,
        is_solved=pl.col("potential") >= SOLVED_FROM - EPSILON,
        status=pl.when(pl.col("probability_unsolved") <= 1 - CONFIDENCE)
        .then(pl.lit("solved_before"))
        .when(is_unsolved & (pl.col("probability_lifted") >= CONFIDENCE))
        .then(pl.lit("unlocked"))
        .when(is_unsolved & (pl.col("probability_lifted") <= 1 - CONFIDENCE))
        .then(pl.lit("not_unlocked"))
        .otherwise(pl.lit("undecided")),
    )
    return stamped(frame, "unlocks", protocol).sort(*_PAIR, "problem_id", "trace_id", "control", "fraction")


def transfer_curve(transfer_potentials: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """Mean potential of the reader against the share of the writer's trace that it was given, as ``estimates``.

    Args:
        transfer_potentials: table of that name; prefixes without rollouts are left out.
        protocol: gives the seed and stamps the result.

    Returns:
        Per reader, writer, control and fraction, for each of :data:`FILTERS`, with all prefixes (``leaks`` =
        ``kept``) and without those that hold the gold answer (``dropped``): measure ``potential``, the
        mean over traces, and ``lift``, the mean difference to the reader's V0 where that is known; none at
        fraction 0, which V0 is.
    """
    problem = [*_PAIR, "problem_id"]
    known = (
        transfer_potentials.filter(pl.col("n") > 0)
        .join(_starts(transfer_potentials), on=problem, how="left")
        .with_columns(
            potential=pl.col("n_correct") / pl.col("n"),
            v0=pl.when(pl.col("n0") > 0).then(pl.col("k0") / pl.col("n0")),
        )
    )
    is_later = pl.col("fraction") > 0
    rows: list[Row] = []
    for traces in views(known, protocol):
        lift = pl.when(is_later).then(pl.col("potential") - pl.col("v0"))
        rows += [traces.mean("potential", pl.col("potential")), traces.mean("lift", lift, (-1.0, 1.0))]
    return estimates(rows, "transfer_curve", protocol)


def unlock_rates(unlocks: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """How many prefixes of unsolved problems unlock them, the undecided ones in sight, as ``estimates``.

    Args:
        unlocks: table of that name.
        protocol: stamped on the result.

    Returns:
        Per reader, writer, control and fraction, for each of :data:`FILTERS`, with and without prefixes that
        hold the gold answer: shares of unsolved traces, and of unsolved problems (``problem_unlocked``: by one
        trace at least). ``unlocked`` holds if nothing undecided unlocks, ``perhaps_unlocked`` if all of it
        does: from the lower end of the one to the upper end of the other reaches an interval that holds
        for any outcome of the undecided; and how many traces have each status.
    """
    rows = (row for traces in views(unlocks, protocol) if traces.frame.height for row in _unlock_rate(traces))
    return estimates(rows, "unlock_rates", protocol)


def _unlock_rate(traces: Group) -> Iterator[Row]:
    is_unsolved, status = pl.col("is_unsolved").fill_null(value=False), pl.col("status")
    flags = {"unlocked": status == "unlocked", "perhaps_unlocked": status.is_in(["unlocked", "undecided"])}
    unsolved = replace(traces, frame=traces.frame.filter(is_unsolved).with_columns(**flags))
    problems = replace(
        traces, frame=unsolved.frame.group_by("problem_id").agg(pl.col(*flags).any()), n_of="problems"
    )
    for flag in flags:
        yield unsolved.share(flag, pl.col(flag))
        yield problems.share(f"problem_{flag}", pl.col(flag))
    yield unsolved.share("not_unlocked", status == "not_unlocked")
    yield replace(unsolved, frame=unsolved.frame.filter("unlocked")).share(
        "unlocked_and_solved", pl.col("is_solved")
    )
    yield traces.share("solved_before", status == "solved_before")
    yield traces.share("undecided", status == "undecided")
    yield traces.share("start_unclear", (status == "undecided") & ~is_unsolved)


def views(frame: pl.DataFrame, protocol: Protocol) -> Iterator[Group]:
    """The rows of every reader, writer, control and fraction, under every trace filter, with and without leaks."""
    key = (*_PAIR, "control", "fraction")
    for values, group in frame.sort(*key, "trace_id").group_by(*key, maintain_order=True):
        names = dict(zip(("problem_set", "model", "other", "control", "fraction"), values, strict=True))
        for name, is_in in FILTERS.items():
            for leaks, is_clean in (("kept", pl.lit(value=True)), ("dropped", ~pl.col("leaks_answer"))):
                labels = {**names, "trace_filter": name, "leaks": leaks}
                yield Group(group.filter(is_in, is_clean), "traces", labels, protocol.sampling.seed)


def _starts(transfer_potentials: pl.DataFrame) -> pl.DataFrame:
    """``n0`` and ``k0`` of the reader at the bare prompt of each problem, which its traces share."""
    key = [*_PAIR, "problem_id"]
    return (
        transfer_potentials.filter((pl.col("fraction") == 0) & (pl.col("control") == "none"))
        .sort(*key, pl.col("n").fill_null(0), descending=[False] * len(key) + [True])
        .unique(key, keep="first", maintain_order=True)
        .select(*key, n0="n", k0="n_correct")
    )


def transfer_gaps(points: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """Mean potential of the reader and of the writer where both continue the same text, as ``estimates``.

    Args:
        points: One row per reader, writer, trace and cut, with the ``fractions`` that end there and both models'
            counts; a point at which either potential is unknown is left out.
        protocol: Gives the seed and stamps the result.

    Returns:
        Per reader, writer and fraction, for each trace filter, with and without prefixes that hold the gold
        answer: ``mean`` (the reader's), ``reference`` (the writer's) and their ``difference``, paired by trace.
    """
    known = (
        points.filter(pl.col("n") > 0, pl.col("writer_n") > 0)
        .explode("fractions")
        .rename({"fractions": "fraction"})
        .with_columns(control=pl.lit("none"))
    )
    reader, writer = pl.col("n_correct") / pl.col("n"), pl.col("writer_n_correct") / pl.col("writer_n")
    rows: list[Row] = []
    for traces in views(known, protocol):
        rows += [
            traces.mean("potential", reader),
            {**traces.mean("potential", writer), "statistic": "reference"},
            {**traces.mean("potential", reader - writer, (-1.0, 1.0)), "statistic": "difference"},
        ]
    return estimates(rows, "transfer_gaps", protocol)
