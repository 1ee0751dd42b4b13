"""What servers mean by a refusal."""

from __future__ import annotations

import pytest

from cot_assets.engines.openai.refusals import is_of_another_tokenizer


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
