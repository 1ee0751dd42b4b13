"""Generated tokens per second of the engines on the same blocks: the embedded one, and vLLM's CPU build.

Run from the repository root in an environment with vLLM (``.ci/vllm`` makes one, VLLM_ENVIRONMENT keeps it):
``python tests/benchmarks/engines.py [--engine openvino --engine vllm] [--blocks 120]``.

The blocks continue the prompts of the quick demo with ``demo-strong``: 16 rollouts each, temperature 1, at
most 300 tokens. Each engine samples a few blocks first, which are not timed, then all of them ``--repeat``
times with other seeds; the median and the range are printed. Loading is timed by itself.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from cot_assets.config import DataHome, ModelEntry, load_config
from cot_assets.engines.base import Block, BlockResult, Engine, Sampling
from cot_assets.engines.opening import open_engine
from cot_assets.problems.load import load_problems
from cot_assets.sampling.blocks import block_seed

_BUDGET = 300


def entry_of(engine: str) -> ModelEntry:
    """The demo's strong model in the engine."""
    entry = load_config().model("demo-strong")
    changes = {"engine": "vllm", "dtype": "float32", "engine_args": {}}
    return entry.model_copy(update=changes) if engine == "vllm" else entry


def blocks_of(engine: Engine, n: int, repeat: int) -> list[Block]:
    """``n`` blocks that go round the problems."""
    with tempfile.TemporaryDirectory() as home:
        problems = load_problems(load_config().problem_set("demo-quick"), DataHome(Path(home)))
    prompts = sorted(engine.render_prompt(prompt) for prompt in problems["prompt"])
    names = [f"{repeat} {i}" for i in range(n)]
    return [
        Block(name, prompts[i * len(prompts) // n], 16, _BUDGET, block_seed(name))
        for i, name in enumerate(names)
    ]


def rate(engine: Engine, blocks: Sequence[Block]) -> float:
    """Generated tokens per second of wall-clock time."""
    started = time.perf_counter()
    results = [r for r in engine.sample(blocks, Sampling(1.0, 1.0)) if isinstance(r, BlockResult)]
    return sum(r.generated_tokens for r in results) / (time.perf_counter() - started)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--engine", action="append", choices=["openvino", "vllm"])
    parser.add_argument("--blocks", type=int, default=120)
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    for name in args.engine or ["openvino", "vllm"]:
        started = time.perf_counter()
        engine = open_engine(entry_of(name))
        loading = time.perf_counter() - started
        rate(engine, blocks_of(engine, 16, -1))
        rates = [rate(engine, blocks_of(engine, args.blocks, i)) for i in range(args.repeat)]
        info = engine.describe()
        engine.close()
        print(
            f"{info.engine} {info.version} ({info.device}, {info.dtype}): {statistics.median(rates):,.0f} tokens/s "
            f"({min(rates):,.0f} to {max(rates):,.0f}, n = {len(rates)} runs of {args.blocks} blocks), "
            f"loaded in {loading:.1f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
