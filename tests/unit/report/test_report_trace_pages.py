"""Pages of traces: the text, its colors, marks and numbers."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from one_trace import data_around, only_trace
from page_reader import Page, read_page, text_after

from cot_assets.report import ReportData, ReportError, render_report


def _page_of(report: Path, data: ReportData, trace_id: str, policy: str = "lines") -> Page:
    from cot_assets.report.contexts import Contexts

    (page,) = [p for p in Contexts(data).pages if p.trace["trace_id"] == trace_id and p.cut_policy == policy]
    return read_page(report / page.file)


def test_a_trace_page_holds_the_text_and_nothing_else_between(small_report: Path, small: ReportData) -> None:
    for trace in small.traces.filter(pl.col("sample_index") == 0).iter_rows(named=True):
        page = _page_of(small_report, small, trace["trace_id"])
        assert page.all("article")[0].written == trace["text"]


def test_stretches_are_colored_by_the_potential_at_their_end(small_report: Path, small: ReportData) -> None:
    trace_id = small.traces.filter(pl.col("sample_index") == 0)["trace_id"][0]
    curve = small.curves.filter(pl.col("trace_id") == trace_id).sort("cut_index")
    page = _page_of(small_report, small, trace_id)
    spans = page.all("span", "s")
    sampled = curve.filter(~pl.col("is_end"))["potential"].to_list()
    assert [s.attributes["class"].split()[1] for s in spans[:-1]] == [
        f"p{round(20 * v)}" for v in sampled[1:]
    ]
    verdict = small.traces.filter(pl.col("trace_id") == trace_id)["verdict"][0]
    assert spans[-1].attributes["class"].split()[1:3] == ["p20" if verdict == "correct" else "p0", "end"]


def test_every_event_is_marked_in_its_place_and_listed(small_report: Path, small: ReportData) -> None:
    for kind, events in (("insight", small.spikes), ("tangent", small.tangents)):
        assert events.height, f"the made-up data hold no {kind}: this test would prove nothing"
        for event in events.iter_rows(named=True):
            page = _page_of(small_report, small, event["trace_id"])
            span = page.all("span", "s")[event["cut_index"]]
            assert kind in span.attributes["class"].split()
            assert span.text == event["span"].strip()
            marks = [m for m in page.all("a", kind) if f"{event['delta']:+.2f}".replace("-", "−") in m.text]
            assert marks
            assert marks[0].attributes["href"][1:] in page.ids
            rules = {(True, True): "both rules", (True, False): "threshold rule only"}
            expected = rules.get((event["by_threshold"], event["is_confirmed"]))
            assert expected is None or expected in marks[0].text


def test_a_guess_is_marked_only_where_a_rule_calls_it_one(small: ReportData, tmp_path: Path) -> None:
    trace_id = small.lucky_guesses["trace_id"][0]
    guesses = small.lucky_guesses.filter(pl.col("trace_id") == trace_id)
    for found, expected in ((True, 1), (False, 0), (None, 0)):
        judged = guesses.with_columns(
            pl.lit(found, pl.Boolean).alias("by_threshold"), pl.lit(found, pl.Boolean).alias("is_confirmed")
        )
        data = replace(only_trace(small, trace_id), lucky_guesses=judged)
        folder = tmp_path / str(found)
        render_report(data, folder)
        page = _page_of(folder, data, trace_id)
        for rule in ("late_spike", "lucky_guess"):
            assert len(page.all("a", rule)) == expected
            assert rule.replace("_", " ") in text_after(page, "What the rules say"), (
                "judged rules are listed all the same"
            )


def test_unknown_potentials_are_called_unknown_and_never_zero(recorded_report: Path) -> None:
    path = next(recorded_report.glob("traces/*sentences*.html"))
    page = read_page(path)
    rows = [row.text for row in page.all("tr") if row.attributes.get("id", "").startswith("c")]
    assert len(rows) == 301
    unknown = [row for row in rows if "unknown" in row]
    hatched = [s for s in page.all("span", "s") if "pu" in s.attributes["class"].split()]
    assert len(unknown) == len(hatched) > 30
    assert not [row for row in unknown if "0.00" in row]
    assert "no scored rollout: their potential is unknown" in page.all("body")[0].text
    chart = page.all("svg", "chart")[0]
    assert chart.attributes["data-y"].split().count("-") == len(unknown)


def test_an_approximate_n_is_marked(recorded_report: Path, small_report: Path) -> None:
    assert "of ≈ " in next(recorded_report.glob("traces/*.html")).read_text()
    assert "≈" not in re.sub(
        r"(?s)<style>.*?</style>", "", next(small_report.glob("traces/*.html")).read_text()
    )


def test_white_space_before_a_cut_is_not_colored_and_not_lost(small: ReportData, tmp_path: Path) -> None:
    """Imported cuts stand before the blank lines of the next sentence, those of this project after them."""
    data = only_trace(small, small.curves["trace_id"][0])
    text = data.traces["text"][0]
    moved = data.curves.with_columns(
        pl.when(pl.col("is_end") | (pl.col("char_end") == 0))
        .then(pl.col("char_end"))
        .otherwise(pl.col("char_end") - 1)
        .alias("char_end")
    )
    render_report(replace(data, curves=moved), tmp_path / "report")
    page = _page_of(tmp_path / "report", data, data.traces["trace_id"][0])
    assert page.all("article")[0].written == text
    assert [span.text for span in page.all("span", "s")] == text.split("\n")


def test_cuts_at_every_token_hide_the_numbers_at_first(tmp_path: Path) -> None:
    text = "a b  c\n\n" * 12
    data = data_around(text)
    first = data.curves.row(0, named=True)
    rows = [
        {**first, "cut_index": i, "char_end": i, "token_end": i, "is_end": i == len(text)}
        for i in range(len(text) + 1)
    ]
    render_report(ReportData("demo", traces=data.traces, curves=pl.DataFrame(rows)), tmp_path / "report")
    page = read_page(next((tmp_path / "report" / "traces").glob("*.html")))
    assert "plain" in page.all("article")[0].attributes["class"].split()
    assert page.all("article")[0].written == text
    (switch,) = page.all("input")
    assert "checked" not in switch.attributes


def test_lengths_counted_in_words_are_called_words(small: ReportData, tmp_path: Path) -> None:
    data = only_trace(small, small.curves["trace_id"][0])
    for is_in_words, said in (
        (True, "words of the trace"),
        (False, "tokens of the trace"),
        (None, "tokens of the trace"),
    ):
        traces = data.traces.with_columns(pl.lit(is_in_words, pl.Boolean).alias("is_in_words"))
        folder = tmp_path / str(is_in_words)
        render_report(replace(data, traces=traces), folder)
        assert said in read_page(next((folder / "traces").glob("*.html"))).all("svg", "chart")[0].text


def test_each_cut_policy_of_a_trace_has_its_page(recorded_report: Path) -> None:
    names = sorted(path.name for path in recorded_report.glob("traces/*.html"))
    assert len(names) == 2
    pages = [read_page(recorded_report / "traces" / name) for name in names]
    assert {len(page.all("span", "s")) for page in pages} == {20, 300}
    for page, other in zip(pages, reversed(names), strict=True):
        assert any(a.attributes["href"].endswith(other) for a in page.all("a"))


def test_cuts_that_do_not_fit_the_text_are_refused(small: ReportData, tmp_path: Path) -> None:
    data = only_trace(small, small.curves["trace_id"][0])
    short = data.traces.with_columns(pl.col("text").str.slice(0, 12))
    with pytest.raises(ReportError, match="its cuts were made for another text"):
        render_report(replace(data, traces=short), tmp_path / "report")
    assert not (tmp_path / "report").exists()
