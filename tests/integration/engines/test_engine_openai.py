"""The engine for served models, over real HTTP with a server that misbehaves; vLLM's is in tests/vllm."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from support.engine_suite import GREEDY, SAMPLE, block, completions, run
from support.served import Misbehaviour, TinyServer
from support.sums import PROTOCOL
from support.vocabularies import write_tokenizer

from cot_assets.config import ModelEntry
from cot_assets.engines import served
from cot_assets.engines.base import BlockResult, EngineError, Waiting
from cot_assets.engines.openai import OpenAIEngine
from cot_assets.engines.opening import open_engine
from cot_assets.sampling.plan import Prefix, plan_rollouts, sampling_of
from cot_assets.sampling.run import SamplingStatus, sample_missing
from cot_assets.sampling.shards import ShardStore

KEY = "sk-very-secret-0123456789"


@pytest.fixture(autouse=True)
def _no_long_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "_FIRST_DELAY", 0.01)
    monkeypatch.setattr(served, "_LONGEST_DELAY", 0.05)
    monkeypatch.setattr("cot_assets.engines.openai._HEARTBEAT", 0.05)


@pytest.fixture
def server() -> Iterator[TinyServer]:
    server = TinyServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tokenizer(tmp_path / "tokenizer", "byte_level")


def entry(server: TinyServer, folder: Path, **changes: Any) -> ModelEntry:
    args = {"wait": 5.0, "wait_at_start": 1.0, **changes.pop("engine_args", {})}
    return ModelEntry.model_validate(
        {"name": "m", "engine": "openai", "endpoint": server.url, "path": str(folder), "template": "{statement}",
         "engine_args": args, **changes}
    )  # fmt: skip


@pytest.fixture
def engine(server: TinyServer, folder: Path) -> Iterator[OpenAIEngine]:
    engine = OpenAIEngine(entry(server, folder))
    server.bodies.clear()
    yield engine
    engine.close()
    engine.close()


def opened(server: TinyServer, folder: Path, **changes: Any) -> OpenAIEngine:
    engine = open_engine(entry(server, folder, **changes))
    assert isinstance(engine, OpenAIEngine)
    server.bodies.clear()
    return engine


def refusal(server: TinyServer, folder: Path, **changes: Any) -> str:
    with pytest.raises(EngineError) as caught:
        OpenAIEngine(entry(server, folder, **changes))
    return str(caught.value)


def test_token_ids_go_in_and_come_out(engine: OpenAIEngine, server: TinyServer) -> None:
    (result,) = run(engine, [block("a", (7, 8, 9), budget=40)])
    assert [c.token_ids for c in result.completions] == [(10, 11, 12, 13, 14)] * 16  # EOS taken off
    assert {c.finish_reason for c in result.completions} == {"stop"}
    assert (result.prompt_tokens, result.generated_tokens) == (3, 16 * 6)
    (body,) = server.bodies
    assert (body["prompt"], body["n"], body["max_tokens"], body["model"]) == ([7, 8, 9], 16, 40, "tiny")
    assert (body["temperature"], body["top_p"], body["stop_token_ids"]) == (1.0, 1.0, [2])
    assert (body["top_k"], body["min_p"], body["repetition_penalty"]) == (-1, 0.0, 1.0)
    assert not engine.describe().is_retokenised
    assert not engine.describe().is_reproducible


def test_seeds_differ_and_are_those_of_the_block(engine: OpenAIEngine, server: TinyServer) -> None:
    blocks = [block(f"b{i}", (7,)) for i in range(8)]
    run(engine, blocks)
    run(engine, blocks)
    seeds = [body["seed"] for body in server.bodies]
    assert len(set(seeds)) == 8
    assert sorted(seeds[:8]) == sorted(seeds[8:])
    assert all(0 <= seed < 2**62 for seed in seeds)


def test_seeds_can_be_left_out(server: TinyServer, folder: Path) -> None:
    engine = opened(server, folder, engine_args={"seeds": False})
    run(engine, [block("a", (7,))])
    engine.close()
    assert all("seed" not in body for body in server.bodies)


def test_one_request_is_enough_for_greedy(engine: OpenAIEngine, server: TinyServer) -> None:
    found = completions(engine, [block("a", (7,))], GREEDY)["a"]
    assert len(found) == 16
    assert [body["n"] for body in server.bodies] == [1]


@pytest.mark.parametrize(
    ("can", "is_retokenised", "prompt"),
    [
        ({}, False, list),
        ({"takes_extras": False}, True, list),
        ({"takes_ids": False}, True, str),
        ({"takes_ids": False, "takes_extras": False}, True, str),
    ],
)
def test_it_finds_out_what_the_server_can(
    server: TinyServer, folder: Path, can: dict[str, bool], is_retokenised: bool, prompt: type
) -> None:
    for name, value in can.items():
        setattr(server, name, value)
    engine = opened(server, folder)
    ids = engine.encode("Then 144 = 11 * 13 + 1.").token_ids
    found = completions(engine, [block("a", ids, budget=3)])["a"]
    assert engine.describe().is_retokenised == is_retokenised
    engine.close()
    assert isinstance(server.bodies[0]["prompt"], prompt)
    if prompt is str:
        assert server.bodies[0]["prompt"] == "Then 144 = 11 * 13 + 1."
    if is_retokenised:
        assert engine.decode(found[0].token_ids) == "xxx"


def test_a_server_that_takes_ids_but_gives_text_is_retokenised(server: TinyServer, folder: Path) -> None:
    server.returns_ids = False
    engine = opened(server, folder)
    engine.close()
    assert engine.describe().is_retokenised
    assert "returns no token ids" in refusal(server, folder, engine_args={"prompts": "token_ids"})


def test_a_server_that_gives_one_completion_at_a_time(server: TinyServer, folder: Path) -> None:
    server.takes_n = False
    engine = opened(server, folder)
    (result,) = run(engine, [block("a", (7,), budget=3)])
    engine.close()
    assert len(result.completions) == 16
    assert result.generated_tokens == 48
    assert len({body["seed"] for body in server.bodies}) == 16


def test_text_prompts_hold_special_tokens_but_no_second_bos(server: TinyServer, folder: Path) -> None:
    engine = opened(server, folder, engine_args={"prompts": "text"})
    run(engine, [block("a", (1, *engine.encode("Hi").token_ids, 2))])
    engine.close()
    assert server.bodies[0]["prompt"] == "<s>Hi</s>"  # this tokenizer adds no BOS of its own


@pytest.mark.parametrize("status", [429, 500, 502, 503, 0])
def test_what_passes_is_asked_again(engine: OpenAIEngine, server: TinyServer, status: int) -> None:
    failed: set[int] = set()

    def fail_twice(body: dict[str, Any], number: int) -> None:
        if len(failed) < 2:
            failed.add(number)
            raise Misbehaviour(status)

    server.before = fail_twice
    found = completions(engine, [block(f"b{i}", (7,)) for i in range(3)])
    assert sorted(found) == ["b0", "b1", "b2"]
    assert len(server.bodies) == 3 + 2
    assert len({body["seed"] for body in server.bodies}) == 3  # a repeated request is the same one


@pytest.mark.parametrize("status", [400, 401, 404, 413, 422])
def test_what_is_refused_is_not_asked_again(engine: OpenAIEngine, server: TinyServer, status: int) -> None:
    def refuse(body: dict[str, Any], number: int) -> None:
        raise Misbehaviour(status, '{"error": "no such thing"}')

    server.before = refuse
    with pytest.raises(EngineError, match=rf"'m'.*HTTP {status}.*no such thing"):
        run(engine, [block("a", (7,))])
    assert len(server.bodies) == 1


def test_what_fails_again_and_again_is_given_up(server: TinyServer, folder: Path) -> None:
    engine = opened(server, folder, engine_args={"attempts": 3})

    def fail(body: dict[str, Any], number: int) -> None:
        raise Misbehaviour(500, "out of cheese")

    server.before = fail
    with pytest.raises(EngineError, match=r"completions failed 3 times, at last: HTTP 500: out of cheese"):
        run(engine, [block("a", (7,))])
    engine.close()
    assert len(server.bodies) == 3


def test_a_busy_server_is_given_the_time_it_asks_for(engine: OpenAIEngine, server: TinyServer) -> None:
    times: list[float] = []

    def busy(body: dict[str, Any], number: int) -> None:
        times.append(time.monotonic())
        if len(times) == 1:
            raise Misbehaviour(429, Retry_After="0.4")

    server.before = busy
    run(engine, [block("a", (7,))])
    assert times[1] - times[0] >= 0.39


def test_an_answer_that_takes_too_long_is_asked_for_again(server: TinyServer, folder: Path) -> None:
    engine = opened(server, folder, engine_args={"timeout": 0.3})
    server.before = lambda body, number: time.sleep(1.0) if number == 1 else None
    assert len(run(engine, [block("a", (7,))])) == 1
    engine.close()
    assert len(server.bodies) == 2


def test_no_more_requests_at_once_than_said(server: TinyServer, folder: Path) -> None:
    engine = opened(server, folder, engine_args={"concurrency": 3})
    server.pause = 0.02
    assert len(run(engine, [block(f"b{i}", (7,)) for i in range(12)])) == 12
    engine.close()
    assert server.most == 3


def test_other_blocks_come_back_before_a_refusal_is_raised(engine: OpenAIEngine, server: TinyServer) -> None:
    def refuse_one(body: dict[str, Any], number: int) -> None:
        if body["prompt"] == [666]:
            time.sleep(0.3)
            raise Misbehaviour(400)

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
            raise Misbehaviour(503)

    def report(status: SamplingStatus) -> None:
        if status.waiting_for:
            seen.append(store.index().height)
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
    engine.close()
    assert time.monotonic() - started < 3


def test_closing_the_iterator_cancels_what_runs(engine: OpenAIEngine, server: TinyServer) -> None:
    server.before = lambda body, number: time.sleep(0.5) if number > 1 else None
    results = cast("Any", engine.sample((block(f"b{i}", (7,)) for i in range(1000)), SAMPLE))
    next(results)
    started = time.monotonic()
    results.close()
    assert time.monotonic() - started < 0.4
    server.before = lambda body, number: None
    assert [r.block.key for r in run(engine, [block("after", (7,))])] == ["after"]


def test_a_server_with_another_model_is_noticed(engine: OpenAIEngine, server: TinyServer) -> None:
    whole = server.complete

    def other(body: dict[str, Any]) -> dict[str, Any]:
        answer = whole(body)
        for choice in answer["choices"]:
            choice["prompt_token_ids"] = [5, *body["prompt"]]
        return answer

    server.complete = other  # type: ignore[method-assign]
    with pytest.raises(EngineError, match="did not continue the token ids"):
        run(engine, [block("a", (7,))])


def test_a_budget_that_the_server_cannot_give_is_refused(server: TinyServer, folder: Path) -> None:
    server.models[0]["max_model_len"] = 50
    engine = opened(server, folder)
    with pytest.raises(
        EngineError, match=r"3 tokens with a budget of 48 exceeds the server's max_model_len = 50"
    ):
        run(engine, [block("a", (7, 8, 9), budget=48)])
    run(engine, [block("a", (7, 8, 9), budget=47)])
    engine.close()


@pytest.mark.parametrize(
    ("models", "name", "said"),
    [
        ([], None, "serves several models|it serves: nothing"),
        ([{"id": "a"}, {"id": "b"}], None, "several models; name one in served_name; it serves: a, b"),
        ([{"id": "a"}], "c", "serves no 'c'; it serves: a"),
    ],
)
def test_which_model_is_served(
    server: TinyServer, folder: Path, models: list[dict[str, Any]], name: str | None, said: str
) -> None:
    server.models = models
    with pytest.raises(EngineError, match=said):
        OpenAIEngine(entry(server, folder, served_name=name))


def test_the_revision_is_declared_or_unverified(server: TinyServer, folder: Path) -> None:
    declared = opened(server, folder, revision="mine")
    found = [opened(server, folder) for _ in range(2)]
    server.models[0]["root"] = "another"
    changed = opened(server, folder)
    revisions = [e.describe().model_revision for e in (declared, *found, changed)]
    for engine in (declared, *found, changed):
        engine.close()
    assert revisions[0] == "mine"
    assert revisions[1] == revisions[2] != revisions[3]
    assert all(r.startswith("unverified-") for r in revisions[1:])


def test_a_server_that_is_not_there_is_named_soon(server: TinyServer, folder: Path) -> None:
    server.stop()
    assert f"{server.url}: away for" in refusal(server, folder, engine_args={"wait_at_start": 0.2})


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"concurency": 3}, ["concurency", "there are concurrency"]),
        ({"concurrency": 0}, ["concurrency", "got 0"]),
        ({"prompts": "words"}, ["prompts", "'words'"]),
    ],
)
def test_bad_engine_args_are_named(
    server: TinyServer, folder: Path, args: dict[str, Any], said: list[str]
) -> None:
    message = refusal(server, folder, engine_args=args)
    assert all(part in message for part in ["'m'", *said])


def test_the_key_comes_from_the_environment(
    server: TinyServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TINY_KEY", raising=False)
    assert "TINY_KEY is to hold the API key" in refusal(server, folder, api_key_variable="TINY_KEY")
    assert server.headers == []
    monkeypatch.setenv("TINY_KEY", KEY)
    opened(server, folder, api_key_variable="TINY_KEY").close()
    assert {h["Authorization"] for h in server.headers} == {f"Bearer {KEY}"}


def test_the_key_is_in_no_error_log_or_description(
    server: TinyServer, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("TINY_KEY", KEY)
    engine = opened(server, folder, api_key_variable="TINY_KEY")

    def repeat(body: dict[str, Any], number: int) -> None:
        raise Misbehaviour(403, f'{{"error": "the key {KEY} may not do that"}}')

    server.before = repeat
    with pytest.raises(EngineError) as caught:
        run(engine, [block("a", (7,))])
    engine.close()
    assert "may not do that" in str(caught.value)
    for text in (str(caught.value), repr(caught.value), caplog.text, str(engine.describe())):
        assert KEY not in text


def test_an_answer_that_is_no_json_object_is_named(server: TinyServer, folder: Path) -> None:
    assert "/v1: models: HTTP 404" in refusal(server, folder, endpoint=f"http://127.0.0.1:{server.port}/x/v1")


def _sample_from(
    server: TinyServer, folder: Path, store: ShardStore, *, seed: int | None, n: int
) -> SamplingStatus:
    """A run on a server that was started anew; it takes no seeds and is asked for one block at a time."""
    server.stop()
    server.seed = seed
    server.start()
    engine = opened(server, folder, engine_args={"seeds": False, "concurrency": 1})
    prefixes = [Prefix(str(i), (7, 8, 20 + i), 2) for i in range(3)]
    plan = plan_rollouts(prefixes, PROTOCOL.model_copy(update={"n": n}), engine.describe())
    try:
        return sample_missing(engine, plan, sampling_of(PROTOCOL), store, lambda _: None)
    finally:
        engine.close()


def test_a_server_that_repeats_itself_is_refused(server: TinyServer, folder: Path, tmp_path: Path) -> None:
    """Started again with its old seed: what it gives for n = 32 is what it gave for n = 16."""
    store = ShardStore(tmp_path, "rollout", "m")
    assert _sample_from(server, folder, store, seed=1, n=16).n_done == 48
    with pytest.raises(
        EngineError, match=r"over again: the same 16 completions, 16 of them distinct.*--seed"
    ):
        _sample_from(server, folder, store, seed=1, n=32)
    assert store.index().height == 3, "the repeat is not kept"
    assert _sample_from(server, folder, store, seed=2, n=32).n_done == 48


def test_equal_blocks_of_a_prefix_that_leaves_nothing_open_are_none(
    server: TinyServer, folder: Path, tmp_path: Path
) -> None:
    store = ShardStore(tmp_path, "rollout", "m")
    assert _sample_from(server, folder, store, seed=None, n=16).n_done == 48
    assert _sample_from(server, folder, store, seed=None, n=32).n_done == 48
