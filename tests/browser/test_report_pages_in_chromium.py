"""What holds for every page of the report, opened from files in a real browser without network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from synthetic_report import add_rollouts, given_texts, source_of, tables_around

from cot_assets.measures.sections import SECTIONS
from cot_assets.report.pages import render_report

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
_KINDS = [
    "index",
    "compare",
    "insight",
    "tangent",
    "lucky_guess",
    "imported index",
    "imported sentences",
    "imported grid",
]
_UNFOLD = "document.querySelectorAll('details').forEach(d => { d.open = true; })"


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
    assert (kind in ("index", "compare")) == bool(images)


@pytest.mark.parametrize("width", [1440, 1024, 390])
@pytest.mark.parametrize("kind", _KINDS)
def test_no_page_and_no_table_is_wider_than_the_window(
    kinds: dict[str, Path], open_page: Open, kind: str, width: int
) -> None:
    page = open_page(kinds[kind], width=width, height=844).page
    page.evaluate(_UNFOLD)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    clipped = page.evaluate(
        "[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent.slice(0, 80))"
    )
    assert clipped == []


@pytest.mark.parametrize(
    ("kind", "scheme"),
    [*((kind, "light") for kind in _KINDS), *((kind, "dark") for kind in ("index", "compare", "insight"))],
)
def test_axe_finds_no_serious_fault(kinds: dict[str, Path], open_page: Open, kind: str, scheme: str) -> None:
    axe = axe_playwright_python.__path__[0]
    page = open_page(kinds[kind], scheme=scheme, bypass_csp=True).page
    page.evaluate(_UNFOLD)
    page.add_script_tag(content=(Path(axe) / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate(
        "axe.run().then(r => r.violations.map(v => [v.impact, v.id, v.nodes.length, v.nodes[0].html.slice(0, 120)]))"
    )
    assert [fault for fault in found if fault[0] in ("serious", "critical")] == []


def test_the_switch_changes_colors_and_pictures_and_is_kept(kinds: dict[str, Path], open_page: Open) -> None:
    page = open_page(kinds["index"]).page
    page.locator("#theme").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 22, 26)"
    assert "invert" in page.evaluate("getComputedStyle(document.images[0]).filter")
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 22, 26)"
    page.locator("#theme").click()
    assert page.evaluate("getComputedStyle(document.images[0]).filter") == "none"


def test_the_whole_demo_is_below_5_mb(demo_report: Path) -> None:
    files = [path for path in demo_report.rglob("*") if path.is_file()]
    assert len([path for path in files if path.parent.name == "traces"]) == 48
    assert sum(path.stat().st_size for path in files) < 5_000_000


def test_links_lead_from_the_index_to_a_trace_and_back(demo_report: Path, open_page: Open) -> None:
    opened = open_page(demo_report / "index.html")
    page = opened.page
    page.locator("#gallery a").first.click()
    assert "/traces/" in page.url
    page.locator("a[rel=next], a[rel=prev]").first.click()
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


def test_hostile_text_is_text(tmp_path: Path, open_page: Open) -> None:
    attack = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u202edne"
    tables = tables_around(attack * 20, model=attack[:60], problem_id=attack[:60], cut_policy=attack)
    tables = add_rollouts(tables, attack, prompt=attack, sampled_with=f'{{"{attack}": "{attack}"}}')
    tables |= given_texts(tables["trace_curves"], attack)
    for path in render_report(source_of(tables), SECTIONS, tmp_path / "report"):
        opened = open_page(path)
        assert opened.troubles == []
        assert opened.page.locator(".read img, .read script, .cot img, .cot script").count() == 0
        if path.parent.name == "traces":
            shown = "".join(opened.page.locator(".s").all_text_contents())
            assert "<script>alert(1)</script><img src=x onerror=alert(2)>⟨U+202E⟩dne" in shown
        else:
            assert opened.page.locator("#gallery b").first.inner_text().startswith("</script><script>")


def test_a_printed_page_has_whole_tables_on_white(open_page: Open, tmp_path: Path) -> None:
    tables = add_rollouts(tables_around("One. Two. Three."))
    tables["answer_entropy"] = [
        {"model": "m", "prefix_id": cut.get("prefix_id"), "n": 64, "n_answers": 2, "entropy": 0.22, "ci_low": 0.0, "ci_high": 0.97,
         "top_answer": "an answer in several words", "top_rollouts": 62, "is_top_correct": True}
        for cut in tables["trace_curves"]
    ]  # fmt: skip
    page = open_page(render_report(source_of(tables), (), tmp_path / "report")[-1], width=701).page
    page.evaluate(f"{_UNFOLD}; document.documentElement.dataset.theme = 'dark'")
    page.emulate_media(media="print")
    widths = page.evaluate(
        "[...document.querySelectorAll('.scroll')].map(e => [e.scrollWidth, e.clientWidth])"
    )
    assert widths
    assert all(needed <= there for needed, there in widths), widths
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_on_a_phone_an_interval_stays_beside_its_label(kinds: dict[str, Path], open_page: Open) -> None:
    page = open_page(kinds["insight"], width=390, height=844).page
    lefts = page.evaluate(
        "[...document.querySelectorAll('.rows td .i')].map(e => e.getBoundingClientRect().left - e.closest('td').getBoundingClientRect().left)"
    )
    assert lefts
    assert min(lefts) > 100
