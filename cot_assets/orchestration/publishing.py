"""Group ``report``: what leaves the pipeline, a DuckDB file and a report.

Belongs here: the assets ``results`` and ``report``; the rooms' sections come from the definitions. Does not belong here: publishing
(:mod:`cot_assets.warehouse.publish`) and rendering (:mod:`cot_assets.report`).
"""

from collections.abc import Callable, Sequence

import dagster as dg

from cot_assets.orchestration import materializing as common
from cot_assets.orchestration.partitions import PROBLEM_SETS
from cot_assets.orchestration.resources import Study
from cot_assets.report import Section, Source, render_report


def publishing(
    deps: Sequence[dg.AssetDep], sections: Callable[[], Sequence[Section]]
) -> list[dg.AssetsDefinition]:
    """The assets ``results`` and ``report``, which come after everything else.

    The sections of the report are asked for when it runs, since pictures load slowly.
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
        scope = common.scope_of(context, study)
        path = scope.warehouse.publish()
        fingerprint = common.comparison_fingerprint_of(context, scope)
        return dg.MaterializeResult(
            metadata={
                "path": dg.MetadataValue.path(str(path)),
                "megabytes": path.stat().st_size / 1e6,
                "try": dg.MetadataValue.md("`cot-assets sql` lists the named queries"),
            },
            data_version=dg.DataVersion(fingerprint),
        )

    @dg.asset(
        partitions_def=PROBLEM_SETS,
        deps=deps,
        description="A folder of self-contained HTML pages per problem set: findings, a gallery of all measured "
        "traces, tables and pictures by question, and every trace colored by its potential.",
        kinds={"html", "seaborn"},
    )
    def report(context: dg.AssetExecutionContext, study: Study) -> dg.MaterializeResult:
        """Render the problem set's report."""
        scope = common.scope_of(context, study)
        # How recorded rollouts were sampled, and their traces chosen, is not in the protocol.
        is_recorded = scope.config.problem_set(scope.problem_set).is_recorded
        source = Source(scope.warehouse.read, scope.problem_set, scope.protocol, is_recorded=is_recorded)
        pages = render_report(source, sections(), study.home().reports / scope.problem_set)
        index = study.home().reports / scope.problem_set / "index.html"
        return dg.MaterializeResult(
            metadata={
                "index": dg.MetadataValue.path(str(index)),
                "pages": len(pages),
                "megabytes": sum(page.stat().st_size for page in pages) / 1e6,
            },
            data_version=dg.DataVersion(common.comparison_fingerprint_of(context, scope)),
        )

    return [results, report]
