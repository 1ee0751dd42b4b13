"""The page of a trace in a real browser: text and curve, keys, numbers, evidence."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from synthetic_report import Rows

from cot_assets.report import numbers

pytestmark = pytest.mark.browser

Open = Callable[..., Any]


def _readout(page: Any) -> dict[str, str]:
    return page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('.readout dd')].map(d => [d.dataset.f, d.textContent]))"
    )


def test_a_page_of_500_cuts_answers_within_a_second(kinds: dict[str, Path], open_page: Open) -> None:
    page = open_page(kinds["imported sentences"]).page
    assert page.locator(".s").count() == 500
    ready = page.evaluate("performance.getEntriesByType('navigation')[0].domInteractive")
    assert ready < 1000
    seconds = page.evaluate(
        """() => { const start = performance.now();
          document.querySelectorAll(".s").forEach(s => s.dispatchEvent(new PointerEvent("pointerenter")));
          return (performance.now() - start) / 1000; }"""
    )
    assert seconds < 1


def test_keys_lead_from_event_to_event(
    demo: dict[str, Rows], page_of: Callable[..., Path], open_page: Open
) -> None:
    counts: dict[str, list[dict[str, Any]]] = {}
    for event in (*demo["spikes"], *demo["tangents"]):
        counts.setdefault(event["trace_id"], []).append(event)
    events = max(counts.values(), key=len)
    page = open_page(page_of(events[0])).page
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
    with opened.page.expect_download() as waiting:
        opened.page.locator("#png").click()
    with Image.open(waiting.value.path()) as picture:
        drawn = picture.convert("RGB")
        assert picture.format == "PNG"
        assert drawn.width > 1000
        assert len(set(drawn.getdata())) > 20, "curve, band, axes and labels are on it"
    assert waiting.value.suggested_filename == f"{kinds['insight'].stem}.png"
    assert opened.troubles == []


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
    page = open_page(kinds["imported sentences"]).page
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
        page = open_page(kinds["imported sentences"], width=width, height=height).page
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


def test_a_chosen_cut_shows_what_was_read_and_written_there(
    demo: dict[str, Rows], kinds: dict[str, Path], open_page: Open
) -> None:
    opened = open_page(kinds["tangent"])
    page = opened.page
    for number in (0, 2):
        page.locator(".s").nth(number).click()
        (shown,) = page.locator(".read:visible").all()
        cut = _readout(page)["at"].removeprefix("cut ")
        assert shown.locator("summary").inner_text().startswith(f"Cut {cut}: 3 of 64")
        written = shown.locator(".wrote").all_inner_texts()
        assert written == [f"so it is \\boxed{{{7 * i}}}, says rollout {i} of cut {cut}" for i in (0, 1, 2)]
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


def test_both_curves_of_writer_and_reader_are_in_the_picture_and_in_what_is_saved(
    demo: dict[str, Rows], page_of: Callable[..., Path], open_page: Open
) -> None:
    unlocks = next(row for row in demo["unlocks"] if row["status"] == "unlocked")
    cuts = [cut for cut in demo["trace_curves"] if cut["trace_id"] == unlocks["trace_id"]]
    said = f"demo-weak on this text: unlocked at {numbers.percent(unlocks['share'])}"
    for width, scheme in ((1440, "light"), (390, "dark")):
        opened = open_page(page_of(cuts[0]), width=width, scheme=scheme)
        page = opened.page
        chart = page.locator(".chart").bounding_box()
        for name in ("path.line", ".reads .curve", ".reads .point"):
            assert page.locator(f".chart {name}").first.bounding_box()["width"] > 0
        for text in page.locator(".chart text").all():
            box = text.bounding_box()
            assert box["x"] >= chart["x"] - 1
            assert box["x"] + box["width"] <= chart["x"] + chart["width"] + 1
        assert page.get_by_text(said, exact=True).is_visible()
        row = page.locator(".unlocks").inner_text()
        assert numbers.potential(unlocks["potential"]) in row
        with page.expect_download() as waiting:
            page.locator("#svg").click()
        assert said in Path(waiting.value.path()).read_text(encoding="utf-8")
        assert opened.troubles == []


def test_the_saved_table_has_values_and_intervals_in_columns_of_their_own(
    kinds: dict[str, Path], open_page: Open
) -> None:
    page = open_page(kinds["insight"]).page
    with page.expect_download() as waiting:
        page.locator("#csv").click()
    head, *rows = csv.reader(Path(waiting.value.path()).read_text(encoding="utf-8").splitlines())
    assert head[3:6] == ["Potential", "95% interval", "Correct of n"]
    assert {len(row) for row in rows} == {len(head)}
    assert all(0 <= float(row[3]) <= 1 and row[4].startswith("[") for row in rows[:-1])
