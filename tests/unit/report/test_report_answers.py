"""What a trace page says of the answers that are still open at a cut."""

from __future__ import annotations

import pytest

from cot_assets.report.trace_view import _answers

ROW = {
    "n": 64, "entropy": 0.22, "ci_low": 0.0, "ci_high": 0.97, "top_answer": "12", "top_rollouts": 62,
    "is_top_correct": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "likely"),
    [
        ({}, "12 (correct, 97%)"),
        ({"is_top_correct": False, "ci_high": 0.4}, "sure of 12 (incorrect, 97%)"),
        ({"top_answer": None, "is_top_correct": False}, "no answer (none, 97%)"),
        ({"top_answer": "x" * 100}, f"{'x' * 23}… (correct, 97%)"),
    ],
)
def test_the_likely_answer_says_whether_it_is_correct(changes: dict[str, object], likely: str) -> None:
    found = _answers({**ROW, **changes})
    assert found["likely"] == likely
    assert found["open"].startswith("0.22 [0.00, ")


def test_without_rollouts_nothing_is_said() -> None:
    assert set(_answers(None).values()) == {"unknown"}
