"""What servers tell of a prompt's tokens, read from answers in both forms, and answers that are not sound."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cot_assets.engines.base import Block, CannotScoreError, Completion, Sampling
from cot_assets.engines.openai.answers import Asked, UnsoundAnswerError, checked
from cot_assets.engines.openai.connection import RefusedError
from cot_assets.engines.openai.endpoints import Endpoints
from cot_assets.engines.openai.scores import Reader, told_by
from cot_assets.engines.samples import evidence_told, filters_of
from cot_assets.statistics.surprise import Evidence

IDS = [5, 7, 2]
P = [{5: 0.9}, {7: 0.25, 8: 0.75}, {2: 0.5, 9: 0.5}]


def by_id() -> dict[str, Any]:
    rows = [{str(i): {"logprob": math.log(p), "rank": 1} for i, p in row.items()} for row in P]
    return {"choices": [{"prompt_logprobs": [None, *rows[1:]]}]}


def by_name() -> dict[str, Any]:
    """With one token more, which the server wrote."""
    rows = [{f"t{i}": math.log(p) for i, p in row.items()} for row in P]
    chosen = [math.log(row[i]) for i, row in zip(IDS, P, strict=True)]
    echo = {"token_logprobs": [None, *chosen[1:], -0.5], "top_logprobs": [None, *rows[1:], {"x": -0.5}]}
    return {"choices": [{"logprobs": echo}]}


@pytest.mark.parametrize("answer", [by_id(), by_name()], ids=["prompt_logprobs", "echo"])
def test_both_forms_give_the_same_evidence(answer: dict[str, Any]) -> None:
    told = told_by(answer, IDS)
    assert told is not None
    assert [sorted(row.values()) for row in told[1:]] == [
        sorted(map(math.log, row.values())) for row in P[1:]
    ]
    sampling = Sampling(1.0, 1.0)
    filters = filters_of(sampling, "float32", is_nucleus_first=False)
    found = evidence_told(told[1:], Completion((7,), "stop"), (2,), sampling, filters)
    assert found.n_judged == 2
    entropy = -0.25 * math.log(0.25) - 0.75 * math.log(0.75) + math.log(2)
    assert found.excess == pytest.approx(-math.log(0.25) - math.log(0.5) - entropy, abs=1e-3)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"choices": []},
        {"choices": ["x"]},
        {"choices": [{"text": "x"}]},
        {"choices": [{"prompt_logprobs": [None, {"8": {"logprob": -1}}, {"2": {"logprob": -1}}]}]},
        {"choices": [{"prompt_logprobs": [None, {"7": {"logprob": 0.5}}, {"2": {"logprob": -1}}]}]},
        {"choices": [{"prompt_logprobs": [None, {"7": {"logprob": math.nan}}, {"2": {"logprob": -1}}]}]},
        {"choices": [{"prompt_logprobs": [None, {"7": {}}, {"2": {"logprob": -1}}]}]},
        {"choices": [{"logprobs": {"token_logprobs": [None, -1.0], "top_logprobs": [None, {"a": -1.0}]}}]},
        {"choices": [{"logprobs": {"token_logprobs": [None, None, -1], "top_logprobs": [None, {}, {}]}}]},
        {"choices": [{"logprobs": "none"}]},
        {"choices": [{"prompt_logprobs": [None, {"7": {"logprob": -1}}, {"2": {"logprob": -1}}]}]},
    ],
    ids=repr,
)  # fmt: skip
def test_an_answer_that_does_not_say_is_none(answer: dict[str, Any]) -> None:
    assert told_by(answer, IDS) is None


LIKELIEST = {"7": math.log(0.5), "8": math.log(0.3), "9": math.log(0.15)}


@pytest.mark.parametrize(
    "changed",
    [{"7": math.nan}, {"8": 0.7}, {"8": -math.inf}, {"8": 0.0}, {"8": -9999.0, "9": -9999.0}],
    ids=["not a number", "positive", "endless", "more than all", "less than all"],
)
def test_a_place_of_which_no_law_is_told_does_not_count(changed: dict[str, float]) -> None:
    rows = [{i: {"logprob": p} for i, p in row.items()} for row in (LIKELIEST, LIKELIEST | changed)]
    told = told_by({"choices": [{"prompt_logprobs": [None, *rows]}]}, [1, 7, 7])
    assert told is not None
    assert [len(row) for row in told] == [0, 3, 0]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"prompt_logprobs": [None, {}]}, "did not continue the token ids"),
        ({"prompt_token_ids": [1, 7, 8]}, "did not continue the token ids"),
        ({"model": "other"}, "comes from the model 'other'"),
        ({"usage": {"prompt_tokens": 2}}, "usage.prompt_tokens is 2"),
    ],
    ids=repr,
)
def test_probabilities_of_another_prompt_or_model_are_none(answer: dict[str, Any], said: str) -> None:
    whole = {"choices": [{"text": "", **answer}], **answer}
    with pytest.raises(UnsoundAnswerError, match=said):
        checked(whole, asked([1, 7, 2]))


def test_places_whose_tokens_share_a_name_do_not_count() -> None:
    """Parts of a character are one name to a server, which tells of one of them only."""
    answer = by_name()
    echo = answer["choices"][0]["logprobs"]
    echo["top_logprobs"][1] = {"\ufffd": math.log(0.25), "a": math.log(0.1), "b": math.log(0.05)}
    told = told_by(answer, IDS)
    assert told is not None
    assert [len(row) for row in told] == [0, 0, 2]
    sampling = Sampling(0.6, 0.95)
    filters = filters_of(sampling, "float32", is_nucleus_first=False)
    assert evidence_told(told[1:], Completion((7,), "stop"), (2,), sampling, filters).n_judged == 1
    assert evidence_told(told[1:2], Completion((7,), "length"), (2,), sampling, filters).n_judged == 0
    assert evidence_told([], Completion((), "length"), (2,), sampling, filters).n_judged == 0


@pytest.mark.parametrize("n_told", [3, 20, 63])
def test_a_server_that_tells_fewer_than_asked_for_is_read(n_told: int) -> None:
    """Rows have one token more where the one that followed is not among the likeliest."""
    names = {str(i): math.log(0.5 / (i + 2) ** 2) for i in range(n_told)}
    rows = [{i: {"logprob": p} for i, p in (names | {str(token): -9.0}).items()} for token in (99, n_told)]
    told = told_by({"choices": [{"prompt_logprobs": [None, *rows, {i: {"logprob": p} for i, p in names.items()}]}]},
                   [1, 99, n_told, 0])  # fmt: skip
    assert told is not None
    sampling = Sampling(1.0, 1.0, top_k=40)
    filters = filters_of(sampling, "float32", is_nucleus_first=False)
    found = evidence_told(told[1:], Completion((99, n_told, 0), "length"), (2,), sampling, filters)
    assert (found.n_tokens, found.n_impossible) == (3, 0 if n_told < 40 else 2)
    assert found.n_judged == (1 if n_told < 40 else 3)


def asked(ids: Sequence[int], *_: object) -> Asked:
    return Asked(ids, "", "", len(ids), 1, len(ids), 100, frozenset({"m"}))


class Served:
    """A server with a context of 12 tokens that tells up to 20; ``failures``: numbers of requests that it fails at."""

    url = "http://x/v1"

    def __init__(self, failures: Sequence[int] = (), *, status: int = 500) -> None:
        self.bodies: list[dict[str, Any]] = []
        self._failures, self._status = failures, status

    async def by_one(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        return await work(SimpleNamespace(card={"id": "m"}, server=self, can=None, asked=asked))

    async def ask(self, _method: str, _path: str, body: dict[str, Any], *, read: Any, most: int) -> Any:
        self.bodies.append(body)
        number, ids = len(self.bodies), body["prompt"]
        await asyncio.sleep(0)
        if number in self._failures:
            raise RefusedError(f"completions: HTTP {self._status}: broken", self._status)
        if len(ids) + body["max_tokens"] > 12:
            raise RefusedError("completions: HTTP 400: maximum context length is 12 tokens", 400)
        if body.get("prompt_logprobs", 99) > 20:
            raise RefusedError("completions: HTTP 400: prompt_logprobs: at most 20", 400)
        rows = [{str(i): {"logprob": -0.5}, "99": {"logprob": -1.0}} for i in ids[1:]]
        return read({"choices": [{"prompt_logprobs": [None, *rows]}]})


def read_by(reader: Reader, completions: Sequence[Completion]) -> Evidence:
    sampling = Sampling(1.0, 1.0)
    filters = filters_of(sampling, "float32", is_nucleus_first=False)
    found = reader.evidence(Block("k", (1, 3, 4, 5), 2, 8, 1), completions, sampling, filters)
    with ThreadPoolExecutor(
        1
    ) as thread:  # a browser test before this one may have left a loop running in its own
        return thread.submit(asyncio.run, found).result()


SHORT = [Completion((7, i), "stop") for i in range(8, 13)]


@pytest.mark.parametrize("context", [12, None, 4096])
@pytest.mark.parametrize(
    ("full", "n_read"),
    [
        (Completion((7,) * 8, "length"), 7),
        (Completion((7,) * 7, "stop"), 7),
    ],
    ids=repr,
)
def test_a_text_that_fills_the_context_is_read_without_its_end(
    full: Completion, n_read: int, context: int | None
) -> None:
    served = Served()
    reader = Reader(cast(Endpoints, served), [2], context)
    for _ in range(2):
        assert read_by(reader, [full, *SHORT]).n_judged == n_read + 3 * len(SHORT)
    assert read_by(reader, [*SHORT, full, full]).n_judged == 2 * n_read + 3 * len(SHORT)
    assert {body["prompt_logprobs"] for body in served.bodies[2:]} <= {20, 64}
    assert len(served.bodies) < 40


@pytest.mark.parametrize("failures", [(1,), (2,), (3, 4, 5), (4, 7)])
@pytest.mark.parametrize("status", [503, 401])
def test_a_failure_is_raised_and_forgets_no_way_of_asking(failures: tuple[int, ...], status: int) -> None:
    served = Served(failures, status=status)
    reader = Reader(cast(Endpoints, served), [2])
    with pytest.raises(RefusedError, match="broken"):
        read_by(reader, SHORT)
    served._failures = ()
    assert read_by(reader, SHORT).n_judged == 3 * len(SHORT)
    assert served.bodies[-1]["prompt_logprobs"] == 20


@pytest.mark.parametrize("status", [400, 422, 500])
def test_a_server_that_refuses_all_ways_cannot_be_audited(status: int) -> None:
    served = Served(range(100), status=status)
    with pytest.raises(CannotScoreError, match="tells no sound probabilities"):
        read_by(Reader(cast(Endpoints, served), [2]), SHORT)
    assert [body.get("prompt_logprobs") for body in served.bodies] == [64, 20, 5, None, None, None]
