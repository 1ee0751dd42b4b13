"""A process that samples a plan into shards by two actors of a Ray cluster of its own, for a test that ends it.

``python ray_child.py ROOT``: prints a line with the number of rollouts in shards or memory whenever it has grown.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from cot_assets.engines.base import Engine, EngineInfo
from cot_assets.engines.opening import open_engine
from cot_assets.sampling import batches
from cot_assets.sampling.plan import PlannedBlock, Prefix, plan_rollouts, sampling_of
from cot_assets.sampling.run import SamplingStatus, sample_missing
from cot_assets.sampling.shards import ShardStore
from cot_assets.study import ModelEntry, Protocol, load_config
from cot_assets.study.models import RayActors

PROTOCOL = Protocol(name="p", n=32, max_tokens=150, temperature=1.0, top_p=1.0)
N_PROMPTS = 24


def entry(**changes: object) -> ModelEntry:
    """The weak demo model in two actors."""
    ways = RayActors(actors=2, cpus=0.5, address="local", wait=60)
    return load_config().model("demo-weak").model_copy(update={"ray": ways, **changes})


def plan_of(engine: Engine, info: EngineInfo | None = None) -> list[PlannedBlock]:
    """Blocks of 16 for the empty prefixes of a few problems."""
    prompts = [
        engine.render_prompt(f"Find the number of positive divisors of {36 + i}.") for i in range(N_PROMPTS)
    ]
    prefixes = [Prefix(str(i), ids, len(ids)) for i, ids in enumerate(prompts)]
    return plan_rollouts(prefixes, PROTOCOL, info or engine.describe())


def main(root: Path) -> None:
    # A test that runs in the background of a shell hands on that SIGINT is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    batches.ROLLOUTS = 64
    engine = open_engine(entry())

    def report(status: SamplingStatus) -> None:
        print(status.n_done, flush=True)

    try:
        sample_missing(
            engine, plan_of(engine), sampling_of(PROTOCOL), ShardStore(root, "rollout", "m"), report
        )
    finally:
        engine.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
