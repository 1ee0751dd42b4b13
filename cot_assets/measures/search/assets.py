"""Group ``search``: what a search over chunks makes of the model's traces.

Belongs here: search_traces (with search_steps and search_effects). Does not belong here: the search
(:mod:`cot_assets.measures.search.greedy`) and what its traces show (:mod:`cot_assets.measures.search.effects`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import dagster as dg
import polars as pl

from cot_assets.grading.verify import GRADER_VERSION
from cot_assets.measures.search import greedy, tables
from cot_assets.measures.search.effects import judge_searches, judge_steps, search_effects
from cot_assets.orchestration.assets import check_rules as rules
from cot_assets.orchestration.assets import materializing as common
from cot_assets.orchestration.assets import sampling, showing
from cot_assets.orchestration.assets.defining import table_asset
from cot_assets.sampling.plan import PlannedBlock
from cot_assets.sampling.tables import prompts, rollouts_frame
from cot_assets.warehouse.schema import polars_schema

_TABLES = ("search_traces", "search_steps")
SEARCH_CHECKS = {
    "schema": rules.Check(True, "Columns, types and keys of the three tables are those of the DDL."),
    "search_is_whole": rules.Check(True, "Chunks follow one another, and lengths and tokens spent add up."),
    "no_duplicates": rules.Check(True, "No rollout that chose a chunk measures it again."),
    "unscored_share": rules.Check(True, "The grader failed on at most 2% of the rollouts of chosen chunks."),
    "null_iff_unknown": rules.Check(True, "The potential is NULL exactly where n is 0 or unknown."),
    "selection_bias": rules.Check(False, "The estimate that won is not below the fresh one beyond chance."),
    **sampling.AUDIT,
}


@table_asset(
    SEARCH_CHECKS,
    kinds={"parquet", "duckdb"},
    deps=["traces", "completions"],  # it shares their blocks, of which their audit may have set some aside
    note="This asset also writes `search_steps`, `search_effects` and `blocks`, and samples into Parquet "
    "shards; a search that was stopped goes on where it was. Empty where the protocol's search_problems is 0.",
    needs="model",
)
def search_traces(scope: common.Task) -> common.Made:
    """Greedy search for a better trace of some problems, measured like a sampled one."""
    problems = greedy.chosen_problems(scope.problems(), scope.protocol)
    found, plan, cost = _Found(), list[PlannedBlock](), {}
    engine, store, audit = None, None, sampling.NOT_SAMPLED
    if problems.height:
        engine = sampling.open_engine(scope)
        with sampling.EngineRun(scope, engine) as run:
            # A run without the traces draws new conclusions from what is there, which opens no model.
            asked = scope.context.run.asset_selection
            is_sampling = not asked or dg.AssetKey("traces") in asked
            found, plan, audit = run.audited(lambda: _search(scope, run, problems), "rollout", is_sampling)
            cost, store = run.cost, run.store("rollout")
    chunks = [planned for planned in plan if greedy.is_chunk(planned)]
    rollouts = [planned for planned in plan if not greedy.is_chunk(planned)]
    with scope.warehouse.together("write search_traces"):
        stored = {table: scope.stored(table, frame) for table, frame in found.frames.items()}
        stored["search_effects"] = scope.estimated("search_effects", found.effects)
        sampling.write_blocks(scope, "search_chunks", chunks, engine, store)
        sampling.write_blocks(scope, "search_traces", rollouts, engine, store)
    return common.Made(
        stored["search_traces"].drop("text"),
        {**rules.search_findings(stored, found.used), "audit": audit},
        {**cost, "effects": showing.preview(stored["search_effects"], rows=20)},
    )


@dataclass(frozen=True)
class _Found:
    """Rows by table, what they show, and the rollouts of chosen chunks by use."""

    frames: Mapping[str, pl.DataFrame] = field(
        default_factory=lambda: {table: pl.DataFrame(schema=polars_schema(table)) for table in _TABLES}
    )
    effects: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=polars_schema("estimates")))
    used: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=tables.USED))


def _search(
    scope: common.Scope, run: sampling.EngineRun, problems: pl.DataFrame
) -> tuple[_Found, list[PlannedBlock]]:
    """Search, then measure what was chosen, and the sampled traces; with every block that was asked for."""
    engine, protocol, info = run.engine, scope.protocol, run.engine.describe()
    plan: list[PlannedBlock] = []
    outcomes: dict[str, tuple[greedy.Outcome, ...]] = {}
    with scope.judging() as judge:

        def draw(blocks: Sequence[PlannedBlock], *, is_last: bool = False) -> greedy.Outcomes:
            store = run.sample(blocks, "rollout", is_last=is_last)
            rows = store.read([planned.key for planned in blocks])
            texts = tables.prefix_texts(blocks, engine.decode)
            graded = judge(rollouts_frame(rows, texts, problems, protocol))
            outcomes.update(tables.outcomes_of(rows, graded))
            plan.extend(blocks)
            return outcomes

        searches = greedy.search_all(prompts(problems, engine), protocol, info, draw)
        traces = scope.read("traces")
        traces = traces.filter(pl.col("problem_id").is_in(problems["problem_id"].to_list()))
        sampled = tables.first_traces(traces)
        draw(tables.measuring_plan(searches, sampled, protocol, info), is_last=True)
    measured = tables.Measured(outcomes, engine.decode, protocol, info, scope.where)
    counted, counted_steps = measured.rows(searches, sampled)
    counted = counted.with_columns(
        model_revision=pl.lit(info.model_revision), grader_version=pl.lit(GRADER_VERSION)
    )
    steps = judge_steps(counted_steps, protocol)
    found = judge_searches(counted, steps, protocol)
    effects = search_effects(found, steps, traces, protocol)
    asked = list({planned.key: planned for planned in plan}.values())
    used = tables.used_rollouts(searches, outcomes, protocol, info)
    return _Found(dict(zip(_TABLES, (found, steps), strict=True)), effects, used), asked
