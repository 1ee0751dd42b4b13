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
from support.engine_suite import HOT, SAMPLE, block, completions, run
from support.served import Misbehavior, TinyServer

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
    "chat": (lambda a: a["choices"][0].update(message={"content": "4"}, text=None), "as from a chat endpoint"),
    "half a surrogate": (of_first(text="x\ud800"), "half a surrogate pair"),
    "index is a text": (of_first(index="0"), "choices[0].index"),
    "index is a truth": (of_first(index=True), "choices[0].index"),
    "index is negative": (of_first(index=-1), "choices[0].index"),
    "index is beyond n": (of_first(index=16), "numbers a completion 16, of 16"),
    "ids are texts": (of_first(token_ids=["1", "2"]), "choices[0].token_ids[0]"),
    "ids are fractions": (of_first(token_ids=[1.5]), "choices[0].token_ids[0]"),
    "ids are null": (of_first(token_ids=None), "a completion has no token_ids"),
    "ids are a number": (of_first(token_ids=7), "choices[0].token_ids"),
    "an id is negative": (of_first(token_ids=[5, -1]), "token id -1 is none of the 330"),
    "an id is too large": (of_first(token_ids=[330]), "token id 330 is none of the 330"),
    "an id is enormous": (of_first(token_ids=[2**70]), "token id 1180591620717411303424 is none"),
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
    "cut gzip": (gzip.compress(b"[]" * 999)[:20], {"Content_Encoding": "gzip"}, "gzip ends too soon"),
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


def test_an_answer_of_one_byte_a_second_has_a_deadline(server: TinyServer, folder: Path) -> None:
    engine = opened(server, folder, engine_args={"timeout": 0.3, "attempts": 2})

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


@pytest.mark.parametrize("is_told", [True, False])
@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 50 tokens. However, you requested 64 tokens (40 in the messages, 24 in "
        "the completion).",
        "the request exceeds the available context size (50 tokens), try increasing it",
        "The decoder prompt (length 40) is longer than the maximum model length of 50.",
        "Input is too long for the requested model",
        "max_tokens must be at least 1, got -10",
        "Prompt contains 60 tokens, too large for model with 50 maximum context length",
    ],
)
def test_a_prefix_that_is_too_long_is_marked_and_the_others_are_sampled(
    server: TinyServer, folder: Path, message: str, is_told: bool
) -> None:
    if is_told:
        server.models[0]["max_model_len"] = 50
    engine = opened(server, folder)

    def refuse(body: dict[str, Any], number: int) -> None:
        if len(body["prompt"]) + body["max_tokens"] > 50:
            raise Misbehavior(400, json.dumps({"error": {"message": message}}))

    server.before = refuse
    found = completions(engine, [block("long", (7,) * 60), *(block(f"b{i}", (7, 8, i)) for i in range(39))])
    assert len(found) == 40
    assert [key for key, several in found.items() if not any(c.token_ids for c in several)] == ["long"]
    assert set(found["long"]) == {Completion((), "length")}


@pytest.mark.parametrize("status", [500, 422])
def test_a_server_that_fails_after_a_refusal_has_not_said_that_the_prefix_is_too_long(
    server: TinyServer, folder: Path, status: int
) -> None:
    engine = opened(server, folder, engine_args={"attempts": 1})

    def refuse(body: dict[str, Any], number: int) -> None:
        is_trial = body["max_tokens"] == 1
        raise Misbehavior(
            status if is_trial else 400, '{"error": "CUDA error"}' if is_trial else "prompt is too long"
        )

    server.before = refuse
    with pytest.raises(EngineError, match="CUDA error"):
        run(engine, [block("a", (7,) * 40)])


@pytest.mark.parametrize(
    "message",
    [
        "maximum context length is 50 tokens",
        "the prompt has {prompt} tokens, and {all} do not fit: only 50 fit",
        "the prompt has {prompt} tokens: at most {left} completion tokens remain",
        "{all} tokens exceed the maximum of 50",
    ],
)
def test_a_budget_that_a_refusal_shows_to_be_too_large_is_cut(
    engine: OpenAIEngine, server: TinyServer, message: str
) -> None:
    def refuse(body: dict[str, Any], number: int) -> None:
        prompt, budget = len(body["prompt"]), body["max_tokens"]
        if prompt + budget > 50:
            said = message.format(prompt=prompt, all=prompt + budget, left=50 - prompt)
            raise Misbehavior(400, json.dumps({"error": {"message": said, "code": 400}}))

    server.before = refuse
    found = completions(engine, [block("a", (7,) * 40, budget=24), block("b", (7,) * 45, budget=24)])
    assert len(found) == 2
    taken = {
        (len(b["prompt"]), b["max_tokens"]) for b in server.bodies if len(b["prompt"]) + b["max_tokens"] <= 50
    }
    assert taken == {(40, 10), (45, 5)}


@pytest.mark.parametrize(
    "message",
    [
        '"n" must be between 1 and 4',
        "n: Input should be less than or equal to 4",
        "n must be at most 4",
        "Field 'n': Value must be between 1 <= value <= 4, but got 16",
        "n_cmpl cannot be greater than the number of slots, please increase -np",
        "too many completions: only few are supported",
        "Number of completions requested exceeds the limit",
        "not today",
    ],
)
def test_a_server_that_gives_few_completions_at_a_time(
    server: TinyServer, folder: Path, message: str
) -> None:
    def refuse(body: dict[str, Any], number: int) -> None:
        if body["n"] > 4:
            raise Misbehavior(400, json.dumps({"error": message}))

    server.before = refuse
    engine = opened(server, folder)
    found = completions(engine, [block("a", (7, 8), n=18), block("b", (7,))])
    assert {key: len(several) for key, several in found.items()} == {"a": 18, "b": 16}
    taken = [body["seed"] for body in server.bodies if body["n"] <= 4 and body["max_tokens"] > 1]
    assert len(set(taken)) == 5 + 4  # where no number is named, small parts may have been asked for twice


@pytest.mark.parametrize(
    "message", ["n must be 1", "best_of must be 1", "Only one completion choice is allowed"]
)
def test_a_server_that_takes_one_completion_at_a_time_may_say_so_in_any_words(
    server: TinyServer, folder: Path, message: str
) -> None:
    def refuse(body: dict[str, Any], number: int) -> None:
        if body["n"] > 1:
            raise Misbehavior(422, json.dumps({"detail": message}))

    server.before = refuse
    engine = opened(server, folder)
    found = completions(engine, [block("a", (7, 8), n=3)])
    engine.close()
    assert len(found["a"]) == 3


def test_a_server_that_gives_fewer_completions_without_a_word_is_asked_for_so_many(
    server: TinyServer, folder: Path
) -> None:
    server.after = lambda answer, body: answer.update(choices=answer["choices"][-4:])
    engine = opened(server, folder, engine_args={"attempts": 1})
    found = completions(engine, [block("a", (7, 8), n=18), block("b", (7,))])
    engine.close()
    assert {key: len(several) for key, several in found.items()} == {"a": 18, "b": 16}


@pytest.mark.parametrize("told", [0, 1])
def test_tokens_are_counted_where_a_server_counts_them_wrong(
    engine: OpenAIEngine, server: TinyServer, told: int
) -> None:
    server.after = lambda answer, body: answer["usage"].update(completion_tokens=told)
    (result,) = run(engine, [block("a", (7, 8), n=4, budget=3)])
    assert result.generated_tokens == 12


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "name the variable that holds it in api_key_variable"),
        (404, "is this the base URL"),
        (307, "sends to '/v2'"),
    ],
)
def test_a_refusal_says_the_way_out(server: TinyServer, folder: Path, status: int, said: str) -> None:
    def refuse(body: dict[str, Any], number: int) -> None:
        raise Misbehavior(status, "{}", Location="/v2")

    server.before = refuse
    assert said in refusal(server, folder)


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
            choice |= {"token_ids": [*ids[: body["max_tokens"]], 2], "text": "x" * len(ids)}

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
    """Its server draws where there is something to draw, which is seen once."""
    server.seed = 3
    server.stop()
    server.start()
    engine = opened(server, folder)

    def certain(answer: dict[str, Any], body: dict[str, Any]) -> None:
        if body["temperature"] == 1.0:
            in_turn([*range(30, 40)])(answer, body)

    server.after = certain
    assert len(run(engine, [block(f"b{i}", (7, i)) for i in range(4)])) == 4
    assert sum(body["temperature"] == HOT.temperature for body in server.bodies) == 1


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
