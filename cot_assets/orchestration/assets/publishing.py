"""Group ``report``: what leaves the pipeline, a DuckDB file and a report.

Belongs here: the assets ``results`` and ``report``; sections and checks come from the definitions. Does not belong here: publishing
(:mod:`cot_assets.warehouse.publish`) and rendering (:mod:`cot_assets.report`).
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any
from urllib.parse import quote

import dagster as dg

from cot_assets.orchestration.assets import materializing as common
from cot_assets.orchestration.assets import showing
from cot_assets.orchestration.assets.resources import Study
from cot_assets.orchestration.instance import REPORTS
from cot_assets.orchestration.jobs import PROBLEM_SETS
from cot_assets.orchestration.presence import RESULTS, published
from cot_assets.report.evidence import MOST_WRITTEN
from cot_assets.report.pages import render_report
from cot_assets.report.sections import Section
from cot_assets.report.source import Source
from cot_assets.sampling.shards import with_texts
from cot_assets.warehouse.errors import printable
from cot_assets.warehouse.store import Warehouse

_MOST_EVALUATIONS = 1000  # of one check, newest first


def failed_checks(
    instance: dg.DagsterInstance, keys: Sequence[dg.AssetCheckKey], problem_set: str, models: Collection[str]
) -> list[str]:
    """A sentence for what checks of the problem set's partitions said when they were last evaluated and did not pass.

    Dagster remembers checks of models that were forgotten: only those of ``models`` count. Where several
    say the same, one sentence names all their places.
    """
    places: dict[tuple[str, str], list[str]] = {}
    for key in sorted(keys, key=str):
        seen: set[str] = set()
        for record in instance.event_log_storage.get_asset_check_execution_history(key, _MOST_EVALUATIONS):
            event = record.event.dagster_event if record.event else None
            partition = record.partition or ""
            # A run that ended before it came to a check has planned it only.
            if event is None or event.event_type != dg.DagsterEventType.ASSET_CHECK_EVALUATION:
                continue
            if partition in seen or partition.rpartition("|")[2] != problem_set:
                continue
            seen.add(partition)
            if "|" in partition and partition.partition("|")[0] not in models:
                continue
            evaluation = event.asset_check_evaluation_data
            if not evaluation.passed:
                said = key.name.replace("_", " "), printable(evaluation.description or "failed")
                places.setdefault(said, []).append(f"{key.asset_key.to_user_string()}, {partition}")
    return [
        f"Check {name} of {'; '.join(where)}: {what.rstrip('.')}." for (name, what), where in places.items()
    ]


def publish_results(warehouse: Warehouse) -> dict[str, Any]:
    """Publish the warehouse; returns what is told of it."""
    path = warehouse.publish()
    published(warehouse.home, RESULTS, path.parent, [path])
    return {
        "path": path.name,  # in the data home, which may be moved
        "megabytes": path.stat().st_size / 1e6,
        "try": dg.MetadataValue.md("`cot-assets sql` lists the named queries"),
    }


def publishing(
    deps: Sequence[dg.AssetDep], sections: Callable[[], Sequence[Section]], checks: Sequence[dg.AssetCheckKey]
) -> list[dg.AssetsDefinition]:
    """The assets ``results`` and ``report``, which come after everything else.

    The sections of the report are asked for when it runs, since pictures load slowly; it names the ``checks`` that failed.
    """

    @dg.asset(
        partitions_def=PROBLEM_SETS,
        deps=deps,
        description="results.duckdb: every table and view for SQL users, replaced atomically, readable by older "
        "DuckDB versions. An open reader keeps the file that it opened.",
        kinds={"duckdb"},
    )
    def results(context: dg.AssetExecutionContext, study: Study) -> dg.MaterializeResult:
        """Publish the whole warehouse, not only this problem set."""
        with showing.telling(context):
            scope = common.scope_of(context, study)
            return _told(scope, publish_results(scope.warehouse))

    @dg.asset(
        partitions_def=PROBLEM_SETS,
        deps=deps,
        description="A folder of self-contained HTML pages per problem set: findings, a gallery of all measured "
        "traces, tables and pictures by question, and every trace colored by its potential.",
        kinds={"html", "seaborn"},
    )
    def report(context: dg.AssetExecutionContext, study: Study) -> dg.MaterializeResult:
        """Render the problem set's report."""
        with showing.telling(context):
            scope = common.scope_of(context, study)
            # How imported rollouts were sampled, and their traces chosen, is not in the protocol.
            is_imported = scope.config.problem_set(scope.problem_set).is_imported
            source = Source(
                scope.warehouse.read,
                scope.problem_set,
                scope.protocol,
                is_imported=is_imported,
                texts=lambda rollouts: with_texts(study.home().shards, rollouts, MOST_WRITTEN),
                together=lambda: scope.warehouse.together("read for a report"),
            )
            notices = failed_checks(
                context.instance, checks, scope.problem_set, context.instance.get_dynamic_partitions("models")
            )
            folder = study.home().reports / scope.problem_set
            pages = render_report(source, sections(), folder, notices)
            published(study.home(), scope.problem_set, folder, pages)
            metadata = {
                "report": dg.MetadataValue.url(f"{REPORTS}/{quote(scope.problem_set)}/index.html"),
                "index": f"{scope.problem_set}/index.html",  # in the folder of reports, which may be moved
                "pages": len(pages),
                "megabytes": sum(page.stat().st_size for page in pages) / 1e6,
            }
            return _told(scope, metadata)

    return [results, report]


def _told(scope: common.Scope, metadata: dict[str, Any]) -> dg.MaterializeResult:
    return dg.MaterializeResult(
        metadata=showing.shown(metadata), data_version=dg.DataVersion(scope.fingerprint)
    )
