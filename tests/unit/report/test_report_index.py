"""The index: every number beside its interval, n, rule and query."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from page_reader import read_page, text_after
from synthetic_report import PROTOCOL

from cot_assets.report import ReportData, numbers, render_report


def test_rates_stand_beside_interval_n_and_rule(small_report: Path, small: ReportData) -> None:
    text = re.sub(
        r"\s+", " ", text_after(read_page(small_report / "index.html"), "Correct traces, problems solved")
    )
    for rate in small.pattern_rates.filter(pl.col("trace_filter") == "paper").iter_rows(named=True):
        assert rate["rate"] is not None
        assert f"{rate['n_with']} of {rate['n_traces']}" in text
        assert f"{100 * rate['ci_low']:.0f}–{100 * rate['ci_high']:.0f}%" in text
    assert "Threshold rule" in text
    assert "Confirmed rule" in text


def test_the_papers_figures_are_labeled_second_hand(small: ReportData, tmp_path: Path) -> None:
    rates = small.pattern_rates.with_columns(pl.col("model").replace("demo-strong", "Qwen3-32B"))
    data = replace(small, problem_set="aime24", pattern_rates=rates)
    page = read_page(render_report(data, tmp_path / "report")[0])
    (table,) = page.all("table", "second-hand")
    assert "36%" in table.text
    assert "measured here" in table.text
    assert "Llama" not in table.text
    before = page.all("body")[0].text.split("second-hand")[0]
    assert "Second-hand, from digests" in page.all("body")[0].text[len(before) : len(before) + 200]


def test_the_papers_figures_are_not_shown_beside_other_problems(small_report: Path) -> None:
    page = read_page(small_report / "index.html")
    assert not page.all("table", "second-hand")
    assert "Qwen" not in page.all("body")[0].text


def test_every_section_names_the_query_of_its_numbers(small_report: Path) -> None:
    from cot_assets.warehouse.queries import named_queries

    raw = (small_report / "index.html").read_text()
    sections = re.split(r'<h2 id="(\w+)">', raw)
    told = {name: set(re.findall(r"cot-assets sql (\w+)", text)) for name, text in zip(sections[1::2], sections[2::2], strict=True)}  # fmt: skip
    expected = {
        "models": "sampling_quality", "patterns": "pattern_table", "guesses": "guesses_by_v0",
        "difficulty": "model_pairs", "transfer": "transfer", "unlocks": "unlocked_problems", "traces": "trace",
        "cost": "cost",
    }  # fmt: skip
    for section, query in expected.items():
        assert query in told[section], section
    assert {"sensitivity", "recovery", "true_changes"} <= told["patterns"]
    assert "pass_at_k" in told["guesses"]
    assert set().union(*told.values()) <= set(named_queries())


def test_unlocks_and_costs_are_those_of_the_frames(small_report: Path, small: ReportData) -> None:
    page = read_page(small_report / "index.html")
    at = small.unlocks.filter(
        (pl.col("reader") == "demo-weak")
        & (pl.col("control") == "none")
        & ((pl.col("fraction") - 0.2).abs() < 1e-9)
    )
    row = small.unlock_rates.filter(
        (pl.col("fraction") - 0.2).abs() < 1e-9, reader="demo-weak", control="none", trace_filter="all", leaks="kept"
    ).row(0, named=True)  # fmt: skip
    shown = text_after(page, "demo-weak reads demo-strong").split("all traces")[1].split("correct traces")[0]
    assert f"{row['n_problems_unlocked']} of {row['n_problems_unsolved']}" in shown
    assert f"{row['n_unlocked']} of {row['n_unsolved']}" in shown
    for prefix in ("", "problems_"):
        assert numbers.percent_interval(row[f"{prefix}ci_low"], row[f"{prefix}ci_high"]) in shown
    counts = [(at["status"] == s).sum() for s in ("not_unlocked", "undecided", "solved_before")]
    rest = shown.split(numbers.percent_interval(row["ci_low"], row["ci_high"]))[-1]
    assert [int(cell) for cell in re.findall(r"\d+", rest)][:3] == counts
    assert row["n_traces"] == at.height
    place = at.join(small.transfer_potentials, on=["reader", "trace_id", "fraction", "control"]).row(
        0, named=True
    )
    assert f"{place['ci_low']:.2f}–{place['ci_high']:.2f}" in text_after(page, "every trace at 20%")
    total = small.sampling_runs.filter(pl.col("model") == "demo-weak")["generated_tokens"].sum()
    assert f"{total:,}" in text_after(page, "What sampling took")
    assert "not told" in text_after(page, "What sampling took"), "cached tokens are unknown, not 0"


def test_guess_rates_stand_beside_interval_and_bound(small_report: Path, small: ReportData) -> None:
    text = text_after(read_page(small_report / "index.html"), "Guesses beside difficulty").split("pass@k")[0]
    rates = small.matched_rates.filter(
        pl.col("pattern").is_in(["lucky_guess", "late_spike"]), pl.col("n_traces") > 0,
        rule="threshold", trace_filter="correct",
    )  # fmt: skip
    assert rates.filter(v0_bin="equal weights").height == 4
    for row in rates.iter_rows(named=True):
        assert numbers.percent_interval(row["ci_low"], row["ci_high"]) in text
    bounds = small.summaries.filter(pl.col("n") > 0, measure="guess_bound")
    assert bounds.height
    for row in bounds.iter_rows(named=True):
        assert numbers.percent_interval(row["ci_low"], row["ci_high"]) in text


def test_every_measured_trace_can_be_reached_from_the_index(small_report: Path) -> None:
    hrefs = {a.attributes["href"] for a in read_page(small_report / "index.html").all("a", "spark")}
    assert hrefs == {f"traces/{path.name}" for path in small_report.glob("traces/*.html")}


def test_recorded_rollouts_have_no_cost_and_no_transfer(recorded_report: Path) -> None:
    text = read_page(recorded_report / "index.html").all("body")[0].text
    assert "Nothing was sampled here" in text
    assert "No transfer was measured" in text
    assert "No unlocks were measured" in text


@pytest.mark.parametrize("with_protocol", [False, True])
def test_an_empty_problem_set_renders(tmp_path: Path, with_protocol: bool) -> None:
    data = ReportData("empty", protocol=PROTOCOL if with_protocol else None)
    (index,) = render_report(data, tmp_path / "report")
    text = read_page(index).all("body")[0].text
    assert "No model has traces on this problem set yet." in text
    assert "How to read this" in text


def test_traces_without_curves_and_rates_without_traces_render(small: ReportData, tmp_path: Path) -> None:
    unknown = small.pattern_rates.with_columns(
        *(pl.lit(None, pl.Float64).alias(c) for c in ("rate", "ci_low", "ci_high", "n_eff")),
        pl.lit(0).alias("n_traces"),
    )
    data = ReportData("demo", problems=small.problems, traces=small.traces, pattern_rates=unknown)
    render_report(data, tmp_path / "report")
    page = read_page(tmp_path / "report" / "index.html")
    assert "unknown" in text_after(page, "Threshold rule").split("Guesses beside difficulty")[0]
    assert "No trace has a measured curve yet." in page.all("body")[0].text
    model = read_page(next((tmp_path / "report" / "models").glob("*.html")))
    assert "No trace of this model has a measured curve." in model.all("body")[0].text
