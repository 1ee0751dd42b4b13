"""What servers mean by a refusal."""

from __future__ import annotations

import pytest

from cot_assets.engines.openai.refusals import (
    context_in,
    fewer_completions,
    is_of_another_tokenizer,
    is_too_long,
)


@pytest.mark.parametrize(
    ("message", "is_foreign"),
    [
        ("Prompt contains invalid tokens", True),
        ("Token id 151700 is out of vocabulary", True),
        ("prompt has out-of-vocab token ids", True),
        ("Invalid max_tokens: too many tokens", False),
        ("This model's maximum context length is 4096 tokens", False),
        ("n must be between 1 and 8", False),
        ("internal error", False),
    ],
)
def test_a_tokenizer_of_another_model_is_told_by_the_refusal(message: str, is_foreign: bool) -> None:
    assert is_of_another_tokenizer(message) == is_foreign


@pytest.mark.parametrize(
    ("message", "fewer"),
    [
        ('"n" must be between 1 and 4', 4),
        ("Field 'n': Value must be between 1 <= value <= 8, but got 16", 8),
        ("n must be between 1 and 32", None),
        ("n_cmpl cannot be greater than the number of slots, please increase -np", 8),
        ("best_of exceeds what this server gives", 8),
        ("This model's maximum context length is 40 tokens, n completions exceed it", None),
        ("max_tokens is too large", None),
        ("no such thing", None),
    ],
)
def test_how_many_completions_are_asked_for_after_a_refusal(message: str, fewer: int | None) -> None:
    assert fewer_completions(message, 16) == fewer


def test_one_completion_is_the_least() -> None:
    assert fewer_completions("too many completions at once, n is limited to what is allowed", 1) is None


@pytest.mark.parametrize(
    ("message", "context"),
    [
        ("This model's maximum context length is 4,096 tokens. However, you requested 5000", 4096),
        ("request (70 tokens) exceeds the available context size (64 tokens), try increasing it", 64),
        ("`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 3000 `inputs` tokens", 4096),
        ("`inputs` must have less than 4095 tokens. Given: 5000", None),
        (
            "The sum of prompt length (5), query length (0) and max_tokens (9) should not exceed max_seq_len (8)",
            8,
        ),
        ("Prompt is too long", None),
        ("{'code': 'context_length_exceeded'}", None),
        ("Prompt tokens (80) exceed the limit", None),
    ],
)
def test_a_context_that_is_exceeded_is_known_by_the_refusal(message: str, context: int | None) -> None:
    assert is_too_long(message)
    assert context_in(message) == context


@pytest.mark.parametrize(
    "message", ["n must be <= 8", "temperature must be <= 2", "max_tokens must be positive"]
)
def test_other_refusals_say_nothing_of_the_context(message: str) -> None:
    assert not is_too_long(message)


@pytest.mark.parametrize(
    ("message", "status", "says_so"),
    [
        ("HTTP 413: Payload Too Large", 413, True),
        ("HTTP 500: the request exceeds the available context size", 500, True),
        ("it says: {'message': 'the maximum context length is 60 tokens'}", 200, True),
        ("a completion begins with 'the prompt is too long'", 200, False),
        ("HTTP 404: too long", 404, False),
        ("HTTP 500: CUDA error", 500, False),
    ],
)
def test_servers_fail_or_answer_where_they_should_refuse(message: str, status: int, says_so: bool) -> None:
    assert is_too_long(message, status) == says_so
