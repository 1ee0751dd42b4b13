"""Seeds of samples and the ends of completions, which vLLM and served models share."""

from __future__ import annotations

import pytest

from cot_assets.engines.base import Block, Completion
from cot_assets.engines.samples import completion_of, sample_seed


def test_seeds_of_neighboring_blocks_share_no_run_of_numbers() -> None:
    """Engines number the samples of a request from its seed: seed, seed + 1, ..."""
    blocks = [Block("k", (1,), 16, 9, seed) for seed in (*range(200), 2**64 - 1)]
    numbered = {sample_seed(block) + i for block in blocks for i in range(16)}
    assert len(numbered) == 201 * 16
    assert all(0 <= seed < 2**62 + 16 for seed in numbered)
    assert len({sample_seed(blocks[0], i) for i in range(1000)}) == 1000


@pytest.mark.parametrize(
    ("ids", "reason", "expected"),
    [
        ((5, 6, 2), "stop", Completion((5, 6), "stop")),
        ((2,), "stop", Completion((), "stop")),
        ((5, 2), "length", Completion((5,), "stop")),  # it ended with its last token
        ((5, 2, 6, 7), "length", Completion((5,), "stop")),  # the server went on behind the end
        ((5, 6), "length", Completion((5, 6), "length")),
        ((5, 6), "stop", Completion((5, 6), "stop")),  # the EOS was left out
        ((), "length", Completion((), "length")),
    ],
)
def test_how_a_completion_ended(ids: tuple[int, ...], reason: str, expected: Completion) -> None:
    assert completion_of(ids, reason, {2}) == expected


@pytest.mark.parametrize("reason", [None, "", "abort", "repetition", "tool_calls", "error", "STOPPED?"])
def test_an_end_without_a_known_meaning_is_marked(reason: str | None) -> None:
    assert completion_of((5,), reason, {2}) == Completion((5,), "unknown")
    assert completion_of((5, 2), reason, {2}) == Completion((5,), "stop")  # the model itself ended


@pytest.mark.parametrize(
    ("reason", "meaning"),
    [("content_filter", "content_filter"), ("eos_token", "stop"), ("stop_sequence", "stop"), ("STOP", "stop"),
     ("max_tokens", "length")],
)  # fmt: skip
def test_servers_have_several_words_for_an_end(reason: str, meaning: str) -> None:
    assert completion_of((5,), reason, {2}) == Completion((5,), meaning)  # type: ignore[arg-type]
