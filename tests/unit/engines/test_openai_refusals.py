"""What servers mean by a refusal."""

from __future__ import annotations

import pytest

from cot_assets.engines.openai.refusals import (
    budgets_of,
    completions_given,
    is_of_another_tokenizer,
    is_too_long,
    numbers_in,
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
    ("message", "given"),
    [
        ("no sound answer: it holds 4 completions, not 16", 4),
        ("no sound answer: it holds 15 completions, not 16", None),
        ("no sound answer: it holds 0 completions, not 16", None),
        ("no such thing", None),
    ],
)
def test_how_many_completions_are_asked_for_after_a_part_of_them(message: str, given: int | None) -> None:
    assert completions_given(message, 16) == given


@pytest.mark.parametrize(
    ("message", "budget"),  # of a prompt of 40 tokens and a budget of 5,000
    [
        ("This model's maximum context length is 4,096 tokens. However, you requested 5040", 4056),
        ("request (5040 tokens) exceeds the available context size (64 tokens), try increasing it", 24),
        ("`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 40 `inputs` tokens", 4056),
        (
            "The sum of prompt length (41), query length (0) and max_tokens (9) should not exceed max_seq_len (50)",
            9,
        ),
        (
            "Prompt contains 40 tokens and 0 draft tokens, too large for model with 60 maximum context length",
            20,
        ),
        ("prompt and completion need 5040 tokens, only 60 fit", 20),
        ("max_tokens is too large: 5000. At most 45 completion tokens remain", 45),
        ("Prompt length of 40 is longer than the maximum of 60", 20),
        ("max_tokens must be at least 1, got -3", None),
        ("max_tokens must be at least 1, got 0.", None),
        ("Prompt is too long", None),
        ("{'code': 'context_length_exceeded'}", None),
        ("Prompt tokens (40) exceed the limit", None),
    ],
)
def test_what_fits_a_context_is_among_the_budgets_that_the_refusal_leaves(
    message: str, budget: int | None
) -> None:
    assert is_too_long(message)
    tried = budgets_of(
        numbers_in(f"model 'm': http://127.0.0.1:8000/v1: completions: HTTP 400: {message}"), 40, 5000
    )
    assert tried == sorted(tried, reverse=True)
    assert budget is None or budget in tried


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
