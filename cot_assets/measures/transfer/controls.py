"""Transfer held against its controls, and the shortest prefix that unlocks a problem.

Belongs here: differences between the writer's text and what was given in its place, paired by trace. Does
not belong here: the verdict on a single prefix (:mod:`.unlocks`) and which text a control is (the sampling
side).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from cot_assets.measures.estimates import Group, Row, estimates
from cot_assets.measures.transfer.unlocks import FILTERS
from cot_assets.study import Protocol

_PAIR = ("problem_set", "reader", "writer")
_PLACE = (*_PAIR, "problem_id", "trace_id", "fraction")
#: What is compared: the potential; and, of problems that the reader does not solve alone, the posterior
#: probability that the text lifts it above 0.10, whose mean is the expected share of unlocked traces.
MEASURES = {"potential": "potential", "lifted": "probability_lifted"}


def transfer_differences(unlocks: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """What the writer's own text gives beyond each control of equal length.

    Every trace is compared with its own control. A trace without that control, or one of whose two
    potentials is unknown, is ``n_missing`` and left out: a missing control is not a potential of 0.
    ``leaks = dropped`` keeps the pairs of which neither text holds the gold answer; ``n_leaks`` and
    ``n_control_leaks`` (under ``kept``) tell how often it does, by the writer's hand and by chance.

    Args:
        unlocks: table of that name.
        protocol: gives the seed and stamps the result.

    Returns:
        Rows of ``estimates`` for each reader, writer and fraction with a control: every control of the protocol or
        the table, trace filter, leaks and measure. ``mean`` with the writer's text, ``reference`` with the
        control and the ``difference``, paired by trace; how many traces are missing, how often
        either text holds the gold answer (``leak``, ``reference_leak``) and how often either unlocks.
    """
    columns = ["n", "potential", "probability_lifted", "leaks_answer", "status"]
    real = unlocks.filter(pl.col("control") == "none")
    given = unlocks.filter(pl.col("control") != "none")
    names = sorted({*given["control"].unique(), *(protocol.sampling.controls if given.height else ())})
    at = given.select(*_PAIR, "fraction").unique()
    key = (*_PAIR, "fraction")
    rows: list[Row] = []
    for control in names:
        beside = given.filter(pl.col("control") == control).select(
            *_PLACE, *(pl.col(name).alias(f"control_{name}") for name in columns)
        )
        pairs = real.join(at, on=key).join(beside, on=list(_PLACE), how="left")
        for values, group in pairs.sort(*key, "trace_id").group_by(*key, maintain_order=True):
            base = dict(zip(("problem_set", "model", "other", "fraction"), values, strict=True))
            for name, is_in in FILTERS.items():
                chosen = group.filter(is_in)
                either = pl.col("leaks_answer") | pl.col("control_leaks_answer").fill_null(False)
                for leaks, own in (("kept", chosen), ("dropped", chosen.filter(~either))):
                    labels = {**base, "control": control, "trace_filter": name, "leaks": leaks}
                    for measure in MEASURES:
                        rows += _difference(Group(own, "traces", labels, protocol.sampling.seed), measure)
    return estimates(rows, "transfer_differences", protocol)


def _difference(pairs: Group, measure: str) -> Iterator[Row]:
    column = MEASURES[measure]
    if measure == "lifted":
        pairs = replace(pairs, frame=pairs.frame.filter(pl.col("is_unsolved").fill_null(False)))
    is_known = (pl.col("n") > 0) & (pl.col("control_n") > 0)
    known = replace(pairs, frame=pairs.frame.filter(is_known.fill_null(False)))
    change = pl.col(column) - pl.col(f"control_{column}")
    yield {**known.mean(measure, pl.col(column)), "statistic": "mean"}
    yield {**known.mean(measure, pl.col(f"control_{column}")), "statistic": "reference"}
    yield {**known.mean(measure, change, (-1.0, 1.0)), "statistic": "difference"}
    yield pairs.count(measure, "missing", pairs.frame.height - known.frame.height)
    for statistic, flag in (
        ("leak", pl.col("leaks_answer")),
        ("reference_leak", pl.col("control_leaks_answer")),
        ("unlocked", pl.col("status") == "unlocked"),
        ("reference_unlocked", pl.col("control_status") == "unlocked"),
    ):
        yield known.share(measure, flag, statistic)
