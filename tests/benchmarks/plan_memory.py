"""Peak memory over a plan of many blocks: planned from a table of prefixes, sampled into real shards, found again.

    python tests/benchmarks/plan_memory.py [BLOCKS]

By hand; a million blocks take a quarter of an hour of CPU time. The engine is a trivial one, since what is measured is what the
driver of any engine holds: plan, what is missing, what repeats are looked for in, and the index of the shards.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from cot_assets.engines.base import Block, BlockResult, Completion, EngineInfo, Sampling
from cot_assets.sampling.plan import PlannedBlock, plan_rollouts, sampling_of
from cot_assets.sampling.run import sample_missing
from cot_assets.sampling.shards import ShardStore
from cot_assets.sampling.tables import prefixes_of
from cot_assets.study import Protocol

N, TOKENS, LENGTH = 256, 512, 4  #: rollouts of a prefix, mean tokens of a prefix, tokens of a rollout
VOCABULARY, SEED = 150_000, 1


class TrivialEngine:
    """Completions that follow from the block's seed."""

    def describe(self) -> EngineInfo:
        return EngineInfo("trivial", "1", "r", "f32", "none", "CPU")

    def decode(self, token_ids: Sequence[int], *, with_special: bool = False) -> str:
        return "".join(chr(97 + i % 26) for i in token_ids)

    def sample(self, blocks: Iterable[Block], sampling: Sampling) -> Iterator[BlockResult]:
        for block in blocks:
            ids = np.random.default_rng(block.seed).integers(0, VOCABULARY, block.n * LENGTH)
            completions = tuple(
                Completion(tuple(row), "stop") for row in ids.reshape(block.n, LENGTH).tolist()
            )
            yield BlockResult(block, completions, len(block.token_ids), None, block.n * (LENGTH + 1))


def prefixes(n: int) -> pl.DataFrame:
    """The table's columns that a plan is made of; cuts of traces of twice the mean length."""
    rng, per_trace = np.random.default_rng(SEED), 32
    rows: list[dict[str, object]] = []
    for trace in range(-(-n // per_trace)):
        ids = rng.integers(0, VOCABULARY, 2 * TOKENS)
        for cut in range(per_trace):
            end = 2 * TOKENS * (cut + 1) // per_trace
            rows.append({"problem_id": f"p{trace}", "token_ids": ids[:end], "n_tokens": end - 1})
    return pl.DataFrame(
        rows[:n], schema={"problem_id": pl.String, "token_ids": pl.List(pl.Int32), "n_tokens": pl.Int32}
    )


def peak() -> float:
    """GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main(n_blocks: int) -> None:
    """Print peak memory and CPU seconds after each stage."""
    engine, protocol = (
        TrivialEngine(),
        Protocol(name="p", n=N, max_tokens=4 * TOKENS, temperature=1.0, top_p=1.0),
    )

    def said(stage: str) -> None:
        print(f"{stage:28} peak {peak():5.2f} GB  {time.process_time():7.0f} s CPU", flush=True)

    table = prefixes(n_blocks * 16 // N)
    said(f"table of {table.height:,} prefixes")
    plan: list[PlannedBlock] = plan_rollouts(prefixes_of(table), protocol, engine.describe())
    said(f"plan of {len(plan):,} blocks")
    with tempfile.TemporaryDirectory() as folder:
        for stage in ("sampled", "found again"):
            store = ShardStore(Path(folder), "rollout", "m")
            sample_missing(engine, plan, sampling_of(protocol), store, lambda _: None)  # type: ignore[arg-type]
            said(stage)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
