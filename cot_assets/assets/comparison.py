"""Group ``patterns``, by problem set: comparisons between models beyond the table of rates.

Belongs here: matched_rates, model_differences, pass_at_k. Does not belong here: pattern_rates and what is
found on single curves (:mod:`cot_assets.assets.patterns`), and the statistics
(:mod:`cot_assets.potential`).
"""

from collections.abc import Callable

import dagster as dg
import polars as pl

from cot_assets.assets import check_rules as rules
from cot_assets.assets import common
from cot_assets.automation.partitions import BY_PROBLEM_SET, PROBLEM_SETS
from cot_assets.potential.frames import PASS_AT_K
from cot_assets.potential.matching import Decisions
from cot_assets.potential.matching import matched_rates as rates_of
from cot_assets.potential.matching import model_differences as differences_of
from cot_assets.potential.passk import measured_pass_at_k
from cot_assets.potential.rates import decided_traces
from cot_assets.resources import Study

_SCHEMA = {"schema": (True, "Columns, types and keys are those of the DDL.")}
_JUDGED = ("tangents", "spikes", "lucky_guesses", "monotonicity")


def _decisions(scope: common.Scope) -> Decisions:
    return decided_traces(*(scope.warehouse.read_table(name, **scope.where) for name in _JUDGED))


def _matched(scope: common.Scope) -> pl.DataFrame:
    return rates_of(_decisions(scope), scope.protocol)


def _differences(scope: common.Scope) -> pl.DataFrame:
    traces = scope.warehouse.read(
        "SELECT problem_set, model, problem_id, verdict FROM traces WHERE problem_set = $problem_set",
        scope.where,
    )
    return differences_of(_decisions(scope), traces, scope.protocol)


def _pass_at_k(scope: common.Scope) -> pl.DataFrame:
    # How recorded traces were chosen is not known: perhaps by their verdict.
    if scope.config.problem_set(scope.problem_set).is_recorded:
        return pl.DataFrame(schema=dict(PASS_AT_K))
    read = scope.warehouse.read_table
    return measured_pass_at_k(
        read("monotonicity", **scope.where), read("lucky_guesses", **scope.where), scope.protocol
    )


def _comparison_asset(table: str, make: Callable[[common.Scope], pl.DataFrame]) -> dg.AssetsDefinition:
    """An asset that fills a table from what was judged on all models' curves."""

    @dg.asset(
        name=table,
        group_name="patterns",
        partitions_def=PROBLEM_SETS,
        deps=[dg.AssetDep(name, partition_mapping=BY_PROBLEM_SET) for name in _JUDGED],
        description=common.description(table),
        kinds={"polars", "duckdb"},
        metadata=common.table_metadata(table),
        check_specs=common.check_specs(table, _SCHEMA),
    )
    def comparison(context: dg.AssetExecutionContext, study: Study) -> dg.MaterializeResult:
        scope = common.scope_of(context, study)
        scope.warehouse.write_partition(table, make(scope), scope.where)
        frame = scope.warehouse.read_table(table, **scope.where)
        return common.finished(
            frame,
            common.comparison_fingerprint_of(context, scope),
            checks=_SCHEMA,
            findings={"schema": rules.schema_holds(table, frame)},
        )

    return comparison


matched_rates = _comparison_asset("matched_rates", _matched)
model_differences = _comparison_asset("model_differences", _differences)
pass_at_k = _comparison_asset("pass_at_k", _pass_at_k)
