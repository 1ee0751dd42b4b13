"""What a trace page says of the answers that are still open at a cut."""

from __future__ import annotations

from pathlib import Path

import pytest
from page_reader import read_page
from synthetic_report import Rows, add_rollouts, source_of, tables_around

from cot_assets.report.pages import render_report

ROW = {
    "model": "m", "n": 64, "n_answers": 2, "entropy": 0.22, "ci_low": 0.0, "ci_high": 0.97, "top_answer": "12", "top_rollouts": 62,
    "is_top_correct": True,
}  # fmt: skip


def _told(folder: Path, changes: dict[str, object], given: Rows | None = None) -> list[str]:
    """What the page says of the answers at the first cut, at the second, and at the end."""
    tables = add_rollouts(tables_around("One. Two. Three."))
    prefix = tables["trace_curves"][0]["prefix_id"]
    tables["answer_entropy"] = [{**ROW, "prefix_id": prefix, **changes}]
    tables["answer_distribution"] = [{**row, "prefix_id": prefix} for row in given or ()]
    page = read_page(render_report(source_of(tables), (), folder / "report")[-1])
    labels = ("Still open", "Likely answer")
    return [cell.text for cell in page.all("td") if cell.attributes.get("data-label") in labels]


@pytest.mark.parametrize(
    ("changes", "likely"),
    [
        ({}, "12 (correct, 97%)"),
        ({"is_top_correct": False, "ci_high": 0.4}, "sure of 12 (incorrect, 97%)"),
        ({"top_answer": None, "is_top_correct": False}, "no answer (none, 97%)"),
        ({"top_answer": "x" * 100}, f"{'x' * 23}… (correct, 97%)"),
    ],
)
def test_the_likely_answer_says_whether_it_is_correct(
    tmp_path: Path, changes: dict[str, object], likely: str
) -> None:
    said = _told(tmp_path, changes)
    assert said[1] == likely
    assert said[0].startswith("0.22 [0.00, ")
    assert said[2:] == ["unknown", "unknown", "", ""], "without rollouts nothing is said, nor at the end"


def test_every_answer_that_at_least_a_tenth_gives_is_named(tmp_path: Path) -> None:
    given = {"12": 40, "7": 10, "9": 8, "x": 6}
    rows = [{"model": "m", "answer": a, "is_correct": a == "12", "n_rollouts": k, "n": 64, "share": k / 64} for a, k in given.items()]  # fmt: skip
    assert _told(tmp_path, {}, rows)[1] == "12 (correct, 62%); 7 (incorrect, 16%); 9 (incorrect, 12%)"
    assert _told(tmp_path / "one", {}, [*rows[:1], rows[-1]])[1] == "12 (correct, 97%)"
