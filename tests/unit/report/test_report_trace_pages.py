"""Pages of traces: the text, its colors, marks and numbers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from page_reader import Page, read_page, text_after
from synthetic_report import Rows, curve_rows, only_trace, source_of, tables_around

from cot_assets.report.pages import render_report
from cot_assets.report.text import file_stem


def _page_of(report: Path, row: dict) -> Page:
    stem = file_stem(row["model"], row["problem_id"], row.get("cut_policy", "lines"), unseen=row["trace_id"])
    return read_page(report / "traces" / f"{stem}.html")


def _rendered(tables: dict[str, Rows], folder: Path) -> Page:
    """The page of the only trace."""
    pages = render_report(source_of(tables), (), folder)
    return read_page(next(page for page in pages if page.parent.name == "traces"))


def test_a_trace_page_holds_the_text_and_nothing_else_between(
    small_report: Path, small: dict[str, Rows]
) -> None:
    for trace in small["traces"][::4]:
        assert _page_of(small_report, trace).all("div", "cot")[0].written == trace["text"]


def test_stretches_are_colored_by_the_potential_at_their_end_and_by_its_change(
    small_report: Path, small: dict[str, Rows]
) -> None:
    trace_id = small["traces"][0]["trace_id"]
    curve = [row for row in small["trace_curves"] if row["trace_id"] == trace_id]
    spans = _page_of(small_report, curve[0]).all("span", "s")
    classes = [span.attributes["class"].split() for span in spans]
    assert [c[1] for c in classes] == [f"p{round(20 * cut['value'])}" for cut in curve[1:]]
    assert classes[-1][3] == "end"
    for before, after, c in zip(curve, curve[1:], classes, strict=False):
        step = int(c[2][1:])
        assert (step > 10, step < 10) == (
            after["value"] > before["value"] + 0.03,
            after["value"] < before["value"] - 0.03,
        )


@pytest.mark.parametrize(("kind", "table"), [("insight", "spikes"), ("tangent", "tangents")])
def test_every_event_is_marked_in_its_place_and_listed(
    small_report: Path, small: dict[str, Rows], kind: str, table: str
) -> None:
    assert small[table], f"the made-up data hold no {kind}: this test would prove nothing"
    for event in small[table]:
        page = _page_of(small_report, event)
        span = page.all("span", "s")[event["cut_index"]]
        assert kind in span.attributes["class"].split()
        assert span.text == event["span"].strip()
        (mark,) = [m for m in page.all("a", kind) if f"{event['delta']:+.2f}".replace("-", "−") in m.text]
        assert mark.attributes["href"][1:] in page.ids
        assert ("both rules" if event["is_confirmed"] else "threshold rule only") in mark.text


@pytest.mark.parametrize(("found", "expected"), [(True, 1), (False, 0), (None, 0)])
def test_a_guess_is_marked_only_where_a_rule_calls_it_one(
    small: dict[str, Rows], tmp_path: Path, found: bool | None, expected: int
) -> None:
    tables = only_trace(small, small["lucky_guesses"][0]["trace_id"])
    tables["lucky_guesses"] = [
        {**row, "by_threshold": found, "is_confirmed": found} for row in tables["lucky_guesses"]
    ]
    page = _rendered(tables, tmp_path / "report")
    for rule in ("late_spike", "lucky_guess"):
        assert len(page.all("a", rule)) == expected
        assert rule.replace("_", " ") in text_after(page, "What the rules say"), (
            "judged rules are listed all the same"
        )


def test_unknown_potentials_are_called_unknown_and_never_zero(imported_report: Path) -> None:
    page = read_page(next(imported_report.glob("traces/*sentences*.html")))
    rows = [row.text for row in page.all("tr") if row.attributes.get("id", "").startswith("c")]
    assert len(rows) == 301
    unknown = [row for row in rows if "unknown" in row]
    hatched = [s for s in page.all("span", "s") if "pu" in s.attributes["class"].split()]
    assert len(unknown) == len(hatched) > 30
    assert not [row for row in unknown if "0.00" in row]
    assert "no scored rollout: their potential is unknown" in page.all("body")[0].text
    assert page.all("svg", "chart")[0].attributes["data-y"].split().count("-") == len(unknown)


def test_an_approximate_n_is_marked(imported_report: Path, small_report: Path) -> None:
    assert "of ≈ " in next(imported_report.glob("traces/*.html")).read_text()
    assert "≈" not in re.sub(
        r"(?s)<style>.*?</style>", "", next(small_report.glob("traces/*.html")).read_text()
    )


def test_think_tags_are_marked(imported_report: Path) -> None:
    page = read_page(next(imported_report.glob("traces/*sentences*.html")))
    assert [tag.text for tag in page.all("span", "tag")] == ["<think>"]


def test_white_space_before_a_cut_is_not_colored_and_not_lost(tmp_path: Path) -> None:
    """Imported cuts stand before the blank lines of the next sentence, those of this project after them."""
    text = "One.\n\nTwo. \n\nThree."
    tables = tables_around(text)
    counts = [(3, 64), (4, 64), (5, 64), None]
    tables["trace_curves"] = curve_rows(tables["traces"][0], "lines", [0, 4, 10, len(text)], counts)
    page = _rendered(tables, tmp_path / "report")
    assert page.all("div", "cot")[0].written == text
    assert [span.text for span in page.all("span", "s")] == ["One.", "Two.", "Three."]


def test_cuts_at_every_token_hide_the_numbers_at_first(tmp_path: Path) -> None:
    text = "a b  c\n\n" * 12
    tables = tables_around(text)
    places = list(range(len(text) + 1))
    counts = [*([(5, 64)] * len(text)), None]
    tables["trace_curves"] = curve_rows(tables["traces"][0], "lines", places, counts)
    page = _rendered(tables, tmp_path / "report")
    assert "plain" in page.all("div", "cot")[0].attributes["class"].split()
    assert page.all("div", "cot")[0].written == text
    (switch,) = [e for e in page.all("input") if e.attributes["id"] == "values"]
    assert "checked" not in switch.attributes


@pytest.mark.parametrize(("ids", "said"), [([], "words of the trace"), ([1], "tokens of the trace")])
def test_lengths_counted_in_words_are_called_words(tmp_path: Path, ids: list[int], said: str) -> None:
    page = _rendered(tables_around("One. Two.", token_ids=ids), tmp_path / "report")
    assert said in page.all("svg", "chart")[0].text


def test_each_cut_policy_of_a_trace_has_its_page(imported_report: Path) -> None:
    names = sorted(path.name for path in imported_report.glob("traces/*.html"))
    assert len(names) == 2
    pages = [read_page(imported_report / "traces" / name) for name in names]
    assert {len(page.all("span", "s")) for page in pages} == {20, 300}
    for page, other in zip(pages, reversed(names), strict=True):
        assert any(a.attributes["href"].endswith(other) for a in page.all("a"))
