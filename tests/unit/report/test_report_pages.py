"""What every page keeps: well-formed, nothing from outside, hostile text shown as text."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import polars as pl
import pytest
from one_trace import data_around, only_trace
from page_reader import read_page

from cot_assets.report import ReportData, render_report

KIB = 1024


def _pages(report: Path) -> list[Path]:
    return sorted(report.rglob("*.html"))


@pytest.fixture(params=["small_report", "recorded_report"])
def report(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(request.param)


def test_every_page_is_well_formed_and_needs_nothing_from_outside(report: Path) -> None:
    for path in _pages(report):
        page = read_page(path)
        for element in page.elements:
            for name in ("src", "srcset", "action", "data", "poster", "xlink:href", "formaction"):
                assert element.attributes.get(name, "data:").startswith("data:"), (path.name, element)
            if "href" in element.attributes:
                assert not re.match(r"(?i)([a-z]+:)?//|javascript:", element.attributes["href"]), (
                    path.name,
                    element,
                )
            assert "style" not in element.attributes, "a hashed style-src blocks style attributes"
            assert not [name for name in element.attributes if name.startswith("on")]
        assert "url(" not in "".join(e.text for e in page.all("style"))
        assert "@import" not in "".join(e.text for e in page.all("style"))


def test_every_link_leads_to_a_page_and_a_place_that_are_there(report: Path) -> None:
    pages = {path.resolve(): read_page(path) for path in _pages(report)}
    n_links = 0
    for path, page in pages.items():
        for element in page.all("a"):
            file, _, fragment = unquote(element.attributes["href"]).partition("#")
            target = (path.parent / file).resolve() if file else path
            assert target in pages, (path.name, element.attributes["href"])
            assert not fragment or fragment in pages[target].ids, (path.name, element.attributes["href"])
            n_links += 1
    assert n_links > 10


def test_the_policy_allows_exactly_the_pages_own_style_and_script(report: Path) -> None:
    for path in _pages(report):
        raw = path.read_text(encoding="utf-8")
        page = read_page(path)
        policy = next(m.attributes["content"] for m in page.all("meta") if "http-equiv" in m.attributes)
        assert policy.startswith("default-src 'none';")
        assert "unsafe" not in policy
        assert raw.index("Content-Security-Policy") < raw.index("<style>")
        for tag in ("style", "script"):
            found = re.findall(rf"<{tag}>(.*?)</{tag}>", raw, flags=re.DOTALL)
            digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in found]
            assert re.findall(rf"{tag}-src 'sha256-([^']+)'", policy) == digests


def test_pages_stay_lean(small_report: Path, recorded_report: Path) -> None:
    """A demo of 24 problems and 2 models is 48 traces: 48 * 40 KiB + 2 * 230 + 450 KiB < 3 MiB."""
    for path in small_report.glob("traces/*.html"):
        assert path.stat().st_size < 40 * KIB, path
    for path in small_report.glob("models/*.html"):
        assert path.stat().st_size < 230 * KIB, path
    assert (small_report / "index.html").stat().st_size < 450 * KIB
    for path in recorded_report.glob("traces/*.html"):
        assert path.stat().st_size < 200 * KIB, "300 cuts"


def test_the_same_data_give_the_same_bytes(small: ReportData, tmp_path: Path) -> None:
    """A report that is kept under version control changes only where the numbers do."""
    data = only_trace(small, small.curves["trace_id"][0])
    first, second = (render_report(data, tmp_path / name) for name in ("a", "b"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


_ATTACK = "</article></script><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}{% raw %}&amp;'\""


def test_markup_in_every_field_is_shown_as_text(tmp_path: Path) -> None:
    data = data_around(_ATTACK, model="<script>m", verdict='correct"><script>')
    paths = render_report(data, tmp_path / "report")
    assert {path.parent for path in paths} <= {tmp_path / "report" / d for d in ("", "models", "traces")}
    for path in paths:
        page = read_page(path)
        assert len(page.all("script")) == (1 if path.parent.name == "traces" else 0)
        assert not [img for img in page.all("img") if not img.attributes["src"].startswith("data:image/png")]
        assert "49" not in page.all("h1")[0].text
    trace = read_page(next(path for path in paths if path.parent.name == "traces"))
    assert trace.all("article")[0].written == _ATTACK
    assert html.escape(_ATTACK)[:40] in next(p for p in paths if p.parent.name == "traces").read_text()


def test_bidi_and_control_characters_are_made_visible(tmp_path: Path) -> None:
    text = "right \u202e\u2066left\x00\x1b[2J\u200b done, it is \u0041\u0301"
    for path in render_report(data_around(text, problem_id="p\u202e1"), tmp_path / "report"):
        raw = path.read_text(encoding="utf-8")
        assert not re.search(
            "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]", raw
        )
    page = read_page(next((tmp_path / "report" / "traces").glob("*.html")))
    assert "⟨U+202E⟩⟨U+2066⟩left␀␛[2J⟨U+200B⟩ done" in page.all("article")[0].written


def test_huge_text_is_bounded_and_says_so(tmp_path: Path) -> None:
    paths = render_report(data_around("x" * 3_000_000), tmp_path / "report")
    assert sum(path.stat().st_size for path in paths) < 900 * KIB
    page = next(path for path in paths if path.parent.name == "traces").read_text()
    assert "1,440,000 characters not shown" in page


def test_names_that_differ_only_in_what_file_systems_drop_get_pages_of_their_own(
    small: ReportData, tmp_path: Path
) -> None:
    data = only_trace(small, small.curves["trace_id"][0])
    upper = {"model": pl.col("model").str.to_uppercase(), "trace_id": pl.format("{}~", "trace_id")}
    doubled = {
        name: pl.concat([frame, frame.with_columns(**upper)])
        for name, frame in (("traces", data.traces), ("curves", data.curves))
    }
    paths = render_report(replace(data, **doubled), tmp_path / "report")
    assert len({str(path).lower() for path in paths}) == len(paths) == 5
