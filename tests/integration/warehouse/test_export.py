"""Training data says what the curves say, line by line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from warehouse_study import LINES

from cot_assets.cli import cli
from cot_assets.warehouse.queries import run_query
from cot_assets.warehouse.store import Warehouse

Export = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def lines(published: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Export:
    monkeypatch.setenv("COT_ASSETS_HOME", str(published.home.root))

    def read(*options: str) -> list[dict[str, Any]]:
        file = tmp_path / "out.jsonl"
        result = CliRunner().invoke(cli, ["export", "--output", str(file), "--format", *options])
        assert result.exit_code == 0, result.output
        assert [*tmp_path.iterdir()] == [file]
        return [json.loads(line) for line in file.read_text().splitlines()]

    return read


def test_steps_carry_the_potential_after_them(lines: Export) -> None:
    every = lines("steps")
    assert len(every) == 6
    (row,) = [row for row in lines("steps", "--model", "strong") if row["trace_id"] == "strong-p1"]
    assert row["completions"] == list(LINES)
    assert row["soft_labels"] == [40 / 64, 16 / 64, 1.0, 1.0]
    assert row["labels"] == [True] * 4
    assert row["n"] == [64, 64, 64, None]
    assert row["ci_low"][0] < 40 / 64 < row["ci_high"][0]
    (weak,) = [row for row in every if row["trace_id"] == "weak-p1"]
    assert weak["soft_labels"] == [0, 0, 8 / 64, 0]
    assert weak["labels"] == [False, False, True, False]
    assert lines("steps", "--problem-set", "nowhere") == []


def test_pairs_part_where_the_potential_changes(lines: Export, published: Warehouse) -> None:
    texts = run_query(
        published.home, "SELECT prefix_id, verdict, text FROM rollout_texts WHERE NOT is_transfer"
    )
    verdicts = {(row["prefix_id"], row["text"]): row["verdict"] for row in texts.iter_rows(named=True)}
    pairs = lines("preferences")
    assert {pair["pattern"] for pair in pairs} == {"insight", "tangent"}
    for pair in pairs:
        start, cut = pair["shared_characters"], pair["cut_index"]
        text = "".join(LINES)
        assert pair["chosen"][:start] == pair["rejected"][:start] == text[:start]
        is_rise = pair["pattern"] == "insight"
        assert (pair["delta"] > 0) == is_rise
        with_step, without = (
            pair[n] for n in (("chosen", "rejected") if is_rise else ("rejected", "chosen"))
        )
        step = text[start : start + len(LINES[cut])]
        assert with_step[start:].startswith(step)
        after, before = with_step[start + len(step) :], without[start:]
        trace = pair["trace_id"]
        assert verdicts[f"{trace}-{cut + 1}", after] == ("correct" if is_rise else "incorrect")
        assert verdicts[f"{trace}-{cut}", before] == ("incorrect" if is_rise else "correct")
