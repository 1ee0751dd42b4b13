"""Verdicts and counts of what the assets that call an engine had sampled.

Belongs here: from blocks in shards to rows of ``rollouts`` and ``potentials``. Does not belong here: sampling
(:mod:`.sampling`), and the grader (:mod:`cot_assets.grading`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import dagster as dg
import polars as pl

from cot_assets.orchestration.assets.materializing import Scope
from cot_assets.sampling.shards import ShardStore
from cot_assets.sampling.tables import GRADED_BY, rollouts_frame, slices, texts_at
from cot_assets.statistics.estimates import add_potential
from cot_assets.warehouse.store import Conflict, Warehouse

#: Where the prefixes of an asset come from. One that a reader's own trace has and that it is given as well (the
#: empty one) is its own: both assets ask for the same blocks, so either has the same rollouts of it.
ORIGINS = {"completions": "own", "transfer_completions": "given"}
ON_CONFLICT: dict[str, Conflict] = {"completions": "replace", "transfer_completions": "keep"}
_BLOCKS = """
SELECT prefix_id, block_key, n FROM blocks WHERE problem_set = $problem_set AND model = $model AND asset = $asset
"""
_CHARACTERS = 200_000_000  #: of prefixes that are held in memory at once


def grade_rollouts(scope: Scope, asset: str) -> None:
    """Write into ``rollouts`` what an asset had sampled, with verdicts on the text up to the cut and the completion.

    Args:
        scope: The partition.
        asset: A key of :data:`ORIGINS`.
    """
    store = ShardStore(scope.warehouse.home.shards, "rollout", scope.model)
    blocks = scope.warehouse.read(_BLOCKS, {**scope.where, "asset": asset})
    found = blocks.filter(pl.col("block_key").is_in([*store.index()]))
    if found.height != blocks.height:
        raise dg.Failure(
            f"{asset} of {scope.model!r} on {scope.problem_set!r}: the shards hold {found['n'].sum():,} of "
            f"{blocks['n'].sum():,} rollouts; materialize `{asset}` again, it samples only what is missing",
            allow_retries=False,
        )
    with scope.warehouse.together("read what is graded"):
        places = scope.warehouse.read_transform("prefix_places", scope.where)
        traces = scope.warehouse.read_transform("texts_of_set", {"problem_set": scope.problem_set})
        problems = scope.problems()
    places = places.join(blocks, on="prefix_id", how="semi")

    def all_graded() -> Iterator[pl.DataFrame]:
        with scope.judging() as judge:
            for part in slices(store.parts(blocks["block_key"]), places, _CHARACTERS):
                texts = texts_at(places.join(part, on="prefix_id", how="semi"), traces)
                graded = judge(rollouts_frame(part, texts, problems, scope.protocol))
                yield graded.drop("text", *GRADED_BY)

    partition = {**scope.where, "origin": ORIGINS[asset]}
    scope.warehouse.write_partition("rollouts", all_graded(), partition, ON_CONFLICT[asset])


def count_potentials(warehouse: Warehouse, where: Mapping[str, str], asset: str) -> None:
    """Write into ``potentials`` what the rollouts of an asset's prefixes come to."""
    partition = {**where, "origin": ORIGINS[asset]}
    with warehouse.together("count potentials"):
        counts = warehouse.read_transform("potentials", {**partition, "asset": asset})
        warehouse.write_partition("potentials", add_potential(counts), partition, ON_CONFLICT[asset])
