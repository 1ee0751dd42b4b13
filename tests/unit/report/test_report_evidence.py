"""Tables that say how far the other numbers can be trusted, and the second-hand figures beside ours."""

import dataclasses

import polars as pl
import pytest

from cot_assets.report import ReportData, numbers
from cot_assets.report.evidence import evidence
from cot_assets.report.second_hand import second_hand
from cot_assets.report.sensitivity_plot import sensitivity_figure


def test_every_table_has_rows_as_wide_as_its_head(small: ReportData) -> None:
    found = evidence(small)
    assert [len(tables) for tables in found.values()] == [7, 3, 3]
    for table in (table for tables in found.values() for table in tables):
        assert {len(row) for row in table.rows} == {len(table.head)}, table.title
        assert all(isinstance(cell, str) for row in table.rows for cell in row), table.title
        assert any("interval" in name for name in table.head), table.title


def test_queries_named_in_the_report_exist(small: ReportData) -> None:
    from cot_assets.warehouse.queries import named_queries

    assert {t.query for tables in evidence(small).values() for t in tables} <= set(named_queries())


def test_without_data_there_are_no_tables() -> None:
    assert evidence(ReportData("empty")) == {"patterns": [], "difficulty": [], "transfer": []}
    assert sensitivity_figure(ReportData("empty").sensitivity) is not None


def test_shares_are_those_of_the_summaries(small: ReportData) -> None:
    (table,) = [t for t in evidence(small)["patterns"] if t.query == "recovery"]
    rows = small.summaries.filter(figure="recovery", measure="recovered", rule="threshold")
    for row in rows.iter_rows(named=True):
        (shown,) = [cells for cells in table.rows if cells[0] == row["model"] and cells[2] == "threshold"]
        assert row["n"], "the made-up data have tangents"
        assert shown[3:7] == [
            numbers.percent(row["estimate"]),
            numbers.percent_interval(row["ci_low"], row["ci_high"]),
            f"{row['n_with']} of {row['n']}",
            str(row["n_problems"]),
        ]


def test_what_rests_on_nothing_is_no_number(small: ReportData) -> None:
    none = small.summaries.with_columns(
        *(pl.lit(None, pl.Float64).alias(name) for name in ("estimate", "ci_low", "ci_high")),
        pl.lit(0, pl.Int32).alias("n"),
        pl.lit(None, pl.Int32).alias("n_with"),
    )
    tables = evidence(dataclasses.replace(small, summaries=none))["patterns"]
    (recovery,) = [t for t in tables if t.query == "recovery"]
    assert all(row[3:6] == ["–", "–", "0 of 0"] for row in recovery.rows)


@pytest.mark.parametrize(
    ("name", "problem_set", "source", "is_there"),
    [
        ("Qwen3-32B", "aime24", "hf://datasets/x", True),
        ("qwen/qwen3-32b", "aime-2024-quick", "x.jsonl", True),
        ("Qwen/Qwen3-32B-Instruct", "mine", "hf://datasets/a/aime_2024/data/train.parquet", True),
        ("Qwen3-32B", "aime25", "hf://datasets/math-ai/aime25/test.jsonl", False),
        ("Qwen3-32B", "demo", "generated:demo", False),
        ("Qwen3-32B", "aime2400", "x.jsonl", False),
        ("Qwen3-32B-base", "aime24", "x.jsonl", False),
    ],
)
def test_second_hand_figures_stand_beside_the_same_model_on_the_same_problems(
    small: ReportData, name: str, problem_set: str, source: str, is_there: bool
) -> None:
    rates = small.pattern_rates.filter(model="demo-strong").with_columns(pl.lit(name).alias("model"))
    both = pl.concat([rates, rates.with_columns(pl.lit("tokens").alias("cut_policy"))])
    problems = small.problems.with_columns(pl.lit(source).alias("source"))
    data = dataclasses.replace(small, problem_set=problem_set, pattern_rates=both, problems=problems)
    found = second_hand(data)
    assert [row.model for row in found] == (["Qwen3-32B"] if is_there else [])
    if is_there:
        assert [policy for policy, _ in found[0].ours] == ["tokens", "lines"]
        for row in found[0].ours[0][1]:
            assert row is not None
            assert (row["trace_filter"], row["rule"]) == ("paper", "threshold")
