"""The engine for served models, over real HTTP with a server that misbehaves; vLLM's is in tests/vllm."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from served_models import entry, opened, refusal
from support.engine_suite import GREEDY, block, completions, run
from support.served import Misbehavior, TinyServer
from support.sums import PROTOCOL

from cot_assets.engines.base import Completion, EngineError
from cot_assets.engines.openai.engine import OpenAIEngine
from cot_assets.sampling.plan import Prefix, plan_rollouts, sampling_of
from cot_assets.sampling.run import SamplingStatus, sample_missing
from cot_assets.sampling.shards import ShardStore

KEY = "sk-very-secret-0123456789"


def test_token_ids_go_in_and_come_out(engine: OpenAIEngine, server: TinyServer) -> None:
    (result,) = run(engine, [block("a", (7, 8, 9), budget=40)])
    assert {len(c.token_ids) for c in result.completions} == {5}  # EOS taken off
    assert {i for c in result.completions for i in c.token_ids} <= set(range(10, 60))
    assert {c.finish_reason for c in result.completions} == {"stop"}
    assert (result.prompt_tokens, result.generated_tokens) == (3, 16 * 6)
    (body,) = server.bodies
    assert (body["prompt"], body["n"], body["max_tokens"], body["model"]) == ([7, 8, 9], 16, 40, "tiny")
    assert (body["temperature"], body["top_p"], body["stop_token_ids"]) == (1.0, 1.0, [2])
    assert (body["top_k"], body["min_p"], body["repetition_penalty"]) == (-1, 0.0, 1.0)
    assert not engine.describe().is_retokenized
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
    assert all("seed" not in body for body in server.bodies)


def test_one_request_is_enough_for_greedy(engine: OpenAIEngine, server: TinyServer) -> None:
    found = completions(engine, [block("a", (7,))], GREEDY)["a"]
    assert len(found) == 16
    assert [body["n"] for body in server.bodies] == [1]


@pytest.mark.parametrize(
    ("can", "is_retokenized", "prompt"),
    [
        ({}, False, list),
        ({"takes_extras": False}, True, list),
        ({"takes_ids": False}, True, str),
        ({"takes_ids": False, "takes_extras": False}, True, str),
    ],
)
def test_it_finds_out_what_the_server_can(
    server: TinyServer, folder: Path, can: dict[str, bool], is_retokenized: bool, prompt: type
) -> None:
    for name, value in can.items():
        setattr(server, name, value)
    engine = opened(server, folder)
    ids = engine.encode("Then 144 = 11 * 13 + 1.").token_ids
    found = completions(engine, [block("a", ids, budget=3)])["a"]
    assert engine.describe().is_retokenized == is_retokenized
    assert isinstance(server.bodies[0]["prompt"], prompt)
    if prompt is str:
        assert server.bodies[0]["prompt"] == "Then 144 = 11 * 13 + 1."
    if is_retokenized:
        assert {len(engine.decode(c.token_ids)) for c in found} == {3}


def test_a_server_that_takes_ids_but_gives_text_is_retokenized(server: TinyServer, folder: Path) -> None:
    server.returns_ids = False
    engine = opened(server, folder)
    assert engine.describe().is_retokenized
    assert "returns no token ids" in refusal(server, folder, engine_args={"prompts": "token_ids"})


def test_a_server_that_gives_one_completion_at_a_time(server: TinyServer, folder: Path) -> None:
    server.takes_n = False
    engine = opened(server, folder)
    (result,) = run(engine, [block("a", (7,), budget=3)])
    assert len(result.completions) == 16
    assert result.generated_tokens == 48
    assert len({body["seed"] for body in server.bodies}) == 16


def test_text_prompts_hold_special_tokens_but_no_second_bos(server: TinyServer, folder: Path) -> None:
    engine = opened(server, folder, engine_args={"prompts": "text"})
    run(engine, [block("a", (1, *engine.encode("Hi").token_ids, 2))])
    assert server.bodies[0]["prompt"] == "<s>Hi</s>"  # this tokenizer adds no BOS of its own


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


@pytest.mark.parametrize("said", [{"max_model_len": 50}, {"meta": {"n_ctx": 50}}, {"context_length": 50}])
def test_a_budget_is_cut_to_the_context_that_the_server_names(
    server: TinyServer, folder: Path, said: dict[str, Any]
) -> None:
    server.models[0] |= said
    engine = opened(server, folder)
    assert engine.describe().context == 50
    found = completions(engine, [block("a", (7, 8, 9), budget=48), block("full", (7,) * 50)])
    assert [body["max_tokens"] for body in server.bodies] == [47]
    assert found["full"] == (Completion((), "length"),) * 16


@pytest.mark.parametrize(
    ("models", "name", "said"),
    [
        ([], None, "serves nothing yet; load a model there"),
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
    assert revisions[0] == "mine"
    assert revisions[1] == revisions[2] != revisions[3]
    assert all(r.startswith("unverified-") for r in revisions[1:])


def test_other_weights_under_one_name_have_another_revision(server: TinyServer, folder: Path) -> None:
    revisions: list[str] = []
    for size in (400, 400, 700):
        server.models = [
            {"id": "tiny", "meta": {"n_params": 100, "size": size, "n_ctx": 64}}
        ]  # as llama.cpp says
        engine = opened(server, folder)
        revisions.append(engine.describe().model_revision)
    assert revisions[0] == revisions[1] != revisions[2]


@pytest.mark.parametrize("field", ["root", "id"])
def test_without_a_path_the_tokenizer_is_that_of_the_model_that_the_server_has_loaded(
    server: TinyServer, folder: Path, field: str
) -> None:
    server.models = [{"id": "tiny", field: str(folder)}]
    engine, named = opened(server, folder, path=None), opened(server, folder)
    ids = engine.encode("Then 144 = 11 * 13 + 1.")
    assert ids == named.encode("Then 144 = 11 * 13 + 1.")
    assert engine.describe() == named.describe()


@pytest.mark.parametrize("told", ["/nowhere/tiny", "tiny", "models/tiny.gguf", "../../etc", ""])
def test_a_tokenizer_that_is_not_here_is_asked_for(server: TinyServer, folder: Path, told: str) -> None:
    server.models = [{"id": "tiny", "root": told}]
    message = refusal(server, folder, path=None)
    assert "its tokenizer is not found" in message
    assert "in `path`" in message


def test_token_ids_that_mean_another_text_to_the_server_are_refused(server: TinyServer, folder: Path) -> None:
    engine = opened(server, folder)
    server.meaning = engine.decode
    opened(server, folder)
    server.meaning = lambda ids: engine.decode([i + 1 for i in ids])
    assert "tokenizer is that of another model" in refusal(server, folder)
    opened(server, folder, engine_args={"prompts": "text"})  # no ids travel


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
    for odd in ("schlüssel", "two\nlines"):
        monkeypatch.setenv("TINY_KEY", odd)
        said = refusal(server, folder, api_key_variable="TINY_KEY")
        assert "TINY_KEY holds what cannot be an API key" in said
        assert odd not in said
    monkeypatch.setenv("TINY_KEY", KEY)
    opened(server, folder, api_key_variable="TINY_KEY")
    assert {h["Authorization"] for h in server.headers} == {f"Bearer {KEY}"}


def test_the_key_is_in_no_error_log_or_description(
    server: TinyServer, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("TINY_KEY", KEY)
    engine = opened(server, folder, api_key_variable="TINY_KEY")

    def repeat(body: dict[str, Any], number: int) -> None:
        raise Misbehavior(403, f'{{"error": "the key {KEY} may not do that"}}')

    server.before = repeat
    with pytest.raises(EngineError) as caught:
        run(engine, [block("a", (7,))])
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
    return sample_missing(engine, plan, sampling_of(PROTOCOL), store, lambda _: None)


def test_a_server_that_repeats_itself_is_refused(server: TinyServer, folder: Path, tmp_path: Path) -> None:
    """Started again with its old seed: what it gives for n = 32 is what it gave for n = 16."""
    store = ShardStore(tmp_path, "rollout", "m")
    assert _sample_from(server, folder, store, seed=1, n=16).n_done == 48
    with pytest.raises(
        EngineError, match=r"over again: the same 16 completions, 16 of them distinct.*--seed"
    ):
        _sample_from(server, folder, store, seed=1, n=32)
    assert len(store.index()) == 3, "the repeat is not kept"
    assert _sample_from(server, folder, store, seed=2, n=32).n_done == 48


def test_equal_blocks_of_a_prefix_that_leaves_nothing_open_are_none(
    server: TinyServer, folder: Path, tmp_path: Path
) -> None:
    store = ShardStore(tmp_path, "rollout", "m")
    assert _sample_from(server, folder, store, seed=None, n=16).n_done == 48
    assert _sample_from(server, folder, store, seed=None, n=32).n_done == 48
