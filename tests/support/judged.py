"""The views on steps and whole traces, filled from curves: what the pipeline would read from the warehouse.

Belongs here: running the SQL of the views over frames. Does not belong here: any rule.
"""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import polars as pl

from cot_assets.measures.patterns.judging import judge_curves
from cot_assets.study import Protocol
from cot_assets.warehouse.schema import polars_schema, table_schema

#: Views of the room, none of which reads another.
PATTERN_VIEWS = (
    "changes", "spikes", "tangents", "jumps", "lucky_guesses", "monotonicity", "monotone_tests", "drawdowns",
)  # fmt: skip


def judged_views(
    curves: pl.DataFrame, protocol: Protocol, problems: pl.DataFrame | None = None
) -> dict[str, pl.DataFrame]:
    """Every table and view that is made of the curves, by name, in the order of the curves' keys."""
    if problems is None:
        unknown = pl.lit(None, dtype=pl.String)
        problems = curves.select("problem_id").unique()
        problems = problems.with_columns(gold_answer=unknown, answer_kind=unknown)
    tables = judge_curves(curves, problems, protocol)
    with duckdb.connect(":memory:") as con:
        own = {"trace_curves": curves.drop("text"), "traces": curves.select("trace_id", "text").unique()}
        for name, frame in {**tables, **own}.items():
            con.register("given", frame.to_arrow())
            con.execute(f'CREATE TABLE "{name}" AS FROM given')
        views: dict[str, pl.DataFrame] = {}
        for name in PATTERN_VIEWS:
            con.execute(table_schema(name).ddl)
            schema = polars_schema(name)
            key = [c for c in ("trace_id", "cut_policy", "cut_index", "rule", "kind") if c in schema]
            views[name] = con.sql(f'FROM "{name}"').pl().cast(schema).sort(key)
    return {**tables, **views}


def _view(name: str) -> Callable[[pl.DataFrame, Protocol], pl.DataFrame]:
    return lambda curves, protocol: judged_views(curves, protocol)[name]


find_tangents, find_insights = _view("tangents"), _view("spikes")
judge_changes, change_priors = _view("changes"), _view("change_priors")
judge_guesses, find_drawdowns = _view("lucky_guesses"), _view("drawdowns")
judge_monotonicity, judge_falls = _view("monotonicity"), _view("monotone_tests")


def measure_jumps(curves: pl.DataFrame, problems: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """The view ``jumps``."""
    return judged_views(curves, protocol, problems)["jumps"]
