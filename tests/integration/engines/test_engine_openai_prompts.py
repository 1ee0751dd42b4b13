"""The engine for served models and what travels: prompts as text, prompts that come back, and settings."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from served_models import opened, refusal
from support.engine_suite import SAMPLE, block, run
from support.served import Misbehavior, TinyServer
from support.vocabularies import write_tokenizer

from cot_assets.engines.base import BlockResult, EngineError
from cot_assets.engines.openai.engine import OpenAIEngine
from cot_assets.engines.tokenizer import ModelTokenizer


@pytest.mark.parametrize("family", ["unigram", "byte_fallback", "byte_level"])
@pytest.mark.parametrize(
    ("prefix", "completion"),
    [("The answer is \\boxed{1", "44}."), ("12 *", " 12 = 144."), ("The answer", ".")],
)
def test_text_that_travels_joins_without_a_seam(
    server: TinyServer, tmp_path: Path, family: Any, prefix: str, completion: str
) -> None:
    server.takes_ids = False
    engine = opened(server, write_tokenizer(tmp_path / family, family))
    server.after = lambda answer, body: [c.update(text=completion) for c in answer["choices"]] and None
    ids = (*engine.render_prompt("q"), *engine.encode(prefix).token_ids)
    (result,) = run(engine, [block("a", ids, n=2)])
    assert server.bodies[0]["prompt"] == f"q{prefix}"
    assert {engine.decode((*ids, *c.token_ids)) for c in result.completions} == {f"q{prefix}{completion}"}


def test_a_prefix_that_ends_within_a_character_does_not_travel_as_text(
    server: TinyServer, folder: Path
) -> None:
    engine = opened(server, folder, engine_args={"prompts": "text"})
    parts = engine.encode("語").token_ids
    assert len(parts) == 3
    found: list[str] = []
    blocks = [
        block("cut", (*engine.encode("A").token_ids, *parts[:1])),
        block("b", engine.encode("語").token_ids),
    ]
    with pytest.raises(EngineError, match="ends within a character"):
        found.extend(r.block.key for r in engine.sample(blocks, SAMPLE) if isinstance(r, BlockResult))
    assert [body["prompt"] for body in server.bodies] == ["語"]


def test_a_character_that_the_end_of_a_completion_cut_is_no_part_of_it(
    server: TinyServer, folder: Path
) -> None:
    def cut(answer: dict[str, Any], body: dict[str, Any]) -> None:
        for choice in answer["choices"]:
            choice |= {"text": "a語\ufffd", "finish_reason": "length"}

    server.after = cut
    engine = opened(server, folder, engine_args={"prompts": "text"})
    (result,) = run(engine, [block("a", engine.encode("A").token_ids, n=2)])
    assert {engine.decode(c.token_ids) for c in result.completions} == {"a語"}
    goes_on = (*engine.encode("A").token_ids, *result.completions[0].token_ids)
    run(engine, [block("b", goes_on, n=2)])
    assert server.bodies[-1]["prompt"] == "Aa語"


@pytest.mark.parametrize("takes_ids", [True, False])
@pytest.mark.parametrize(
    "statement", ["1 + 1 = \\boxed{3", "The answer is \\boxed{144}. Is that so? Check it again."]
)
def test_an_echoed_prompt_is_cut_off(
    server: TinyServer, folder: Path, takes_ids: bool, statement: str
) -> None:
    server.takes_ids, server.returns_ids = takes_ids, False

    def echo(answer: dict[str, Any], body: dict[str, Any]) -> None:
        sent = (
            body["prompt"] if isinstance(body["prompt"], str) else texts.get(tuple(body["prompt"]), "1 + 1 =")
        )
        for choice in answer["choices"]:
            choice["text"] = sent + "5}"

    texts: dict[tuple[int, ...], str] = {}
    server.after = echo
    engine = opened(server, folder)
    ids = engine.encode(statement).token_ids
    texts[tuple(ids)] = statement
    (result,) = run(engine, [block("a", ids)])
    assert {engine.decode(c.token_ids) for c in result.completions} == {"5}"}


@pytest.mark.parametrize("takes_ids", [True, False])
def test_an_echo_without_special_tokens_is_cut_off_and_another_text_refused(
    server: TinyServer, folder: Path, takes_ids: bool
) -> None:
    server.takes_ids, server.returns_ids = takes_ids, False
    tokenizer, before = ModelTokenizer(folder, "{statement}"), [""]

    def echo(answer: dict[str, Any], body: dict[str, Any]) -> None:
        sent = body["prompt"]
        text = re.sub("</?s>", "", sent) if isinstance(sent, str) else tokenizer.decode(sent)
        for choice in answer["choices"]:
            choice["text"] = f"{before[0]}{text}5}}"

    server.after = echo
    engine = opened(server, folder)
    statement = "Is \\boxed{144} the answer? Check it again."
    ids = (1, *engine.encode(statement).token_ids, 2)  # between special tokens
    assert engine.decode(ids) == statement
    (result,) = run(engine, [block("a", ids)])
    assert {engine.decode(c.token_ids) for c in result.completions} == {"5}"}
    before[0] = "User: "
    with pytest.raises(EngineError, match="puts the prompt before its completions"):
        run(engine, [block("b", ids)])


@pytest.mark.parametrize("returns_ids", [True, False])
def test_a_server_that_begins_to_echo_is_noticed(server: TinyServer, folder: Path, returns_ids: bool) -> None:
    """Say it was started again with another setting; the budget would have room for the prompt."""
    server.returns_ids = returns_ids
    engine = opened(server, folder)

    def echo(answer: dict[str, Any], body: dict[str, Any]) -> None:
        for choice in answer["choices"]:
            choice["text"] = engine.decode(body["prompt"]) + choice["text"]
            if returns_ids:
                choice["token_ids"] = [*body["prompt"], *choice["token_ids"]]

    server.after = echo
    ids = engine.encode("1 + 1 = \\boxed{3").token_ids
    (result,) = run(engine, [block("a", ids, budget=60)])
    assert {len(engine.decode(c.token_ids)) for c in result.completions} <= {4, 5}
    assert not any("boxed" in engine.decode(c.token_ids) for c in result.completions)


def test_why_an_answer_was_not_sound_is_said_before_what_was_refused(
    server: TinyServer, folder: Path
) -> None:
    server.takes_ids = False
    server.after = lambda answer, body: answer["usage"].update(prompt_tokens=90)
    assert "usage.prompt_tokens is 90" in refusal(server, folder, engine_args={"attempts": 2})


def test_settings_that_a_server_does_not_take_are_noted_or_refused(server: TinyServer, folder: Path) -> None:
    taking = opened(server, folder)
    server.takes_extras = False
    engine = opened(server, folder)
    # Its own settings hold, whatever they are: blocks of the one are none of the other.
    assert taking.describe().settings != engine.describe().settings
    assert "sent no top_k, min_p, repetition_penalty" in engine.describe().note
    with pytest.raises(EngineError, match="takes no top_k and min_p"):
        run(engine, [block("a", (7,))], type(SAMPLE)(1.0, 1.0, top_k=5))
    assert (server.bodies or [{}])[0].get("presence_penalty", 0.0) == 0.0
    run(engine, [block("a", (7,))])
    assert server.bodies[0]["presence_penalty"] == server.bodies[0]["frequency_penalty"] == 0.0


def test_top_k_and_min_p_are_sent(engine: OpenAIEngine, server: TinyServer) -> None:
    run(engine, [block("a", (7,))], type(SAMPLE)(1.0, 1.0, top_k=5, min_p=0.1))
    assert (server.bodies[0]["top_k"], server.bodies[0]["min_p"]) == (5, 0.1)
    assert engine.describe().note == ""


@pytest.mark.parametrize("returns_ids", [True, False])
@pytest.mark.parametrize("counts", ["written", "all", "none"])
@pytest.mark.parametrize("budget", [60, 8])
def test_a_server_that_puts_the_prompt_before_some_completions_is_refused(
    server: TinyServer, folder: Path, returns_ids: bool, counts: str, budget: int
) -> None:
    """What it counts may tell, or that so few tokens cannot hold the prompt; that is cut off where it alone is longer."""
    server.returns_ids = returns_ids
    engine = opened(server, folder)

    def echo(answer: dict[str, Any], body: dict[str, Any]) -> None:
        for choice in answer["choices"][:3]:
            choice["text"] = engine.decode(body["prompt"]) + choice["text"]
            if returns_ids:
                choice["token_ids"] = [*body["prompt"], *choice["token_ids"]]
        if counts == "all":
            whole = len(answer["choices"]) * body["max_tokens"]
            answer["usage"]["completion_tokens"] = min(whole, 16 * 6 + 3 * len(body["prompt"]))
        elif counts == "none":
            del answer["usage"]

    server.after = echo
    ids = engine.encode("1 + 1 = \\boxed{3").token_ids
    asked = [block("a", ids, budget=budget)]
    if budget < len(ids):
        (result,) = run(engine, asked)
        assert not any("boxed" in engine.decode(c.token_ids) for c in result.completions)
        return
    with pytest.raises(EngineError, match=r"puts the prompt before (some of )?its completions"):
        run(engine, asked)


@pytest.mark.parametrize("returns_ids", [True, False])
def test_a_model_that_repeats_its_prompt_is_kept(server: TinyServer, folder: Path, returns_ids: bool) -> None:
    """Base models do: the tokens are counted as written, and too few of them are no prompt."""
    server.returns_ids = returns_ids
    engine = opened(server, folder)
    ids = list(engine.encode("1 + 1 = \\boxed{3").token_ids)

    def repeat(answer: dict[str, Any], body: dict[str, Any]) -> None:
        for choice in answer["choices"][:3]:
            choice["text"] = engine.decode(ids[: body["max_tokens"]])
            if returns_ids:
                choice["token_ids"] = ids[: body["max_tokens"]]
        lengths = [len(ids) + 1] * len(answer["choices"][:3]) + [6] * len(answer["choices"][3:])
        answer["usage"]["completion_tokens"] = sum(min(n, body["max_tokens"]) for n in lengths)

    server.after = repeat
    (result,) = run(engine, [block("a", ids, budget=60)])
    assert sum("boxed" in engine.decode(c.token_ids) for c in result.completions) == 3


def test_texts_that_are_not_those_of_their_ids_are_noted(server: TinyServer, folder: Path) -> None:
    engine = opened(server, folder)
    server.after = lambda answer, body: [c.update(text=" \\boxed{4}") for c in answer["choices"][:2]] and None
    (result,) = run(engine, [block("a", engine.encode("1 + 1 = ").token_ids)])
    assert not any("boxed" in engine.decode(c.token_ids) for c in result.completions)
    assert (
        "the text of 2 of 16 completions is not that of their token ids, which are believed"
        in engine.describe().note
    )


@pytest.mark.parametrize("texts", [("a", "語"), ("語", " b")])
def test_a_character_that_a_seam_cuts_is_no_other_text(
    server: TinyServer, folder: Path, texts: tuple[str, str]
) -> None:
    engine = opened(server, folder)
    ids = [i for text in texts for i in engine.encode(text).token_ids]
    at = 2

    def cut(answer: dict[str, Any], body: dict[str, Any]) -> None:
        for choice in answer["choices"]:
            whole = "".join(texts)
            choice |= {"token_ids": ids[at:], "text": whole if at < 3 and texts[0] == "語" else "語"}

    server.after = cut
    run(engine, [block("a", ids[:at], n=2)])
    assert engine.describe().note == ""


@pytest.mark.parametrize("adds_bos", [True, False])
@pytest.mark.parametrize("by_tokenizer", [True, False])
def test_a_prompt_that_travels_as_text_has_one_bos_whatever_the_tokenizer_says(
    server: TinyServer, folder: Path, adds_bos: bool, by_tokenizer: bool
) -> None:
    """What the server counted of the first prompt tells: some add it whose tokenizer.json does not, and the reverse."""
    if by_tokenizer:
        saved = json.loads((folder / "tokenizer.json").read_text())
        saved["post_processor"] = {
            "type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}},
        }  # fmt: skip
        (folder / "tokenizer.json").write_text(json.dumps(saved))
    tokenizer = ModelTokenizer(folder, "{statement}")
    assert tokenizer.adds_bos == by_tokenizer

    def count(answer: dict[str, Any], body: dict[str, Any]) -> None:
        answer["usage"]["prompt_tokens"] = len(tokenizer.encode(body["prompt"]).token_ids) + adds_bos

    server.takes_ids, server.after = False, count
    engine = opened(server, folder)
    run(engine, [block("a", (1, *engine.encode("1 + 1 = ").token_ids))])
    assert server.bodies[0]["prompt"] == ("" if adds_bos else "<s>") + "1 + 1 = "


def test_a_server_that_is_changed_while_it_is_asked_is_noted(
    engine: OpenAIEngine, server: TinyServer
) -> None:
    server.after = lambda answer, body: answer.update(system_fingerprint=f"fp_{len(server.bodies) > 1}")
    run(engine, [block("a", (7, 8))])
    assert engine.describe().note == ""
    run(engine, [block("b", (7, 9))])
    assert "system_fingerprint was 'fp_False', 'fp_True'" in engine.describe().note


def test_an_answer_that_is_written_twice_is_none_to_the_next_request(
    server: TinyServer, folder: Path
) -> None:
    """Nothing in it says which prompt it continues."""
    engine = opened(server, folder, engine_args={"prompts": "text", "concurrency": 1})

    def twice(body: dict[str, Any], number: int) -> None:
        answer = json.dumps(server.complete(body))
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(answer)}\r\n\r\n"
        written.append(json.loads(answer)["choices"][0]["text"])
        raise Misbehavior(200, f"{answer}{head}{answer}", Content_Length=str(len(answer)))

    written: list[str] = []
    server.before = twice
    for i in range(4):
        (result,) = run(engine, [block(f"b{i}", engine.encode(f"{i} + 1 =").token_ids, n=1)])
        assert engine.decode(result.completions[0].token_ids) == written[-1]
    assert len(written) == 4
