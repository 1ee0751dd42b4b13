"""Pages of traces: the text, its colors, marks and numbers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from page_reader import Page, read_page, text_after
from synthetic_report import Rows, curve_rows, given_texts, only_trace, source_of, tables_around

from cot_assets.report import numbers
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


def test_other_models_that_were_given_the_text_have_their_curve_and_what_unlocks(
    small_report: Path, small: dict[str, Rows]
) -> None:
    points = small["transfer_potentials"]
    trace_id = max({p["trace_id"] for p in points}, key=lambda t: [p["trace_id"] for p in points].count(t))
    own = [p for p in points if p["trace_id"] == trace_id]
    curve = [row for row in small["trace_curves"] if row["trace_id"] == trace_id]
    page = _page_of(small_report, curve[0])
    rows = [row.text.split() for row in page.all("tr") if "demo-weak" in row.text or row.text[:1].isdigit()]
    first = numbers.percent(own[-1]["share"])
    assert " ".join(rows[0]) == f"demo-weak: unlocked at {first}"
    for row, point in zip(rows[1:], own, strict=False):
        assert row[:2] == [numbers.percent(point["share"]), numbers.potential(point["potential"])]
        assert numbers.potential(curve[point["cut_index"]]["potential"]) in row
    assert rows[len(own)][4] == "+0.94"
    (chart,) = page.all("svg", "chart")
    assert f"demo-weak on this text: unlocked at {first}" in chart.text
    (drawn,) = page.all("g", "r0")[:1]
    assert "unlocked" in drawn.text
    assert len(page.all("path", "point")) == len(own) + 1  # and in the legend


@pytest.mark.parametrize(
    ("status", "told"),
    [("not_unlocked", "not unlocked"), ("undecided", "undecided, too few rollouts"), ("solved_before", "nothing to unlock")],
)  # fmt: skip
def test_what_unlocks_nothing_says_so(small: dict[str, Rows], tmp_path: Path, status: str, told: str) -> None:
    tables = only_trace(small, small["unlocks"][0]["trace_id"])
    tables["unlocks"] = [{**row, "status": status} for row in tables["unlocks"]]
    page = _rendered(tables, tmp_path / "report")
    (said,) = [cell.text for cell in page.all("th") if cell.text.startswith("demo-weak")]
    assert told in said


def test_a_trace_that_no_other_model_was_given_names_no_reader(
    small_report: Path, small: dict[str, Rows]
) -> None:
    page = _page_of(small_report, next(t for t in small["traces"] if t["model"] == "demo-weak"))
    assert not page.all("g", "reads")
    assert "readers" not in page.ids


def test_an_event_shows_the_probability_by_which_it_is_confirmed(
    small_report: Path, small: dict[str, Rows]
) -> None:
    page = _page_of(small_report, small["spikes"][0])
    assert "probability 0.81" in text_after(page, "What the rules say")
    assert "0.97" not in text_after(page, "What the rules say").split("Every cut")[0]


def test_a_column_that_is_the_same_at_every_cut_is_said_once(small: dict[str, Rows], tmp_path: Path) -> None:
    tables = only_trace(small, small["traces"][0]["trace_id"])
    tables["trace_curves"] = [{**cut, "no_answer_share": cut["potential"]} for cut in tables["trace_curves"]]
    page = _rendered(tables, tmp_path / "report")
    heads = [cell.text for cell in page.all("th")]
    assert "No answer" in heads
    assert "Truncated" not in heads
    assert "Truncated: 0% at every cut." in text_after(page, "Every cut in numbers")


def test_of_many_readers_the_picture_has_three_and_the_table_all(
    small: dict[str, Rows], tmp_path: Path
) -> None:
    """Those that the text unlocks the problem for come first; one that was given none of the text is left out."""
    tables = only_trace(small, small["unlocks"][0]["trace_id"])
    several = [given_texts(tables["trace_curves"], f"reader {i}") for i in range(6)]
    for name in ("transfer_potentials", "unlocks"):
        tables[name] = [row for given in several for row in given[name]]
    tables["unlocks"] = [
        row | {"status": row["status"] if row["reader"] == "reader 4" else "not_unlocked"} for row in tables["unlocks"]
    ]  # fmt: skip
    tables["transfer_potentials"] = [
        row for row in tables["transfer_potentials"] if row["reader"] != "reader 5" or row["share"] == 0
    ]
    page = _rendered(tables, tmp_path / "report")
    listed = [cell.text.split(":")[0] for cell in page.all("th") if cell.text.startswith("reader")]
    assert listed == [f"reader {i}" for i in (4, 0, 1, 2, 3)]
    assert [f"reader {i} on" in page.all("svg", "chart")[0].text for i in (4, 0, 1, 2)] == [
        True,
        True,
        True,
        False,
    ]
    assert "The picture has the first 3 of 5 models." in text_after(page, "What other models make")
