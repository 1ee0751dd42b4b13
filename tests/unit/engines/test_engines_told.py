"""What servers tell of a prompt's tokens, read from answers in both forms, and answers that are not sound."""

from __future__ import annotations

import math
from typing import Any

import pytest

from cot_assets.engines.base import Completion, Sampling
from cot_assets.engines.openai.scores import told_by
from cot_assets.engines.samples import evidence_told, filters_of

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
    assert found.n_tokens == 2
    entropy = -0.25 * math.log(0.25) - 0.75 * math.log(0.75) + math.log(2)
    assert found.excess == pytest.approx(-math.log(0.25) - math.log(0.5) - entropy, abs=1e-3)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"choices": []},
        {"choices": ["x"]},
        {"choices": [{"text": "x"}]},
        {"choices": [{"prompt_logprobs": [None, {"7": {"logprob": -1}}]}]},
        {"choices": [{"prompt_logprobs": [None, {"8": {"logprob": -1}}, {"2": {"logprob": -1}}]}]},
        {"choices": [{"prompt_logprobs": [None, {"7": {"logprob": 0.5}}, {"2": {"logprob": -1}}]}]},
        {"choices": [{"prompt_logprobs": [None, {"7": {"logprob": math.nan}}, {"2": {"logprob": -1}}]}]},
        {"choices": [{"prompt_logprobs": [None, {"7": {}}, {"2": {"logprob": -1}}]}]},
        {"choices": [{"logprobs": {"token_logprobs": [None, -1.0], "top_logprobs": [None, {"a": -1.0}]}}]},
        {"choices": [{"logprobs": {"token_logprobs": [None, None, -1], "top_logprobs": [None, {}, {}]}}]},
        {"choices": [{"logprobs": "none"}]},
    ],
    ids=repr,
)  # fmt: skip
def test_an_answer_that_does_not_say_is_none(answer: dict[str, Any]) -> None:
    assert told_by(answer, IDS) is None
