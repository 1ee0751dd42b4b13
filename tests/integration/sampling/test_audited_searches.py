"""Blocks that decide where to look are audited too, and what was decided on a foreign one is decided anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from support.lab import Lab, ScriptedEngines
from support.scripted import ScriptedEngine

from cot_assets.definitions import build_defs
from cot_assets.engines.base import Block, BlockResult, Completion, Sampling, Written
from cot_assets.orchestration.runs import execute
from cot_assets.orchestration.staleness import Unit
from cot_assets.orchestration.state import ensure_partitions
from cot_assets.sampling.audit import LEAST
from cot_assets.statistics.surprise import NO_EVIDENCE, Evidence
from cot_assets.study import ModelEntry

#: A search for better traces, and one for where the potential changes.
PROTOCOL = {
    "search_problems": 1, "search_candidates": 4, "search_chunk": 24, "search_n": 16, "search_fresh_n": 16,
    "sampling": "adaptive", "adaptive": {"resolution": "lines"},
}  # fmt: skip
TABLES = ("traces", "search_traces", "search_steps", "explorations", "trace_cuts", "blocks")
SEARCHES = ("search_traces", "explorations")

pytestmark = pytest.mark.heavy


class LeakyEngine(ScriptedEngine):
    """A script that scores. A third of its blocks are drawn from another seed when they are asked for first."""

    drawn: ClassVar[set[str]] = set()
    is_leaky = False

    def sample(self, blocks: Iterable[Block], sampling: Sampling) -> Iterator[BlockResult]:
        for result in super().sample(blocks, sampling):
            is_foreign = self.is_leaky and result.block.key not in self.drawn and result.block.seed % 3 == 0
            self.drawn.add(result.block.key)
            completions = self._written(replace(result.block, seed=7)) if is_foreign else result.completions
            yield replace(result, completions=completions)

    def _written(self, block: Block) -> tuple[Completion, ...]:
        return tuple(self._complete(block, i) for i in range(block.n))

    def score(self, written: Iterable[Written], sampling: Sampling) -> Iterator[Evidence]:
        for block, completions in written:
            is_own = tuple(completions) == self._written(block)
            yield replace(NO_EVIDENCE, n_tokens=1, n_impossible=int(not is_own))


class LeakyEngines(ScriptedEngines):
    """Leaky ones in the place of models."""

    def open(self, entry: ModelEntry) -> LeakyEngine:
        return LeakyEngine(entry)


def searched(root: Path, *, is_leaky: bool) -> Lab:
    """A lab with both searches."""
    lab = Lab(root)
    lab.write_sums(n=2, protocol=PROTOCOL)
    lab.write_script("m")
    with lab.instance() as instance, pytest.MonkeyPatch.context() as patch:
        ensure_partitions(instance, ["m"], ["sums"])
        definitions = build_defs(resource_overrides={"engines": LeakyEngines()})
        execute(definitions, instance, Unit("load_problems", "sums"), assets=["problems"])
        patch.setattr(LeakyEngine, "is_leaky", is_leaky)
        patch.setattr(LeakyEngine, "drawn", set())
        execute(
            definitions,
            instance,
            Unit("evaluate_model", "sums", "m"),
            assets=["traces", "prefixes", *SEARCHES],
        )
    return lab


def test_what_rests_on_a_foreign_block_is_made_again(tmp_path: Path) -> None:
    sound, leaky = (searched(tmp_path / str(is_leaky), is_leaky=is_leaky) for is_leaky in (False, True))
    for asset in SEARCHES:
        audits, asked = sound.table("audits", asset=asset), sound.table("blocks", asset=asset)["block_key"]
        assert set(audits["verdict"]) == {"passed"}
        assert audits.height >= min(LEAST, len(asked))
        found = leaky.table("audits", asset=asset)
        assert set(found["verdict"]) == {"passed", "set_aside"}
        assert set(asked) & set(found.filter(verdict="set_aside")["block_key"])
    for name in TABLES:
        assert leaky.table(name).equals(sound.table(name)), name
