"""What an audit finds: planted faults, and how small a shift is seen.

Run from the repository root: ``python tests/benchmarks/audit_faults.py [--blocks 48] [--budget 24] [--told 20]``; with
``--told`` of a server that tells so many likeliest tokens, at temperature 0.6 and top-p 0.95. Blocks of 16
completions of the weak demo model at real prefixes of many lengths, seed 0; see ``tests/support/auditing.py``.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import openvino_genai as genai

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from simulations import Row, print_rows  # noqa: E402
from support.auditing import FAULTS, PAPER_FAULTS, Fault, ServedEngine, planted, real_blocks  # noqa: E402

from cot_assets.engines.base import Block, Engine  # noqa: E402
from cot_assets.engines.openvino.engine import OpenVINOEngine  # noqa: E402
from cot_assets.study import load_config  # noqa: E402


class EightBits(OpenVINOEngine):
    """The embedded engine with its KV cache in 8 bits."""

    def __init__(self) -> None:
        entry = load_config().model("demo-weak")
        super().__init__(entry)
        scheduler = genai.SchedulerConfig()
        scheduler.num_kv_blocks, scheduler.max_num_batched_tokens, scheduler.max_num_seqs = 4096, 256, 256
        precision = {"INFERENCE_PRECISION_HINT": "f32", "KV_CACHE_PRECISION": "u8"}
        self._pipeline = genai.ContinuousBatchingPipeline(entry.local_path, scheduler, "CPU", precision)


def row(name: str, engine: Engine, blocks: list[Block], fault: Fault) -> Row:
    """What an audit says of one fault."""
    found, judgment = planted(engine, blocks, fault)
    is_found = bool(judgment.failed) or judgment.is_shifted
    whole = judgment.log_e if math.isfinite(judgment.log_e) else 999.0
    return {
        "fault": name,
        "blocks that fail": f"{len(judgment.failed)} of {len(blocks)}",
        "log10 e of the others": round(whole / math.log(10), 1),
        "looks like temperature": round(judgment.temperature, 3),
        "tokens": (n_tokens := sum(e.n_tokens for e in found)),
        "judged": f"{sum(e.n_judged for e in found) / max(1, n_tokens):.1%}",
        "found": "yes" if is_found else "no",
    }


def results(n: int, budget: int) -> Iterator[Row]:
    """One row per fault, the faultless engine first."""
    engine = OpenVINOEngine(load_config().model("demo-weak"))
    blocks = real_blocks(engine, n, budget=budget)
    for name, fault in {"none": Fault(), **FAULTS}.items():
        yield row(name, engine, blocks, fault)
    engine.close()
    yield row("KV cache in 8 bits", EightBits(), blocks, Fault())


def served(n: int, budget: int, n_told: int) -> Iterator[Row]:
    """The same of a server."""
    engine = ServedEngine(load_config().model("demo-weak"))
    engine.n_told = n_told
    blocks = real_blocks(engine, n, budget=budget)
    for name, fault in PAPER_FAULTS.items():
        yield row(name, engine, blocks, fault)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--blocks", type=int, default=48)
    parser.add_argument("--budget", type=int, default=24)
    parser.add_argument("--told", type=int, default=0)
    args = parser.parse_args()
    size = (args.blocks, args.budget)
    print_rows(
        served(*size, args.told) if args.told else results(*size),
        f"{args.blocks} blocks of 16, {args.budget} tokens each",
    )


if __name__ == "__main__":
    main()
