"""Group ``results``: what leaves the pipeline, a DuckDB file and a report.

Belongs here: the assets ``results`` and ``report``. Does not belong here: publishing
(:mod:`cot_assets.warehouse.publish`) and rendering (:mod:`cot_assets.report`).
"""

import dagster as dg

from cot_assets.orchestration import materializing as common
from cot_assets.orchestration.jobs import COMPARISON
from cot_assets.orchestration.partitions import BY_PROBLEM_SET, PROBLEM_SETS
from cot_assets.orchestration.resources import Study
from cot_assets.report.data import load_report_data
from cot_assets.report.pages import render_report

_DEPS = [
    *(dg.AssetDep(name) for name in COMPARISON),
    *(
        dg.AssetDep(name, partition_mapping=BY_PROBLEM_SET)
        for name in ("optimized_traces", "transfer_differences", "transfer_steps")
    ),
]


@dg.asset(
    group_name="results",
    partitions_def=PROBLEM_SETS,
    deps=_DEPS,
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
    group_name="results",
    partitions_def=PROBLEM_SETS,
    deps=_DEPS,
    description="A folder of self-contained HTML pages per problem set: pattern table, transfer curve, "
    "unlocks, cost, and every measured trace colored by its potential.",
    kinds={"html", "seaborn"},
)
def report(context: dg.AssetExecutionContext, study: Study) -> dg.MaterializeResult:
    """Render the problem set's report."""
    scope = common.scope_of(context, study)
    # How recorded rollouts were sampled, and their traces chosen, is not in the protocol.
    is_recorded = scope.config.problem_set(scope.problem_set).is_recorded
    protocol = None if is_recorded else scope.protocol
    data = load_report_data(scope.warehouse.read, scope.problem_set, protocol=protocol)
    pages = render_report(data, study.home().reports / scope.problem_set)
    index = study.home().reports / scope.problem_set / "index.html"
    return dg.MaterializeResult(
        metadata={
            "index": dg.MetadataValue.path(str(index)),
            "pages": len(pages),
            "megabytes": sum(page.stat().st_size for page in pages) / 1e6,
        },
        data_version=dg.DataVersion(common.comparison_fingerprint_of(context, scope)),
    )
