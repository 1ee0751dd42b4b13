"""A process that samples into shards and stops where its parent wants to end it.

``python sampling_child.py ACTION ROOT``: prints a line when it is there, then waits.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from support.scripted import ScriptedEngine
from support.sums import PROTOCOL, plan_of, scripted_engine

from cot_assets.engines.base import Block, BlockResult, Sampling
from cot_assets.sampling import batches
from cot_assets.sampling.plan import sampling_of
from cot_assets.sampling.run import sample_missing
from cot_assets.sampling.shards import ShardStore

N_PROMPTS = 10  #: of two blocks of 16 each
BLOCKS_BEFORE = 11  #: that come back before the child stops
BATCH_BLOCKS = 4  #: blocks per shard


def stop(line: str) -> None:
    print(line, flush=True)
    sys.stdin.readline()


def stalling(engine: ScriptedEngine) -> ScriptedEngine:
    """Stops in the middle of sampling."""
    sample = engine.sample

    def slow(blocks: Iterable[Block], sampling: Sampling) -> Iterator[BlockResult]:
        for done, result in enumerate(sample(blocks, sampling)):
            if done == BLOCKS_BEFORE:
                stop("sampling")
            yield result

    engine.sample = slow  # type: ignore[method-assign]
    return engine


def main(action: str, root: Path) -> None:
    # A test that runs in the background of a shell hands on that SIGINT is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    store, engine = ShardStore(root, "rollout", "m"), scripted_engine(root / "model")
    plan = plan_of(engine, N_PROMPTS)
    if action == "hold":
        with store.writing():
            stop("holding")
    elif action == "sample":
        batches.ROLLOUTS = 16 * BATCH_BLOCKS
        sample_missing(stalling(engine), plan, sampling_of(PROTOCOL), store, lambda _: None)
    elif action == "stop_while_writing":
        os.fsync = lambda _: stop("writing")  # type: ignore[assignment]
        sample_missing(engine, plan, sampling_of(PROTOCOL), store, lambda _: None)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
