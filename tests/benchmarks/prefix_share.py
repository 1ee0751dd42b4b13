"""What share of the embedded engine's work is reading prefixes: prints CPU seconds of blocks of 16 by length of prefix.

Each block reads its prefix once, for all its 16 rollouts. Usage: python tests/benchmarks/prefix_share.py WEIGHTS [LENGTH ...]
"""

from __future__ import annotations

import random
import sys
import time

from cot_assets.engines.base import Block, BlockResult, Engine, Sampling
from cot_assets.engines.opening import open_engine
from cot_assets.study import ModelEntry

_BUDGET = 130  #: tokens of a rollout, as a model of half a billion parameters writes on average from a cut


def spent(engine: Engine, ids: tuple[int, ...], budget: int) -> tuple[float, int]:
    """(CPU seconds, generated tokens) of one block."""
    started = time.process_time()
    block = Block(f"{len(ids)} {budget}", ids, 16, budget, len(ids) + budget)
    results = [r for r in engine.sample([block], Sampling(1.0, 0.95)) if isinstance(r, BlockResult)]
    return time.process_time() - started, results[0].generated_tokens


def main() -> None:
    """Measure one model."""
    entry = ModelEntry.model_validate({"name": "bench", "engine": "openvino", "path": sys.argv[1]})
    engine = open_engine(entry)
    draw = random.Random(7)
    words = engine.encode(
        "The sum of three and four is seven, and so the answer must be seven as well. "
    ).token_ids
    spent(engine, words, 2)  # the trial of the engine's pace
    for length in [int(text) for text in sys.argv[2:]] or [300, 3000]:
        prefix = tuple(draw.choice(words) for _ in range(length))
        reading, _ = spent(engine, prefix, 1)
        whole, tokens = spent(engine, prefix, _BUDGET)
        print(
            f"prefix of {length:,} tokens: {whole:.1f} CPU s for a block of {tokens:,} tokens, {reading:.1f} of them to read "
            f"the prefix: {reading / whole:.0%}"
        )
    engine.close()


if __name__ == "__main__":
    main()
