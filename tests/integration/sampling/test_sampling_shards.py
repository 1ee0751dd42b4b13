"""Shards are there whole or not at all; what is damaged is noticed, named and sampled again."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from support.sums import PROTOCOL, plan_of, scripted_engine

from cot_assets.sampling import shards
from cot_assets.sampling.plan import sampling_of
from cot_assets.sampling.run import sample_missing
from cot_assets.sampling.shards import DamagedShardWarning, ShardsInUseError, ShardStore, with_texts

KEYS = ["a" * 32, "b" * 32]


def rows(*keys: str, text: str = "Größe 🙂") -> list[dict[str, object]]:
    return [
        {
            "block_key": key, "sample_index": i, "prefix_id": "p" * 32, "finish_reason": "stop", "n_tokens": 2,
            "token_ids": (i, 7), "text": text,
        }
        for key in keys
        for i in range(16)
    ]  # fmt: skip


def store_of(root: Path) -> ShardStore:
    """A store that has seen nothing yet, as in a new process."""
    return ShardStore(root, "rollout", "m")


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    file = store_of(tmp_path).write(rows(*KEYS))
    found = store_of(tmp_path).read(KEYS)
    assert found.height == 32
    assert found.drop("shard").to_dicts()[3] == {**rows(*KEYS)[3], "token_ids": [3, 7]}
    assert found["shard"].unique().to_list() == [f"rollouts/m/{file.name}"]
    assert store_of(tmp_path).index() == dict.fromkeys(KEYS, f"rollouts/m/{file.name}")


def test_only_the_blocks_asked_for_come_back(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    store.write(rows(KEYS[0]))
    store.write(rows(KEYS[1]))
    assert set(store.read([KEYS[1], "absent"])["block_key"]) == {KEYS[1]}
    assert store.read([]).is_empty()
    assert store.read([]).schema == store.read(KEYS).schema


def test_rollouts_get_the_beginning_and_end_of_their_texts(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    store.write([*rows(KEYS[0], text="short 🙂"), *rows(KEYS[1], text="a" * 400 + "b" * 400)])
    asked = store.read(KEYS).filter(pl.col("sample_index") == 3).drop("text")
    gone = asked.with_columns(shard=pl.lit("rollouts/m/gone.parquet"))
    found = with_texts(tmp_path, pl.concat([gone, asked]), 300)
    assert found.drop("text").sort("block_key").equals(asked.sort("block_key"))
    long = "a" * 200 + " ⟨… 500 characters not shown …⟩ " + "b" * 100
    assert found.sort("block_key")["text"].to_list() == ["short 🙂", long]
    assert with_texts(tmp_path, asked.clear(), 300).columns == found.columns


def test_rollouts_with_texts_keep_their_order_in_whatever_shards_they_are(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    for key in KEYS:
        store.write(rows(key))
    asked = store.read(KEYS).drop("text").sort("sample_index", "block_key")
    assert with_texts(tmp_path, asked, 300).drop("text").equals(asked)


def test_a_block_that_was_written_twice_counts_once(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    store.write(rows(KEYS[0], text="first"))
    store.write(rows(*KEYS, text="second"))
    assert sorted(store.index()) == KEYS
    assert store.read(KEYS).height == 32


def test_blocks_that_come_out_the_same_after_they_were_set_aside_are_found(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    store.write(rows(*KEYS))
    for _ in range(2):
        store.set_aside(KEYS)
        assert store.index() == {}
        store.write(rows(*KEYS))
        assert store_of(tmp_path).read(KEYS).height == 32


def test_models_and_purposes_are_kept_apart(tmp_path: Path) -> None:
    store_of(tmp_path).write(rows(KEYS[0]))
    assert ShardStore(tmp_path, "trace", "m").index() == {}
    assert ShardStore(tmp_path, "rollout", "another").index() == {}


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(table: Any, file: Any, **_: object) -> None:
        file.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(shards.pq, "write_table", fail)
    store = store_of(tmp_path)
    with pytest.raises(OSError, match="No space left"):
        store.write(rows(KEYS[0]))
    assert list(store.folder.iterdir()) == []


def test_bytes_are_on_disk_before_the_name_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def note_fsync(descriptor: int) -> None:
        order.append("flush folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "flush file")  # noqa: PTH112
        fsync(descriptor)

    def note_rename(self: Path, target: Path) -> Path:
        order.append("rename")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(Path, "rename", note_rename)
    store_of(tmp_path).write(rows(KEYS[0]))
    expected = ["flush file", "rename", "flush folder"]
    assert order == (expected if Path("/proc/self/fd").exists() else ["flush file", "rename", "flush file"])


def test_any_flipped_byte_is_noticed(tmp_path: Path) -> None:
    """Parquet's own checksums leave out the footer, where a bit renames a column."""
    file = store_of(tmp_path).write(rows(*KEYS))
    good = file.read_bytes()
    for position in range(0, len(good), max(1, len(good) // 150)):
        bad = bytearray(good)
        bad[position] ^= 1 << position % 8
        file.write_bytes(bad)
        with pytest.warns(DamagedShardWarning, match=file.name):
            assert store_of(tmp_path).index() == {}
        assert file.with_suffix(".damaged").read_bytes() == bad
    file.write_bytes(good)
    assert store_of(tmp_path).read(KEYS).height == 32


@pytest.mark.parametrize("kept", [0, 1, 4, 100, -1])
def test_a_truncated_file_is_set_aside_and_named(tmp_path: Path, kept: int) -> None:
    store = store_of(tmp_path)
    bad, good = store.write(rows(KEYS[0])), store.write(rows(KEYS[1]))
    bad.write_bytes(bad.read_bytes()[:kept])
    with pytest.warns(DamagedShardWarning, match="sampled again") as caught:
        found = store_of(tmp_path).read(KEYS)
    assert str(bad) in str(caught[0].message)
    assert f"kept as {bad.stem}.damaged" in str(caught[0].message)
    assert found["shard"].unique().to_list() == [f"rollouts/m/{good.name}"]
    with warnings.catch_warnings():  # once is enough
        warnings.simplefilter("error")
        assert list(store_of(tmp_path).index()) == [KEYS[1]]


@pytest.mark.parametrize("is_named_after_bytes", [True, False])
@pytest.mark.parametrize("is_parquet", [True, False])
def test_a_file_that_is_no_shard_is_set_aside(
    tmp_path: Path, is_parquet: bool, is_named_after_bytes: bool
) -> None:
    store = store_of(tmp_path)
    mine = store.folder / "mine.parquet"
    if is_parquet:
        pq.write_table(pl.DataFrame({"x": [1]}).to_arrow(), mine)
    else:
        mine.write_bytes(b"no Parquet")
    if is_named_after_bytes:
        mine = mine.rename(mine.with_stem(shards.file_hash(mine)))
    with pytest.warns(DamagedShardWarning, match=mine.name):
        assert store.index() == {}


def test_blocks_of_a_damaged_shard_are_sampled_again_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cot_assets.sampling.batches.ROLLOUTS", 64)
    engine, sampling = scripted_engine(tmp_path / "model"), sampling_of(PROTOCOL)
    plan = plan_of(engine, 6)
    keys = [p.block.key for p in plan]
    sample_missing(engine, plan, sampling, store_of(tmp_path), lambda _: None)
    before = store_of(tmp_path).read(keys)
    assert before["shard"].n_unique() == 3
    damaged = before["shard"][0]
    lost = set(before.filter(shard=damaged)["block_key"])
    (tmp_path / damaged).write_bytes(b"PAR1")
    engine.sampled.clear()
    with pytest.warns(DamagedShardWarning):
        status = sample_missing(engine, plan, sampling, store_of(tmp_path), lambda _: None)
    assert set(engine.sampled) == lost
    assert (status.n_done, status.n_before) == (16 * len(lost), 16 * (len(plan) - len(lost)))
    after = store_of(tmp_path).read(keys)
    order = ["block_key", "sample_index"]
    assert after.drop("shard").sort(order).equals(before.drop("shard").sort(order))


def test_a_second_writer_is_refused_at_once(tmp_path: Path) -> None:
    with (
        store_of(tmp_path).writing(),
        pytest.raises(ShardsInUseError, match=rf"m: process {os.getpid()} samples"),
        store_of(tmp_path).writing(),
    ):
        pass
    with store_of(tmp_path).writing():
        pass


def test_other_models_may_be_sampled_meanwhile(tmp_path: Path) -> None:
    with store_of(tmp_path).writing(), ShardStore(tmp_path, "rollout", "another").writing():
        pass


def test_files_that_are_gone_emptied_or_flipped_are_named_once(tmp_path: Path) -> None:
    store = ShardStore(tmp_path, "rollout", "m")
    files = [store.write(rows(key)) for key in ("a", "b", "c", "d")]
    assert store.lost() == []
    files[0].unlink()
    files[1].write_bytes(b"")
    content = files[2].read_bytes()
    files[2].write_bytes(content[:-1] + b"x")
    again = ShardStore(tmp_path, "rollout", "m")
    with pytest.warns(DamagedShardWarning):
        assert again.lost(["never-there.parquet"]) == sorted(
            [*(f.name for f in files[:3]), "never-there.parquet"]
        )
    assert again.lost() == []


def test_only_reading_shows_a_change_that_keeps_size_and_moment(tmp_path: Path) -> None:
    store = ShardStore(tmp_path, "rollout", "m")
    file = store.write(rows("a"))
    status = file.stat()
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert ShardStore(tmp_path, "rollout", "m").lost() == []
    with pytest.warns(DamagedShardWarning):
        assert ShardStore(tmp_path, "rollout", "m").lost(is_thorough=True) == [file.name]


def test_shards_load_no_pandas() -> None:
    """Arrow loads it for an empty table, which took a fifth of what every command takes to start."""
    asked = "import sys, cot_assets.sampling.shards; print('pandas' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
