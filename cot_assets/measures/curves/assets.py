"""Group ``curves``: from problems to potential curves.

Belongs here: traces, prefixes (with trace_cuts), completions, rollouts, potentials. Does not belong
here: what is found on the curves (:mod:`cot_assets.measures.patterns.assets`).
"""

from collections.abc import Sequence

import dagster as dg
import polars as pl
from pydantic import Field

from cot_assets.engines.base import Engine
from cot_assets.measures.curves.martingale import LEVEL, martingale_test, stopping_frame
from cot_assets.measures.curves.quick_look import found_in_look, looked_at, quick_curves
from cot_assets.orchestration.assets import check_rules as rules
from cot_assets.orchestration.assets import counting, sampling, showing
from cot_assets.orchestration.assets import materializing as common
from cot_assets.orchestration.assets.defining import table_asset
from cot_assets.orchestration.assets.resources import Engines, Progress, Study
from cot_assets.orchestration.jobs import BY_PROBLEM_SET, PROBLEM_SETS
from cot_assets.problems.given import read_given
from cot_assets.problems.load import load_problems
from cot_assets.sampling.given_traces import given_traces_frame
from cot_assets.sampling.plan import PlannedBlock, Purpose, plan_rollouts, plan_traces
from cot_assets.sampling.tables import (
    GRADED_BY,
    measured_traces,
    prefixes_of,
    prompts,
    trace_cuts,
    traces_frame,
)
from cot_assets.study import GIVEN
from cot_assets.warehouse.imported import refuse_imported

_CUTS = {**rules.of_table("trace_cuts"), "measured": rules.Check(False, "Some trace gets a curve.")}
_SHOWN_OF_CURVE = ("problem_id", "fraction", "n", "potential", "ci_low", "ci_high")
_POTENTIALS = {
    **rules.of_potentials("potentials"),
    "interval_width": rules.Check(
        False, "The median 95% interval is at most 0.30 wide.", rules.intervals_are_narrow
    ),
    "martingale": rules.Check(
        False, "The potential at stopping times has mean V0: one joint test, 1% level."
    ),
}
_OWN = "problem_set = $problem_set AND model = $model AND asset = 'completions'"
_FIRST_BLOCKS = f"FROM blocks WHERE {_OWN} LIMIT {showing.LOOKED_AT}"


@table_asset(rules.of_table("problems"), kinds={"duckdb", "polars"}, partitions_def=PROBLEM_SETS)
def problems(scope: common.Task) -> common.Made:
    """Questions with gold answers, from the problem set's source."""
    frame = load_problems(scope.config.problem_set(scope.problem_set), scope.warehouse.home)
    scope.warehouse.write_partition("problems", frame, scope.where)
    told = {"revision": str(frame["revision"][0]), "protocol": scope.protocol.name}
    return common.Made(frame, metadata=told)


@table_asset(
    {**rules.of_table("traces"), **rules.of_texts("traces"), **sampling.AUDIT},
    kinds={"duckdb", "parquet"},
    deps=[dg.AssetDep("problems", partition_mapping=BY_PROBLEM_SET)],
    note="This asset also writes `blocks`.",
    needs="model",
)
def traces(scope: common.Task) -> common.Made:
    """Sampled chains of thought with their verdicts, or those that came with the problems."""
    problems = scope.problems()
    engine = sampling.open_engine(scope)
    if scope.config.problem_set(scope.problem_set).has_given_traces:
        return _given_traces(scope, problems, engine)
    plan = plan_traces(prompts(problems, engine), scope.protocol, engine.describe())
    store, cost, audit = sampling.sample_audited(scope, engine, plan, "trace")
    rows = store.read([p.key for p in plan])
    frame = traces_frame(rows, plan, engine, scope.problem_set, scope.model, scope.protocol)
    gold = problems.select("problem_id", *GRADED_BY)
    frame = scope.stored("traces", scope.judge(frame.join(gold, on="problem_id")).drop(GRADED_BY))
    sampling.write_blocks(scope, "traces", plan, engine, store)
    correct = frame.filter(pl.col("verdict") == "correct").height
    return common.Made(frame, {"audit": audit}, {**cost, "share_correct": correct / frame.height})


def _given_traces(scope: common.Task, problems: pl.DataFrame, engine: Engine) -> common.Made:
    """The traces that came with the problems, in the model's tokens; nothing is sampled."""
    name = scope.config.problem_set(scope.problem_set).source.removeprefix(GIVEN)
    given = read_given(scope.warehouse.home, name)
    frame, n_left_out = given_traces_frame(
        given, prompts(problems, engine), engine, scope.problem_set, scope.model, scope.protocol
    )
    if n_left_out:
        scope.context.log.warning(
            f"{scope.model} on {scope.problem_set}: {n_left_out} of {given.height} traces are left out: longer than "
            "max_tokens, or not to be written in this model's tokens"
        )
    if frame.is_empty():
        raise dg.Failure(
            f"{scope.model!r} can measure none of the {given.height} traces of {scope.problem_set!r}: they are longer "
            "than max_tokens, or cannot be written in its tokens; choose another model or protocol",
            allow_retries=False,
        )
    frame = scope.stored("traces", frame)
    sampling.write_blocks(scope, "traces", [], None, None)  # of when the set had traces of the model's own
    audit = rules.Finding(True, "not applicable: the traces were imported, nothing was sampled")
    return common.Made(frame, {"audit": audit}, {"left_out": n_left_out})


@table_asset(
    _CUTS,
    kinds={"duckdb", "polars"},
    deps=["traces"],
    note="This asset also writes `trace_cuts`.",
    needs="tokens",
)
def prefixes(scope: common.Task) -> common.Made:
    """The measured traces, cut by the protocol's policy."""
    traces = scope.read("traces")
    measured = measured_traces(traces, scope.protocol)
    made = trace_cuts(measured, scope.problems(), scope.protocol, scope.engines.get(scope.entry).decode)
    cuts = scope.stored("trace_cuts", made)
    return common.Made(
        cuts.filter(~pl.col("is_end")).unique("prefix_id", maintain_order=True),
        {"measured": rules.some_are_measured(traces, measured, scope.protocol.sampling.measured)},
        {"traces_measured": measured.height, "cuts": cuts.height},
    )


@table_asset(
    sampling.AUDIT,
    kinds={"parquet"},
    deps=["prefixes", "explorations"],
    of="blocks",
    note="Rollouts of every prefix, sampled into Parquet shards; resumable, nothing sampled twice. Materializes when "
    "complete.",
    needs="model",
)
def completions(scope: common.Task) -> common.Made:
    """N rollouts of every prefix, complete when this materializes."""
    engine = sampling.open_engine(scope)
    wanted = prefixes_of(scope.warehouse.read_transform("cut_traces", scope.where))
    plan = plan_rollouts(wanted, scope.protocol, engine.describe())
    store, cost, audit = sampling.sample_audited(scope, engine, plan, "rollout")
    n_blocks = sampling.write_blocks(scope, "completions", plan, engine, store)
    blocks = scope.warehouse.read(_FIRST_BLOCKS, scope.where)
    return common.Made(blocks, {"audit": audit}, {**cost, "dagster/partition_row_count": n_blocks})


@table_asset(rules.of_rollouts("rollouts"), kinds={"duckdb", "sympy"}, deps=["completions"])
def rollouts(scope: common.Task) -> common.Made:
    """Every rollout with its verdict, judged on the trace up to the cut and the completion together."""
    counting.grade_rollouts(scope, "completions")
    frame = scope.read("rollouts", origin="own")
    share = frame.select((pl.col("verdict") == "correct").mean()).item()
    return common.Made(frame, metadata={"share_correct": share})


@table_asset(_POTENTIALS, kinds={"duckdb"}, deps=["rollouts"])
def potentials(scope: common.Task) -> common.Made:
    """P(correct | prefix) with its interval, for every prefix."""
    counting.count_potentials(scope.warehouse, scope.where, "completions")
    frame = scope.read("potentials", origin="own")
    from cot_assets.measures.curves.report import curves_figure  # plotting loads slowly

    curve = scope.curves()
    return common.Made(
        frame,
        {"martingale": martingale_finding(scope, curve)},
        {
            "mean_potential": frame["potential"].mean(),
            "picture": showing.picture(curves_figure(curve, f"{scope.model} on {scope.problem_set}")),
            "preview": showing.preview(curve.filter(~pl.col("is_end")).select(_SHOWN_OF_CURVE)),
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
    # Places that exploration found depend on what follows them: they are not stopping times.
    own = curves.filter(pl.col("cut_policy") == scope.protocol.sampling.cut_policy)
    frame = stopping_frame(own, scope.protocol, traces)
    if frame.is_empty():
        return rules.Finding(False, "no trace with a verdict was measured, so there is nothing to test")
    result = martingale_test(frame)
    drift = result.drift
    return rules.Finding(
        result.is_passed,
        f"mean drift {drift.mean:+.3f} ({drift.low:+.3f} to {drift.high:+.3f}) over {drift.n_clusters} problems, "
        f"p = {result.p_value:.3g}; level {LEVEL}",
        {"p_value": result.p_value, "mean_drift": drift.mean, "traces": result.n_traces},
    )


class Look(dg.Config):
    """What a quick look looks at; the form in the launchpad."""

    model: str = Field(description="A model in models.toml, say demo-weak.")
    problem_set: str = Field(description="A problem set in problem_sets.toml, say demo.")
    problems: int = Field(4, ge=1, description="How many of its problems, from the first.")
    n: int = Field(16, ge=0, description="Rollouts per prefix, a multiple of 16; 0 for the protocol's own.")
    protocol: str = Field("", description="A protocol in protocols.toml; empty for that of the problem set.")


@dg.asset(
    description="A quick look at a model on a few problems, with fewer rollouts or under another protocol: choose in the "
    "launchpad. It shows a picture of the curves and fills no table, so nothing is mixed with what is measured. What it "
    "samples is kept, and a measurement under the same protocol uses it again.",
    kinds={"parquet"},
    pool="gpu",
)
def quick_look(
    context: dg.AssetExecutionContext,
    config: Look,
    study: Study,
    engines: Engines,
    progress: dg.ResourceParam[Progress],
) -> dg.MaterializeResult:
    """Curves of a few problems, shown and not kept."""
    with showing.telling(context):
        declared = looked_at(study.config(), config.problem_set, config.protocol, config.n)
        scope = common.Task(
            declared, study.warehouse(), config.problem_set, config.model,
            context=context, engines=engines, progress=progress,
        )  # fmt: skip
        refuse_imported(declared, config.problem_set, config.model)
        context.instance.add_run_tags(
            context.run_id, {"model": config.model, "problem_set": config.problem_set}
        )
        known = scope.warehouse.read_table("problems", problem_set=config.problem_set)
        every = (
            known if known.height else load_problems(declared.problem_set(config.problem_set), study.home())
        )
        problems = every.head(config.problems)
        engine = sampling.open_engine(scope)
        with sampling.EngineRun(scope, engine) as run, scope.judging() as judge:

            def draw(plan: Sequence[PlannedBlock], purpose: Purpose) -> pl.DataFrame:
                store = run.sample(plan, purpose, is_last=purpose == "rollout")
                return store.read([planned.key for planned in plan])

            curves = quick_curves(problems, config.model, scope.protocol, engine, draw, judge)
            cost = run.cost
        title = f"{config.model} on {problems.height} of {every.height} problems of {config.problem_set}"
        return dg.MaterializeResult(
            metadata=showing.shown(found_in_look(curves, scope.protocol, title) | cost)
        )
