"""Assets that are computed from tables by a pure function.

Belongs here: what such assets have in common. Does not belong here: which they are
(:mod:`cot_assets.measures.patterns.assets`, :mod:`cot_assets.measures.rates.assets`) and what they compute
(:mod:`cot_assets.measures`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import dagster as dg
import polars as pl

from cot_assets.orchestration.assets import check_rules as rules
from cot_assets.orchestration.assets import materializing as common
from cot_assets.orchestration.assets import showing
from cot_assets.orchestration.assets.resources import Study
from cot_assets.orchestration.partitions import BY_PROBLEM_SET, MODEL_BY_SET, PROBLEM_SETS

Make = Callable[[common.Scope], pl.DataFrame]


def model_asset(table: str, make: Make, deps: Iterable[str] = ("potentials",)) -> dg.AssetsDefinition:
    """An asset that fills the table for one model and problem set.

    Args:
        table: Name of the table and of the asset.
        make: Returns the partition's rows.
        deps: Assets of the same partition that it reads.
    """

    @dg.asset(
        name=table,
        partitions_def=MODEL_BY_SET,
        deps=[dg.AssetDep(name) for name in deps],
        description=common.description(table),
        kinds={"polars", "duckdb"},
        metadata=common.table_metadata(table),
        check_specs=common.check_specs(table, rules.SCHEMA, MODEL_BY_SET),
    )
    @showing.told
    def derived(context: dg.AssetExecutionContext, study: Study) -> dg.MaterializeResult:
        scope = common.scope_of(context, study)
        made = make(scope)
        with scope.warehouse.together(f"write {table}"):
            scope.warehouse.write_partition(table, made, scope.where)
            frame = scope.warehouse.read_table(table, **scope.where)
        return common.finished(
            frame,
            scope.fingerprint,
            checks=rules.SCHEMA,
            findings={"schema": rules.schema_holds(table, frame)},
        )

    return derived


def estimate_assets(
    name: str,
    questions: Mapping[str, Iterable[str]],
    make: Make,
    deps: Iterable[str],
    *,
    is_by_model: bool,
    describe: Callable[[str, pl.DataFrame], dict[str, Any]] = lambda _, __: {},
) -> dg.AssetsDefinition:
    """Assets of one computation, each a view of the table ``estimates``.

    Args:
        name: Of the computation.
        questions: The views, and the questions whose rows each shows.
        make: Returns the partition's rows of all of them.
        deps: Assets by model and problem set that it reads.
        is_by_model: One model at a time; else all models of a problem set are compared.
        describe: Metadata of a view's rows.
    """
    mapping = None if is_by_model else BY_PROBLEM_SET
    specs = [
        dg.AssetSpec(
            view,
            partitions_def=MODEL_BY_SET if is_by_model else PROBLEM_SETS,
            deps=[dg.AssetDep(asset, partition_mapping=mapping) for asset in deps],
            description=common.description(view),
            kinds={"polars", "duckdb"},
            metadata=common.table_metadata(view),
        )
        for view in questions
    ]

    @dg.multi_asset(name=name, specs=specs)
    @showing.told
    def derived(context: dg.AssetExecutionContext, study: Study) -> Iterator[dg.MaterializeResult]:
        scope = common.scope_of(context, study)
        fingerprint = scope.fingerprint if is_by_model else common.comparison_fingerprint_of(context, scope)
        rows = make(scope)
        with scope.warehouse.together(f"write {name}"):
            for asked in questions.values():
                scope.write_estimates(rows, asked)
            stored = {view: scope.warehouse.read_table(view, **scope.where) for view in questions}
        for view, frame in stored.items():
            shown = describe(view, frame) if study.has_pictures else {}
            yield common.finished(frame, fingerprint, metadata=shown, asset=view)

    return derived
