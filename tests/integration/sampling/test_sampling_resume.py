"""Sampling goes on where it stopped, however it stopped, and samples nothing twice."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sampling_child import BATCH_BLOCKS, BLOCKS_BEFORE, N_PROMPTS
from support.scripted import ScriptedEngine
from support.sums import PROTOCOL, plan_of, scripted_engine

from cot_assets.engines.base import Block, BlockResult, EngineError, Sampling
from cot_assets.sampling.plan import PlannedBlock, sampling_of
from cot_assets.sampling.run import SamplingStatus, sample_missing
from cot_assets.sampling.shards import ShardsInUseError, ShardStore

SAMPLING = sampling_of(PROTOCOL)
CHILD = Path(__file__).with_name("sampling_child.py")


def store_of(root: Path) -> ShardStore:
    return ShardStore(root, "rollout", "m")


@pytest.fixture
def engine(tmp_path: Path) -> ScriptedEngine:
    ScriptedEngine.sampled.clear()
    return scripted_engine(tmp_path / "model")


def sample(engine: ScriptedEngine, plan: list[PlannedBlock], root: Path) -> SamplingStatus:
    return sample_missing(engine, plan, SAMPLING, store_of(root), lambda _: None)


@contextmanager
def child(action: str, root: Path, says: str) -> Iterator[subprocess.Popen[str]]:
    """A process at the point that it was to reach; killed at the end."""
    command = [sys.executable, str(CHILD), action, str(root)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == says
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_rerun_samples_nothing(engine: ScriptedEngine, tmp_path: Path) -> None:
    plan = plan_of(engine, 3)
    first = sample(engine, plan, tmp_path)
    assert (first.n_before, first.n_done, first.n_total, first.n_blocks) == (0, 96, 96, 6)
    files = sorted((tmp_path / "rollouts" / "m").glob("*.parquet"))
    again = sample(engine, plan, tmp_path)
    assert (again.n_before, again.n_done, again.n_blocks, again.generated_tokens) == (96, 0, 0, 0)
    assert len(engine.sampled) == 6
    assert sorted((tmp_path / "rollouts" / "m").glob("*.parquet")) == files


def test_a_larger_n_samples_what_is_new(engine: ScriptedEngine, tmp_path: Path) -> None:
    sample(engine, plan_of(engine, 3), tmp_path)
    engine.sampled.clear()
    larger = plan_of(engine, 3, PROTOCOL.model_copy(update={"n": 64}))
    status = sample(engine, larger, tmp_path)
    assert (status.n_before, status.n_done) == (96, 96)
    rows = store_of(tmp_path).read([p.block.key for p in larger])
    found = rows.group_by("prefix_id").agg("sample_index")["sample_index"].to_list()
    assert [sorted(indices) for indices in found] == [list(range(64))] * 3


def test_the_status_counts_what_was_paid_for(engine: ScriptedEngine, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    plan = plan_of(engine, 2)
    status = sample_missing(
        engine, plan, SAMPLING, store_of(tmp_path), lambda s: seen.append((s.n_before, s.n_done))
    )
    assert seen[0] == (0, 0)
    assert seen[-1] == (0, 64)
    assert sorted(seen) == seen
    assert status.prompt_tokens == sum(len(p.block.token_ids) for p in plan)
    rows = store_of(tmp_path).read([p.block.key for p in plan])
    stops = rows.filter(finish_reason="stop").height
    assert status.generated_tokens == rows["n_tokens"].sum() + stops  # an EOS is generated as well
    assert status.cached_tokens == 0
    assert status.seconds > 0


def test_texts_are_those_of_the_tokens(engine: ScriptedEngine, tmp_path: Path) -> None:
    plan = plan_of(engine, 2)
    sample(engine, plan, tmp_path)
    rows = store_of(tmp_path).read([p.block.key for p in plan])
    assert all(text == engine.decode(ids) for text, ids in zip(rows["text"], rows["token_ids"], strict=True))
    assert rows["n_tokens"].to_list() == rows["token_ids"].list.len().to_list()


def test_an_engine_that_fails_loses_nothing_that_came_back(engine: ScriptedEngine, tmp_path: Path) -> None:
    plan = plan_of(engine, 4)
    with pytest.raises(EngineError, match="the script says to fail"):
        sample(scripted_engine(tmp_path / "model", fail_after=3), plan, tmp_path)
    done = set(store_of(tmp_path).index())
    assert done == {p.block.key for p in plan[:3]}
    engine.sampled.clear()
    sample(engine, plan, tmp_path)
    assert set(engine.sampled) == {p.block.key for p in plan[3:]}


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
def test_an_interruption_loses_nothing_and_goes_on(
    engine: ScriptedEngine, tmp_path: Path, interruption: type[BaseException]
) -> None:
    plan = plan_of(engine, 4)

    def interrupt(status: SamplingStatus) -> None:
        if status.n_blocks == 3:
            raise interruption

    with pytest.raises(interruption):
        sample_missing(engine, plan, SAMPLING, store_of(tmp_path), interrupt)
    assert len(store_of(tmp_path).index()) == 3
    with store_of(tmp_path).writing():  # the lock is free again
        pass


def test_an_interruption_cancels_what_the_engine_still_does(engine: ScriptedEngine, tmp_path: Path) -> None:
    canceled: list[bool] = []
    whole = engine.sample

    def sample_and_tell(blocks: Iterable[Block], sampling: Sampling) -> Iterator[BlockResult]:
        try:
            yield from whole(blocks, sampling)
        finally:
            canceled.append(True)

    engine.sample = sample_and_tell  # type: ignore[method-assign]

    def interrupt(status: SamplingStatus) -> None:
        if status.n_blocks:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        sample_missing(engine, plan_of(engine, 4), SAMPLING, store_of(tmp_path), interrupt)
    assert caught.value is not None  # its traceback keeps the frames alive: only a close can have canceled
    assert canceled == [True]


def test_what_another_process_finished_meanwhile_is_not_sampled_again(
    engine: ScriptedEngine, tmp_path: Path
) -> None:
    """It may do so between the look at the shards and the lock."""
    plan = plan_of(engine, 3)

    class Late(ShardStore):
        @contextmanager
        def writing(self) -> Iterator[None]:
            sample(engine, plan[:4], tmp_path)
            with super().writing():
                yield

    status = sample_missing(engine, plan, SAMPLING, Late(tmp_path, "rollout", "m"), lambda _: None)
    assert len(engine.sampled) == len(set(engine.sampled)) == 6
    assert (status.n_before, status.n_done) == (64, 32)


def test_a_second_process_is_refused_and_told_who_samples(engine: ScriptedEngine, tmp_path: Path) -> None:
    with child("hold", tmp_path, "holding") as process:
        with pytest.raises(ShardsInUseError) as caught:
            sample(engine, plan_of(engine, 1), tmp_path)
        assert re.search(rf"m: process {process.pid} samples this model already", str(caught.value))
        assert "nothing sampled is lost" in str(caught.value)
        assert engine.sampled == []
    sample(engine, plan_of(engine, 1), tmp_path)  # the lock went with the process that was killed
    assert len(engine.sampled) == 2


def test_who_misses_nothing_needs_no_lock(engine: ScriptedEngine, tmp_path: Path) -> None:
    sample(engine, plan_of(engine, 1), tmp_path)
    with child("hold", tmp_path, "holding"):
        assert sample(engine, plan_of(engine, 1), tmp_path).n_done == 0


def test_kill_in_the_middle_keeps_finished_batches(engine: ScriptedEngine, tmp_path: Path) -> None:
    plan = plan_of(engine, N_PROMPTS)
    with child("sample", tmp_path, "sampling"):
        pass  # kill -9 after some blocks, of which the last are in no shard yet
    kept = set(store_of(tmp_path).index())
    assert len(kept) == BLOCKS_BEFORE // BATCH_BLOCKS * BATCH_BLOCKS
    sample(engine, plan, tmp_path)
    assert set(engine.sampled) == {p.block.key for p in plan} - kept
    rows = store_of(tmp_path).read([p.block.key for p in plan])
    assert rows.height == len(plan) * 16
    assert not rows.select("block_key", "sample_index").is_duplicated().any()


def test_ctrl_c_in_the_middle_keeps_every_block_that_came_back(
    engine: ScriptedEngine, tmp_path: Path
) -> None:
    plan = plan_of(engine, N_PROMPTS)
    with child("sample", tmp_path, "sampling") as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == -signal.SIGINT
    assert len(store_of(tmp_path).index()) == BLOCKS_BEFORE
    sample(engine, plan, tmp_path)
    assert len(engine.sampled) == len(plan) - BLOCKS_BEFORE


def test_kill_while_a_shard_is_written_leaves_no_shard(engine: ScriptedEngine, tmp_path: Path) -> None:
    folder = tmp_path / "rollouts" / "m"
    with child("stop_while_writing", tmp_path, "writing"):
        assert [file.suffix for file in folder.iterdir() if file.name[0] != "."] == [".tmp"]
    assert store_of(tmp_path).index() == {}
    sample(engine, plan_of(engine, N_PROMPTS), tmp_path)
    assert [file.suffix for file in folder.iterdir() if file.name[0] != "."] == [".parquet"]
