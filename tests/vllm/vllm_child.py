"""A process that samples with vLLM into shards until it is killed.

``python vllm_child.py ROOT``: prints its engine's seed and the ids of its child processes, then how many shards
there are whenever there are more.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import psutil
from work import SAMPLING, on_vllm, plan_for, read_prefixes

from cot_assets.engines.opening import open_engine
from cot_assets.engines.vllm.engine import VLLMEngine
from cot_assets.sampling import batches, run
from cot_assets.sampling.run import SamplingStatus
from cot_assets.sampling.shards import ShardStore

BATCH_BLOCKS = 4  #: blocks per shard


def main(root: Path) -> None:
    batches.ROLLOUTS = 16 * BATCH_BLOCKS
    engine = open_engine(on_vllm())
    assert isinstance(engine, VLLMEngine)
    seed = engine._engine.vllm_config.model_config.seed
    print(seed, *(child.pid for child in psutil.Process().children(recursive=True)), flush=True)

    store, told = ShardStore(root, "rollout", "m"), 0

    def report(_: SamplingStatus) -> None:
        nonlocal told
        # A finished block waits for a full shard or 10 s, so blocks that finished say too much.
        if (written := len(list(store.folder.glob("*.parquet")))) > told:
            print(told := written, flush=True)

    run.sample_missing(engine, plan_for(engine, read_prefixes(root)), SAMPLING, store, report)


if __name__ == "__main__":  # vLLM's children import this file
    main(Path(sys.argv[1]))
