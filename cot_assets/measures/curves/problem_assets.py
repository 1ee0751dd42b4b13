"""Group ``inputs``: the problems.

Belongs here: the asset ``problems``. Does not belong here: reading sources (:mod:`cot_assets.problems`).
"""

import dagster as dg

from cot_assets.orchestration import materializing as common
from cot_assets.orchestration.check_rules import schema_holds
from cot_assets.orchestration.partitions import PROBLEM_SETS
from cot_assets.orchestration.resources import Study
from cot_assets.problems.load import load_problems

_CHECKS = {"schema": (True, "Columns, types and keys are those of the DDL.")}


@dg.asset(
    partitions_def=PROBLEM_SETS,
    description=common.description("problems"),
    kinds={"duckdb", "polars"},
    metadata=common.table_metadata("problems"),
    check_specs=common.check_specs("problems", _CHECKS, PROBLEM_SETS),
)
def problems(context: dg.AssetExecutionContext, study: Study) -> dg.MaterializeResult:
    """Questions with gold answers, from the problem set's source."""
    scope = common.sampled_scope_of(context, study)
    frame = load_problems(scope.config.problem_set(scope.problem_set), study.home())
    scope.warehouse.write_partition("problems", frame, scope.where)
    return common.finished(
        frame,
        scope.fingerprint,
        checks=_CHECKS,
        findings={"schema": schema_holds("problems", frame)},
        metadata={"revision": str(frame["revision"][0]), "protocol": scope.protocol.name},
    )
