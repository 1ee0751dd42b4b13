"""The first page of the report in a real browser: its gallery of traces and its terms."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from synthetic_report import Rows, only_trace, source_of

from cot_assets.report.pages import render_report

pytestmark = pytest.mark.browser

Open = Callable[..., Any]


def _shown(page: Any) -> list[str]:
    return page.locator("#gallery b").all_text_contents()


def test_the_gallery_searches_sorts_and_filters(
    demo: dict[str, Rows], kinds: dict[str, Path], open_page: Open
) -> None:
    page = open_page(kinds["index"]).page
    assert page.locator("#found").inner_text() == "48 of 48 traces"
    rises: dict[str, float] = {}
    for cut in demo["trace_curves"]:
        rises[cut["trace_id"]] = max(rises.get(cut["trace_id"], -1.0), cut["delta"] or -1.0)
    assert _shown(page)[0] == max(rises, key=lambda t: (rises[t], t)).split(":")[1]
    page.locator("[data-field=model]").select_option("demo-weak")
    assert page.locator("#found").inner_text() == "24 of 48 traces"
    page.locator("[data-field=signs]").select_option("tangent")
    weak = {e["trace_id"] for e in demo["tangents"] if e["model"] == "demo-weak"}
    assert page.locator("#found").inner_text() == f"{len(weak)} of 48 traces"
    page.locator("[data-field=signs]").select_option("")
    page.locator("#find").fill("power-4")
    assert set(_shown(page)) == {"power-4-1", "power-4-2"}
    page.locator("#find").fill("no such problem")
    assert _shown(page) == []


def test_the_gallery_is_quick_with_5000_traces(
    demo: dict[str, Rows], tmp_path: Path, open_page: Open
) -> None:
    tables = only_trace(demo, demo["trace_curves"][0]["trace_id"])
    index = render_report(source_of(tables), (), tmp_path / "report")[0]
    raw = index.read_text(encoding="utf-8")
    before, data, after = re.split(r'(?<=id="data">)(.*?)(?=</script>)', raw, maxsplit=1, flags=re.DOTALL)
    row = data.strip("[]")
    many = ",".join(row.replace('"problem":"', f'"problem":"p{i} ') for i in range(5000))
    index.write_text(f"{before}[{many}]{after}", encoding="utf-8")
    page = open_page(index).page
    assert page.locator("#found").inner_text() == "5,000 of 5,000 traces"
    assert page.locator("#gallery li").count() == 60
    seconds = page.evaluate(
        """() => { const start = performance.now(), find = document.getElementById("find");
          find.value = "p4999"; find.dispatchEvent(new Event("input", { bubbles: true }));
          return (performance.now() - start) / 1000; }"""
    )
    assert page.locator("#found").inner_text() == "1 of 5,000 traces"
    assert seconds < 0.5


def test_a_term_explains_itself(kinds: dict[str, Path], open_page: Open) -> None:
    page = open_page(kinds["index"]).page
    page.locator(".term").first.focus()
    assert "rollouts" in page.evaluate(
        "getComputedStyle(document.activeElement, '::after').content"
    ) or "95%" in page.evaluate("getComputedStyle(document.activeElement, '::after').content")
