"""The first screen: findings by rules, warnings, a card per model, the gallery's data."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from page_reader import read_page
from synthetic_report import Rows, demo_tables, source_of

from cot_assets.report.findings import findings, warnings
from cot_assets.report.pages import render_report, told_findings
from cot_assets.study import Protocol


def test_findings_stand_on_rows_with_interval_and_n(small: dict[str, Rows]) -> None:
    found = told_findings(source_of(small))
    commands = [f"cot-assets sql {query}" for query in ("model_pairs", "pattern_rates", "transfer")]
    assert [command for _, _, command in found] == commands
    assert found[0][0] == "demo-strong solves more than demo-weak"
    said = "On the 24 problems that both have, demo-strong is correct in 50%, demo-weak is correct in 20%"
    assert found[0][1] == f"{said}: a difference of 30 points [10, 50]."
    assert "of 24 traces" in found[1][1]
    assert found[2][0] == "demo-strong's beginnings help demo-weak"
    assert "+0.15 [+0.10, +0.20]" in found[2][1]


@pytest.mark.parametrize(
    ("table", "change", "at"),
    [
        ("model_differences", {"n_problems": 5}, 0),
        ("model_differences", {"ci_low": -0.1, "ci_high": 0.9}, 0),
        ("model_differences", {"ci_low": None, "ci_high": None}, 0),
        ("pattern_rates", {"n_traces": 9}, 1),
        ("transfer_curve", {"n_problems": 5}, 2),
        ("transfer_curve", {"lift_low": -0.01}, 2),
        ("transfer_curve", {"lift_low": None, "lift_high": None}, 2),
    ],
)
def test_too_few_to_say_is_a_finding(
    small: dict[str, Rows], table: str, change: dict[str, float], at: int
) -> None:
    tables = {**small, table: [{**row, **change} for row in small[table]]}
    assert told_findings(source_of(tables))[at][0].startswith("Too few")


@pytest.mark.parametrize(
    ("ends", "word"), [((0.15, 0.4), "often"), ((0.05, 0.4), "sometimes"), ((0.0, 0.08), "rarely")]
)
def test_how_often_steps_decide_is_said_by_the_interval(
    small: dict[str, Rows], ends: tuple[float, float], word: str
) -> None:
    rates = [{**row, "ci_low": ends[0], "ci_high": ends[1]} for row in small["pattern_rates"]]
    assert told_findings(source_of({**small, "pattern_rates": rates}))[1][0] == f"Single steps {word} decide"


@pytest.mark.parametrize(
    ("change", "headline"),
    [
        ({}, "demo-strong solves more than half of the problems"),
        ({"ci_low": 0.45}, "Too few problems to say whether demo-strong solves half of them"),
        (
            {"estimate": 0.3, "ci_low": 0.2, "ci_high": 0.4},
            "demo-strong solves fewer than half of the problems",
        ),
        ({"n_problems": 5}, "Too few problems to say whether demo-strong solves half of them"),
    ],
)
def test_of_models_that_share_no_problem_one_is_said_to_solve_more_or_fewer_than_half(
    small: dict[str, Rows], change: dict[str, float], headline: str
) -> None:
    means = [{**row, **(change if row.get("measure") == "accuracy" else {})} for row in small["summaries"]]
    said, sentence, command = told_findings(
        source_of({**small, "model_differences": [], "summaries": means})
    )[0]
    assert (said, command) == (headline, "cot-assets sql difficulty")
    assert "demo-strong's traces are correct in" in sentence
    assert "its chance before the first token is 0.45 [0.40, 0.50]." in sentence


def test_where_accuracy_is_withheld_the_chance_at_the_start_says_how_much_is_solved(
    small: dict[str, Rows],
) -> None:
    means = [row for row in small["summaries"] if row.get("measure") != "accuracy"]
    headline, sentence, _ = told_findings(source_of({**small, "model_differences": [], "summaries": means}))[
        0
    ]
    assert sentence == "Over 24 problems, demo-strong's chance before the first token is 0.45 [0.40, 0.50]."
    assert headline.startswith("Too few"), "0.50 is within the interval"


@pytest.mark.parametrize(
    ("change", "headline", "query"),
    [
        ({"n_with": 3}, "Some correct answers look guessed", "guesses"),
        ({"n_with": 0}, "No answer looks guessed", "guesses"),
        ({"n_with": 3, "n_traces": 9}, "Too few correct traces to say how many are guessed", "pattern_rates"),
    ],
)
def test_guesses_are_said_where_there_is_no_transfer(
    small: dict[str, Rows], change: dict[str, int], headline: str, query: str
) -> None:
    rates = [{**row, **change, "rate": change["n_with"] / 24} for row in small["pattern_rates"]]
    said, sentence, command = told_findings(
        source_of({**small, "transfer_curve": [], "pattern_rates": rates})
    )[2]
    assert (said, command) == (headline, f"cot-assets sql {query}")
    n = f"{change['n_with']} of demo-strong's {change.get('n_traces', 24)} correct traces"
    assert sentence.startswith(f"The answer was unlikely just before it was stated in {n}: ")


def test_a_narrow_interval_around_nothing_is_told_from_too_few_problems(small: dict[str, Rows]) -> None:
    curve = [{**row, "lift": 0.01, "lift_low": -0.02, "lift_high": 0.04} for row in small["transfer_curve"]]
    headline = told_findings(source_of({**small, "transfer_curve": curve}))[2][0]
    assert headline == "demo-strong's beginnings change little for demo-weak"


def test_nothing_measured_finds_nothing() -> None:
    assert findings(source_of({})) == []


def test_a_reader_is_warned_of_truncation_failed_grades_unknown_cuts_and_few_traces() -> None:
    verdicts = pl.DataFrame(
        [{"model": "m", "n_traces": 100, "n_truncated": 94, "n_unscored": 3, "n_measured": 1}]
    )
    quality = pl.DataFrame(
        [{"model": "m", "truncated_share": 0.94, "unscored_share": 0.021, "n_unknown": 1, "n_prefixes": 20}]
    )
    assert list(warnings(verdicts, quality)) == [
        "m: 94 of 100 traces are truncated.",
        "m: 3 of 100 traces are unscored.",
        "m: only 1 trace with a curve; most rates are open.",
        "m: 94% of the rollouts are truncated.",
        "m: 2.1% of the rollouts are unscored.",
        "m: 1 cut of 20 without a scored rollout.",
    ]
    checked = list(warnings(verdicts, quality, has_checks=True))
    assert [line for line in checked if "rollouts are" in line] == [], "a check says it, and only once"
    assert len(checked) == 4
    fine = verdicts.with_columns(n_truncated=10, n_unscored=2, n_measured=10)
    assert (
        list(warnings(fine, quality.with_columns(truncated_share=0.1, unscored_share=None, n_unknown=0)))
        == []
    )


def test_the_gallery_holds_every_measured_trace(small_report: Path, small: dict[str, Rows]) -> None:
    page = read_page(small_report / "index.html")
    rows = json.loads(
        next(e.text for e in page.all("script") if e.attributes.get("type") == "application/json")
    )
    assert {row["href"] for row in rows} == {
        f"traces/{path.name}" for path in small_report.glob("traces/*.html")
    }
    assert len(rows) == len({row["trace_id"] for row in small["trace_curves"]})
    signs = [sign for row in rows for sign in row["signs"]]
    events = {(e["trace_id"], e["pattern"]) for e in small["events"]}
    assert signs.count("insight") == sum(pattern == "insight" for _, pattern in events)
    assert {"insight", "tangent"} <= set(signs)


def test_the_caller_s_notices_stand_first(small: dict[str, Rows], tmp_path: Path) -> None:
    index = render_report(source_of(small), (), tmp_path / "report", ["The check martingale failed."])[0]
    assert "The check martingale failed." in read_page(index).all("div", "banner")[0].text


def test_models_are_compared_on_a_page_of_their_own(small: dict[str, Rows], small_report: Path) -> None:
    index, compare = (read_page(small_report / f"{name}.html") for name in ("index", "compare"))
    said = "On the 24 problems that both have, demo-strong is correct in 50%, demo-weak is correct in 20%"
    assert f"{said}: a difference of 30 points [10, 50]." in index.all("body")[0].text
    for title in ("Two models on the same problems", "Over the steps of a training"):
        assert [title in (e.text for e in page.all("summary")) for page in (index, compare)] == [False, True]
    assert "1 row rests on one case or none and is left out." in compare.all("body")[0].text
    assert not {e.attributes["id"] for e in compare.all("h2")} & {e.attributes["id"] for e in index.all("h2") if "id" in e.attributes}  # fmt: skip


def test_where_problems_were_chosen_both_pages_with_rates_say_how(
    small: dict[str, Rows], small_report: Path, tmp_path: Path
) -> None:
    said = "The problems were chosen: by a trial. Rates are rates of such problems."
    chosen = [{**problem, "chosen": "by a trial."} for problem in small["problems"]]
    pages = render_report(source_of({**small, "problems": chosen}), (), tmp_path / "report")
    for folder, is_said in ((pages[0].parent, True), (small_report, False)):
        for name in ("index", "compare"):
            assert (said in read_page(folder / f"{name}.html").all("body")[0].text) == is_said


def test_one_model_is_not_compared(small: dict[str, Rows], tmp_path: Path) -> None:
    alone = {
        name: [r for r in rows if "demo-weak" not in (r.get("model"), r.get("reader"))]
        for name, rows in small.items()
    }
    pages = render_report(source_of(alone), (), tmp_path / "report")
    assert "compare.html" not in {page.name for page in pages}
    assert "Compare" not in read_page(pages[0]).all("body")[0].text


def test_a_command_names_what_differs_from_the_querys_own(small: dict[str, Rows]) -> None:
    source = source_of(small)
    assert source.command("transfer_matrix") == "cot-assets sql transfer_matrix"
    other = replace(source, protocol=Protocol(name="other", headline_fraction=0.4))
    assert other.command("transfer_matrix") == "cot-assets sql transfer_matrix -p fraction=0.4"
    assert other.command("pattern_rates", rule=None) == "cot-assets sql pattern_rates"


def test_every_section_names_the_query_of_its_numbers(small_report: Path) -> None:
    raw = (small_report / "index.html").read_text()
    for query in ("pattern_rates", "transfer", "model_pairs"):
        assert f"cot-assets sql {query}" in raw
    assert "cot-assets sql pattern_rates -p trace_filter=all" in raw


def test_an_empty_problem_set_renders(tmp_path: Path) -> None:
    (index,) = render_report(source_of({}), (), tmp_path / "report")
    text = read_page(index).all("body")[0].text
    assert "No model has traces on this problem set yet." in text
    assert "No trace has a measured curve yet." in text


def test_traces_without_curves_render(tmp_path: Path) -> None:
    tables = demo_tables((0, 0, 1, 0))
    render_report(source_of({name: tables[name] for name in ("problems", "traces")}), (), tmp_path / "report")
    page = read_page(tmp_path / "report" / "index.html")
    assert "No trace has a measured curve yet." in page.all("body")[0].text
    assert len(page.all("article", "card")) == 2
