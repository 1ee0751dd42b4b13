"""The engine for served models and refusals: of n, of a budget, of a prefix, and those that say the way out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from served_models import opened, refusal
from support.engine_suite import SAMPLE, block, completions, run
from support.served import Misbehavior, TinyServer

from cot_assets.engines.base import BlockResult, Completion, EngineError
from cot_assets.engines.openai.engine import OpenAIEngine


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


@pytest.mark.parametrize("status", [400, 413, 422])
@pytest.mark.parametrize("said", ["", "Bad Request", "no"])
def test_a_refusal_without_a_reason_fails_its_block_alone(
    server: TinyServer, folder: Path, status: int, said: str
) -> None:
    """Also where so many follow one another, as the last prefixes of long traces do."""
    engine = opened(server, folder, engine_args={"concurrency": 4})

    def refuse(body: dict[str, Any], number: int) -> None:
        if len(body["prompt"]) > 50:
            raise Misbehavior(status, said)

    server.before = refuse
    kept: list[str] = []
    bad = [block(f"bad{i}", (7,) * (60 + i)) for i in range(40)]
    good = [block(f"b{i}", (7, i)) for i in range(10)]

    def take_all() -> None:
        kept.extend(
            r.block.key
            for r in engine.sample([*bad, *good], SAMPLE)
            if isinstance(r, BlockResult) and any(c.token_ids for c in r.completions)
        )

    if status == 413:  # which has a reason: the prefix itself is too long
        take_all()
    else:
        with pytest.raises(
            EngineError, match=r"a prefix of 6\d tokens with 16 x 24 to write.*lower max_tokens.*40 blocks"
        ):
            take_all()
    assert sorted(kept) == sorted(b.key for b in good)


def test_a_context_that_only_refusals_show_is_noted(engine: OpenAIEngine, server: TinyServer) -> None:
    def refuse(body: dict[str, Any], number: int) -> None:
        if len(body["prompt"]) + body["max_tokens"] > 50:
            raise Misbehavior(400, '{"error": "maximum context length is 50 tokens"}')

    server.before = refuse
    assert engine.describe().note == ""
    run(engine, [block("a", (7,) * 40), block("b", (7,) * 3)])
    run(engine, [block("c", (7,) * 60), block("d", (7,) * 45)])
    assert "show a context of 50 tokens, which it does not tell: 3 blocks were cut" in engine.describe().note
    assert "count as truncated" in engine.describe().note


@pytest.mark.parametrize(
    ("status", "said"),
    [(413, "<html>413 Request Entity Too Large"), (400, "maximum context length is 9 tokens")],
)
def test_a_server_that_refuses_every_prefix_as_too_long_has_not_told_of_their_length(
    engine: OpenAIEngine, server: TinyServer, status: int, said: str
) -> None:
    def refuse(body: dict[str, Any], number: int) -> None:
        raise Misbehavior(status, said)

    server.before = refuse
    with pytest.raises(EngineError, match=f"HTTP {status}"):
        run(engine, [block("a", (7, 8, 9))])


KEY = "sk-very/secret-0123456789"


@pytest.mark.parametrize(
    ("shown", "headers"),
    [
        (KEY, {}),
        (json.dumps({"error": KEY}).replace("/", "\\/"), {}),
        (json.dumps({"error": KEY}).replace("s", "\\u0073"), {}),
        (f"/path?key={quote(KEY, safe='')}", {}),
        ("x" * 390 + KEY, {}),
        ("no", {"Content_Encoding": KEY}),
        ("no", {"Location": f"http://elsewhere/?key={KEY}"}),
    ],
    ids=["plain", "escaped", "in numbers", "in a URL", "at the end", "in a header", "in a place"],
)
@pytest.mark.parametrize("status", [200, 307, 400, 500])
def test_a_key_is_in_no_error_however_the_server_writes_it(
    server: TinyServer,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    shown: str,
    headers: dict[str, str],
    status: int,
) -> None:
    monkeypatch.setenv("TINY_KEY", KEY)
    engine = opened(server, folder, api_key_variable="TINY_KEY", engine_args={"attempts": 1})

    def misbehave(body: dict[str, Any], number: int) -> None:
        raise Misbehavior(status, shown, **headers)

    server.before = misbehave
    with pytest.raises(EngineError) as caught:
        run(engine, [block("a", (7,))])
    unescaped = unquote(str(caught.value).replace("\\/", "/").replace("\\u0073", "s"))
    assert "secret-0123" not in unescaped
    assert "model 'm'" in unescaped
