"""The report in a real browser, opened from files, without network."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from synthetic_report import Rows, add_rollouts, only_trace, source_of, tables_around

from cot_assets.measures.sections import SECTIONS
from cot_assets.report import numbers, render_report
from cot_assets.report.text import file_stem

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
def kinds(demo: dict[str, Rows], demo_report: Path, recorded_report: Path) -> dict[str, Path]:
    """One page of every kind, those of traces with every kind of mark."""
    pages = {
        "index": demo_report / "index.html",
        "recorded index": recorded_report / "index.html",
        "recorded sentences": next(recorded_report.glob("traces/*sentences*.html")),
        "recorded grid": next(recorded_report.glob("traces/*grid21*.html")),
    }
    for kind in ("insight", "tangent", "lucky_guess"):
        pages[kind] = demo_report / _file(next(e for e in demo["events"] if e["pattern"] == kind))
    return pages


def _file(row: dict[str, Any]) -> str:
    stem = file_stem(row["model"], row["problem_id"], row["cut_policy"], unseen=row["trace_id"])
    return f"traces/{stem}.html"


_KINDS = [
    "index",
    "insight",
    "tangent",
    "lucky_guess",
    "recorded index",
    "recorded sentences",
    "recorded grid",
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
    assert (kind == "index") == bool(images)


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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", _KINDS)
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


def test_a_page_of_500_cuts_answers_within_a_second(kinds: dict[str, Path], open_page: Open) -> None:
    page = open_page(kinds["recorded sentences"]).page
    assert page.locator(".s").count() == 500
    ready = page.evaluate("performance.getEntriesByType('navigation')[0].domInteractive")
    assert ready < 1000
    seconds = page.evaluate(
        """() => { const start = performance.now();
          document.querySelectorAll(".s").forEach(s => s.dispatchEvent(new PointerEvent("pointerenter")));
          return (performance.now() - start) / 1000; }"""
    )
    assert seconds < 1


def test_keys_lead_from_event_to_event(demo: dict[str, Rows], demo_report: Path, open_page: Open) -> None:
    counts: dict[str, list[dict[str, Any]]] = {}
    for event in (*demo["spikes"], *demo["tangents"]):
        counts.setdefault(event["trace_id"], []).append(event)
    events = max(counts.values(), key=len)
    page = open_page(demo_report / _file(events[0])).page
    places = sorted({e["cut_index"] + 1 for e in demo["events"] if e["trace_id"] == events[0]["trace_id"] and e["delta"]}
                    | {e["cut_index"] for e in demo["events"] if e["trace_id"] == events[0]["trace_id"] and not e["delta"]})  # fmt: skip
    for place in (*places, places[0]):
        page.keyboard.press("n")
        assert _readout(page)["at"] == f"cut {place}"
    page.keyboard.press("p")
    assert _readout(page)["at"] == f"cut {places[-1]}"


def test_text_can_be_colored_by_change(kinds: dict[str, Path], open_page: Open) -> None:
    page = open_page(kinds["insight"]).page
    color = "getComputedStyle(document.querySelector('.s.insight')).backgroundColor"
    before = page.evaluate(color)
    page.locator("#by-change").check()
    step = page.locator(".s.insight").first.get_attribute("class").split()[2]
    assert int(step[1:]) >= 16
    assert (
        page.evaluate(color) != before
        or page.locator(".s.insight").first.get_attribute("class").split()[1][1:] == step[1:]
    )
    assert page.locator(".key .change").first.is_visible()


def test_curve_and_numbers_can_be_downloaded(kinds: dict[str, Path], open_page: Open) -> None:
    opened = open_page(kinds["insight"])
    for button, start in (("#svg", "<svg"), ("#csv", "Cut,")):
        with opened.page.expect_download() as waiting:
            opened.page.locator(button).click()
        text = Path(waiting.value.path()).read_text(encoding="utf-8")
        assert text.startswith(start)
        assert len(text) > 300
    assert opened.troubles == []


def test_a_term_explains_itself(kinds: dict[str, Path], open_page: Open) -> None:
    page = open_page(kinds["index"]).page
    page.locator(".term").first.focus()
    assert "rollouts" in page.evaluate(
        "getComputedStyle(document.activeElement, '::after').content"
    ) or "95%" in page.evaluate("getComputedStyle(document.activeElement, '::after').content")


def test_the_whole_demo_is_below_5_mb(demo_report: Path) -> None:
    files = [path for path in demo_report.rglob("*") if path.is_file()]
    assert len([path for path in files if path.parent.name == "traces"]) == 48
    assert sum(path.stat().st_size for path in files) < 5_000_000


def _readout(page: Any) -> dict[str, str]:
    return page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('.readout dd')].map(d => [d.dataset.f, d.textContent]))"
    )


def test_hovering_over_text_shows_potential_interval_and_n_of_its_end(
    demo: dict[str, Rows], kinds: dict[str, Path], open_page: Open
) -> None:
    trace_id = next(e for e in demo["events"] if e["pattern"] == "insight")["trace_id"]
    cuts = [cut for cut in demo["trace_curves"] if cut["trace_id"] == trace_id]
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


@pytest.mark.parametrize("kind", ["insight", "tangent", "lucky_guess"])
def test_marks_stand_in_the_text_with_their_labels_and_lead_to_their_numbers(
    kinds: dict[str, Path], open_page: Open, kind: str
) -> None:
    page = open_page(kinds[kind]).page
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
    page.locator("#values").uncheck()
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
    page.locator("#gallery a").first.click()
    assert "/traces/" in page.url
    page.locator("a[rel=next], a[rel=prev]").first.click()
    page.locator(".top a").first.click()
    assert page.url.endswith("index.html")
    assert opened.troubles == []


def test_models_are_compared_one_click_from_the_first_screen(
    demo: dict[str, Rows], tmp_path: Path, open_page: Open
) -> None:
    """Two checkpoints of one training: rates with differences, potential over its steps, readers by writers."""
    names = ("demo-weak", "demo-strong")
    checkpoints = [
        {"model": name, "series": "training", "step": 1_000 * at} for at, name in enumerate(names, 1)
    ]
    pair = {"model_a": names[0], "model_b": names[1], "measure": "insight", "rule": "threshold", "trace_filter": "paper",
            "cut_policy": "lines", "n_problems": 24, "value_a": 0.2, "value_b": 0.5, "difference": 0.3, "ci_low": 0.1,
            "ci_high": 0.5}  # fmt: skip
    tables = {**demo, "models": checkpoints, "model_differences": [pair]}
    render_report(source_of(tables), SECTIONS, tmp_path / "report")
    opened = open_page(tmp_path / "report" / "index.html")
    opened.page.get_by_role("link", name="Compare").click()
    for name, said in (
        ("Two models on the same problems", "30% [10, 50]"),
        ("Over the steps of a training", "2,000"),
        ("Readers by writers", "demo-strong"),
    ):
        opened.page.get_by_text(name, exact=True).click()
        shown = opened.page.locator("details[open]", has_text=name)
        assert said in shown.inner_text()
        if picture := shown.locator("img").all():
            assert picture[0].evaluate("image => image.naturalWidth") > 400
    if folder := os.environ.get("COT_ASSETS_SCREENSHOTS"):
        opened.page.screenshot(path=Path(folder) / "compare.png", full_page=True)
    assert opened.page.locator("details[open]", has_text="Over the steps").locator("img").is_visible()
    assert not opened.troubles


def test_a_chosen_cut_shows_what_was_read_and_written_there(
    demo: dict[str, Rows], kinds: dict[str, Path], open_page: Open
) -> None:
    opened = open_page(kinds["tangent"])
    page = opened.page
    for number in (0, 2):
        page.locator(".s").nth(number).click()
        (shown,) = page.locator(".read:visible").all()
        cut = _readout(page)["at"].removeprefix("cut ")
        assert shown.locator("summary").inner_text().startswith(f"Cut {cut}: 2 of 64")
        written = shown.locator(".wrote").all_inner_texts()
        assert written == [f"so it is \\boxed{{{7 * i}}}, says rollout {i} of cut {cut}" for i in (0, 1)]
        line = page.locator(".command").inner_text()
        assert line.startswith("cot-assets sql provenance ")
        assert line.endswith(f"cut_index={cut}")
    trace_id = next(e for e in demo["events"] if e["pattern"] == "tangent")["trace_id"]
    assert trace_id in line
    page.get_by_text("The prompt as sent").click()
    assert page.locator("#prompt").inner_text().startswith("Problem: ")
    page.locator(".command").click()  # the whole line, to be copied
    assert page.evaluate("getSelection().toString()").strip() == line
    page.locator(".readout a").click()
    assert page.url.endswith("#evidence")
    assert opened.troubles == []
    assert [url for url in opened.requests if not url.startswith("file:")] == []


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
    for path in render_report(source_of(tables), SECTIONS, tmp_path / "report"):
        opened = open_page(path)
        assert opened.troubles == []
        assert opened.page.locator(".read img, .read script, .cot img, .cot script").count() == 0
        if path.parent.name == "traces":
            shown = "".join(opened.page.locator(".s").all_text_contents())
            assert "<script>alert(1)</script><img src=x onerror=alert(2)>⟨U+202E⟩dne" in shown
        else:
            assert opened.page.locator("#gallery b").first.inner_text().startswith("</script><script>")
