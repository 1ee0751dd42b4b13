"""How assets are defined: what Dagster shows of a table comes from its DDL, and checks are partitioned as it is.

Belongs here: definitions that assets have in common, what the catalog says of each (room, owner, tags, code version, link to
code), and assets that a pure function computes from tables. Does not belong here: which they are (``assets.py`` in each room of :mod:`cot_assets.measures`), and what they do when they run
(:mod:`cot_assets.orchestration.assets.materializing`).
"""

import hashlib
import inspect
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal, cast

import dagster as dg
import polars as pl

from cot_assets.orchestration.assets import check_rules as rules
from cot_assets.orchestration.assets import materializing as common
from cot_assets.orchestration.assets import showing
from cot_assets.orchestration.assets.resources import Engines, Progress, Study
from cot_assets.orchestration.jobs import BY_PROBLEM_SET, MODEL_BY_SET, PART_TAG, PROBLEM_SETS, part_of
from cot_assets.orchestration.triggers import STALE
from cot_assets.warehouse.imported import refuse_imported
from cot_assets.warehouse.reading import sql_folder
from cot_assets.warehouse.schema import table_schema

Make = Callable[[common.Scope], pl.DataFrame]
Compute = Callable[[common.Task], common.Made]


def described(table: str, make: Callable[..., Any] | None = None) -> dict[str, Any]:
    """Description and metadata of the asset of a table or view: its comments, its columns, the query that shows it.

    ``make`` is what computes its rows, where other code that assets have in common calls it.
    """
    schema = table_schema(table)
    columns = [
        dg.TableColumn(column.name, type=column.type, description=column.comment,
                       constraints=dg.TableColumnConstraints(nullable=column.is_nullable))
        for column in schema.columns
    ]  # fmt: skip
    return {
        "description": f'{schema.comment}\n\n`cot-assets sql "FROM {table} LIMIT 10"`',
        "metadata": {
            "dagster/column_schema": dg.TableSchema(columns),
            "dagster/table_name": f"warehouse.main.{table}",
            **(code_of(make) if make else {}),
        },
    }


def code_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Metadata that links to where an asset is computed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # links to code are one of Dagster's betas
        file, line = inspect.getfile(function), inspect.getsourcelines(function)[1]
        reference = dg.LocalFileCodeReference(file_path=file, line_number=line)
        return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[reference])}


def table_asset(
    checks: rules.Checks,
    *,
    kinds: set[str],
    deps: Iterable[str | dg.AssetDep] = (),
    of: str = "",
    note: str = "",
    partitions_def: dg.PartitionsDefinition = MODEL_BY_SET,
    needs: Literal["nothing", "tokens", "model"] = "nothing",
    takes_imports: bool = False,
    tags: Mapping[str, str] | None = None,
    make: Make | None = None,
) -> Callable[[Compute], dg.AssetsDefinition]:
    """A decorator: the asset that fills the table named as the function is.

    Args:
        checks: What is checked.
        kinds: What the UI draws on it.
        deps: Assets that it reads.
        of: The table that it fills, where that has another name.
        note: What a person should know besides what the table's comment says.
        partitions_def: Of asset and checks.
        needs: What of an engine it takes; one that needs the model waits for a slot of the pool ``gpu``.
        takes_imports: Whether it runs on rollouts that others published; any other would put nothing in their place.
        tags: As Dagster's.
        make: See :func:`described`.
    """

    def define(compute: Compute) -> dg.AssetsDefinition:
        name = compute.__name__
        shown = described(of or name, make or compute)

        def work(
            context: dg.AssetExecutionContext, study: Study, engines: Any = None, progress: Any = None
        ) -> dg.MaterializeResult:
            with showing.telling(context):
                scope = common.scope_of(context, study)
                if not takes_imports:
                    refuse_imported(scope.config, scope.problem_set, scope.model)
                task = common.Task(**vars(scope), context=context, engines=engines, progress=progress)
                return common.finished(task, compute(task), checks)

        def without_engine(context: dg.AssetExecutionContext, study: Study) -> dg.MaterializeResult:
            return work(context, study)

        def with_engine(
            context: dg.AssetExecutionContext,
            study: Study,
            engines: Engines,
            progress: dg.ResourceParam[Progress],
        ) -> dg.MaterializeResult:
            return work(context, study, engines, progress)

        return dg.asset(
            name=name,
            partitions_def=partitions_def,
            deps=[*deps],
            description="\n\n".join(filter(None, (shown["description"], note))),
            metadata=shown["metadata"],
            kinds=kinds,
            check_specs=_check_specs(name, checks, partitions_def),
            pool="gpu" if needs == "model" else None,
            tags=tags,
        )(without_engine if needs == "nothing" else with_engine)

    return define


def _check_specs(
    asset: str, checks: rules.Checks, partitions_def: dg.PartitionsDefinition
) -> list[dg.AssetCheckSpec]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)  # partitions of checks are a preview of Dagster
        return [
            dg.AssetCheckSpec(
                name,
                asset=asset,
                blocking=check.is_blocking,
                description=check.text,
                partitions_def=partitions_def,
            )
            for name, check in checks.items()
        ]


def model_asset(table: str, make: Make, deps: Iterable[str] = ("potentials",)) -> dg.AssetsDefinition:
    """An asset that fills the table for one model and problem set.

    Args:
        table: Name of the table and of the asset.
        make: Returns the partition's rows.
        deps: Assets of the same partition that it reads.
    """

    def derived(scope: common.Task) -> common.Made:
        return common.Made(scope.stored(table, make(scope)))

    derived.__name__ = table
    return table_asset(
        rules.of_table(table), kinds={"polars", "duckdb"}, deps=deps, takes_imports=True, make=make
    )(derived)


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
            kinds={"polars", "duckdb"},
            **described(view, make),
        )
        for view in questions
    ]

    @dg.multi_asset(name=name, specs=specs)
    def derived(context: dg.AssetExecutionContext, study: Study) -> Iterator[dg.MaterializeResult]:
        with showing.telling(context):
            scope = common.scope_of(context, study)
            rows = make(scope)
            with scope.warehouse.together(f"write {name}"):
                stored = {view: scope.estimated(view, rows, asked) for view, asked in questions.items()}
            for view, frame in stored.items():
                shown = describe(view, frame) if study.has_pictures else {}
                yield common.finished(scope, common.Made(frame, metadata=shown), asset=view)

    return derived


OWNERS = ["team:cot-assets"]


def code_version(asset: str, version: str | None) -> str:
    """The version that an author raises (``code_version`` of the asset), and a hash of the asset's SQL."""
    files = sorted(sql_folder().glob(f"*/{asset}.sql"))
    content = hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:8]
    return f"{version or 1}-{content}" if files else f"{version or 1}"


def catalogued(assets: Iterable[dg.AssetsDefinition], room: str) -> list[dg.AssetsDefinition]:
    """The assets in the group of their room, with what the catalog says of them."""
    return [each for asset in assets for each in dg.map_asset_specs(_catalogued(asset, room), [asset])]


def _catalogued(asset: dg.AssetsDefinition, room: str) -> Callable[[dg.AssetSpec], dg.AssetSpec]:
    has_engine = bool(asset.op.pool)
    code = code_of(cast("Any", asset.op.compute_fn).decorated_fn)

    def catalogued_spec(spec: dg.AssetSpec) -> dg.AssetSpec:
        spec = spec.replace_attributes(group_name=room)
        part = part_of(spec)
        tags = {
            **{name: value for name, value in spec.tags.items() if not name.startswith("dagster/kind/")},
            PART_TAG: part,
            "cost": "gpu" if has_engine else "cpu",
            "measure": room,
        }
        return spec.replace_attributes(
            owners=OWNERS,
            tags=tags,
            metadata={**code, **spec.metadata},
            code_version=code_version(spec.key.to_user_string(), spec.code_version),
            automation_condition=STALE if part == "analysis" and not has_engine else None,
        )

    return catalogued_spec


def after_all(assets: Iterable[dg.AssetsDefinition]) -> list[dg.AssetDep]:
    """Dependencies on every asset that no other depends on, for what is made of all of them."""
    specs = [spec for asset in assets for spec in asset.specs]
    inner = {dep.asset_key for spec in specs for dep in spec.deps}
    return [
        dg.AssetDep(spec.key)
        if spec.partitions_def == PROBLEM_SETS
        else dg.AssetDep(spec.key, partition_mapping=BY_PROBLEM_SET)
        for spec in specs
        if spec.key not in inner and spec.partitions_def is not None
    ]
