"""From a point of a trace's page to its rollouts: what was read and written, and how it was judged."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from page_reader import Page, read_page
from synthetic_report import Rows, add_rollouts, only_trace, source_of, tables_around

from cot_assets.report.evidence import MOST_CUTS, build_evidence, command
from cot_assets.report.pages import render_report

HOSTILE = "</script><script>alert(1)</script>\u202edne"


def _page(tables: dict[str, Rows], folder: Path) -> Page:
    pages = render_report(source_of(tables), (), folder)
    return read_page(next(page for page in pages if page.parent.name == "traces"))


def _cuts(n: int) -> list[dict[str, Any]]:
    return [
        {
            "trace_id": "t",
            "cut_policy": "tokens",
            "cut_index": i,
            "prefix_id": str(i),
            "chunk": "x" * 100,
            "n": 64,
        }
        for i in range(n)
    ]


def _rollout(**columns: Any) -> dict[str, Any]:
    return {
        "prompt": "p", "verdict": "correct", "answer": "1", "answer_rule": "boxed", "decided_by": "equal",
        "finish_reason": "stop", "seed": "5", "block_key": "b", "audit": "passed", "sampled_with": '{"top_p": 1.0}',
        "sample_index": 0, "text": "w", **columns,
    }  # fmt: skip


def test_each_cut_shows_correct_rollouts_and_others(small: dict[str, Rows], tmp_path: Path) -> None:
    trace = small["traces"][0]["trace_id"]
    tables = only_trace(small, trace)
    page = _page(tables, tmp_path / "report")
    cuts = [cut for cut in tables["trace_curves"] if not cut["is_end"]]
    written = [e.text for e in page.all("div", "wrote")]
    assert written == [
        f"so it is \\boxed{{{7 * index}}}, says rollout {index} of cut {cut['cut_index']}"
        for cut in cuts for index in (0, 1, 2)
    ]  # fmt: skip
    (prompt,) = (e for e in page.elements if e.attributes.get("id") == "prompt")
    assert prompt.text == f"Problem: {cuts[0]['problem_id']}\nSolution:\n"
    facts = " | ".join(e.text for e in page.all("li"))
    for fact in (
        f"seed {2**63}",
        "audit passed",
        "found by rule boxed; decided by equal numbers",
        "temperature 1.0",
        "prefix caching off",
        "reproducible yes",
    ):
        assert fact in facts
    assert facts.count("temperature") == 1  # what all share is said once
    assert facts.count("max tokens") == len(written)


def test_rollouts_are_shown_whose_potential_another_run_has_yet_to_count(
    small: dict[str, Rows], tmp_path: Path
) -> None:
    tables = only_trace(small, small["traces"][0]["trace_id"])
    unknown = dict.fromkeys(("n", "n_correct", "potential", "ci_low", "ci_high"))
    curves = [{**cut, **unknown} for cut in tables["trace_curves"]]
    page = _page({**tables, "trace_curves": curves}, tmp_path / "report")
    assert "Cut 0: 3 rollouts" in [e.text for e in page.all("summary")]


@pytest.mark.parametrize(("many", "expected"), [(10_000, [0, 1, 2, 3, 4, 7]), (0, [0, 1])])
def test_three_rollouts_of_each_kind_are_read_and_one_where_cuts_are_very_many(
    small: dict[str, Rows], monkeypatch: pytest.MonkeyPatch, many: int, expected: list[int]
) -> None:
    monkeypatch.setattr("cot_assets.report.source._MANY_CUTS", many)
    tables = add_rollouts(only_trace(small, small["traces"][0]["trace_id"]))
    rollouts = [
        {**row, "sample_index": 3 * again + row["sample_index"]}
        for again in range(3)
        for row in tables["rollouts"]
    ]
    told = source_of({**tables, "rollouts": rollouts, "provenance": rollouts}).telling_rollouts()
    assert told
    for of_cut in told.values():
        assert sorted(row["sample_index"] for row in of_cut) == expected


@pytest.mark.parametrize(("wrote", "same"), [("xx no", "xx"), ("no", ""), ("x" * 150, "x" * 100), ("", "")])
def test_a_rollout_is_split_where_it_parts_from_the_trace(wrote: str, same: str) -> None:
    evidence = build_evidence(_cuts(2), (), {"0": [_rollout(text=wrote)]})
    assert evidence is not None
    (shown,) = evidence["cuts"][0]["rollouts"]
    assert (shown["same"], shown["text"]) == (same, wrote[len(same) :])


def test_the_command_finds_the_cut_again() -> None:
    name = "it's $(a) trace"
    words = shlex.split(command(name, "lines") + "3")
    assert words[:3] == ["cot-assets", "sql", "provenance"]
    assert {"limit=1000", f"trace_id={name}", "cut_policy=lines", "cut_index=3"} == set(words[4::2])


def test_text_of_prompts_rollouts_and_settings_is_text(tmp_path: Path) -> None:
    tables = add_rollouts(
        tables_around(HOSTILE), HOSTILE, prompt=HOSTILE, answer=HOSTILE, sampled_with=f'{{"{HOSTILE}": "{HOSTILE}"}}',
        block_key=HOSTILE, decided_by=HOSTILE,
    )  # fmt: skip
    page = _page(tables, tmp_path / "report")
    assert len(page.all("script")) == 1
    assert {e.text for e in page.all("div", "wrote")} == {"</script><script>alert(1)</script>⟨U+202E⟩dne"}


@pytest.mark.parametrize("n_near", [0, 6, MOST_CUTS + 9])
def test_a_page_of_many_cuts_shows_those_at_events_and_a_spread_of_the_others(n_near: int) -> None:
    cuts, near = _cuts(2000), set(range(100, 100 + n_near))
    found = build_evidence(cuts, near, {cut["prefix_id"]: [_rollout()] for cut in cuts})
    assert found is not None
    rows = [cut["row"] for cut in found["cuts"]]
    assert rows == sorted(set(rows))
    assert len(rows) <= MOST_CUTS
    assert len(near & set(rows)) == min(n_near, MOST_CUTS)
    assert n_near > MOST_CUTS or (rows[0] == 0 and rows[-1] > 1800)
    assert max(len(cut["tail"]) for cut in found["cuts"]) <= 300


def test_a_trace_without_texts_has_no_such_section() -> None:
    assert build_evidence(_cuts(3), (), {}) is None


def test_an_imported_rollout_says_what_is_not_known() -> None:
    rollout = _rollout(sampled_with=None, seed=None, answer=None, answer_rule=None, decided_by=None)
    found = build_evidence(_cuts(1), (), {"0": [rollout]})
    assert found is not None
    facts = dict(found["cuts"][0]["rollouts"][0]["facts"])
    assert (facts["seed"], facts["judged"], facts["answer"]) == ("unknown", "unknown", "none")
