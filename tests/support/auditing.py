"""Blocks of real prefixes for an audit: texts that an engine wrote itself, cut at lengths of every residue."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice

import numpy as np
from numpy.typing import NDArray

from cot_assets.engines.base import Block, BlockResult, Completion, Engine, Sampling, Written
from cot_assets.engines.openvino.engine import OpenVINOEngine
from cot_assets.engines.openvino.plain import PlainModel
from cot_assets.engines.samples import evidence_told, filters_of
from cot_assets.problems.demo import demo_problems
from cot_assets.sampling.plan import block_seed
from cot_assets.statistics.copies import of_block
from cot_assets.statistics.surprise import Evidence, Judgment, judge

RESIDUES = 32  #: KV blocks of the engines here hold 16 or 32 tokens
SAMPLE = Sampling(temperature=1.0, top_p=1.0)


def sampled(engine: Engine, blocks: Iterable[Block], sampling: Sampling = SAMPLE) -> list[Written]:
    """Blocks with what an engine wrote for them."""
    results = (r for r in engine.sample(blocks, sampling) if isinstance(r, BlockResult))
    return [(r.block, r.completions) for r in results]


_PER_CELL = 3  #: problems of a family and level: the smallest cell holds no more


def texts(engine: Engine, n: int, budget: int = 200, seed: int = 0) -> list[tuple[int, ...]]:
    """Token ids of prompts of the demo with what the engine wrote after them, long enough to be cut."""
    problems = demo_problems({"per_cell": [_PER_CELL] * 4}, seed)
    prompts = [engine.render_prompt(problem.statement) for _, problem in problems]
    each = -(-n // len(prompts))
    blocks = [Block(f"text {i}", ids, each, budget, block_seed(f"text {i}")) for i, ids in enumerate(prompts)]
    return [
        block.token_ids + completion.token_ids
        for block, completions in sampled(engine, blocks)
        for completion in completions
        if len(completion.token_ids) > RESIDUES
    ]


def real_blocks(engine: Engine, n: int, *, budget: int = 200, size: int = 16, seed: int = 0) -> list[Block]:
    """``n`` blocks of distinct prefixes, residues of their lengths equally often, sorted as a plan is."""
    rng = random.Random(seed)
    cuts: list[set[tuple[int, ...]]] = [set() for _ in range(RESIDUES)]
    for text in texts(engine, max(48, n // 12), seed=seed):
        for end in range(len(text) // 4, len(text)):
            cuts[end % RESIDUES].add(text[:end])
    chosen = [ids for several in cuts for ids in rng.sample(sorted(several), -(-n // RESIDUES))]
    return [
        Block(f"{seed} {ids}", ids, size, budget, block_seed(f"{seed} {ids}")) for ids in sorted(chosen)[:n]
    ]


def audited(
    engine: Engine, written: Sequence[Written], sampling: Sampling = SAMPLE
) -> tuple[list[Evidence], Judgment]:
    """Evidence on each block, and what all of it says."""
    found = list(engine.score(written, sampling))
    return found, judge(found, len(found))


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong between what is asked for and what is sampled."""

    of_ids: Callable[[Engine, tuple[int, ...]], tuple[int, ...]] = lambda _, ids: ids
    sampled: Sampling = SAMPLE
    claimed: Sampling = SAMPLE
    shifts_by: int = 0  #: blocks that get the texts of the one so many places further on
    n_distinct: int = 0  #: texts of a block that come in turn; 0: all are drawn


def _reworded(engine: Engine, ids: tuple[int, ...]) -> tuple[int, ...]:
    """The same text behind another beginning of the prompt."""
    text = engine.decode(ids)
    head = ids[: len(ids) - len(engine.encode(text).token_ids)]
    return (
        *head,
        *engine.encode(text.replace("Problem:", "Question:").replace("Solution:", "Answer:")).token_ids,
    )


FAULTS: dict[str, Fault] = {
    "completions of another prefix": Fault(shifts_by=37),
    "completions of the next prefix in the plan": Fault(shifts_by=1),
    "temperature 1.1 for 1": Fault(sampled=Sampling(1.1, 1.0)),
    "temperature 1.25 for 1": Fault(sampled=Sampling(1.25, 1.0)),
    "temperature 0.8 for 1": Fault(sampled=Sampling(0.8, 1.0)),
    "top-p 0.9 applied twice": Fault(sampled=Sampling(1.0, 0.81), claimed=Sampling(1.0, 0.9)),
    "top-p left out": Fault(claimed=Sampling(1.0, 0.9)),
    "five completions in turn": Fault(n_distinct=5),
    "no BOS": Fault(of_ids=lambda _, ids: ids[1:]),
    "another template": Fault(of_ids=_reworded),
}


def planted(engine: Engine, blocks: Sequence[Block], fault: Fault) -> tuple[list[Evidence], Judgment]:
    """What an audit says of blocks that were sampled with a fault."""
    given = [replace(b, token_ids=fault.of_ids(engine, b.token_ids)) for b in blocks]
    texts_of = {b.key: completions for b, completions in sampled(engine, given, fault.sampled)}
    n = len(blocks)
    written = [(b, texts_of[blocks[(i + fault.shifts_by) % n].key]) for i, b in enumerate(blocks)]
    if fault.n_distinct:
        written = [(b, tuple(islice(cycle(several[: fault.n_distinct]), b.n))) for b, several in written]
    return audited(engine, written, fault.claimed)


#: The same kinds where temperature and top-p are those of the paper.
PAPER = Sampling(0.6, 0.95)
PAPER_FAULTS: dict[str, Fault] = {
    "none": Fault(sampled=PAPER, claimed=PAPER),
    "completions of the next prefix in the plan": Fault(sampled=PAPER, claimed=PAPER, shifts_by=1),
    "five completions in turn": Fault(sampled=PAPER, claimed=PAPER, n_distinct=5),
    "temperature 1 for 0.6": Fault(sampled=Sampling(1.0, 0.95), claimed=PAPER),
    "temperature 0.8 for 0.6": Fault(sampled=Sampling(0.8, 0.95), claimed=PAPER),
    "temperature 0.7 for 0.6": Fault(sampled=Sampling(0.7, 0.95), claimed=PAPER),
    "top-p applied twice": Fault(sampled=Sampling(0.6, 0.95**2), claimed=PAPER),
    "top-p left out": Fault(sampled=Sampling(0.6, 1.0), claimed=PAPER),
    "another template": Fault(of_ids=_reworded, sampled=PAPER, claimed=PAPER),
}


class ServedEngine(OpenVINOEngine):
    """The embedded engine, of whose laws no more is known than a server tells: ``n_told`` likeliest tokens, temperature 1."""

    n_told = 20

    def score(self, written: Iterable[Written], sampling: Sampling) -> Iterator[Evidence]:
        plain = self._plain or PlainModel(self._folder, "CPU", self._tokenizer.eos_token_ids)
        self._plain = plain
        filters = filters_of(sampling, "unknown", is_nucleus_first=False)
        eos = self._tokenizer.eos_token_ids
        for block, completions in written:
            counts = Counter(completions)
            yield of_block(
                (evidence_told(self._told(rows, completion), completion, eos, sampling, filters, self.n_told), counts[completion])
                for completion, _, rows in plain._rows(block.token_ids, list(counts))
            )  # fmt: skip

    def _told(self, logits: NDArray[np.float32], completion: Completion) -> list[dict[int, float]]:
        told = []
        ends = (*completion.token_ids, self._tokenizer.eos_token_ids[0])
        for row, token in zip(logits, ends, strict=False):
            log_p = row - np.logaddexp.reduce(row.astype(np.float64))
            likeliest = np.argpartition(log_p, -self.n_told)[-self.n_told :]
            told.append({int(i): float(log_p[i]) for i in (*likeliest, token)})
        return told
