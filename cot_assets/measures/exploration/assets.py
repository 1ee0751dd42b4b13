"""Group ``exploration``: where to sample, where a protocol samples adaptively.

Belongs here: explorations, the loop of sampling, grading and deciding. Does not belong here: the decision
(:mod:`cot_assets.measures.exploration.rounds`) and the confirmation, which is sampled like any prefix.
"""

import polars as pl

from cot_assets.grading.verify import GRADER_VERSION
from cot_assets.measures.exploration.rounds import Exploration
from cot_assets.orchestration.assets import check_rules as rules
from cot_assets.orchestration.assets import materializing as common
from cot_assets.orchestration.assets import sampling
from cot_assets.orchestration.assets.defining import table_asset
from cot_assets.sampling.plan import PlannedBlock, plan_rollouts
from cot_assets.sampling.tables import measured_traces, rollouts_frame
from cot_assets.study import ADAPTIVE
from cot_assets.warehouse.schema import polars_schema


@table_asset(
    {**rules.of_table("explorations"), **sampling.AUDIT},
    kinds={"parquet", "duckdb"},
    deps=["prefixes"],
    note="This asset also writes `blocks`, and the cuts that it found into `trace_cuts`. Empty where the protocol samples a "
    "fixed grid. Rounds that were sampled before an interruption are found in the shards.",
    needs="model",
)
def explorations(scope: common.Task) -> common.Made:
    """Where the potential changes, found with rollouts that only decide where to look."""
    cuts = pl.DataFrame(schema=polars_schema("trace_cuts"))
    log, cost = pl.DataFrame(schema=polars_schema("explorations")), {}
    plan, engine, store, audit = list[PlannedBlock](), None, None, sampling.NOT_SAMPLED
    if scope.protocol.sampling.is_adaptive:
        engine = sampling.open_engine(scope)
        with sampling.EngineRun(scope, engine, name="exploration") as run:
            (cuts, log), plan, audit = run.audited(lambda: _explore(scope, run), "exploration")
            cost, store = (
                {**run.cost, "exploration_rounds": log["round"].max() or 0},
                run.store("exploration"),
            )
    with scope.warehouse.together("write explorations"):
        scope.warehouse.write_partition("trace_cuts", cuts, {**scope.where, "cut_policy": ADAPTIVE})
        frame = scope.stored("explorations", log)
        sampling.write_blocks(scope, "explorations", plan, engine, store)
    return common.Made(frame, {"audit": audit}, cost)


def _explore(
    scope: common.Scope, run: sampling.EngineRun
) -> tuple[tuple[pl.DataFrame, pl.DataFrame], list[PlannedBlock]]:
    """Rows of ``trace_cuts`` and ``explorations``, with every block that was asked for."""
    problems, protocol = scope.problems(), scope.protocol
    traces = measured_traces(scope.read("traces"), protocol)
    exploration, blocks = Exploration(traces, problems, protocol, run.engine.decode), list[PlannedBlock]()
    while asked := exploration.next_round():
        n = {prefix: after for prefix, (_, after) in asked.items()}
        whole = plan_rollouts(
            exploration.prefixes(asked), protocol, run.engine.describe(), n=n, purpose="exploration"
        )
        plan = [p for p in whole if p.first_sample >= asked[p.prefix.prefix_id][0]]
        store = run.sample(plan, "exploration", is_last=False)
        rows = store.read([p.key for p in plan])
        exploration.add(
            asked, scope.judge(rollouts_frame(rows, exploration.texts(asked), problems, protocol))
        )
        blocks += plan
    return exploration.finish(GRADER_VERSION), blocks
