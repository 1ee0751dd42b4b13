"""Exploration before confirmation, where a protocol samples adaptively.

Belongs here: the loop of sampling, grading and deciding within ``completions``. Does not belong here: the
decision (:mod:`cot_assets.measures.exploration.rounds`) and the confirmation, which is sampled like any prefix.
"""

from __future__ import annotations

from typing import Any

import dagster as dg
import polars as pl

from cot_assets.engines.base import Engine
from cot_assets.grading.verify import GRADER_VERSION
from cot_assets.measures.curves import sampling
from cot_assets.measures.exploration.rounds import Exploration
from cot_assets.orchestration.materializing import Scope
from cot_assets.orchestration.resources import Progress, Study
from cot_assets.sampling.plan import plan_rollouts
from cot_assets.sampling.tables import measured_traces, rollouts_frame
from cot_assets.study import ADAPTIVE, BLOCK_SIZE
from cot_assets.warehouse.schema import polars_schema


def explore(
    context: dg.AssetExecutionContext, scope: Scope, study: Study, engine: Engine, progress: Progress
) -> dict[str, Any]:
    """Find the cuts to confirm; writes ``explorations``, ``prefixes`` and the adaptive ``trace_cuts``.

    Does nothing but clear ``explorations`` where the protocol samples a fixed grid. Rounds that were sampled
    before an interruption are found in the shards. Returns metadata.
    """
    if not scope.protocol.sampling.is_adaptive:
        scope.warehouse.write_partition(
            "explorations", pl.DataFrame(schema=polars_schema("explorations")), scope.where
        )
        return {}
    problems, protocol = scope.problems(), scope.protocol
    traces = measured_traces(scope.warehouse.read_table("traces", **scope.where), protocol)
    exploration, n_rounds, n_sampled = Exploration(traces, problems, protocol), 0, 0
    with sampling.EngineRun(context, scope, study, engine, progress, name="exploration") as run:
        while asked := exploration.next_round():
            n = {prefix: after for prefix, (_, after) in asked.items()}
            whole = plan_rollouts(
                exploration.prefixes(asked), protocol, engine.describe(), n=n, purpose="exploration"
            )
            plan = [p for p in whole if p.first_sample >= asked[p.prefix.prefix_id][0]]
            store = run.sample(plan, "exploration", is_last=False)
            rows = store.read([p.block.key for p in plan])
            exploration.add(
                asked, scope.judge(rollouts_frame(rows, exploration.texts(asked), problems, protocol))
            )
            n_rounds, n_sampled = n_rounds + 1, n_sampled + BLOCK_SIZE * len(plan)
    prefixes, cuts, log = exploration.finish(GRADER_VERSION)
    scope.warehouse.write_partition("prefixes", prefixes, scope.where)
    scope.warehouse.write_partition("trace_cuts", cuts, {**scope.where, "cut_policy": ADAPTIVE})
    scope.warehouse.write_partition("explorations", log, scope.where)
    return {"exploration_rounds": n_rounds, "exploration_rollouts": n_sampled}
