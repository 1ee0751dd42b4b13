"""The engine for served models and answers that are none: nothing of them is kept, the other blocks are."""

from __future__ import annotations

import gzip
import json
import resource
import time
import zlib
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from served_models import opened, refusal
from support.engine_suite import HOT, SAMPLE, block, run
from support.served import Misbehavior, TinyServer, text_of

from cot_assets.engines.base import BlockResult, Completion, EngineError
from cot_assets.engines.openai.engine import OpenAIEngine

BAD = 99  #: the first token of the prompt that a fault is about
Change = Callable[[dict[str, Any]], object]


def fault(change: Change) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    """A change of the answers to one block."""

    def after(answer: dict[str, Any], body: dict[str, Any]) -> None:
        if body["prompt"][:1] in ([BAD], "☠"):
            change(answer)

    return after


def of_first(**changes: Any) -> Change:
    return lambda answer: answer["choices"][0].update(changes)


def of_usage(**changes: Any) -> Change:
    return lambda answer: answer["usage"].update(changes)


UNSOUND: dict[str, tuple[Change, str]] = {
    "text is missing": (lambda a: a["choices"][0].pop("text"), "text is missing"),
    "text is null": (of_first(text=None), "text is missing or null"),
    "text is a number": (of_first(text=3), "choices[0].text"),
    "reasoning": (of_first(text=None, reasoning_content="So 4."), "reasoning_content holds what the model wrote"),
    "reasoning and no text": (of_first(text="", reasoning="So 4."), "reasoning holds what the model wrote"),
    "reasoning beside text": (of_first(thinking="So"), "thinking holds what the model wrote"),
    "chat": (of_first(message={"content": "4"}, text=None), "message holds what the model wrote"),
    "chat and no text": (of_first(message={"content": "4"}, text=""), "message holds what the model wrote"),
    "a tool is called": (of_first(text="", tool_calls=[{"id": "1"}]), "tool_calls holds what the model wrote"),
    "a function is called": (of_first(text="", function_call={"name": "f"}), "function_call holds"),
    "a refusal": (of_first(text="", refusal="No."), "refusal holds what the model wrote"),
    "half a surrogate": (of_first(text="x\ud800"), "half a surrogate pair"),
    "index is a text": (of_first(index="0"), "choices[0].index"),
    "index is a truth": (of_first(index=True), "choices[0].index"),
    "index is negative": (of_first(index=-1), "choices[0].index"),
    "index is beyond n": (of_first(index=16), "it numbers its 16 completions ["),
    "indices are alike": (of_first(index=3), "it numbers its 16 completions ["),
    "ids are texts": (of_first(token_ids=["1", "2"]), "choices[0].token_ids[0]"),
    "ids are fractions": (of_first(token_ids=[1.5]), "choices[0].token_ids[0]"),
    "ids are null": (of_first(token_ids=None), "a completion has no token_ids"),
    "ids are a number": (of_first(token_ids=7), "choices[0].token_ids"),
    "an id is negative": (of_first(token_ids=[5, -1]), "token id -1 lies outside the 330"),
    "an id is too large": (of_first(token_ids=[330]), "token id 330 lies outside the 330"),
    "an id is enormous": (of_first(token_ids=[2**70]), "token id 1180591620717411303424 lies outside"),
    "beyond the budget": (of_first(token_ids=[5] * 25), "has 25 tokens, beyond the budget of 24"),
    "another prompt": (of_first(prompt_token_ids=[1]), "did not continue the token ids"),
    "finish_reason is a number": (of_first(finish_reason=1), "choices[0].finish_reason"),
    "no choices": (lambda a: a.pop("choices"), "choices"),
    "choices are null": (lambda a: a.update(choices=None), "choices"),
    "choices are empty": (lambda a: a.update(choices=[]), "holds 0 completions, not 16"),
    "a choice is missing": (lambda a: a["choices"].pop(), "holds 15 completions, not 16"),
    "a choice is a text": (lambda a: a.update(choices=["x"] * 16), "choices[0]"),
    "usage is a list": (lambda a: a.update(usage=[]), "usage"),
    "counts are texts": (of_usage(completion_tokens="3"), "usage.completion_tokens"),
    "counts are negative": (of_usage(completion_tokens=-3), "usage.completion_tokens"),
    "counts are huge": (of_usage(completion_tokens=10**30), "usage.completion_tokens"),
    "counts are beyond the budget": (of_usage(completion_tokens=16 * 24 + 1), "beyond 16 x 24"),
    "a cut prompt": (of_usage(prompt_tokens=2), "usage.prompt_tokens is 2, but 3 were sent"),
    "a wrapped prompt": (of_usage(prompt_tokens=23), "usage.prompt_tokens is 23, but 3 were sent"),
    "a fractional count": (of_usage(prompt_tokens=3.5), "usage.prompt_tokens"),
    "another model": (lambda a: a.update(model="other-7b"), "comes from the model 'other-7b', not tiny"),
    "the model is a number": (lambda a: a.update(model=7), "model"),
    "an error at the top": (lambda a: (a.clear(), a.update(object="error", message="no room")), "it says: {'object': 'error', 'message': 'no room'}"),
    "an error with status 200": (lambda a: (a.clear(), a.update(error={"message": "no memory"})), "no memory"),
}  # fmt: skip


@pytest.mark.parametrize("kind", UNSOUND)
def test_an_answer_that_is_not_sound_fails_its_block_alone(
    server: TinyServer, folder: Path, kind: str
) -> None:
    change, said = UNSOUND[kind]
    engine = opened(server, folder, engine_args={"attempts": 3})
    server.after = fault(change)
    kept: list[str] = []
    blocks = [block("bad", (BAD, 8, 9)), *(block(f"b{i}", (7, 8, i)) for i in range(10))]

    def take_all() -> None:
        kept.extend(r.block.key for r in engine.sample(blocks, SAMPLE) if isinstance(r, BlockResult))

    with pytest.raises(EngineError) as caught:
        take_all()
    assert sorted(kept) == sorted(b.key for b in blocks[1:])
    assert sum(body["prompt"][0] == BAD for body in server.bodies) == 3
    for part in ("'m'", server.url, "no sound answer", said, "run again"):
        assert part in str(caught.value)


BYTES: dict[str, tuple[bytes, dict[str, str], str]] = {
    "bad gzip": (b"\x1f\x8bnot at all", {"Content_Encoding": "gzip"}, "gzip is damaged"),
    "cut gzip": (gzip.compress(b"[]" * 999)[:20], {"Content_Encoding": "gzip"}, "no JSON object"),
    "a bomb": (gzip.compress(bytes(300 << 20), 1), {"Content_Encoding": "gzip"}, "larger than"),
    "a bomb, deflated": (zlib.compress(bytes(300 << 20), 1), {"Content_Encoding": "deflate"}, "larger than"),
    "packed otherwise": (b"{}", {"Content_Encoding": "br"}, "packed with 'br'"),
    "too large": (b'{"choices": [' + b"0," * (8 << 20) + b"0]}", {}, "larger than"),
    "cut JSON": (b'{"choices": [{"text": "x', {}, "no JSON object"),
    "a page": (b"<html>It works!</html>", {}, "is this the base URL?"),
    "empty": (b"", {}, "(empty)"),
    "a list": (b"[1, 2]", {}, "no JSON object"),
    "deep JSON": (b'{"choices": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", {}, "no JSON object"),
    "no text": (b"\xff\xfe\x00\x01", {}, "no JSON object"),
    "long numbers": (b'{"choices": ' + b"9" * 5000 + b"}", {}, "no JSON object"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BYTES)
def test_bytes_that_are_no_answer_are_named(server: TinyServer, folder: Path, kind: str) -> None:
    content, headers, said = BYTES[kind]
    engine = opened(server, folder, engine_args={"attempts": 2})

    def misbehave(body: dict[str, Any], number: int) -> None:
        raise Misbehavior(200, content, **headers)

    server.before = misbehave
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(EngineError, match="no sound answer") as caught:
        run(engine, [block("a", (7, 8, 9))])
    assert said in str(caught.value)
    assert len(server.bodies) == 2
    assert len(str(caught.value)) < 1500
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 << 10, "KiB more than before"


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("Deflate", zlib.compress)])
def test_an_answer_that_a_proxy_packs_is_read(
    engine: OpenAIEngine, server: TinyServer, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    def packed(body: dict[str, Any], number: int) -> None:
        raise Misbehavior(200, pack(json.dumps(server.complete(body)).encode()), Content_Encoding=encoding)

    server.before = packed
    assert len(run(engine, [block("a", (7, 8, 9))])) == 1


def test_an_answer_of_one_byte_a_second_has_a_deadline(server: TinyServer, folder: Path) -> None:
    engine = opened(server, folder, engine_args={"timeout": 0.3, "wait": 1.0})

    def drip(body: dict[str, Any], number: int) -> None:
        raise Misbehavior(200, b" " * 600, drip=0.05)

    server.before = drip
    started = time.monotonic()
    with pytest.raises(EngineError, match=r"no answer within 0\.3 s"):
        run(engine, [block("a", (7,))])
    assert time.monotonic() - started < 3


def test_one_bad_answer_is_asked_for_again(engine: OpenAIEngine, server: TinyServer) -> None:
    def once(body: dict[str, Any], number: int) -> None:
        if number == 1:
            raise Misbehavior(200, '{"choices": [')

    server.before = once
    assert len(run(engine, [block("a", (7,))])) == 1


def test_a_server_that_answers_nothing_sound_is_given_up_soon(server: TinyServer, folder: Path) -> None:
    engine = opened(server, folder, engine_args={"attempts": 1, "concurrency": 4})
    server.after = lambda answer, body: answer.clear()
    with pytest.raises(EngineError, match=r"so failed \d\d blocks"):
        run(engine, [block(f"b{i}", (7, i)) for i in range(500)])
    assert len(server.bodies) < 30


@pytest.mark.parametrize("reason", ["content_filter", "repetition", "abort", None, "tool_calls"])
def test_ends_that_are_not_known_are_kept_and_marked(
    engine: OpenAIEngine, server: TinyServer, reason: str
) -> None:
    def cut(answer: dict[str, Any], body: dict[str, Any]) -> None:
        for choice in answer["choices"][:3]:
            choice |= {"token_ids": [5], "finish_reason": reason}

    server.after = cut
    (result,) = run(engine, [block("a", (7, 8))])
    marked = [c for c in result.completions if c.finish_reason not in ("stop", "length")]
    assert marked == [Completion((5,), "content_filter" if reason == "content_filter" else "unknown")] * 3


@pytest.mark.parametrize("name", ["stop_reason", "matched_stop", "stopping_word"])
@pytest.mark.parametrize(
    ("said", "is_marked"), [("Question:", True), (2, False), ("</s>", False), ("eos", False), ("", False)]
)
def test_a_stop_string_that_nobody_asked_for_marks_its_rollouts(
    engine: OpenAIEngine, server: TinyServer, name: str, said: object, is_marked: bool
) -> None:
    def stop(answer: dict[str, Any], body: dict[str, Any]) -> None:
        for choice in answer["choices"]:
            choice |= {name: said, "finish_reason": "stop", "token_ids": choice["token_ids"][:5]}

    server.after = stop
    (result,) = run(engine, [block("a", (7, 8))])
    assert {c.finish_reason for c in result.completions} == {"unknown" if is_marked else "stop"}


@pytest.mark.parametrize("returns_ids", [True, False])
def test_a_limit_of_the_servers_own_is_noted(server: TinyServer, folder: Path, returns_ids: bool) -> None:
    server.returns_ids = returns_ids
    engine = opened(server, folder)

    def limit(answer: dict[str, Any], body: dict[str, Any]) -> None:
        for choice in answer["choices"]:
            choice |= {"finish_reason": "length", "token_ids": choice.get("token_ids", [])[:5] or None}

    server.after = limit
    run(engine, [block("a", (7, 8), budget=48)])
    assert "16 completions ended by their length before their budget" in engine.describe().note


def test_a_count_tells_of_texts_that_ended_before_their_budget(server: TinyServer, folder: Path) -> None:
    engine = opened(server, folder, engine_args={"prompts": "text"})

    def cut(answer: dict[str, Any], body: dict[str, Any]) -> None:
        for choice in answer["choices"]:
            choice["finish_reason"] = "length"
        answer["usage"]["completion_tokens"] = 5 * len(answer["choices"])

    server.after = cut
    run(engine, [block("a", (7, 8), budget=5)])
    assert "ended by their length" not in engine.describe().note
    run(engine, [block("b", (7, 8), budget=7)])
    assert "1 completions ended by their length before their budget" in engine.describe().note


def test_a_text_that_is_a_part_of_what_was_written_is_not_kept(server: TinyServer, folder: Path) -> None:
    engine = opened(server, folder, engine_args={"prompts": "text"})

    def parse(answer: dict[str, Any], body: dict[str, Any]) -> None:
        answer["usage"]["completion_tokens"] = 40 * len(answer["choices"])

    server.after = parse
    with pytest.raises(EngineError, match=r"completion_tokens is 640, but the texts have \d+ tokens: a part"):
        run(engine, [block("a", (7, 8), budget=48)])


KEY = "sk-very/secret-0123456789"


@pytest.mark.parametrize("returns_ids", [True, False])
def test_a_key_that_the_server_repeats_is_kept_nowhere(
    server: TinyServer, folder: Path, monkeypatch: pytest.MonkeyPatch, returns_ids: bool
) -> None:
    monkeypatch.setenv("TINY_KEY", KEY)
    server.returns_ids = returns_ids
    server.models[0]["owned_by"] = f"owner of {KEY}"
    engine = opened(server, folder, api_key_variable="TINY_KEY")

    def repeat(answer: dict[str, Any], body: dict[str, Any]) -> None:
        for choice in answer["choices"]:
            text = f"Authorization: Bearer {KEY}."
            choice |= {"text": text}
            if returns_ids:
                choice["token_ids"] = list(engine.encode(text).token_ids)

    server.after = repeat
    (result,) = run(engine, [block("a", (7, 8), n=3, budget=60)])
    assert {engine.decode(c.token_ids) for c in result.completions} == {"Authorization: Bearer ***."}
    assert KEY not in str(engine.describe())


def in_turn(*texts: list[int]) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    """Answers that are these texts over and over."""

    def after(answer: dict[str, Any], body: dict[str, Any]) -> None:
        for choice, ids in zip(answer["choices"], cycle(texts), strict=False):
            choice |= {
                "token_ids": [*ids[: body["max_tokens"]], 2],
                "text": text_of(ids[: body["max_tokens"]]),
            }

    return after


@pytest.mark.parametrize(
    "texts",
    [[[*range(30, 40)]], [[30, 31]], [[30]], [[i, *range(30, 50)] for i in range(10, 16)]],
    ids=["long", "short", "of one token", "six in turn"],
)
def test_a_server_that_gives_the_same_texts_again_and_again_is_refused(
    server: TinyServer, folder: Path, texts: list[list[int]]
) -> None:
    engine = opened(server, folder)
    server.after = in_turn(*texts)
    kept: list[str] = []
    with pytest.raises(EngineError, match="the same completion again and again"):
        kept.extend(r.block.key for r in engine.sample([block(f"b{i}", (7, i)) for i in range(4)], SAMPLE)
                    if isinstance(r, BlockResult))  # fmt: skip
    assert kept == []


def test_equal_traces_are_seen_as_well(server: TinyServer, folder: Path) -> None:
    engine = opened(server, folder)
    server.after = in_turn([*range(30, 40)])
    with pytest.raises(EngineError, match="the same completion again and again"):
        run(engine, [block(f"b{i}", (7,), n=1) for i in range(2)])


def test_one_prefix_after_which_all_is_said_is_kept(engine: OpenAIEngine, server: TinyServer) -> None:
    server.after = in_turn([30, 31])
    assert len(run(engine, [block("a", (7, 8))])) == 1


def test_a_prefix_that_leaves_nothing_open_is_none(server: TinyServer, folder: Path) -> None:
    """Its server draws where there is something to draw, which is seen once for many such blocks."""
    server.seed = 3
    server.stop()
    server.start()
    engine = opened(server, folder)

    def certain(answer: dict[str, Any], body: dict[str, Any]) -> None:
        if body["temperature"] == 1.0:
            in_turn([*range(30, 40)])(answer, body)

    server.after = certain
    assert len(run(engine, [block(f"b{i}", (7, i)) for i in range(40)])) == 40
    assert 1 < sum(body["temperature"] == HOT.temperature for body in server.bodies) <= 4


@pytest.mark.parametrize("n", [16, 1])
@pytest.mark.parametrize("does_cache", [False, True], ids=["seeds passed over", "a cache answers"])
def test_copies_are_not_kept_where_a_server_begins_to_give_them(
    server: TinyServer, folder: Path, does_cache: bool, n: int
) -> None:
    """It drew when it was tried: after it was started again, say, it does not."""
    engine, certain, cached = opened(server, folder), in_turn([*range(30, 40)]), dict[str, Any]()
    prefixes = [(7, i) if n > 1 else (7,) for i in range(40)]

    def first(answer: dict[str, Any], body: dict[str, Any]) -> None:
        if body["temperature"] == 1.0:
            certain(answer, body)
        else:
            cached[str(body["prompt"])] = answer["choices"]

    server.after = first
    assert len(run(engine, [block(f"a{i}", ids, n=n) for i, ids in enumerate(prefixes)])) == 40

    def later(answer: dict[str, Any], body: dict[str, Any]) -> None:
        if does_cache and body["temperature"] != 1.0:
            answer["choices"] = cached[str(body["prompt"])]
        else:
            certain(answer, body)

    server.after = later
    kept: list[str] = []
    with pytest.raises(EngineError, match="the same completion again and again"):
        kept.extend(r.block.key for r in engine.sample((block(f"b{i}", ids, n=n) for i, ids in enumerate(prefixes)), SAMPLE)
                    if isinstance(r, BlockResult))  # fmt: skip
    assert kept == []


def test_an_unsound_server_is_named_at_once(server: TinyServer, folder: Path) -> None:
    server.after = lambda answer, body: answer["choices"][0].update(text=None)
    assert "text is missing or null" in refusal(server, folder, engine_args={"attempts": 2})


def test_the_tokenizer_of_another_model_is_named(server: TinyServer, folder: Path) -> None:
    """A server says so of a prompt; it is not asked again and again, nor in text."""

    def before(body: dict[str, Any], number: int) -> None:
        raise Misbehavior(400, json.dumps({"error": {"message": "Prompt contains invalid tokens"}}))

    server.before = before
    said = refusal(server, folder)
    assert "it is that of another model" in said
    assert str(folder) in said
    assert len(server.bodies) == 1
