"""What every page keeps: well-formed, nothing from outside, hostile text shown as text."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from page_reader import read_page
from synthetic_report import Rows, only_trace, source_of, tables_around

from cot_assets.measures.sections import SECTIONS
from cot_assets.report.pages import render_report

KIB = 1024
TABLES = [replace(section, picture=None) for section in SECTIONS]  #: drawing takes most of the time


def _pages(report: Path) -> list[Path]:
    return sorted(report.rglob("*.html"))


@pytest.fixture(params=["small_report", "imported_report"])
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
            found = re.findall(
                rf"<{tag}>(.*?)</{tag}>", raw, flags=re.DOTALL
            )  # data has a type: it is not run
            digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in found]
            assert re.findall(rf"{tag}-src 'sha256-([^']+)'", policy) == digests


def test_pages_stay_lean(small_report: Path, imported_report: Path) -> None:
    """Style and script are 40 KiB of every page."""
    for path in small_report.glob("traces/*.html"):
        assert path.stat().st_size < 64 * KIB, path
    assert (small_report / "index.html").stat().st_size < 450 * KIB
    for path in imported_report.glob("traces/*.html"):
        assert path.stat().st_size < 240 * KIB, "300 cuts"


def test_the_same_data_give_the_same_bytes(small: dict[str, Rows], tmp_path: Path) -> None:
    """A report that is kept under version control changes only where the numbers do."""
    tables = only_trace(small, small["trace_curves"][0]["trace_id"])
    first, second = (render_report(source_of(tables), TABLES, tmp_path / name) for name in ("a", "b"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


_ATTACK = "</article></script><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}{% raw %}&amp;'\""


def test_markup_in_every_field_is_shown_as_text(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    tables = tables_around(_ATTACK, model="<script>m", verdict='correct"><script>')
    index, trace = render_report(source_of(tables), SECTIONS, folder)
    assert (index.parent, trace.parent) == (folder, folder / "traces")
    for path in (index, trace):
        page = read_page(path)
        assert [e.attributes.get("type") for e in page.all("script")] == (
            ["application/json", None] if path == index else [None]
        )
        assert not [img for img in page.all("img") if not img.attributes["src"].startswith("data:image/png")]
        assert "49" not in page.all("h1")[0].text
    assert read_page(trace).all("div", "cot")[0].written == _ATTACK
    assert html.escape(_ATTACK)[:40] in trace.read_text()
    data = next(e.text for e in read_page(index).all("script") if e.attributes)
    assert json.loads(data)[0]["text"] == _ATTACK
    assert "<" not in data


def test_bidi_and_control_characters_are_made_visible(tmp_path: Path) -> None:
    text = "left \u202e\u2066right\x00\x1b[2J\u200b done, it is \u0041\u0301"
    tables = tables_around(text, problem_id="p\u202e1")
    index, trace = render_report(source_of(tables), TABLES, tmp_path / "report")
    for path in (index, trace):
        raw = path.read_text(encoding="utf-8")
        assert not re.search(
            "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]", raw
        )
    assert "⟨U+202E⟩⟨U+2066⟩right␀␛[2J⟨U+200B⟩ done" in read_page(trace).all("div", "cot")[0].written


def test_huge_text_is_bounded_and_says_so(tmp_path: Path) -> None:
    paths = render_report(source_of(tables_around("x" * 3_000_000)), TABLES, tmp_path / "report")
    assert sum(path.stat().st_size for path in paths) < 1000 * KIB
    assert "1,440,000 characters not shown" in paths[1].read_text()


def test_names_that_differ_only_in_what_file_systems_drop_get_pages_of_their_own(
    small: dict[str, Rows], tmp_path: Path
) -> None:
    tables = only_trace(small, small["trace_curves"][0]["trace_id"])
    for name in ("traces", "trace_curves"):
        tables[name] += [
            {**row, "model": row["model"].upper(), "trace_id": row["trace_id"] + "~"} for row in tables[name]
        ]
    paths = render_report(source_of(tables), (), tmp_path / "report")
    assert len({str(path).lower() for path in paths}) == len(paths) == 4, "two models are compared, too"
