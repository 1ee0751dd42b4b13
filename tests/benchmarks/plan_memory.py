"""Peak memory over a plan of many blocks: planned, sampled into real shards, found again, audited, entered in tables.

    python tests/benchmarks/plan_memory.py [BLOCKS]

By hand; a million blocks take some minutes of CPU time. Each has one rollout and a prefix of its own, the most that a plan
can be: text waits for its shard by the rollout, however many a block has. The engine is a trivial one, since what is
measured is what the driver of any engine holds: plan, what is missing, what repeats are looked for in, and the index of
the shards.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from cot_assets.engines.base import Block, BlockResult, Completion, EngineInfo, Sampling, Written
from cot_assets.orchestration.assets.materializing import Scope
from cot_assets.orchestration.assets.sampling import write_blocks
from cot_assets.sampling.audit import audit
from cot_assets.sampling.plan import plan_rollouts, sampling_of
from cot_assets.sampling.run import sample_missing
from cot_assets.sampling.shards import ShardStore
from cot_assets.sampling.tables import prefixes_of
from cot_assets.statistics.surprise import NO_EVIDENCE, Evidence
from cot_assets.study import DataHome, load_config
from cot_assets.warehouse.schema import polars_schema
from cot_assets.warehouse.store import Warehouse

CUTS, TOKENS, LENGTH = 20, 1024, 4  #: cuts of a trace, its tokens, tokens of a rollout
VOCABULARY, SEED = 150_000, 1


class TrivialEngine:
    """Completions that follow from the block's seed."""

    def describe(self) -> EngineInfo:
        return EngineInfo("trivial", "1", "r", "f32", "none", "CPU")

    def decode(self, token_ids: Sequence[int], *, with_special: bool = False) -> str:
        return "".join(chr(97 + i % 26) for i in token_ids)

    def score(self, written: Iterable[Written], _: Sampling) -> Iterator[Evidence]:
        yield from (NO_EVIDENCE for _ in written)

    def sample(self, blocks: Iterable[Block], sampling: Sampling) -> Iterator[BlockResult]:
        for block in blocks:
            ids = np.random.default_rng(block.seed).integers(0, VOCABULARY, block.n * LENGTH)
            completions = tuple(
                Completion(tuple(row), "stop") for row in ids.reshape(block.n, LENGTH).tolist()
            )
            yield BlockResult(block, completions, len(block.token_ids), None, block.n * (LENGTH + 1))


def cut_traces(n_prefixes: int) -> pl.DataFrame:
    """What a plan is made of: traces with their cuts."""
    rng = np.random.default_rng(SEED)
    n = -(-n_prefixes // CUTS)
    return pl.DataFrame(
        {
            "problem_id": [f"p{i}" for i in range(n)],
            "prompt_token_ids": [[i] for i in range(n)],
            "token_ids": list(rng.integers(0, VOCABULARY, (n, TOKENS), np.int32)),
            "ends": [[TOKENS * cut // CUTS for cut in range(CUTS)]] * n,
        },
        schema_overrides={"prompt_token_ids": pl.List(pl.Int32), "token_ids": pl.List(pl.Int32)},
    )


def peak() -> float:
    """GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main(n_blocks: int) -> None:
    """Print peak memory and CPU seconds after each stage."""
    engine: Any = TrivialEngine()

    def said(stage: str) -> None:
        print(f"{stage:28} peak {peak():5.2f} GB  {time.process_time():7.0f} s CPU", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        home = DataHome(Path(folder))
        scope = Scope(load_config(), Warehouse(home), "checker-jumping", "m")
        protocol = scope.protocol.model_copy(update={"n": 1})
        traces = cut_traces(n_blocks)
        said(f"{traces.height:,} traces")
        plan = plan_rollouts(prefixes_of(traces), protocol, engine.describe())
        said(f"plan of {len(plan):,} blocks")
        for stage in ("sampled", "found again"):
            store = ShardStore(home.shards, "rollout", "m")
            sample_missing(engine, plan, sampling_of(protocol), store, lambda _: None)
            said(stage)
        none = pl.DataFrame(schema=polars_schema("audits"))
        audit(engine, plan, sampling_of(protocol), store, protocol.sampling.audit_share, none, lambda _: None)
        said("audited")
        write_blocks(scope, "completions", plan, engine, store)
        said("entered in the warehouse")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
