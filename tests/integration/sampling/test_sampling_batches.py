"""When finished blocks reach the disk, and what happens where the disk cannot take them."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from support.extras import missing
from support.scripted import ScriptedEngine
from support.sums import PROTOCOL, plan_of, scripted_engine

from cot_assets.engines.base import Block, BlockResult, EngineError, Sampling
from cot_assets.sampling import batches
from cot_assets.sampling.plan import sampling_of
from cot_assets.sampling.run import sample_missing
from cot_assets.sampling.shards import ShardStore, ShardWriteError

SAMPLING = sampling_of(PROTOCOL)
Sample = Callable[[Iterable[Block], Sampling], Iterator[BlockResult]]


@pytest.fixture
def engine(tmp_path: Path) -> ScriptedEngine:
    ScriptedEngine.sampled.clear()
    return scripted_engine(tmp_path / "model")


def changed(engine: ScriptedEngine, change: Callable[[Iterator[BlockResult]], Iterator[BlockResult]]) -> None:
    """Pass the engine's results through a function."""
    sample: Sample = engine.sample
    engine.sample = lambda blocks, sampling: change(sample(blocks, sampling))  # type: ignore[method-assign]


def test_a_batch_is_written_after_so_many_rollouts(
    engine: ScriptedEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "ROLLOUTS", 48)
    store = ShardStore(tmp_path, "rollout", "m")
    sample_missing(engine, plan_of(engine, 4), SAMPLING, store, lambda _: None)
    assert sorted(Counter(store.index().values()).values()) == [2, 3, 3]


def test_a_finished_block_does_not_wait_for_the_next(
    engine: ScriptedEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long completions may leave minutes between two blocks; a kill must not cost the first."""
    monkeypatch.setattr(batches, "SECONDS", 0.05)
    store, seen = ShardStore(tmp_path, "rollout", "m"), []

    def slow(results: Iterator[BlockResult]) -> Iterator[BlockResult]:
        for i, result in enumerate(results):
            deadline = time.monotonic() + 10
            while i and len(store.index()) < i and time.monotonic() < deadline:
                time.sleep(0.01)
            seen.append(len(store.index()))
            yield result

    changed(engine, slow)
    sample_missing(engine, plan_of(engine, 2), SAMPLING, store, lambda _: None)
    assert seen == [0, 1, 2, 3]
    assert len(store.index()) == 4


def test_a_signal_that_comes_while_a_shard_is_written_costs_nothing(
    engine: ScriptedEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, sync = ShardStore(tmp_path, "rollout", "m"), os.fsync

    def interrupted(_: int) -> None:
        monkeypatch.setattr(os, "fsync", sync)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sample_missing(engine, plan_of(engine, 2), SAMPLING, store, lambda _: None)
    assert len(store.index()) == 4


def test_what_the_timer_could_not_write_is_an_error_at_once(
    engine: ScriptedEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "SECONDS", 0.01)
    store, failed = ShardStore(tmp_path, "rollout", "m"), []
    write = store.write

    def once(rows: list[dict[str, object]]) -> Path:
        if not failed:
            failed.append(len(rows))
            raise ShardWriteError(errno.ENOSPC, "full for a moment")
        return write(rows)

    def slow(results: Iterator[BlockResult]) -> Iterator[BlockResult]:
        for result in results:
            yield result
            while not failed:
                time.sleep(0.01)

    monkeypatch.setattr(store, "write", once)
    changed(engine, slow)
    with pytest.raises(ShardWriteError, match="full for a moment"):
        sample_missing(engine, plan_of(engine, 2), SAMPLING, store, lambda _: None)
    assert len(store.index()) == 2  # both were still in memory when the run ended, and there was room again


@contextmanager
def tiny_disk(folder: Path) -> Iterator[None]:
    """``folder`` on a file system of 64 kB; where mounting is not permitted, files are limited to 2 kB."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode == 0:
        try:
            yield
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
        return
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_keeps_what_is_there_and_says_so(
    engine: ScriptedEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "ROLLOUTS", 32)
    folder = tmp_path / "disk"
    with tiny_disk(folder):
        store, plan = ShardStore(folder, "rollout", "m"), plan_of(engine, 60)
        with pytest.raises(ShardWriteError, match=f"cannot be written to {store.folder}") as caught:
            sample_missing(engine, plan, SAMPLING, store, lambda _: None)
        assert caught.value.errno in (errno.ENOSPC, errno.EFBIG)
        assert "Make room and start again" in str(caught.value)
        assert not list(store.folder.glob("*.tmp"))
        kept = ShardStore(folder, "rollout", "m").index()  # every file is whole
        left = {file.name: file.read_bytes() for file in store.folder.glob("*.parquet")}
    engine.sampled.clear()
    roomy = ShardStore(tmp_path / "roomy", "rollout", "m")
    for name, content in left.items():
        (roomy.folder / name).write_bytes(content)
    sample_missing(engine, plan, SAMPLING, roomy, lambda _: None)
    assert set(engine.sampled) == {p.block.key for p in plan} - set(kept)
    assert roomy.read([p.block.key for p in plan]).height == 16 * len(plan)


def test_a_device_that_is_full_is_an_error_of_the_same_kind(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        missing("there is no /dev/full")
    store = ShardStore(tmp_path, "rollout", "m")
    (store.folder / f"{os.getpid()}.tmp").symlink_to("/dev/full")
    row = {
        "block_key": "k", "sample_index": 0, "prefix_id": "p", "finish_reason": "stop", "n_tokens": 1,
        "token_ids": [1], "text": "x",
    }  # fmt: skip
    with pytest.raises(ShardWriteError, match="No space left on device") as caught:
        store.write([row])
    assert caught.value.errno == errno.ENOSPC
    assert list(store.folder.iterdir()) == []


@pytest.mark.parametrize("fault", ["short", "unknown", "twice"])
def test_an_engine_that_gives_back_something_else_is_stopped(
    engine: ScriptedEngine, tmp_path: Path, fault: str
) -> None:
    def wrong(results: Iterator[BlockResult]) -> Iterator[BlockResult]:
        first = next(results)
        if fault == "short":
            yield replace(first, completions=first.completions[:-1])
        elif fault == "unknown":
            yield replace(first, block=replace(first.block, key="unknown"))
        else:
            yield from (first, first)

    changed(engine, wrong)
    store = ShardStore(tmp_path, "rollout", "m")
    with pytest.raises(EngineError, match="completions came back"):
        sample_missing(engine, plan_of(engine, 2), SAMPLING, store, lambda _: None)
    assert len(store.index()) == (1 if fault == "twice" else 0)


def test_an_engine_that_forgets_blocks_is_noticed(engine: ScriptedEngine, tmp_path: Path) -> None:
    changed(engine, lambda results: (result for result, _ in zip(results, range(1), strict=False)))
    store = ShardStore(tmp_path, "rollout", "m")
    with pytest.raises(EngineError, match="3 of 4 blocks never came back"):
        sample_missing(engine, plan_of(engine, 2), SAMPLING, store, lambda _: None)
    assert len(store.index()) == 1
