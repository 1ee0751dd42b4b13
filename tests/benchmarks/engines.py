"""Generated tokens per second of the embedded engine, of vLLM's CPU build and of transformers, on the same blocks.

Run from the repository root in an environment with vLLM, which has transformers (``.ci/vllm`` makes one,
VLLM_ENVIRONMENT keeps it): ``python tests/benchmarks/engines.py [--engine openvino ...] [--blocks 64]``.

The blocks continue the prompts of the quick demo with ``demo-strong``: 16 rollouts each, temperature 1, at
most 300 tokens, float32. transformers' ``generate`` gets 16 blocks at a time, as many sequences as the others
run at once, padded on the left. All engines are loaded first and sample some blocks, which are not timed; then
they take turns, each turn with other seeds. Stated are the median and the range over turns, of tokens per
second and of the ratio to the first engine in the same turn.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from cot_assets.engines.base import Block, BlockResult, Engine, Sampling, Waiting
from cot_assets.engines.opening import open_engine
from cot_assets.engines.tokenizer import ModelTokenizer
from cot_assets.problems.load import load_problems
from cot_assets.sampling.plan import block_seed
from cot_assets.study import DataHome, ModelEntry, load_config

_BUDGET = 300
_ENGINES = ("openvino", "vllm", "transformers")


class Generate:
    """transformers' ``generate``, as far as it takes to count what it generates."""

    _BLOCKS = 16  #: per call

    def __init__(self, entry: ModelEntry) -> None:
        import torch
        import transformers

        self._torch = torch
        self._name = f"transformers {transformers.__version__}"
        folder = entry.local_path
        assert folder is not None
        self._eos = ModelTokenizer(folder, entry.template).eos_token_ids
        self._model: Any = transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32
        ).eval()

    def sample(self, blocks: Iterable[Block], sampling: Sampling) -> Iterator[BlockResult]:
        """Some blocks at a time, all of the same n and budget; without the completions."""
        waiting = iter(blocks)
        while some := list(islice(waiting, self._BLOCKS)):
            longest = max(len(block.token_ids) for block in some)
            gaps = [longest - len(block.token_ids) for block in some]
            ids = [
                [self._eos[0]] * gap + list(block.token_ids) for gap, block in zip(gaps, some, strict=True)
            ]
            self._torch.manual_seed(some[0].seed % 2**63)
            with self._torch.inference_mode():
                found = self._model.generate(
                    self._torch.tensor(ids),
                    attention_mask=self._torch.tensor([[0] * gap + [1] * (longest - gap) for gap in gaps]),
                    do_sample=True, temperature=sampling.temperature, top_p=sampling.top_p, top_k=0,
                    num_return_sequences=some[0].n, max_new_tokens=some[0].max_new_tokens,
                    eos_token_id=list(self._eos), pad_token_id=self._eos[0],
                )  # fmt: skip
            rows = found[:, longest:].tolist()
            for i, block in enumerate(some):
                own = rows[i * block.n : (i + 1) * block.n]
                generated = sum(self._length(row) for row in own)
                yield BlockResult(block, (), len(block.token_ids), 0, generated)

    def _length(self, row: Sequence[int]) -> int:
        """Tokens up to the first that ends a completion, which counts, as it does in the other engines."""
        return next((i + 1 for i, token in enumerate(row) if token in self._eos), len(row))

    def __str__(self) -> str:
        return f"{self._name} (CPU, float32)"

    def close(self) -> None:
        """Nothing runs by itself."""


class Named:
    """An engine of the package with its name for a table."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def sample(self, blocks: Iterable[Block], sampling: Sampling) -> Iterator[BlockResult | Waiting]:
        """As the engine does."""
        return self._engine.sample(blocks, sampling)

    def __str__(self) -> str:
        info = self._engine.describe()
        return f"{info.engine} {info.version} ({info.device}, {info.dtype})"

    def close(self) -> None:
        """End its processes."""
        self._engine.close()


def loaded(name: str) -> Generate | Named:
    """The demo's strong model in an engine."""
    entry = load_config().model("demo-strong")
    if name == "transformers":
        return Generate(entry)
    changes = {"engine": "vllm", "dtype": "float32", "engine_args": {}}
    return Named(open_engine(entry.model_copy(update=changes) if name == "vllm" else entry))


def prompts() -> list[tuple[int, ...]]:
    """The prompts of the quick demo."""
    entry = load_config().model("demo-strong")
    tokenizer = ModelTokenizer(entry.local_path or Path(), entry.template, add_bos=entry.add_bos)
    with tempfile.TemporaryDirectory() as home:
        problems = load_problems(load_config().problem_set("demo-quick"), DataHome(Path(home)))
    return sorted(tokenizer.render_prompt(prompt) for prompt in problems["prompt"])


def blocks_of(prompts: Sequence[tuple[int, ...]], n: int, turn: int) -> list[Block]:
    """``n`` blocks, as many for each prompt."""
    names = [f"{turn} {i}" for i in range(n)]
    return [
        Block(name, prompts[i * len(prompts) // n], 16, _BUDGET, block_seed(name))
        for i, name in enumerate(names)
    ]


def rate(engine: Generate | Named, blocks: Sequence[Block]) -> float:
    """Generated tokens per second of wall-clock time."""
    started = time.perf_counter()
    results = [r for r in engine.sample(blocks, Sampling(1.0, 1.0)) if isinstance(r, BlockResult)]
    return sum(r.generated_tokens for r in results) / (time.perf_counter() - started)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--engine", action="append", choices=_ENGINES)
    parser.add_argument("--blocks", type=int, default=64)
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    engines: list[Generate | Named] = []
    loading: list[float] = []
    for name in args.engine or _ENGINES:
        started = time.perf_counter()
        engines.append(loaded(name))
        loading.append(time.perf_counter() - started)
    given = prompts()
    for engine in engines:
        rate(engine, blocks_of(given, 16, -1))
    turns = [
        [rate(engine, blocks_of(given, args.blocks, turn)) for engine in engines]
        for turn in range(args.repeat)
    ]
    print(f"{args.blocks} blocks of 16, {args.repeat} turns\n")
    print("| engine | tokens/s | of the first | loading |\n|---|---|---|---|")
    for i, engine in enumerate(engines):
        rates, ratios = [turn[i] for turn in turns], [turn[i] / turn[0] for turn in turns]
        print(
            f"| {engine} | {statistics.median(rates):,.0f} ({min(rates):,.0f} to {max(rates):,.0f}) | "
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) | {loading[i]:.1f} s |"
        )
        engine.close()


if __name__ == "__main__":
    main()
