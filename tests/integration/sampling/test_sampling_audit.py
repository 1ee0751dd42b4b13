"""What an audit does with blocks that are not what the model writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from support.sums import PROTOCOL

from cot_assets.engines.base import (
    Block,
    BlockResult,
    CannotScoreError,
    Completion,
    EngineInfo,
    Sampling,
    Written,
)
from cot_assets.sampling import audit as auditing
from cot_assets.sampling.audit import LEAST, PARTITION, Audit, audit, chosen_blocks
from cot_assets.sampling.plan import PlannedBlock, Prefix, plan_rollouts, sampling_of
from cot_assets.sampling.run import SamplingStatus, sample_missing
from cot_assets.sampling.shards import ShardStore
from cot_assets.statistics.laws import laws_of_logits
from cot_assets.statistics.surprise import NO_EVIDENCE, Evidence, Filters, evidence
from cot_assets.warehouse.schema import polars_schema

_LENGTH, _VOCABULARY = 20, 30


class KnownLaw:
    """A model whose next token depends on the prefix alone. ``foreign``: keys of blocks to be drawn from another prefix.

    With ``is_stubborn`` they are so each time, else only the first time. ``heat`` multiplies the temperature.
    """

    def __init__(self, foreign: Iterable[str] = (), *, is_stubborn: bool = False, heat: float = 1.0) -> None:
        self.foreign, self.is_stubborn, self.heat = set(foreign), is_stubborn, heat
        self.scored: list[str] = []

    def describe(self) -> EngineInfo:
        return EngineInfo("known", "1", "r", "f32", "none", "none")

    def decode(self, token_ids: Sequence[int], *, with_special: bool = False) -> str:
        return " ".join(map(str, token_ids))

    @staticmethod
    def logits(prefix: Sequence[int]) -> np.ndarray:
        return np.random.default_rng(prefix).normal(scale=3, size=(_LENGTH, _VOCABULARY))

    def sample(self, blocks: Iterable[Block], sampling: Sampling) -> Iterator[BlockResult]:
        for block in blocks:
            prefix = (9, 9, 9) if block.key in self.foreign else block.token_ids
            if not self.is_stubborn:
                self.foreign.discard(block.key)
            p = np.exp(self.logits(prefix) / sampling.temperature / self.heat)
            rng = np.random.default_rng(block.seed)
            drawn = [[rng.choice(_VOCABULARY, p=row / row.sum()) for row in p] for _ in range(block.n)]
            completions = tuple(Completion(tuple(map(int, ids)), "length") for ids in drawn)
            yield BlockResult(block, completions, len(block.token_ids), None, block.n * _LENGTH)

    def score(self, written: Iterable[Written], sampling: Sampling) -> Iterator[Evidence]:
        for block, completions in written:
            self.scored.append(block.key)
            whole = NO_EVIDENCE
            for completion in completions:
                laws = laws_of_logits(
                    self.logits(block.token_ids), completion.token_ids, sampling.temperature
                )
                whole += evidence(laws, Filters())
            yield whole

    def close(self) -> None:
        pass


class Interrupted(KnownLaw):
    """One that is stopped after it has read so many blocks."""

    def __init__(self, after: int, foreign: Iterable[str] = ()) -> None:
        super().__init__(foreign)
        self.after = after

    def score(self, written: Iterable[Written], sampling: Sampling) -> Iterator[Evidence]:
        for found in super().score(written, sampling):
            if len(self.scored) > self.after:
                raise KeyboardInterrupt
            yield found


PLAN = plan_rollouts([Prefix(f"p{i}", (i, i + 1, 5), 2) for i in range(60)], PROTOCOL, KnownLaw().describe())
KEYS = [p.block.key for p in PLAN]
CHOSEN = [p.block.key for p in chosen_blocks(PLAN, 0.02)]
OTHERS = [key for key in KEYS if key not in CHOSEN]
NOTHING = pl.DataFrame(schema={n: t for n, t in polars_schema("audits").items() if n not in PARTITION})


def audited(engine: KnownLaw, store: ShardStore, share: float = 0.02, known: pl.DataFrame = NOTHING) -> Audit:
    def draw(plan: Sequence[PlannedBlock]) -> None:
        sample_missing(engine, plan, sampling_of(PROTOCOL), store, lambda _: None)

    draw(PLAN)
    return audit(engine, PLAN, sampling_of(PROTOCOL), store, share, known, draw)


@pytest.fixture
def store(tmp_path: Path) -> ShardStore:
    return ShardStore(tmp_path, "rollout", "m")


def verdicts(found: Audit) -> dict[str, list[str]]:
    by_key: dict[str, list[str]] = {}
    for key, verdict in found.rows.select("block_key", "verdict").iter_rows():
        by_key.setdefault(key, []).append(verdict)
    return by_key


def test_of_a_plan_that_is_not_new_what_was_found_is_told_and_nothing_is_read(store: ShardStore) -> None:
    engine = KnownLaw()
    first = audited(engine, store)
    engine.scored.clear()
    arguments = (engine, PLAN, sampling_of(PROTOCOL), store, 0.02)
    again = audit(*arguments, first.rows, lambda _: None, is_new=False)
    assert engine.scored == []
    assert sorted(again.rows["block_key"]) == sorted(CHOSEN)
    assert again.judgment == first.judgment  # by the limits of the whole plan
    with pytest.raises(CannotScoreError, match="no audit of what is there is on record"):
        audit(*arguments, NOTHING, lambda _: None, is_new=False)


def test_a_sound_partition_passes_and_only_a_share_is_read(store: ShardStore) -> None:
    engine = KnownLaw()
    found = audited(engine, store)
    assert found.is_passed
    assert sorted(engine.scored) == sorted(CHOSEN)
    assert len(CHOSEN) == LEAST
    assert str(LEAST) in found.message


def test_a_larger_share_adds_blocks(store: ShardStore) -> None:
    half = [p.block.key for p in chosen_blocks(PLAN, 0.8)]
    assert half[:LEAST] == CHOSEN
    assert len(half) == 96
    engine = KnownLaw()
    assert audited(engine, store, 1.0).is_passed
    assert sorted(engine.scored) == sorted(KEYS)


def test_a_foreign_block_is_set_aside_and_drawn_again_with_all_others_looked_at(store: ShardStore) -> None:
    """One that the share did not hold is found as well."""
    bad = [CHOSEN[3], OTHERS[0], OTHERS[7]]
    engine = KnownLaw(bad)
    found = audited(engine, store)
    assert found.is_passed
    assert found.n_redrawn == 3
    assert {key: v for key, v in verdicts(found).items() if key in bad} == {
        key: ["set_aside", "passed"] for key in bad
    }
    assert sorted(verdicts(found)) == sorted(KEYS)
    kept = [pl.read_parquet(file) for file in store.folder.glob("*.aside")]
    assert sorted(frame["block_key"][0] for frame in kept) == sorted(bad)
    assert {frame.height for frame in kept} == {16}
    aside = found.rows.filter(pl.col("verdict") == "set_aside").select("block_key", "shard")
    assert not set(aside.iter_rows()) & set(store.index().items())
    assert set(store.index()) == set(KEYS)
    # A store that is opened anew, and a later run, see the same.
    assert ShardStore(store.folder.parents[1], "rollout", "m").index() == store.index()
    again = KnownLaw()
    later = audited(again, store, known=found.rows)
    assert later.is_passed
    assert again.scored == []
    assert later.n_redrawn == 0
    assert later.rows.sort("block_key", "shard").equals(found.rows.sort("block_key", "shard"))


def test_a_block_that_fails_twice_is_named_and_fails_the_partition(store: ShardStore) -> None:
    engine = KnownLaw([CHOSEN[5]], is_stubborn=True)
    found = audited(engine, store)
    assert not found.is_passed
    assert found.failed == (CHOSEN[5],)
    assert CHOSEN[5] in found.message
    assert verdicts(found)[CHOSEN[5]] == ["set_aside", "failed"]
    # Once the engine is mended, the next run draws it again.
    mended = audited(KnownLaw(), store, known=found.rows)
    assert mended.is_passed
    assert verdicts(mended)[CHOSEN[5]] == ["set_aside", "set_aside", "passed"]


@pytest.mark.parametrize("heat", [0.85, 1.15])
def test_a_shift_of_all_blocks_fails_the_partition(store: ShardStore, heat: float) -> None:
    found = audited(KnownLaw(heat=heat), store)
    assert not found.is_passed
    assert not found.failed
    assert f"{found.judgment.temperature:.3g} times the temperature" in found.message
    assert found.judgment.temperature == pytest.approx(heat, abs=0.07)


def test_rows_have_the_types_of_the_table(store: ShardStore) -> None:
    rows = audited(KnownLaw([CHOSEN[0]]), store).rows
    assert dict(rows.schema) == dict(NOTHING.schema)


def resumed(
    monkeypatch: pytest.MonkeyPatch, store: ShardStore, after: int, foreign: Iterable[str] = ()
) -> None:
    """An audit that is stopped and begun again reads no block twice, and comes to what one in one go comes to."""
    monkeypatch.setattr(auditing, "_KEEP_SECONDS", -1.0)
    whole = ShardStore(store.folder / "whole", "rollout", "m")
    expected = audited(KnownLaw(foreign), whole)
    engine, kept = Interrupted(after, foreign), [NOTHING]

    def draw(plan: Sequence[PlannedBlock]) -> None:
        sample_missing(engine, plan, sampling_of(PROTOCOL), store, lambda _: None)

    def run() -> Audit:
        draw(PLAN)
        return audit(engine, PLAN, sampling_of(PROTOCOL), store, 0.02, kept[-1], draw, keep=kept.append)

    with pytest.raises(KeyboardInterrupt):
        run()
    n_before = len(engine.scored)
    engine.after = 10**6
    found = run()
    assert (
        0 < n_before < len(engine.scored) <= len(whole.index()) + 2 * len(set(foreign)) + 1
    )  # those that fail are read again
    columns = ["block_key", "verdict", "n_tokens", "excess"]
    assert found.rows.select(columns).sort(columns).equals(expected.rows.select(columns).sort(columns))
    assert found.is_passed == expected.is_passed


def test_an_interrupted_audit_goes_on_where_it_was(
    monkeypatch: pytest.MonkeyPatch, store: ShardStore
) -> None:
    resumed(monkeypatch, store, LEAST // 2)


@pytest.mark.parametrize("after", [LEAST // 2, LEAST + 5, len(KEYS)])
def test_one_that_is_interrupted_while_it_looks_at_all_blocks_looks_at_all(
    monkeypatch: pytest.MonkeyPatch, store: ShardStore, after: int
) -> None:
    resumed(monkeypatch, store, after, [CHOSEN[3], OTHERS[7]])


def test_a_long_audit_tells_of_its_progress_and_a_short_one_does_not(
    monkeypatch: pytest.MonkeyPatch, store: ShardStore
) -> None:
    def told() -> list[SamplingStatus]:
        found: list[SamplingStatus] = []
        audit(
            engine, PLAN, sampling_of(PROTOCOL), store, 0.02, NOTHING, lambda _: None,
            report=lambda status: found.append(replace(status)),
        )  # fmt: skip
        return found

    engine = KnownLaw()
    sample_missing(engine, PLAN, sampling_of(PROTOCOL), store, lambda _: None)
    assert told() == []
    monkeypatch.setattr(auditing, "_REPORT_SECONDS", -1.0)
    steps = told()
    n = sum(p.block.n for p in PLAN if p.block.key in CHOSEN)
    assert [s.n_done for s in steps] == sorted({s.n_done for s in steps})
    assert (steps[-1].n_done, steps[-1].n_total, steps[-1].is_finished) == (n, n, True)
    assert "read again" in steps[-1].line("audit")
    assert "found" not in steps[-1].line("audit")
