"""What the embedded engine takes on at a time: enough to be fast, little enough that little is at stake."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from support.engine_suite import block

from cot_assets.engines.base import Block
from cot_assets.engines.openvino.sizing import (
    AT_STAKE,
    KV_BLOCK,
    Intake,
    Pace,
    find_pace,
    keep_pace,
    kept_pace,
    kv_blocks,
    kv_bytes_per_token,
)
from cot_assets.study import load_config


def simulate(
    intake: Intake, length: int, *, n: int = 16, budget: int = 1000, steps: int = 5000
) -> tuple[int, float]:
    """(most tokens of unfinished blocks, mean sequences in flight) where every rollout has the same length."""
    running: list[tuple[Block, int]] = []
    most = sequences = 0
    for step in range(steps):
        while intake.admits(running, new := block(f"{step} {len(running)}", (1,) * 30, n=n, budget=budget)):
            running.append((new, 0))
        running = [(b, age + 1) for b, age in running]
        most = max(most, sum(b.n * age for b, age in running))
        sequences += sum(b.n for b, _ in running)
        for b, age in running:
            if age >= length:
                intake.finished(b, b.n * length, math.inf)
        running = [(b, age) for b, age in running if age < length]
    return most, sequences / steps


@pytest.mark.parametrize("length", [40, 80, 110])
def test_little_is_at_stake_on_a_slow_engine(length: int) -> None:
    most, _ = simulate(Intake(Pace(64, 50.0), 1 << 20), length)
    assert most <= 60 * 50


def test_long_rollouts_do_not_run_alone() -> None:
    """Then more is at stake than should be: a block is sampled whole."""
    _, sequences = simulate(Intake(Pace(64, 50.0), 1 << 20), 800)
    assert sequences > 24


def test_a_fast_engine_is_kept_full() -> None:
    most, sequences = simulate(Intake(Pace(256, 20_000.0), 1 << 20), 60)
    assert sequences > 250
    assert most < AT_STAKE * 20_000


def test_traces_are_kept_in_flight_as_well() -> None:
    most, sequences = simulate(Intake(Pace(64, 75.0), 1 << 20), 250, n=1)
    assert sequences > 20
    assert most <= 60 * 75


def test_no_more_is_begun_than_the_cache_holds() -> None:
    intake, running = Intake(Pace(256, 1e6), 16 * 1000), list[tuple[Block, int]]()
    while intake.admits(running, new := block("b", (1,) * 100, budget=300)):
        running.append((new, 1))
    assert len(running) == 3  # 3 * (100 + 16 * 300) tokens; a fourth would not fit
    assert intake.admits([], block("b", (1,) * 100, budget=100_000))  # one always is


def test_a_trial_on_a_busy_machine_does_not_keep_an_engine_small() -> None:
    intake, long = Intake(Pace(256, 40.0), 1 << 20), block("a", (1,) * 30, budget=200)
    assert not intake.admits([(long, 300)] * 4, long)
    for blocks in range(1, 11):
        intake.finished(long, 16 * 100, passed=5.0 * blocks)  # 320 tokens per second
    assert intake.admits([(long, 300)] * 4, long)


@pytest.mark.parametrize(
    ("speeds", "found"),
    [
        ((60, 90, 110, 112, 115), 256),
        ((60, 60, 61, 60, 58), 128),
        ((10, 20, 40, 80, 160), 256),
        ((60, 120, 110, 100), 32),
        ((60, 40, 130, 120, 110), 64),  # something else ran beside the second trial
        ((298, 413, 465, 497, 539), 256),  # SmolLM2-135M: each step pays little, all of them much
    ],
)
def test_as_many_run_together_as_pay(speeds: tuple[float, ...], found: int) -> None:
    """What counts is the work, not the clock, on which other programs take their share."""
    measured = {n: (speed, speed / n) for n, speed in zip((16, 32, 64, 128, 256), speeds, strict=False)}
    assert find_pace(measured.__getitem__) == Pace(found, measured[found][1])
    assert find_pace(measured.__getitem__, most=16).sequences == 16


def test_the_cache_follows_from_the_model_and_the_memory() -> None:
    folder = load_config().model("demo-strong").local_path
    assert folder is not None
    per_token = kv_bytes_per_token(folder / "openvino_model.xml", 4)
    assert per_token == 4 * 2 * 4 * 32 * 4  # layers, keys and values, heads, their size, bytes
    assert kv_blocks(24_576, 32_768, free=20 << 30) == (10 << 30) // 24_576 // KV_BLOCK
    assert kv_blocks(per_token, 512, free=20 << 30) == 256 * 512 // KV_BLOCK
    assert kv_blocks(1 << 20, 32_768, free=1 << 30) is None


def test_a_pace_is_remembered(tmp_path: Path) -> None:
    file = tmp_path / "cache" / "paces.json"
    assert kept_pace(file, "a") is None
    keep_pace(file, "a", Pace(64, 75.5))
    keep_pace(file, "b", Pace(16, 1.0))
    assert kept_pace(file, "a") == Pace(64, 75.5)
    for damaged in ("{", "[]", '{"a": null}', '{"a": ["x"]}'):
        file.write_text(damaged)
        assert kept_pace(file, "a") is None
