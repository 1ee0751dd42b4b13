"""The engine for served models and servers that do not go on from a text, at the start or later; over real HTTP.

The server recites: it continues a text that it knows from any place, at temperature 0, and draws letters elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from served_models import opened, refusal
from support.engine_suite import SAMPLE, block, run
from support.served import TinyServer

from cot_assets.engines.base import BlockResult, EngineError
from cot_assets.engines.openai.known import _QUESTION as QUESTION
from cot_assets.engines.openai.known import _RECITED as RECITED
from cot_assets.engines.openai.known import _STORY as STORY
from cot_assets.engines.tokenizer import ModelTokenizer

TEXT = (
    "I count:\none two three four five six seven eight nine ten eleven twelve, as I was asked to do here. "
    * 4
)
OTHER = (
    "There are a dozen numbers in all, and each of them comes after the one before, so I say them now. " * 4
)


class Reciter(TinyServer):
    """``sent`` changes a prompt before the model reads it, ``shown`` what it wrote, given the prompt."""

    def __init__(self, tokenizer: ModelTokenizer) -> None:
        super().__init__()
        self.tokenizer, self.text, self.ends = tokenizer, TEXT, True
        self.sent: Callable[[str], str] = lambda prompt: prompt
        self.shown: Callable[[str, str], str] = lambda text, prompt: text
        self.end, self.stopped_by = "length", ""
        self.first = ""  #: the answer to the first question, where that is another one

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        answer = super().complete(body)
        is_text = isinstance(body["prompt"], str)
        prompt = body["prompt"] if is_text else self.tokenizer.decode(body["prompt"])
        if body["temperature"] == 0:
            is_recited, at = prompt.startswith(RECITED), len(self.sent(prompt))
            question = STORY if prompt.startswith(STORY) else QUESTION
            text = self.text if question == STORY else self.first or self.text
            rest = (RECITED * 9)[at:] if is_recited else text[max(0, at - len(question)) :]
            ids = self.tokenizer.encode_after(rest).token_ids[: body["max_tokens"]]
            text, end = self.tokenizer.decode(ids), self.end
            if self.stopped_by and self.stopped_by in text:
                text, end = text.partition(self.stopped_by)[0], "stop"
        elif body["max_tokens"] == 1 and self.ends:  # what it drew ends where it ended
            text, ids, end = "", (), "stop"
        else:
            return answer
        for choice in answer["choices"]:
            choice |= {"text": self.shown(text, prompt), "finish_reason": end}
            if "token_ids" in choice:
                choice["token_ids"] = list(ids)
        answer["usage"]["completion_tokens"] = len(answer["choices"]) * len(ids)
        return answer


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "blanks taken off": ({"shown": lambda text, _: text.lstrip()}, "takes blanks off the beginning"),
    "blanks taken off both ends": ({"shown": lambda text, _: text.strip()}, "takes blanks off the beginning"),
    "line ends taken off the prompt": ({"sent": lambda prompt: prompt.rstrip()}, "takes line ends off the end"),
    "the last words again": ({"shown": lambda text, prompt: prompt[-9:] + text}, "does not go on from the text"),
    "one blank more": ({"shown": lambda text, _: f" {text}"}, "does not go on from the text"),
    "a template": ({"sent": lambda prompt: f"User: {prompt} Assistant:"}, "does not go on from the text"),
    "a cut prompt": ({"sent": lambda prompt: prompt[-len(QUESTION) - 7 :]}, "does not go on from the text"),
    "a false end": ({"end": "stop"}, "says that the model ended its text where max_tokens cut it"),
}  # fmt: skip


@pytest.fixture
def reciter(server: TinyServer, folder: Path) -> Any:
    """The fixture ``server`` closes what is opened."""
    reciter = Reciter(ModelTokenizer(folder, "{statement}"))
    reciter.start()
    yield reciter
    reciter.stop()


#: What is so from the start, this server's text goes on with all the same; a model's would not.
@pytest.mark.parametrize("kind", sorted(FAULTS.keys() - {"a template", "one blank more"}))
def test_a_server_that_does_not_go_on_from_a_text_is_refused(
    reciter: Reciter, folder: Path, kind: str
) -> None:
    faults, said = FAULTS[kind]
    for name, value in faults.items():
        setattr(reciter, name, value)
    reciter.takes_ids = False
    message = refusal(reciter, folder)
    assert said in message
    assert reciter.url in message


def test_a_second_question_is_asked_where_the_first_is_answered_without_blanks(
    reciter: Reciter, folder: Path
) -> None:
    reciter.first, reciter.takes_ids = "1,2,3,4,5,6,7,8,9,10,11,12.", False
    reciter.shown = FAULTS["the last words again"][0]["shown"]
    assert "does not go on from the text" in refusal(reciter, folder)


@pytest.mark.parametrize("kind", [*FAULTS, "another model", "another card"])
@pytest.mark.parametrize("is_between", [True, False], ids=["between two runs", "in a run"])
def test_what_a_server_does_later_is_seen_before_its_blocks_are_kept(
    reciter: Reciter, folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str, is_between: bool
) -> None:
    monkeypatch.setattr("cot_assets.engines.openai.engine._CHECKS", (0.0, 0.0))
    faults, said = FAULTS.get(kind, ({"text": OTHER}, "does not go on"))
    if kind == "another card":
        faults, said = {"models": [{"id": "tiny", "root": "other"}]}, "serves another model than at the start"
    engine = opened(reciter, folder, engine_args={"prompts": "text", "concurrency": 1})
    kept: list[str] = []

    def change() -> None:
        for name, value in faults.items():
            setattr(reciter, name, value)

    def take(blocks: list[Any]) -> None:
        for word in engine.sample(blocks, SAMPLE):
            if isinstance(word, BlockResult):
                kept.append(word.block.key)
                if len(kept) == 3 and not is_between:
                    change()

    ids = engine.encode("1 + 1 =").token_ids
    take([block(f"a{i}", ids) for i in range(2)])
    if is_between:
        change()
    with pytest.raises(EngineError, match=said):
        take([block(f"b{i}", ids) for i in range(4)])
    assert kept == ["a0", "a1"] if is_between else kept[:3] == ["a0", "a1", "b0"]
    assert len(kept) <= 4, "one may have been on its way"


@pytest.mark.parametrize("prompts", ["text", "token_ids"])
def test_a_server_that_goes_on_is_checked_now_and_then(reciter: Reciter, folder: Path, prompts: str) -> None:
    reciter.returns_ids = prompts == "token_ids"
    engine = opened(reciter, folder, engine_args={"prompts": prompts})
    assert len(run(engine, [block(f"b{i}", engine.encode(f"{i} =").token_ids) for i in range(20)])) == 20
    greedy = [body for body in reciter.bodies if body["temperature"] == 0]
    assert len(greedy) == 2 * 6, "with the first block, and at the end"
    assert engine.describe().note == ""


def test_texts_that_something_else_ended_are_noted(reciter: Reciter, folder: Path) -> None:
    reciter.returns_ids = False
    engine = opened(reciter, folder, engine_args={"prompts": "text"})
    reciter.ends = False
    assert len(run(engine, [block("a", engine.encode("1 =").token_ids)])) == 1
    assert (
        "12 of 12 texts that are said to have ended go on when they are sent back" in engine.describe().note
    )
    assert reciter.bodies[0]["stop"] == []


def test_nothing_is_concluded_of_a_server_that_does_not_repeat_itself(
    server: TinyServer, folder: Path
) -> None:
    engine = opened(server, folder, engine_args={"prompts": "text"})
    assert len(run(engine, [block("a", engine.encode("1 =").token_ids)])) == 1
    assert all(body["temperature"] == 1.0 for body in server.bodies)


def test_a_server_that_is_another_each_time_is_noted(reciter: Reciter, folder: Path) -> None:
    numbers = count()
    reciter.shown = lambda text, _: f"{next(numbers)} {text}"
    engine = opened(reciter, folder, engine_args={"prompts": "text"})
    assert "gives other words at temperature 0 each time" in engine.describe().note


@pytest.mark.parametrize("stop", [".", "\n", "Question:", "###"])
def test_stop_strings_of_a_server_are_noted(reciter: Reciter, folder: Path, stop: str) -> None:
    reciter.stopped_by = stop
    engine = opened(reciter, folder, engine_args={"prompts": "text"})
    assert f"the server ends texts before {stop!r:.2}" in engine.describe().note


def test_the_line_end_of_a_prompt_is_evidence_too(
    reciter: Reciter, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cot_assets.engines.openai.engine._CHECKS", (0.0, 0.0))
    reciter.text = "\n" + TEXT.replace("\n", " ")
    engine = opened(reciter, folder, template="{statement}\n", engine_args={"prompts": "text"})
    one = [block("a", engine.encode("1 =\n").token_ids)]
    assert len(run(engine, one)) == 1
    reciter.sent = str.rstrip
    with pytest.raises(EngineError, match="takes line ends off the end of the text"):
        run(engine, one)
