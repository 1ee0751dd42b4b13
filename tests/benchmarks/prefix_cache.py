"""Tokens that vLLM computes for a plan of rollouts, against the fewest that any engine could.

Run from the repository root in an environment with vLLM (``.ci/vllm`` makes one, VLLM_ENVIRONMENT keeps it):
``python tests/benchmarks/prefix_cache.py [--traces 8] [--n 16] [--long]``.

The plan: traces of ``demo-strong`` on the demo's hardest problems, cut at 20 equal parts of their tokens, n
rollouts from each cut. The fewest tokens: every distinct token of the prefixes once (a token after the same
tokens is the same work), and every generated token once. vLLM tells per request how many of its prompt's
tokens came from the cache; the rest it computed. Compared are the plan's order and a shuffled one, with prefix
caching, and neither.

The cache holds whole blocks of tokens and never the whole prompt: with blocks of b every sample computes 1 to b
tokens of its prompt anew, b / 2 on average. So the excess over 1 is near b / 2 divided by the mean length of a
completion. With ``--long`` completions use their whole budget of 600 tokens less the prefix, as those of a
reasoning model would use far more. ``--cache-tokens`` makes the cache as scarce as on a GPU with a large model:
little more than the sequences that run, so that what is far apart in the plan is thrown out.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from simulations import Row, print_rows  # noqa: E402

from cot_assets.engines.base import Block, BlockResult  # noqa: E402
from cot_assets.engines.opening import open_engine  # noqa: E402
from cot_assets.engines.vllm.engine import VLLMEngine  # noqa: E402
from cot_assets.problems.load import load_problems  # noqa: E402
from cot_assets.sampling.plan import Prefix, plan_rollouts, plan_traces, sampling_of  # noqa: E402
from cot_assets.sampling.tables import prompts  # noqa: E402
from cot_assets.study import DataHome, Protocol, load_config  # noqa: E402

_CUTS = 20
_SEED = 20263


class CountingEngine(VLLMEngine):
    """Adds up what the engine computed of its prompts, over all requests."""

    computed = 0

    def _take(self, running: Any, index: int, output: Any) -> None:
        self.computed += len(running.block.token_ids) - (output.num_cached_tokens or 0)
        super()._take(running, index, output)


def prefixes(n_traces: int, protocol: Protocol) -> list[Prefix]:
    """Traces of the embedded engine on problems of the highest level, cut at equal parts."""
    config = load_config()
    level = config.problem_set("demo").model_copy(
        update={"generator": {"per_cell": [0, 0, 0, -(-n_traces // 5)]}}
    )
    engine = open_engine(config.model("demo-strong"))
    with tempfile.TemporaryDirectory() as home:
        problems = load_problems(level, DataHome(Path(home)))
    plan = plan_traces(prompts(problems, engine)[:n_traces], protocol, engine.describe())
    found: list[Prefix] = []
    for result in engine.sample([p.block for p in plan], sampling_of(protocol)):
        if not isinstance(result, BlockResult):
            continue
        prompt, trace = result.block.token_ids, result.completions[0].token_ids
        ends = sorted({len(trace) * cut // _CUTS for cut in range(_CUTS)})
        found += [Prefix(result.block.key, (*prompt, *trace[:end]), len(prompt)) for end in ends]
    engine.close()
    return found


def distinct_tokens(prefixes: Iterable[Sequence[int]]) -> int:
    """Tokens of all prefixes, a token after the same tokens counted once: the nodes of their tree."""
    total, before = 0, ()
    for ids in sorted(map(tuple, prefixes)):
        same = next((i for i, pair in enumerate(zip(ids, before, strict=False)) if pair[0] != pair[1]), None)
        total += len(ids) - (min(len(ids), len(before)) if same is None else same)
        before = ids
    return total


def measure(
    engine: CountingEngine, blocks: Sequence[Block], protocol: Protocol, least: int
) -> dict[str, Any]:
    """One run of a plan from an empty cache."""
    engine._engine.reset_prefix_cache()
    engine.computed, started, generated, n = 0, time.perf_counter(), 0, 0
    for result in engine.sample(blocks, sampling_of(protocol)):
        generated, n = generated + result.generated_tokens, n + result.block.n
    return {
        "prompt tokens computed": engine.computed,
        "generated": generated,
        "per rollout": round(generated / n, 1),
        "of the least": round((engine.computed + generated) / (least + generated), 3),
        "seconds": round(time.perf_counter() - started, 1),
    }


def compare(chosen: Sequence[Prefix], protocol: Protocol, args: argparse.Namespace) -> Iterator[Row]:
    """Both, caching alone, neither."""
    least = distinct_tokens(p.token_ids for p in chosen)
    for is_cached in (True, False):
        arguments = {
            "enable_prefix_caching": is_cached,
            "block_size": args.block_size,
            "max_num_seqs": args.max_num_seqs,
            "num_gpu_blocks_override": args.cache_tokens // args.block_size,
        }
        changes = {"engine": "vllm", "dtype": "float32", "engine_args": arguments}
        engine = CountingEngine(load_config().model("demo-strong").model_copy(update=changes))
        if args.long:
            engine._tokenizer.eos_token_ids = ()  # nothing ends a completion but its budget
        ordered = [p.block for p in plan_rollouts(chosen, protocol, engine.describe())]
        if is_cached:
            found = measure(engine, ordered, protocol, least)
            yield {"order": "of the plan", "prefix caching": "on", **found}
        found = measure(engine, random.Random(_SEED).sample(ordered, len(ordered)), protocol, least)
        yield {"order": "shuffled", "prefix caching": "on" if is_cached else "off", **found}
        engine.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--traces", type=int, default=8)
    parser.add_argument("--n", type=int, default=16)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--block-size", type=int, default=32)
    parser.add_argument("--max-num-seqs", type=int, default=64)
    parser.add_argument("--cache-tokens", type=int, default=16_384)
    args = parser.parse_args()
    protocol = Protocol(name="p", n=args.n, max_tokens=600, temperature=1.0, top_p=1.0, traces_per_problem=1)
    chosen = prefixes(args.traces, protocol)
    given = sum(len(p.token_ids) for p in chosen)
    least = distinct_tokens(p.token_ids for p in chosen)
    print(
        f"{len(chosen)} prefixes of {args.traces} traces: {given:,} tokens, {least:,} of them distinct; "
        f"{args.n} rollouts each\n"
    )
    print_rows(compare(chosen, protocol, args), "Tokens computed")


if __name__ == "__main__":
    main()
