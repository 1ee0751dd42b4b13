"""The engine for served models while its server fails, refuses, is slow or away."""

from __future__ import annotations

import re
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, cast

import pytest
from served_models import opened
from support.engine_suite import SAMPLE, block, completions, run
from support.served import Misbehavior, TinyServer
from support.sums import PROTOCOL

from cot_assets.engines.base import BlockResult, EngineError, Waiting
from cot_assets.engines.openai import connection
from cot_assets.engines.openai.engine import OpenAIEngine
from cot_assets.sampling.plan import Prefix, plan_rollouts, sampling_of
from cot_assets.sampling.run import SamplingStatus, sample_missing
from cot_assets.sampling.shards import ShardStore


@pytest.mark.parametrize("status", [429, 500, 502, 503, 0])
def test_what_passes_is_asked_again(engine: OpenAIEngine, server: TinyServer, status: int) -> None:
    failed: set[int] = set()

    def fail_twice(body: dict[str, Any], number: int) -> None:
        if len(failed) < 2:
            failed.add(number)
            raise Misbehavior(status)

    server.before = fail_twice
    found = completions(engine, [block(f"b{i}", (7,)) for i in range(3)])
    assert sorted(found) == ["b0", "b1", "b2"]
    asked = [body["seed"] for body in server.bodies if body["n"] == 16]
    assert len(set(asked)) == 3  # a repeated request is the same one
    assert 3 < len(asked) <= 3 + 2  # what failed may have been the question whether it is back


@pytest.mark.parametrize("status", [400, 401, 404, 405, 422])
def test_what_is_refused_is_not_asked_again(engine: OpenAIEngine, server: TinyServer, status: int) -> None:
    def refuse(body: dict[str, Any], number: int) -> None:
        raise Misbehavior(status, '{"error": "no such thing"}')

    server.before = refuse
    with pytest.raises(EngineError, match=rf"'m'.*HTTP {status}.*no such thing"):
        run(engine, [block("a", (7,))])
    asked = [(body["n"], body["max_tokens"]) for body in server.bodies]
    assert asked == [(16, 24), (1, 1)][: 2 if status in (400, 422) else 1]  # was it refused for its n?


def test_what_fails_again_and_again_is_given_up(server: TinyServer, folder: Path) -> None:
    engine = opened(server, folder, engine_args={"attempts": 3})

    def fail(body: dict[str, Any], number: int) -> None:
        raise Misbehavior(500, "out of cheese")

    server.before = fail
    with pytest.raises(EngineError, match=r"completions failed 3 times, at last: HTTP 500: out of cheese"):
        run(engine, [block("a", (7,))])
    assert len(server.bodies) == 3


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("is_date", [False, True])
def test_a_busy_server_is_given_the_time_it_asks_for(
    engine: OpenAIEngine, server: TinyServer, status: int, is_date: bool
) -> None:
    times: list[float] = []

    def busy(body: dict[str, Any], number: int) -> None:
        times.append(time.monotonic())
        if len(times) == 1:
            date = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
            raise Misbehavior(status, Retry_After=date if is_date else "0.4")

    server.before = busy
    run(engine, [block("a", (7,))])
    assert times[1] - times[0] >= (0.9 if is_date else 0.39)  # dates have whole seconds


def test_a_server_that_fails_at_a_request_alone_is_asked_less_and_less(
    server: TinyServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes the request for two tokens each time, and is away again with the next one."""
    engine = opened(server, folder, engine_args={"wait": 1.0})
    monkeypatch.setattr(connection, "FIRST_DELAY", 0.05)
    monkeypatch.setattr(connection, "LONGEST_DELAY", 10.0)

    def fail(body: dict[str, Any], number: int) -> None:
        if body["n"] == 16:
            raise Misbehavior(503)

    server.before = fail
    with pytest.raises(EngineError, match=r"away for \d+ s \(HTTP 503"):
        run(engine, [block("a", (7,))])
    assert 2 <= sum(body["n"] == 16 for body in server.bodies) <= 5


#: That no clock shows; the last ones are too large for numbers of the machine.
DATES = [
    "Wed, 99 Foo 2026 99:99:99 GMT",
    "Wed, 1 Jan 99999999999 00:00:00 GMT",
    "Wed, 1 Jan 2026 99999999999999999999:00:00 GMT",
]


@pytest.mark.parametrize("after", [*DATES, "nan", "-5", "1e400", "٣", "", "soon"])
def test_nonsense_in_the_place_of_a_time_is_passed_over(
    engine: OpenAIEngine, server: TinyServer, after: str
) -> None:
    def busy(body: dict[str, Any], number: int) -> None:
        if number == 1:
            raise Misbehavior(429, Retry_After=after.encode().decode("latin-1"))

    server.before = busy
    started = time.monotonic()
    run(engine, [block("a", (7,))])
    assert time.monotonic() - started < 2.5


def test_an_answer_that_takes_too_long_is_asked_for_again(server: TinyServer, folder: Path) -> None:
    engine = opened(server, folder, engine_args={"timeout": 0.3})
    server.before = lambda body, number: time.sleep(1.0) if number == 1 else None
    assert len(run(engine, [block("a", (7,))])) == 1
    assert sum(body["n"] == 16 for body in server.bodies) == 2


def test_no_more_requests_at_once_than_said(server: TinyServer, folder: Path) -> None:
    engine = opened(server, folder, engine_args={"concurrency": 3})
    server.pause = 0.2  # all three are there at once, however busy the machine is
    assert len(run(engine, [block(f"b{i}", (7,)) for i in range(12)])) == 12
    assert server.most == 3


def test_other_blocks_come_back_before_a_refusal_is_raised(engine: OpenAIEngine, server: TinyServer) -> None:
    def refuse_one(body: dict[str, Any], number: int) -> None:
        if body["prompt"] == [666]:
            time.sleep(0.3)
            raise Misbehavior(400)

    server.before = refuse_one
    found: list[str] = []
    blocks = [block("bad", (666,)), *(block(f"b{i}", (7,)) for i in range(5))]

    def take_all() -> None:
        found.extend(r.block.key for r in engine.sample(blocks, SAMPLE) if isinstance(r, BlockResult))

    with pytest.raises(EngineError, match="HTTP 400"):
        take_all()
    assert sorted(found) == [f"b{i}" for i in range(5)]


def test_a_run_waits_for_a_server_that_is_away_and_goes_on(
    engine: OpenAIEngine, server: TinyServer, tmp_path: Path
) -> None:
    """Stopped in the middle and started again on its port: every block once, and the run said why it waited."""
    plan = plan_rollouts([Prefix(str(i), (7, 8, i), 2) for i in range(40)], PROTOCOL, engine.describe())
    store, said = ShardStore(tmp_path, "rollout", "m"), list[str]()
    server.pause = 0.01

    def report(status: SamplingStatus) -> None:
        if status.n_blocks == 20 and not said:
            server.stop()
            threading.Timer(0.6, server.start).start()
            said.append("stopped")
        if status.waiting_for:
            said.append(status.waiting_for)

    status = sample_missing(engine, plan, sampling_of(PROTOCOL), store, report)
    assert (status.n_blocks, status.n_done) == (80, 80 * 16)
    assert status.waiting_for is None
    assert any("no connection" in word and "waiting until" in word for word in said)
    assert any(word.endswith("; the run waits for it") for word in said)
    rows = store.read([p.block.key for p in plan])
    assert rows.height == 80 * 16
    assert not rows.select("block_key", "sample_index").is_duplicated().any()


def test_what_came_back_is_saved_while_the_server_is_away(
    engine: OpenAIEngine, server: TinyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows whether it comes back before this process is killed."""
    monkeypatch.setattr("cot_assets.sampling.batches.SECONDS", 0.2)
    plan = plan_rollouts([Prefix("p", (7, 8), 2)], PROTOCOL, engine.describe())
    store, seen = ShardStore(tmp_path, "rollout", "m"), list[int]()

    def fail_second(body: dict[str, Any], number: int) -> None:
        if number > 1:
            raise Misbehavior(503)

    def report(status: SamplingStatus) -> None:
        if status.waiting_for:
            seen.append(len(store.index()))
            if seen[-1]:
                server.before = lambda body, number: None

    server.before = fail_second
    sample_missing(engine, plan, sampling_of(PROTOCOL), store, report)
    assert seen[-1] == 1


def test_the_wait_has_an_end(server: TinyServer, folder: Path) -> None:
    engine = opened(server, folder, engine_args={"wait": 0.3})
    server.stop()
    started = time.monotonic()
    with pytest.raises(EngineError, match=r"away for \d+ s \(no connection.*kept.*engine_args\.wait"):
        assert all(isinstance(word, Waiting) for word in engine.sample([block("a", (7,))], SAMPLE))
    assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"root": "another"}, "root: tiny and another"),
        ({"root": "tiny", "meta": {"size": 9}}, "weights: {} and {'size': 9}"),
    ],
)
def test_another_model_in_the_place_of_one_that_was_away_is_not_asked(
    server: TinyServer, folder: Path, other: dict[str, Any], said: str
) -> None:
    """Under the same name and address: other weights, or the same ones in another quantization."""
    engine, found = opened(server, folder, engine_args={"wait": 2.0, "concurrency": 2}), list[str]()

    def take_all() -> None:
        for word in engine.sample((block(f"b{i}", (7, i)) for i in range(30)), SAMPLE):
            if isinstance(word, BlockResult):
                found.append(word.block.key)
                if len(found) == 4:
                    server.stop()
            elif "is left out" in word.text and not server.is_up:
                server.models = [{"id": "tiny", **other}]
                server.start()

    with pytest.raises(EngineError, match=rf"{server.url}: away for \d+ s \({re.escape(said)}\)"):
        take_all()
    assert 4 <= len(found) <= 4 + 2


def test_a_server_that_hangs_up_on_token_ids_is_sent_text_before_and_after_it_was_away(
    server: TinyServer, folder: Path
) -> None:
    def hang_up(body: dict[str, Any], number: int) -> None:
        if isinstance(body["prompt"], list):
            raise Misbehavior(0)
        if body["n"] == 16 and len(away) < 2:
            away.append(number)
            raise Misbehavior(503)

    away: list[int] = []
    server.before = hang_up
    engine = opened(server, folder)
    assert engine.describe().is_retokenized
    assert len(run(engine, [block(f"b{i}", (7, i)) for i in range(4)])) == 4
    assert away


def test_a_server_that_dies_while_it_is_tried_is_tried_when_it_is_back(
    engine: OpenAIEngine, server: TinyServer
) -> None:
    """Whether it draws, before blocks of equal completions are kept."""

    def copies(answer: dict[str, Any], body: dict[str, Any]) -> None:
        for choice in answer["choices"]:
            choice |= {"token_ids": [30] * min(20, body["max_tokens"])}

    def die(body: dict[str, Any], number: int) -> None:
        if body["temperature"] == 2.0 and not died:
            died.append(number)
            raise Misbehavior(503)

    died: list[int] = []
    server.after, server.before = copies, die
    with pytest.raises(EngineError, match="the same completion again and again"):
        run(engine, [block(f"b{i}", (7, i)) for i in range(4)])
    assert died


def test_closing_the_iterator_cancels_what_runs(engine: OpenAIEngine, server: TinyServer) -> None:
    server.before = lambda body, number: time.sleep(0.5) if number > 1 else None
    results = cast("Any", engine.sample((block(f"b{i}", (7,)) for i in range(1000)), SAMPLE))
    next(results)
    started = time.monotonic()
    results.close()
    assert time.monotonic() - started < 0.4
    server.before = lambda body, number: None
    assert [r.block.key for r in run(engine, [block("after", (7,))])] == ["after"]
