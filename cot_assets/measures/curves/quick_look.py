"""A look at a model on a few problems, apart from what is measured and kept.

Belongs here: the protocol of a look, and curves made from rollouts without any table. Does not belong here: sampling
(:mod:`cot_assets.sampling.run`) and the asset ``quick_look``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl
from pydantic import ValidationError

from cot_assets.engines.base import Engine
from cot_assets.orchestration.assets import showing
from cot_assets.sampling.plan import PlannedBlock, Purpose, plan_rollouts, plan_traces
from cot_assets.sampling.tables import (
    GRADED_BY,
    measured_traces,
    prefix_at,
    prompts,
    rollouts_frame,
    texts_at,
    trace_cuts,
    traces_frame,
)
from cot_assets.statistics.estimates import add_potential
from cot_assets.study import Config, ConfigError, Protocol

#: Samples what is missing of a plan; returns the rows of all of it.
Draw = Callable[[Sequence[PlannedBlock], Purpose], pl.DataFrame]
Judge = Callable[[pl.DataFrame], pl.DataFrame]


def looked_at(config: Config, problem_set: str, protocol: str, n: int) -> Config:
    """The configuration with the problem set under another protocol and number of rollouts.

    Args:
        config: As declared.
        problem_set: Its entry is the one that changes.
        protocol: A name in protocols.toml; empty for the one that the set is bound to.
        n: Rollouts per prefix; 0 for the protocol's own.

    Raises:
        ConfigError: A name is unknown, or n does not fit the protocol.
    """
    entry = config.problem_set(problem_set)
    entry = entry.model_copy(update={"protocol": protocol or entry.protocol})
    bound = config.model_copy(update={"problem_sets": {**config.problem_sets, problem_set: entry}})
    chosen = bound.protocol_of(problem_set)
    if n:
        values = chosen.model_dump()
        try:
            chosen = Protocol.model_validate(
                {**values, "sampling": {**values["sampling"], "n": n, "bare_n": 0}}
            )
        except ValidationError as error:
            raise ConfigError(f"protocol {chosen.name!r} with n = {n}: {error.errors()[0]['msg']}") from error
    return bound.model_copy(update={"protocols": {**config.protocols, chosen.name: chosen}})


def quick_curves(
    problems: pl.DataFrame, model: str, protocol: Protocol, engine: Engine, draw: Draw, judge: Judge
) -> pl.DataFrame:
    """One row per measured trace and cut, as :func:`~cot_assets.measures.curves.report.curves_figure` takes them.

    Blocks have the keys that they would have in a measurement under the same protocol, which finds them later.
    """
    info, gold = engine.describe(), problems.select("problem_id", *GRADED_BY)
    plan = plan_traces(prompts(problems, engine), protocol, info)
    made = traces_frame(draw(plan, "trace"), plan, engine, str(problems["problem_set"][0]), model, protocol)
    traces = measured_traces(judge(made.join(gold, on="problem_id")), protocol)
    if traces.is_empty():
        return pl.DataFrame()
    cuts = trace_cuts(traces, problems, protocol, engine.decode)
    by_id = {trace["trace_id"]: trace for trace in traces.iter_rows(named=True)}
    places = cuts.filter(~pl.col("is_end"))
    prefixes = [
        prefix_at(by_id[trace], end) for trace, end in places.select("trace_id", "token_end").iter_rows()
    ]
    rows = draw(plan_rollouts(prefixes, protocol, info), "rollout")
    texts = texts_at(places.unique("prefix_id"), traces)
    graded = judge(rollouts_frame(rows, texts, problems, protocol))
    counts = graded.group_by("prefix_id").agg(
        n=(pl.col("verdict") != "unscored").sum().cast(pl.Int64),
        n_correct=(pl.col("verdict") == "correct").sum().cast(pl.Int64),
    )
    return cuts.join(add_potential(counts), on="prefix_id", how="left").join(
        traces.select("trace_id", "text", "verdict"), on="trace_id"
    )


def found_in_look(curves: pl.DataFrame, protocol: Protocol, title: str) -> dict[str, Any]:
    """What a look shows: the picture, what was asked, the potentials."""
    from cot_assets.measures.curves.report import curves_figure  # plotting loads slowly

    asked = {"looked_at": title, "protocol": f"{protocol.name}, n = {protocol.sampling.n}"}
    if curves.is_empty():
        return {**asked, "found": "no trace to cut"}
    before = curves.filter(cut_index=0).unique("problem_id")
    columns = ("problem_id", "cut_index", "n", "n_correct", "potential", "ci_low", "ci_high", "verdict")
    return {
        "picture": showing.picture(curves_figure(curves, title)),
        **asked,
        "mean_potential_without_cot": before["potential"].mean(),
        "potentials": showing.preview(curves.filter(~pl.col("is_end")).select(columns), rows=60),
    }
