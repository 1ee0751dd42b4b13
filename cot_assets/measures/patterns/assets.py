"""Group ``patterns``, by model: what is found on the curves of one model on one problem set.

Belongs here: one computation that reads the curves once and fills every table and view of the room. Does not belong
here: rates of patterns and comparisons (:mod:`cot_assets.measures.rates.assets`), and the rules
(:mod:`cot_assets.measures.patterns.judging`).
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import polars as pl

from cot_assets.measures.patterns.judging import judge_curves
from cot_assets.orchestration.assets import materializing as common
from cot_assets.orchestration.assets import showing
from cot_assets.orchestration.assets.defining import described
from cot_assets.orchestration.assets.resources import Study
from cot_assets.orchestration.jobs import MODEL_BY_SET

#: Every table with the views on it, in the order in which they are there.
FILLED = {
    "steps": ("changes", "spikes", "tangents", "jumps"),
    "change_priors": (),
    "trace_patterns": ("monotonicity", "monotone_tests", "lucky_guesses", "drawdowns"),
}


def _spec(name: str, after: str) -> dg.AssetSpec:
    return dg.AssetSpec(name, deps=[after], kinds={"polars", "duckdb"}, **described(name))


@dg.multi_asset(
    name="patterns",
    partitions_def=MODEL_BY_SET,
    can_subset=True,
    specs=[
        *(_spec(table, "potentials") for table in FILLED),
        *(_spec(view, table) for table, views in FILLED.items() for view in views),
    ],
)
def patterns(context: dg.AssetExecutionContext, study: Study) -> Iterator[dg.MaterializeResult]:
    """Steps, their law, and whole traces. All tables are written, whichever of them are asked for."""
    asked = {key.to_user_string() for key in context.selected_asset_keys}
    names = (*FILLED, *(view for views in FILLED.values() for view in views))
    with showing.telling(context):
        scope = common.scope_of(context, study)
        found = judge_curves(scope.curves(), scope.problems(), scope.protocol)
        with scope.warehouse.together("write patterns"):
            for table, frame in found.items():
                scope.warehouse.write_partition(table, frame, scope.where)
            stored = {name: scope.read(name) for name in names if name in asked}
        for name, frame in stored.items():
            yield common.finished(scope, common.Made(frame, metadata=_event_counts(frame)), asset=name)


def _event_counts(frame: pl.DataFrame) -> dict[str, Any]:
    """Rows that each rule calls an event, where the table has rules."""
    flags = {"by_threshold": "by_threshold", "confirmed": "is_confirmed"}
    return {name: frame.filter(pl.col(flag)).height for name, flag in flags.items() if flag in frame.columns}
