"""One model at several servers, which die, come back, or serve something else; over real HTTP."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from served_models import entry, opened, refusal
from support.engine_suite import SAMPLE, block
from support.served import Misbehavior, TinyServer
from support.sums import PROTOCOL

from cot_assets.engines.base import BlockResult, EngineError, Waiting
from cot_assets.engines.finding.served import look_for_served
from cot_assets.engines.openai.engine import OpenAIEngine
from cot_assets.sampling.plan import PlannedBlock, Prefix, plan_rollouts, sampling_of
from cot_assets.sampling.run import SamplingStatus, sample_missing
from cot_assets.sampling.shards import ShardStore

pytestmark = pytest.mark.heavy

WORDS = list(b"the tokens of a sentence")


@pytest.fixture
def servers(server: TinyServer) -> Iterator[list[TinyServer]]:
    other = TinyServer()
    other.start()
    yield [server, other]
    other.stop()


@pytest.fixture
def pool(servers: list[TinyServer], folder: Path) -> OpenAIEngine:
    return opened(servers, folder, engine_args={"concurrency": 4})


def plan_of(engine: OpenAIEngine, n: int) -> list[PlannedBlock]:
    return plan_rollouts([Prefix(str(i), (7, 8, i), 2) for i in range(n)], PROTOCOL, engine.describe())


def sample(engine: OpenAIEngine, n: int) -> tuple[list[str], list[str]]:
    """Keys of the blocks that came back, and what was said meanwhile."""
    words = list(engine.sample([block(f"b{i}", (7, 8, i)) for i in range(n)], SAMPLE))
    keys = [word.block.key for word in words if isinstance(word, BlockResult)]
    return keys, [word.text for word in words if isinstance(word, Waiting)]


def test_blocks_go_to_the_server_that_has_the_least_to_do(
    pool: OpenAIEngine, servers: list[TinyServer]
) -> None:
    servers[0].pause, servers[1].pause = 0.6, 0.01
    keys, said = sample(pool, 40)
    assert sorted(keys) == sorted(f"b{i}" for i in range(40))
    slow, fast = (len(each.bodies) for each in servers)
    assert slow + fast == 40
    assert 4 <= slow < fast / 2
    assert not said
    assert servers[0].most == 4, "`concurrency` is that of each server"


def test_addresses_are_no_part_of_a_key(pool: OpenAIEngine, servers: list[TinyServer], folder: Path) -> None:
    for several in (servers[:1], servers[::-1], [servers[1]], servers[0]):
        engine = opened(several, folder)
        assert [p.block.key for p in plan_of(engine, 3)] == [p.block.key for p in plan_of(pool, 3)]


@pytest.mark.parametrize("n_busy", [1, 2])
def test_one_that_stays_busy_for_too_long_is_left_out_and_only_all_end_the_run(
    servers: list[TinyServer], folder: Path, n_busy: int
) -> None:
    engine = opened(servers, folder, engine_args={"concurrency": 2, "wait": 0.5})

    def busy(body: dict[str, Any], number: int) -> None:
        raise Misbehavior(429)

    for each in servers[:n_busy]:
        each.before = busy
    if n_busy == 1:
        keys, said = sample(engine, 12)
        assert sorted(keys) == sorted(f"b{i}" for i in range(12))
        assert any("is left out (HTTP 429" in text for text in said)
    else:
        with pytest.raises(EngineError, match=r"away for .*HTTP 429"):
            sample(engine, 12)


def test_one_dies_in_mid_run_and_is_taken_back(
    pool: OpenAIEngine, servers: list[TinyServer], tmp_path: Path
) -> None:
    plan, store, said = plan_of(pool, 30), ShardStore(tmp_path, "rollout", "m"), list[str]()
    one, dying = servers
    one.pause = dying.pause = 0.02
    before = 0

    def report(status: SamplingStatus) -> None:
        nonlocal before
        if status.n_blocks == 15 and dying.is_up:
            dying.stop()
            before = len(dying.bodies)
        if status.n_blocks == 35 and not dying.is_up:
            dying.start()
            one.pause = 0.4  # the run cannot end before the other is back
        if status.waiting_for and status.waiting_for not in said[-1:]:
            said.append(status.waiting_for)

    status = sample_missing(pool, plan, sampling_of(PROTOCOL), store, report)
    assert (status.n_blocks, status.n_done) == (60, 60 * 16)
    assert len(said) == 2
    assert (
        f"{dying.url} is left out (no connection" in said[0]
        or f"{dying.url} is left out (the connection was lost" in said[0]
    )
    assert "1 of 2 go on" in said[0]
    assert f"{dying.url} is back" in said[1]
    assert len([body for body in dying.bodies[before:] if body["n"] == 16]) > 0, "it has work again"
    rows = store.read([p.block.key for p in plan])
    assert rows.height == 60 * 16
    assert not rows.select("block_key", "sample_index").is_duplicated().any()
    asked = sum(body["n"] == 16 for each in servers for body in each.bodies)
    assert asked <= 60 + 4, "only what the dead server was working on is asked for again"


@pytest.mark.parametrize("status", [0, 502, 503])
def test_no_block_is_lost_to_a_server_that_is_always_away(
    pool: OpenAIEngine, servers: list[TinyServer], status: int
) -> None:
    def fail(body: dict[str, Any], number: int) -> None:
        raise Misbehavior(status)

    servers[1].before = fail
    keys, said = sample(pool, 12)
    assert len(set(keys)) == 12
    assert len(said) == 1, "once"


@pytest.mark.parametrize("status", [500, 401, 404])
def test_what_one_server_fails_at_another_is_asked(
    servers: list[TinyServer], folder: Path, status: int
) -> None:
    engine = opened(servers, folder, engine_args={"attempts": 2})

    def fail(body: dict[str, Any], number: int) -> None:
        raise Misbehavior(status)

    servers[0].before = fail
    assert len(sample(engine, 12)[0]) == 12
    servers[1].before = fail
    with pytest.raises(EngineError, match=f"HTTP {status}"):
        sample(engine, 1)


def test_all_that_are_away_are_named_after_a_wait(servers: list[TinyServer], folder: Path) -> None:
    engine = opened(servers, folder, engine_args={"wait": 0.4})
    for each in servers:
        each.stop()
    with pytest.raises(EngineError, match=r"away for.*kept.*engine_args\.wait") as caught:
        sample(engine, 8)
    for each in servers:
        assert re.search(rf"{each.url}: away for \d+ s \(no connection", str(caught.value))


def test_a_run_waits_where_all_are_away_and_goes_on_with_the_first(
    pool: OpenAIEngine, servers: list[TinyServer]
) -> None:
    found: list[str] = []
    for word in pool.sample((block(f"b{i}", (7, 8, i)) for i in range(30)), SAMPLE):
        if isinstance(word, BlockResult):
            found.append(word.block.key)
            if len(found) == 5:
                for each in servers:
                    each.stop()
        elif "waiting until" in word.text and not any(each.is_up for each in servers):
            assert all(each.url in word.text for each in servers)
            servers[1].start()
    assert len(set(found)) == len(found) == 30


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"models": [{"id": "other", "root": "tiny"}]}, "id: tiny and other"),
        ({"models": [{"id": "tiny", "root": "step-2"}]}, "root: tiny and step-2"),
        ({"models": [{"id": "tiny", "root": "tiny", "max_model_len": 9}]}, "max_model_len: None and 9"),
        ({"models": [{"id": "tiny", "root": "tiny", "meta": {"size": 9}}]}, "weights: {} and {'size': 9}"),
        ({"takes_ids": False}, "takes_ids: True and False"),
        ({"takes_extras": False}, "takes_extras: True and False"),
        ({"tokens": [1, 2]}, "tokens of a sentence"),
    ],
)
def test_servers_of_different_models_are_refused_before_anything_is_sampled(
    servers: list[TinyServer], folder: Path, change: dict[str, Any], said: str
) -> None:
    servers[0].tokens = WORDS
    for name, value in change.items():
        setattr(servers[1], name, value)
    message = refusal(servers, folder)
    assert said in message
    assert all(each.url in message for each in servers)
    assert all(body["max_tokens"] == 2 for each in servers for body in each.bodies)
    assert len(servers[1].bodies) >= 1


def test_the_same_weights_in_another_folder_are_told_by_a_revision(
    servers: list[TinyServer], folder: Path
) -> None:
    servers[1].models = [{"id": "tiny", "root": "/elsewhere/tiny", "max_model_len": 50}]
    engine = opened(servers, folder, revision="r1")
    assert (engine.describe().model_revision, engine.describe().context) == ("r1", 50)


def test_one_that_is_away_at_the_start_is_taken_in_later(servers: list[TinyServer], folder: Path) -> None:
    servers[0].stop()
    engine = opened(servers, folder, engine_args={"concurrency": 2})
    servers[0].start()
    servers[1].pause = 0.1
    keys, said = sample(engine, 30)
    assert len(set(keys)) == 30
    assert all(
        f"{servers[0].url} is {what}" in line for what, line in zip(("left out", "back"), said, strict=True)
    )
    assert any(body["n"] == 16 for body in servers[0].bodies)


def test_one_that_comes_back_with_another_model_stays_out(
    pool: OpenAIEngine, servers: list[TinyServer]
) -> None:
    servers[0].stop()
    assert len(sample(pool, 4)[0]) == 4
    servers[0].models = [{"id": "tiny", "root": "another"}]
    servers[0].start()
    servers[0].bodies.clear()
    servers[1].pause = 0.2
    keys, said = sample(pool, 30)
    assert len(set(keys)) == 30
    (line,) = said
    assert "stays out" in line
    assert "root: tiny and another" in line
    assert all(body["n"] == 2 for body in servers[0].bodies)


def test_each_server_must_draw(pool: OpenAIEngine, servers: list[TinyServer]) -> None:
    """The other one's draws say nothing of it."""
    draw = random.Random(1)

    def draws(answer: dict[str, Any], body: dict[str, Any]) -> None:
        is_trial = body["temperature"] > 1
        for choice in answer["choices"]:
            choice["token_ids"] = [draw.randrange(10, 60) if is_trial else 30 for _ in range(10)]

    def copies(answer: dict[str, Any], body: dict[str, Any]) -> None:
        for choice in answer["choices"]:
            choice["token_ids"] = [30] * 10

    servers[0].after, servers[1].after = draws, copies
    with pytest.raises(
        EngineError, match=rf"{servers[1].url}: the server gives the same completion again and again"
    ):
        sample(pool, 12)


def test_ids_are_found_at_whichever_answers(servers: list[TinyServer], folder: Path) -> None:
    lab = entry(servers, folder, discover=True)
    servers[0].stop()
    assert list(look_for_served(lab)[0]) == ["m.tiny"]
    servers[1].stop()
    with pytest.raises(OSError, match="does not say which models") as caught:
        look_for_served(lab)
    assert all(each.url in str(caught.value) for each in servers)


def test_a_server_that_hangs_is_left_out(servers: list[TinyServer], folder: Path) -> None:
    engine = opened(servers, folder, engine_args={"timeout": 0.3})
    servers[0].before = lambda body, number: time.sleep(1.0)
    keys, said = sample(engine, 8)
    assert len(set(keys)) == 8
    assert f"{servers[0].url} is left out (no answer within 0.3 s)" in said[0]


def test_the_others_do_not_wait_for_one_that_hangs_at_the_start(
    servers: list[TinyServer], folder: Path
) -> None:
    servers[0].before = lambda body, number: time.sleep(8.0)
    started = time.monotonic()
    engine = opened(servers, folder, engine_args={"wait_at_start": 2.0})
    assert time.monotonic() - started < 7.5
    keys, said = sample(engine, 4)
    assert len(set(keys)) == 4
    assert f"{servers[0].url} is left out (no answer within 2 s)" in said[0]
