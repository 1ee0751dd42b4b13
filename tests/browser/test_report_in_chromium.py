"""The report in a real browser, opened from files, without network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cot_assets.report import ReportData, numbers, render_report
from cot_assets.report.contexts import Contexts

pytestmark = pytest.mark.browser

Open = Callable[..., Any]

#: Text whose contrast with what lies behind it is below the ratio of WCAG AA for text of its size.
_FAINT = """
() => {
  const parse = c => { const m = c.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m.slice(0, 3), 1] : m; };
  const over = (top, below) => top.slice(0, 3).map((v, i) => v * top[3] + below[i] * (1 - top[3]));
  const light = c => { const [r, g, b] = c.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                       return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = e => { const layers = [];
    for (; e; e = e.parentElement) layers.push(parse(getComputedStyle(e).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]); };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement, style = getComputedStyle(e);
    if (!walker.currentNode.data.trim() || ["SCRIPT", "STYLE"].includes(e.tagName)) continue;
    if (!e.getClientRects().length || style.visibility === "hidden") continue;
    const back = behind(e), isSvg = e instanceof SVGElement;
    const front = over(parse(isSvg ? style.fill : style.color), back);
    const [low, high] = [light(front), light(back)].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    seen += 1;
    if (ratio < 4.5) faint.push([ratio.toFixed(2), e.tagName, e.getAttribute("class"), walker.currentNode.data.slice(0, 40)]);
  }
  return [seen, faint];
}
"""


@pytest.fixture(scope="session")
def kinds(demo: ReportData, demo_report: Path, recorded_report: Path) -> dict[str, Path]:
    """One page of every kind, those of traces with every kind of mark."""
    pages = {
        "index": demo_report / "index.html",
        "model": next(demo_report.glob("models/*strong*.html")),
        "recorded index": recorded_report / "index.html",
        "recorded model": next(recorded_report.glob("models/*.html")),
        "recorded sentences": next(recorded_report.glob("traces/*sentences*.html")),
        "recorded grid": next(recorded_report.glob("traces/*grid21*.html")),
    }
    guesses = demo.lucky_guesses.filter("by_threshold")
    for name, frame in (("insight", demo.spikes), ("tangent", demo.tangents), ("guess", guesses)):
        pages[name] = demo_report / _file(demo, frame["trace_id"][0])
    return pages


def _file(data: ReportData, trace_id: str) -> str:
    return next(page.file for page in Contexts(data).pages if page.trace["trace_id"] == trace_id)


_KINDS = [
    "index", "model", "insight", "tangent", "guess",
    "recorded index", "recorded model", "recorded sentences", "recorded grid",
]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", _KINDS)
def test_a_page_opens_quietly_alone_and_can_be_read(
    kinds: dict[str, Path], open_page: Open, kind: str, scheme: str
) -> None:
    opened = open_page(kinds[kind], scheme=scheme)
    page = opened.page
    assert opened.troubles == []
    assert [url for url in opened.requests if not url.startswith(("file:", "data:"))] == []
    seen, faint = page.evaluate(_FAINT)
    assert seen > 50
    assert faint == []
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 22, 26)"}[scheme]
    images = page.evaluate("[...document.images].map(i => [i.complete, i.naturalWidth])")
    assert all(complete and width > 300 for complete, width in images)
    assert (kind in ("index", "model", "recorded index", "recorded model")) == bool(images)


@pytest.mark.parametrize("width", [1280, 800, 390])
@pytest.mark.parametrize("kind", _KINDS)
def test_a_page_is_no_wider_than_the_window(
    kinds: dict[str, Path], open_page: Open, kind: str, width: int
) -> None:
    page = open_page(kinds[kind], width=width, height=844).page
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_whole_demo_is_below_5_mb(demo_report: Path) -> None:
    files = [path for path in demo_report.rglob("*") if path.is_file()]
    assert len([path for path in files if path.parent.name == "traces"]) == 48
    assert sum(path.stat().st_size for path in files) < 5_000_000


def _readout(page: Any) -> dict[str, str]:
    return page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('.readout dd')].map(d => [d.dataset.f, d.textContent]))"
    )


def test_hovering_over_text_shows_potential_interval_and_n_of_its_end(
    demo: ReportData, kinds: dict[str, Path], open_page: Open
) -> None:
    trace_id = demo.spikes["trace_id"][0]
    cuts = demo.curves.filter(pl.col("trace_id") == trace_id).sort("cut_index").to_dicts()
    page = open_page(kinds["insight"]).page
    spans = page.locator(".s")
    assert spans.count() == len(cuts) - 1
    xs, ys = (page.locator(".chart").get_attribute(name).split() for name in ("data-x", "data-y"))
    for number, cut in enumerate(cuts[1:]):
        spans.nth(number).hover()
        shown = _readout(page)
        assert page.locator(".s.on").count() == 1
        assert "on" in page.locator(f"#c{number + 1}").get_attribute("class")
        if cut["is_end"]:
            assert "verdict" in shown["potential"]
            assert shown["interval"] == shown["n"] == "none: not sampled"
            continue
        assert shown["at"] == f"cut {cut['cut_index']}"
        assert shown["potential"] == numbers.potential(cut["potential"])
        assert shown["interval"] == numbers.interval(cut["ci_low"], cut["ci_high"])
        assert shown["n"] == f"{cut['n_correct']} of {cut['n']}"
        assert shown["before"] == numbers.potential(cuts[number]["potential"])
        dot = page.locator(".chart .dot")
        assert (dot.get_attribute("cx"), dot.get_attribute("cy")) == (xs[number + 1], ys[number + 1])


def test_the_keyboard_walks_through_the_text(kinds: dict[str, Path], open_page: Open) -> None:
    page = open_page(kinds["tangent"]).page
    page.locator(".s").first.focus()
    assert _readout(page)["at"] == "cut 1"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert _readout(page)["at"] == "cut 3"
    page.keyboard.press("ArrowLeft")
    assert _readout(page)["at"] == "cut 2"
    assert page.evaluate("document.querySelectorAll('.s[tabindex=\"0\"]').length") == 1


def test_hovering_over_the_curve_points_at_the_text(kinds: dict[str, Path], open_page: Open) -> None:
    page = open_page(kinds["tangent"]).page
    box = page.locator(".chart").bounding_box()
    share = float(page.locator(".chart").get_attribute("data-x").split()[4]) / 480
    page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
    assert _readout(page)["at"] == "cut 4"
    assert page.locator(".s.on").get_attribute("data-c") == "4"


def test_an_unknown_potential_is_shown_as_unknown(kinds: dict[str, Path], open_page: Open) -> None:
    page = open_page(kinds["recorded sentences"]).page
    page.locator(".s.pu").first.hover()
    shown = _readout(page)
    assert shown["potential"] == shown["interval"] == "unknown"
    assert shown["n"] == "0 of 0"
    assert page.locator(".chart .dot").get_attribute("visibility") == "hidden"


def test_marks_stand_in_the_text_with_their_labels_and_lead_to_their_numbers(
    demo: ReportData, demo_report: Path, open_page: Open
) -> None:
    frames = {"insight": demo.spikes, "tangent": demo.tangents}
    for rule in ("late_spike", "lucky_guess"):
        frames[rule] = demo.lucky_guesses.filter((pl.col("rule") == rule) & pl.col("by_threshold"))
    for kind, frame in frames.items():
        page = open_page(demo_report / _file(demo, frame["trace_id"][0])).page
        mark = page.locator(f".cot a.m.{kind}").first
        assert mark.is_visible()
        assert kind.replace("_", " ") in mark.inner_text()
        assert page.locator(f".chart .sign.{kind}").count() >= 1
        mark.click()
        row = page.locator(f"[id='{page.url.split('#')[1]}']")
        assert kind.replace("_", " ") in row.inner_text()


def test_curve_and_numbers_stay_in_sight_while_reading(kinds: dict[str, Path], open_page: Open) -> None:
    for width, height in ((1280, 900), (390, 844)):
        page = open_page(kinds["recorded sentences"], width=width, height=height).page
        page.locator(".s").nth(150).scroll_into_view_if_needed()
        page.locator(".s").nth(150).click()
        for name in (".chart", ".readout"):
            box = page.locator(name).bounding_box()
            assert box["y"] > -1
            assert box["y"] + box["height"] <= height
        chart, span = (page.locator(name).bounding_box() for name in (".panel", ".s.on"))
        assert width > 1040 or span["y"] >= chart["y"] + chart["height"] - 2, (
            "the panel must not cover the text"
        )


def test_the_numbers_in_the_text_can_be_switched_off(kinds: dict[str, Path], open_page: Open) -> None:
    page = open_page(kinds["tangent"]).page
    assert page.locator(".v").first.is_visible()
    page.locator(".switch input").uncheck()
    assert not page.locator(".v").first.is_visible()


def test_without_scripts_the_page_still_says_everything(kinds: dict[str, Path], open_page: Open) -> None:
    page = open_page(kinds["tangent"], java_script_enabled=False).page
    assert page.locator(".cot .s").count() > 3
    assert page.locator(".cot .v").first.is_visible()
    assert page.locator(".cuts").is_visible()
    assert page.locator(".readout dd").nth(1).inner_text().startswith("0.")


def test_links_lead_from_the_index_to_a_trace_and_back(demo_report: Path, open_page: Open) -> None:
    opened = open_page(demo_report / "index.html")
    page = opened.page
    page.locator("a.spark").first.click()
    assert "/traces/" in page.url
    page.locator("a[rel=next]").click()
    page.locator(".top a").first.click()
    assert page.url.endswith("index.html")
    assert opened.troubles == []


def test_the_policy_blocks_what_is_not_the_pages_own(kinds: dict[str, Path], open_page: Open) -> None:
    opened = open_page(kinds["tangent"])
    opened.page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.intruder = true";
          document.body.append(script);
          const image = document.createElement("img");
          image.src = "http://127.0.0.1:9/";
          document.body.append(image);
        }"""
    )
    assert opened.page.evaluate("window.intruder") is None
    opened.page.wait_for_timeout(100)
    assert len([line for line in opened.troubles if "Content Security Policy" in line]) == 2
    assert [line for line in opened.troubles if line.startswith("failed")] == [
        "failed (csp): http://127.0.0.1:9/"
    ]


def test_hostile_text_is_text(demo: ReportData, tmp_path: Path, open_page: Open) -> None:
    attack = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u202edne"
    trace_id = demo.curves["trace_id"][0]
    curves = demo.curves.filter(pl.col("trace_id") == trace_id)
    end = curves["char_end"].max()
    traces = demo.traces.filter(pl.col("trace_id") == trace_id).with_columns(
        pl.lit((attack * 20)[:end]).alias("text"), pl.lit(attack).alias("answer")
    )
    problems = demo.problems.with_columns(pl.lit(attack).alias("statement"))
    data = replace(ReportData("demo"), problems=problems, traces=traces, curves=curves)
    for path in render_report(data, tmp_path / "report"):
        opened = open_page(path)
        assert opened.troubles == []
        if path.parent.name == "traces":
            shown = "".join(opened.page.locator(".s").all_text_contents())
            assert "<script>alert(1)</script><img src=x onerror=alert(2)>⟨U+202E⟩dne" in shown
            assert opened.page.locator("article img, article script").count() == 0
