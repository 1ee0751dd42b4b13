"""Group ``potential``: from problems to potential curves.

Belongs here: traces, prefixes (with trace_cuts), completions, rollouts, potentials. Does not belong
here: what is found on the curves (:mod:`cot_assets.measures.patterns.assets`).
"""

import dagster as dg
import polars as pl

from cot_assets.engines.base import Engine
from cot_assets.measures.curves.martingale import martingale_test
from cot_assets.measures.curves.stopping import stopping_frame
from cot_assets.orchestration.assets import check_rules as rules
from cot_assets.orchestration.assets import materializing as common
from cot_assets.orchestration.assets import sampling
from cot_assets.orchestration.assets.resources import Engines, Progress, Study
from cot_assets.orchestration.partitions import BY_PROBLEM_SET, MODEL_BY_SET, PROBLEM_SETS
from cot_assets.problems.given import read_given
from cot_assets.problems.load import load_problems
from cot_assets.sampling.given_traces import given_traces_frame
from cot_assets.sampling.plan import plan_rollouts, plan_traces
from cot_assets.sampling.tables import (
    GRADED_BY,
    measured_traces,
    prefixes_of,
    prompts,
    trace_cuts,
    traces_frame,
)
from cot_assets.study import GIVEN

_TRACES = {**rules.SCHEMA, **sampling.TEXT_CHECKS, **sampling.AUDIT}
_POTENTIALS = {
    **rules.SCHEMA,
    "null_iff_unknown": (True, "The potential is NULL exactly where n is 0."),
    "interval_width": (False, "The median 95% interval is at most 0.30 wide."),
    "martingale": (False, "The potential at stopping times has mean V0: one joint test, 1% level."),
}


@dg.asset(
    partitions_def=PROBLEM_SETS,
    description=common.description("problems"),
    kinds={"duckdb", "polars"},
    metadata=common.table_metadata("problems"),
    check_specs=common.check_specs("problems", rules.SCHEMA, PROBLEM_SETS),
)
def problems(context: dg.AssetExecutionContext, study: Study) -> dg.MaterializeResult:
    """Questions with gold answers, from the problem set's source."""
    scope = common.sampled_scope_of(context, study)
    frame = load_problems(scope.config.problem_set(scope.problem_set), study.home())
    scope.warehouse.write_partition("problems", frame, scope.where)
    return common.finished(
        frame,
        scope.fingerprint,
        checks=rules.SCHEMA,
        findings={"schema": rules.schema_holds("problems", frame)},
        metadata={"revision": str(frame["revision"][0]), "protocol": scope.protocol.name},
    )


@dg.asset(
    partitions_def=MODEL_BY_SET,
    deps=[dg.AssetDep("problems", partition_mapping=BY_PROBLEM_SET)],
    description=common.description("traces") + "\n\nThis asset also writes `blocks`.",
    kinds={"duckdb", "parquet"},
    metadata=common.table_metadata("traces"),
    check_specs=common.check_specs("traces", _TRACES),
    pool="gpu",
)
def traces(
    context: dg.AssetExecutionContext, study: Study, engines: Engines, progress: dg.ResourceParam[Progress]
) -> dg.MaterializeResult:
    """Sampled chains of thought with their verdicts, or those that came with the problems."""
    scope = common.sampled_scope_of(context, study)
    problems = scope.problems()
    engine = sampling.open_engine(scope, engines)
    if scope.config.problem_set(scope.problem_set).has_given_traces:
        return _given_traces(context, scope, problems, engine)
    plan = plan_traces(prompts(problems, engine), scope.protocol, engine.describe())
    store, cost, audit = sampling.sample_audited(context, scope, study, engine, progress, plan, "trace")
    rows = store.read([p.block.key for p in plan])
    frame = traces_frame(rows, plan, engine, scope.problem_set, scope.model, scope.protocol)
    gold = problems.select("problem_id", *GRADED_BY)
    frame = scope.judge(frame.join(gold, on="problem_id")).drop(GRADED_BY)
    scope.warehouse.write_partition("traces", frame, scope.where)
    sampling.write_blocks(scope, "traces", plan, engine, store)
    correct = frame.filter(pl.col("verdict") == "correct").height
    return common.finished(
        frame,
        scope.fingerprint,
        checks=_TRACES,
        findings={
            "schema": rules.schema_holds("traces", scope.warehouse.read_table("traces", **scope.where)),
            **rules.text_findings(frame, "traces"),
            "audit": audit,
        },
        metadata={**cost, "share_correct": correct / frame.height},
    )


def _given_traces(
    context: dg.AssetExecutionContext, scope: common.Scope, problems: pl.DataFrame, engine: Engine
) -> dg.MaterializeResult:
    """The traces that came with the problems, in the model's tokens; nothing is sampled."""
    name = scope.config.problem_set(scope.problem_set).source.removeprefix(GIVEN)
    given = read_given(scope.warehouse.home, name)
    frame, n_left_out = given_traces_frame(
        given, prompts(problems, engine), engine, scope.problem_set, scope.model, scope.protocol
    )
    if n_left_out:
        context.log.warning(
            f"{scope.model} on {scope.problem_set}: {n_left_out} of {given.height} traces are left out: longer than "
            "max_tokens, or not to be written in this model's tokens"
        )
    if frame.is_empty():
        raise dg.Failure(
            f"{scope.model!r} can measure none of the {given.height} traces of {scope.problem_set!r}: they are longer "
            "than max_tokens, or cannot be written in its tokens; choose another model or protocol"
        )
    scope.warehouse.write_partition("traces", frame, scope.where)
    return common.finished(
        frame,
        scope.fingerprint,
        checks=_TRACES,
        findings={
            "schema": rules.schema_holds("traces", scope.warehouse.read_table("traces", **scope.where)),
            **rules.text_findings(frame, "traces"),
            "audit": rules.Finding(True, "not applicable: the traces were imported, nothing was sampled"),
        },
        metadata={"left_out": n_left_out},
    )


@dg.asset(
    partitions_def=MODEL_BY_SET,
    deps=["traces"],
    description=common.description("prefixes") + "\n\nThis asset also writes `trace_cuts`.",
    kinds={"duckdb", "polars"},
    metadata=common.table_metadata("prefixes"),
    check_specs=common.check_specs("prefixes", rules.SCHEMA),
)
def prefixes(context: dg.AssetExecutionContext, study: Study) -> dg.MaterializeResult:
    """The measured traces, cut by the protocol's policy."""
    scope = common.sampled_scope_of(context, study)
    measured = measured_traces(scope.warehouse.read_table("traces", **scope.where), scope.protocol)
    scope.warehouse.write_partition(
        "trace_cuts", trace_cuts(measured, scope.problems(), scope.protocol), scope.where
    )
    cuts = scope.warehouse.read_table("trace_cuts", **scope.where)
    return common.finished(
        cuts.filter(~pl.col("is_end")).unique("prefix_id", maintain_order=True),
        scope.fingerprint,
        checks=rules.SCHEMA,
        findings={"schema": rules.schema_holds("trace_cuts", cuts)},
        metadata={"traces_measured": measured.height, "cuts": cuts.height},
    )


@dg.asset(
    partitions_def=MODEL_BY_SET,
    deps=["prefixes", "explorations"],
    description="Rollouts of every prefix, sampled into Parquet shards; resumable, nothing sampled twice. "
    "Materializes when complete, and writes the table `blocks`.",
    kinds={"parquet"},
    metadata=common.table_metadata("blocks"),
    check_specs=common.check_specs("completions", sampling.AUDIT),
    pool="gpu",
)
def completions(
    context: dg.AssetExecutionContext, study: Study, engines: Engines, progress: dg.ResourceParam[Progress]
) -> dg.MaterializeResult:
    """N rollouts of every prefix, complete when this materializes."""
    scope = common.sampled_scope_of(context, study)
    engine = sampling.open_engine(scope, engines)
    wanted = prefixes_of(scope.warehouse.read_table("prefixes", **scope.where))
    plan = plan_rollouts(wanted, scope.protocol, engine.describe())
    store, cost, audit = sampling.sample_audited(context, scope, study, engine, progress, plan, "rollout")
    blocks = sampling.write_blocks(scope, "completions", plan, engine, store)
    return common.finished(
        blocks,
        scope.fingerprint,
        checks=sampling.AUDIT,
        findings={"audit": audit},
        metadata=cost,
    )


@dg.asset(
    partitions_def=MODEL_BY_SET,
    deps=["completions"],
    description=common.description("rollouts"),
    kinds={"duckdb", "sympy"},
    metadata=common.table_metadata("rollouts"),
    check_specs=common.check_specs("rollouts", sampling.ROLLOUT_CHECKS),
)
def rollouts(context: dg.AssetExecutionContext, study: Study) -> dg.MaterializeResult:
    """Every rollout with its verdict, judged on the trace up to the cut and the completion together."""
    scope = common.sampled_scope_of(context, study)
    sampling.grade_rollouts(study, scope, "completions")
    frame = scope.warehouse.read_table("rollouts", **scope.where, origin="own")
    return common.finished(
        frame,
        scope.fingerprint,
        checks=sampling.ROLLOUT_CHECKS,
        findings=rules.rollout_findings("rollouts", frame),
        metadata={"share_correct": frame.select((pl.col("verdict") == "correct").mean()).item()},
    )


@dg.asset(
    partitions_def=MODEL_BY_SET,
    deps=["rollouts"],
    description=common.description("potentials"),
    kinds={"duckdb"},
    metadata=common.table_metadata("potentials"),
    check_specs=common.check_specs("potentials", _POTENTIALS),
)
def potentials(context: dg.AssetExecutionContext, study: Study) -> dg.MaterializeResult:
    """P(correct | prefix) with its interval, for every prefix."""
    scope = common.sampled_scope_of(context, study)
    sampling.count_potentials(scope, "completions")
    frame = scope.warehouse.read_table("potentials", **scope.where, origin="own")
    from cot_assets.measures.curves.report import curves_figure  # plotting loads slowly

    curve = scope.curves()
    return common.finished(
        frame,
        scope.fingerprint,
        checks=_POTENTIALS,
        findings={
            "schema": rules.schema_holds("potentials", frame),
            "null_iff_unknown": rules.potential_is_null_iff_unknown(frame),
            "interval_width": rules.intervals_are_narrow(frame),
            "martingale": martingale_finding(scope, curve),
        },
        metadata={
            "mean_potential": frame["potential"].mean(),
            "curves": common.picture(curves_figure(curve, f"{scope.model} on {scope.problem_set}")),
        },
    )


def martingale_finding(scope: common.Scope, curves: pl.DataFrame) -> rules.Finding:
    """The joint martingale test on line ends and trace ends; not applicable to correct-only traces."""
    if scope.protocol.sampling.measured == "correct":
        return rules.Finding(
            True, "not applicable: the protocol measures correct traces only, which is a selection"
        )
    if scope.config.problem_set(scope.problem_set).has_given_traces:
        return rules.Finding(True, "not applicable: another law wrote the traces")
    traces = scope.warehouse.read_table("traces", **scope.where)
    # Places that exploration found depend on what follows them: they are no stopping times.
    own = curves.filter(pl.col("cut_policy") == scope.protocol.sampling.cut_policy)
    frame = stopping_frame(own, scope.protocol, traces)
    if frame.is_empty():
        return rules.Finding(False, "no trace with a verdict was measured, so there is nothing to test")
    result = martingale_test(frame)
    return rules.Finding(
        result.is_passed,
        f"mean drift {result.mean_drift:+.3f} ({result.drift_low:+.3f} to {result.drift_high:+.3f}) over "
        f"{result.n_problems} problems, p = {result.p_value:.3g}; level {result.level}",
        {"p_value": result.p_value, "mean_drift": result.mean_drift, "traces": result.n_traces},
    )
