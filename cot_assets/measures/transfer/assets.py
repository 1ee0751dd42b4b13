"""Group ``transfer``: what a reader makes of the beginnings of other models' traces.

Belongs here: transfer_completions (with given), transfer_rollouts, transfer_potentials, unlocks (with unlock_rates and
transfer_curve), transfer_differences, transfer_steps (with step_correlations and
transfer_gaps). Does not belong here: which text a reader
is given (:mod:`cot_assets.measures.transfer.given`).
Partitions are those of the reader.
"""

import dagster as dg
import polars as pl

from cot_assets.engines.opening import same_tokenizer
from cot_assets.measures.transfer.controls import transfer_differences as differences_of
from cot_assets.measures.transfer.given import given_texts
from cot_assets.measures.transfer.steps import step_correlations
from cot_assets.measures.transfer.steps import transfer_steps as steps_of
from cot_assets.measures.transfer.unlocks import judge_unlocks, transfer_curve, transfer_gaps, unlock_rates
from cot_assets.orchestration.assets import check_rules as rules
from cot_assets.orchestration.assets import counting, sampling, showing
from cot_assets.orchestration.assets import materializing as common
from cot_assets.orchestration.assets.defining import table_asset
from cot_assets.orchestration.jobs import ALL_WRITERS, PART_TAG
from cot_assets.sampling.plan import plan_rollouts
from cot_assets.sampling.tables import prompts

_ANALYSIS = {PART_TAG: "analysis"}  # in a room of what is sampled


@table_asset(
    sampling.AUDIT,
    kinds={"parquet", "duckdb"},
    deps=[dg.AssetDep("prefixes", partition_mapping=ALL_WRITERS)],
    of="given",
    note="This asset writes `given` and `blocks`, and samples the reader into Parquet shards; resumable, nothing sampled "
    "twice.",
    needs="model",
)
def transfer_completions(scope: common.Task) -> common.Made:
    """N rollouts of the reader on every writer's prefixes, complete when this materializes."""
    traces = scope.warehouse.read_transform("transfer_traces", scope.own("given"))
    writers = traces.filter(pl.col("cut_tokens").is_not_null() & (pl.col("model") != scope.model))
    for name in sorted(set(scope.config.models) - {scope.model}):
        if (
            scope.problem_set in scope.config.model(name).problem_sets
            and name not in writers["model"].to_list()
        ):
            scope.context.log.warning(f"writer {name!r} has no traces on {scope.problem_set!r} yet; skipped")
    engine = sampling.open_engine(scope)
    problems = scope.problems()
    prompt_of = {prefix.problem_id: prefix for prefix in prompts(problems, engine)}
    same = {
        name: same_tokenizer(scope.entry, scope.config.models.get(name)) for name in traces["model"].unique()
    }
    given, prefixes = given_texts(traces, prompt_of, problems, engine, scope.model, same, scope.protocol)
    plan = plan_rollouts(prefixes, scope.protocol, engine.describe())
    store, cost, audit = sampling.sample_audited(scope, engine, plan, "rollout")
    scope.warehouse.write_partition("given", given, scope.own("given"))
    sampling.write_blocks(scope, "transfer_completions", plan, engine, store)
    names = ", ".join(sorted(map(str, writers["model"].unique()))) or "none yet"
    return common.Made(given, {"audit": audit}, {**cost, "writers": names})


@table_asset(rules.of_rollouts("transfer_rollouts"), kinds={"duckdb", "sympy"}, deps=["transfer_completions"])
def transfer_rollouts(scope: common.Task) -> common.Made:
    """Every rollout of the reader with its verdict, judged on given text and completion together."""
    counting.grade_rollouts(scope, "transfer_completions")
    return common.Made(scope.read("transfer_rollouts"))


@table_asset(rules.of_potentials("transfer_potentials"), kinds={"duckdb"}, deps=["transfer_rollouts"])
def transfer_potentials(scope: common.Task) -> common.Made:
    """The reader's potential by writer, trace, fraction and control."""
    counting.count_potentials(scope.warehouse, scope.where, "transfer_completions")
    return common.Made(scope.read("transfer_potentials"))


@table_asset(
    rules.of_table("unlocks"),
    kinds={"polars", "duckdb"},
    deps=["transfer_potentials", "potentials"],  # what the reader does alone is in its own
    note="This asset also writes `unlock_rates` and `transfer_curve`.",
    tags=_ANALYSIS,
)
def unlocks(scope: common.Task) -> common.Made:
    """Which problems the reader solves with a prefix that it does not solve alone."""
    potentials = scope.read("transfer_potentials")
    judged, points = judge_unlocks(potentials, scope.protocol), transfer_curve(potentials, scope.protocol)
    with scope.warehouse.together("write unlocks"):
        frame = scope.stored("unlocks", judged)
        shares = scope.estimated("unlock_rates", unlock_rates(frame, scope.protocol))
        curve = scope.estimated("transfer_curve", points)
        shortest = scope.read("shortest_unlocks")
    from cot_assets.measures.transfer.report import transfer_figure  # plotting loads slowly

    is_headline = (
        pl.col("fraction") == scope.protocol.analysis.headline_fraction,
        pl.col("trace_filter") == "all",
    )
    columns = ("writer", "control", "leaks", "n_problems_unlocked", "n_problems_unsolved",
               "problems_share_low", "problems_share_high", "problems_ci_low", "problems_ci_high")  # fmt: skip
    return common.Made(
        frame,
        metadata={
            "picture": showing.picture(transfer_figure(curve)),
            "headline": showing.preview(shares.filter(*is_headline).select(columns), rows=20),
            "shortest_unlocks": showing.preview(shortest),
        },
    )


@table_asset({}, kinds={"polars", "duckdb"}, deps=["unlocks"], tags=_ANALYSIS)
def transfer_differences(scope: common.Task) -> common.Made:
    """The writer's text against each control of equal length."""
    judged = scope.read("unlocks")
    frame = scope.estimated("transfer_differences", differences_of(judged, scope.protocol))
    columns = ("writer", "control", "measure", "n_traces", "n_missing", "difference", "ci_low", "ci_high")
    headline = frame.filter(pl.col("trace_filter") == "all", pl.col("leaks") == "kept").select(columns)
    return common.Made(frame, metadata={"headline": showing.preview(headline, rows=20)})


@table_asset(
    rules.of_table("transfer_steps"),
    kinds={"polars", "duckdb"},
    deps=["transfer_potentials", dg.AssetDep("potentials", partition_mapping=ALL_WRITERS)],
    note="This asset also writes `step_correlations` and `transfer_gaps`.",
    tags=_ANALYSIS,
)
def transfer_steps(scope: common.Task) -> common.Made:
    """What the writer's steps do to the writer and to the reader, and how both go on from the same text."""
    points = scope.warehouse.read_transform("transfer_points", scope.own("given"))
    steps = steps_of(points, scope.protocol)
    found, gaps = step_correlations(steps, scope.protocol), transfer_gaps(points, scope.protocol)
    with scope.warehouse.together("write transfer_steps"):
        frame = scope.stored("transfer_steps", steps)
        correlations = scope.estimated("step_correlations", found)
        scope.estimated("transfer_gaps", gaps)
    return common.Made(frame, metadata={"step_correlations": showing.preview(correlations)})
