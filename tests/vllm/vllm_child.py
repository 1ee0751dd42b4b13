"""A process that samples with vLLM into shards until it is killed.

``python vllm_child.py ROOT``: prints its engine's seed and the ids of its child processes, then a line per
shard.
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

    def report(status: SamplingStatus) -> None:
        if status.n_blocks and status.n_blocks % BATCH_BLOCKS == 0:
            print(status.n_blocks, flush=True)

    store = ShardStore(root, "rollout", "m")
    run.sample_missing(engine, plan_for(engine, read_prefixes(root)), SAMPLING, store, report)


if __name__ == "__main__":  # vLLM's children import this file
    main(Path(sys.argv[1]))
