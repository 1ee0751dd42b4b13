"""Assets that fill one table from other tables, by a pure function, and check its schema.

Belongs here: what such assets have in common. Does not belong here: which they are
(:mod:`cot_assets.measures.patterns.assets`, :mod:`cot_assets.measures.rates.assets`) and what they compute
(:mod:`cot_assets.measures`).
"""

from collections.abc import Callable, Iterable
from typing import Any

import dagster as dg
import polars as pl

from cot_assets.orchestration import check_rules as rules
from cot_assets.orchestration import materializing as common
from cot_assets.orchestration.partitions import BY_PROBLEM_SET, MODEL_BY_SET, PROBLEM_SETS
from cot_assets.orchestration.resources import Study

_SCHEMA = {"schema": (True, "Columns, types and keys are those of the DDL.")}
Make = Callable[[common.Scope], pl.DataFrame]
Describe = Callable[[pl.DataFrame], dict[str, Any]]


def model_asset(table: str, make: Make, deps: Iterable[str] = ("potentials",)) -> dg.AssetsDefinition:
    """An asset that fills the table for one model and problem set.

    Args:
        table: Name of the table and of the asset.
        make: Returns the partition's rows.
        deps: Assets of the same partition that it reads.
    """
    return _asset(
        table, make, partitions_def=MODEL_BY_SET, deps=[dg.AssetDep(name) for name in deps],
        fingerprint=lambda _, scope: scope.fingerprint, describe=lambda _: {},
    )  # fmt: skip


def comparison_asset(
    table: str, make: Make, deps: Iterable[str], describe: Describe = lambda _: {}
) -> dg.AssetsDefinition:
    """An asset that fills the table for all models of a problem set.

    Args:
        table: Name of the table and of the asset.
        make: Returns the partition's rows.
        deps: Assets by model and problem set that it reads, all models' partitions of each.
        describe: Metadata of the stored rows.
    """
    return _asset(
        table, make, partitions_def=PROBLEM_SETS,
        deps=[dg.AssetDep(name, partition_mapping=BY_PROBLEM_SET) for name in deps],
        fingerprint=common.comparison_fingerprint_of, describe=describe,
    )  # fmt: skip


def _asset(
    table: str,
    make: Make,
    *,
    partitions_def: dg.PartitionsDefinition,
    deps: list[dg.AssetDep],
    fingerprint: Callable[[dg.AssetExecutionContext, common.Scope], str],
    describe: Describe,
) -> dg.AssetsDefinition:
    @dg.asset(
        name=table,
        partitions_def=partitions_def,
        deps=deps,
        description=common.description(table),
        kinds={"polars", "duckdb"},
        metadata=common.table_metadata(table),
        check_specs=common.check_specs(table, _SCHEMA, partitions_def),
    )
    def derived(context: dg.AssetExecutionContext, study: Study) -> dg.MaterializeResult:
        scope = common.scope_of(context, study)
        scope.warehouse.write_partition(table, make(scope), scope.where)
        frame = scope.warehouse.read_table(table, **scope.where)
        return common.finished(
            frame,
            fingerprint(context, scope),
            checks=_SCHEMA,
            findings={"schema": rules.schema_holds(table, frame)},
            metadata=describe(frame),
        )

    return derived
