"""When OpenVINO GenAI's prefix cache hands out blocks of another prefix: an experiment without our engine.

Run from the repository root: ``python tests/benchmarks/openvino_prefix_cache.py [--minimal] [CASE ...]`` (no case:
all). ``--minimal`` runs two and three requests that show each of the two faults, with prefix caching and without:
the same seeds must give the same tokens.

Every case samples the same prefixes with a bare ``ContinuousBatchingPipeline`` (f32, temperature 1, top-p 1)
and scores what came back by plain inference of the same IR: one forward pass over prefix and completion, no
cache. Per prefix z = sum(surprise - entropy) / sqrt(sum of variances) over the tokens of its n completions; where
the pipeline samples from the model, z is about N(0, 1). Prefixes are cut from texts that the model wrote itself, at
lengths of all residues modulo the block of 32 tokens. What was found: ``docs/decisions/prefix-cache.md``.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import openvino as ov
import openvino_genai as genai
from tokenizers import Tokenizer

MODEL = Path(__file__).parents[2] / "cot_assets/demo/models/demo-weak"
BLOCK, SEED, BOS, EOS, BUDGET = 32, 20264, 1, 2, 40
LIMIT = 6.0  #: |z| of a block that nobody takes for chance
Ids = tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """One way of sampling; the defaults are those under which the fault was found."""

    caching: bool = True
    n: int = 16
    in_flight: int = 20
    tokens_per_step: int = 256
    kv_blocks: int = 4096
    split_fuse: bool = True
    order: str = "sorted"  #: or shuffled, or alone: one prefix per text
    cut: int = 0  #: round lengths down to a multiple of this


CASES = {
    "as found": Case(),
    "no prefix cache": Case(caching=False),
    "one completion per request": Case(n=1),
    "one request at a time": Case(in_flight=1),
    "one at a time, n = 1": Case(in_flight=1, n=1),
    "two requests in flight": Case(in_flight=2),
    "no prompt is split": Case(tokens_per_step=65_536),
    "no split, n = 1": Case(tokens_per_step=65_536, n=1),
    "dynamic_split_fuse off": Case(split_fuse=False),
    "a small cache": Case(kv_blocks=700),
    "a huge cache": Case(kv_blocks=32_768),
    "shuffled": Case(order="shuffled"),
    "no prefix extends another": Case(order="alone"),
    "lengths are multiples of 32": Case(cut=BLOCK),
}


def pipeline(case: Case) -> genai.ContinuousBatchingPipeline:
    """The bare pipeline of a case."""
    scheduler = genai.SchedulerConfig()
    scheduler.enable_prefix_caching = case.caching
    scheduler.max_num_batched_tokens = case.tokens_per_step
    scheduler.max_num_seqs = 256
    scheduler.num_kv_blocks = case.kv_blocks
    scheduler.dynamic_split_fuse = case.split_fuse
    precision = {"INFERENCE_PRECISION_HINT": "f32", "KV_CACHE_PRECISION": "f32"}
    return genai.ContinuousBatchingPipeline(MODEL, scheduler, "CPU", precision)


def sample(case: Case, prefixes: Sequence[Ids], budget: int = BUDGET) -> Iterator[tuple[Ids, list[Ids]]]:
    """Every prefix with its completions, an EOS at their end included."""
    pipe, waiting, running = pipeline(case), list(enumerate(prefixes))[::-1], []
    while waiting or running:
        while waiting and len(running) < case.in_flight:
            number, ids = waiting.pop()
            config = genai.GenerationConfig()
            config.do_sample, config.temperature, config.top_p = True, 1.0, 1.0
            config.num_return_sequences, config.rng_seed = case.n, SEED + number
            config.max_new_tokens, config.stop_token_ids, config.eos_token_id = budget, {EOS}, EOS
            running.append((ids, pipe.add_request(number, ov.Tensor(np.array([ids], np.int64)), config)))
        pipe.step()
        for ids, handle in [r for r in running if r[1].get_status() == genai.GenerationStatus.FINISHED]:
            yield ids, [tuple(o.generated_ids) for o in handle.read_all()]
        running = [r for r in running if r[1].get_status() == genai.GenerationStatus.RUNNING]


class Scorer:
    """Plain inference of the same IR."""

    def __init__(self) -> None:
        core = ov.Core()
        model = core.read_model(MODEL / "openvino_model.xml")
        self._request = core.compile_model(
            model, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "KV_CACHE_PRECISION": "f32"}
        ).create_infer_request()

    def z(self, prefix: Ids, completions: Sequence[Ids]) -> float:
        """Z of a block's completions, equal ones computed once."""
        counts = Counter(completions)
        rows = [prefix + c for c in counts]
        width = max(map(len, rows))
        ids = np.zeros((len(rows), width), np.int64)  # padded behind, where a causal model does not look
        for row, line in zip(rows, ids, strict=True):
            line[: len(row)] = row
        self._request.reset_state()
        logits = self._request.infer(
            {
                "input_ids": ids,
                "attention_mask": np.ones_like(ids),
                "position_ids": np.broadcast_to(np.arange(width), ids.shape),
                "beam_idx": np.arange(len(rows), dtype=np.int32),
            }
        )[0]
        excess = variance = 0.0
        for (completion, count), row in zip(counts.items(), logits, strict=True):
            found = row[len(prefix) - 1 : len(prefix) - 1 + len(completion)].astype(np.float64)
            log_p = found - np.logaddexp.reduce(found, axis=-1, keepdims=True)
            p = np.exp(log_p)
            entropy = -(p * log_p).sum(-1)
            surprise = -log_p[np.arange(len(completion)), list(completion)]
            excess += count * (surprise - entropy).sum()
            variance += count * ((p * log_p**2).sum(-1) - entropy**2).sum()
        return excess / math.sqrt(variance + 1e-9)


def texts(n: int) -> list[Ids]:
    """Prompt and solution by the model itself, sampled without prefix cache, with the prompt's length first."""
    tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    rng = random.Random(SEED)
    prompts = [
        f"Problem: Find the number of positive divisors of {rng.randrange(100, 5000)}.\nSolution:\n"
        for _ in range(n)
    ]
    ids = [(BOS, *tokenizer.encode(p, add_special_tokens=False).ids) for p in prompts]
    found = sample(Case(caching=False, n=1), ids, 200)
    return sorted(prompt + completion[0][:-1] for prompt, completion in found)


def prefixes(case: Case, written: Sequence[Ids], n: int) -> list[Ids]:
    """Cuts of the texts; every residue of the block size as often as any other."""
    rng = random.Random(SEED)
    if case.order == "alone":
        chosen = [text[: rng.randrange(len(text) // 3, len(text))] for text in written][:n]
    else:
        by_residue: list[list[Ids]] = [[] for _ in range(BLOCK)]
        for text in written:
            for end in range(len(text) // 4, len(text)):
                by_residue[end % BLOCK].append(text[: end // (case.cut or 1) * (case.cut or 1)])
        chosen = [ids for several in by_residue for ids in rng.sample(several, n // BLOCK)]
    chosen = sorted({c for c in chosen if len(c) > 1})
    return rng.sample(chosen, len(chosen)) if case.order == "shuffled" else chosen


def together(case: Case, requests: Sequence[tuple[int, Ids]]) -> list[Ids]:
    """One completion per (step at which the request arrives, prefix); the first request writes one token only."""
    pipe, handles, step = pipeline(case), {}, 0
    while len(handles) < len(requests) or pipe.has_non_finished_requests():
        for number, (arrives, ids) in enumerate(requests):
            if arrives == step:
                config = genai.GenerationConfig()
                config.do_sample, config.temperature, config.top_p = True, 1.0, 1.0
                config.rng_seed, config.max_new_tokens = SEED + number, BUDGET if number else 1
                handles[number] = pipe.add_request(number, ov.Tensor(np.array([ids], np.int64)), config)
        pipe.step()
        step += 1
    return [tuple(handles[i].read_all()[0].generated_ids) for i in range(len(requests))]


def minimal(written: Sequence[Ids], n: int = 20) -> None:
    """Print for each of the two faults, and the nearest cases without it, how often a completion is another."""
    rng = random.Random(SEED)

    def forked(first: int, apart: int, length: int = 70) -> list[tuple[int, Ids]]:
        text = rng.choice(written)
        other = tuple(rng.randrange(40, 240) for _ in range(length - first))
        return [(0, text[:first]), (10, text[:length]), (10 + apart, text[:first] + other)]

    def chased(after: int) -> list[tuple[int, Ids]]:
        text = rng.choice(written)
        return [(0, text[:40]), (after, text[:44])]

    roomy, narrow = Case(tokens_per_step=65_536), Case(tokens_per_step=33)
    for name, case, requests in (
        ("A = 40 tokens, done; B and C = A + 30 others, one step", roomy, lambda: forked(40, 0)),
        ("the same, C a step after B", roomy, lambda: forked(40, 1)),
        ("the same, A = 32 tokens", roomy, lambda: forked(32, 0)),
        ("A = 40 tokens in steps of 33; B = A + 4, a step later", narrow, lambda: chased(1)),
        ("the same, in steps of 65,536", roomy, lambda: chased(1)),
        ("the same, in steps of 33, B five steps later", narrow, lambda: chased(5)),
    ):
        chosen = [requests() for _ in range(n)]
        plain = replace(case, caching=False)
        wrong = sum(together(case, several) != together(plain, several) for several in chosen)
        print(f"{name:56} {wrong:3} of {n} differ from those without prefix cache", flush=True)


def main() -> None:
    """Run the cases and print a line for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", nargs="*", default=list(CASES), metavar="CASE")
    parser.add_argument("--prefixes", type=int, default=320)
    parser.add_argument("--minimal", action="store_true")
    args = parser.parse_args()
    scorer, written = Scorer(), texts(args.prefixes)
    if args.minimal:
        return minimal([text for text in written if len(text) > 100])
    print(f"{'case':30} {'blocks':>6} {'bad':>4} {'largest |z|':>11} {'seconds':>8}  residues of bad lengths")
    for name in args.cases:
        case = CASES[name]
        chosen = prefixes(case, written[:: 1 if case.order == "alone" else 12], args.prefixes)
        started = time.perf_counter()
        found = list(sample(case, chosen))
        seconds = time.perf_counter() - started
        z = {ids: scorer.z(ids, completions) for ids, completions in found}
        bad = [ids for ids, value in z.items() if abs(value) > LIMIT]
        residues = sorted(len(ids) % BLOCK for ids in bad)
        largest = max(map(abs, z.values()))
        print(f"{name:30} {len(z):6} {len(bad):4} {largest:11.1f} {seconds:8.1f}  {residues}", flush=True)


if __name__ == "__main__":
    main()
