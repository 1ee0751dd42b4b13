"""Tables that say how far the other numbers can be trusted, and the second-hand figures beside ours."""

import dataclasses

import polars as pl
import pytest

from cot_assets.reporting import ReportData
from cot_assets.reporting.evidence import evidence
from cot_assets.reporting.sensitivity_plot import sensitivity_figure
from cot_assets.reporting.tables import second_hand_matches


def test_every_table_has_rows_as_wide_as_its_head(small: ReportData) -> None:
    found = evidence(small)
    assert [len(tables) for tables in found.values()] == [5, 2, 3]
    for table in (table for tables in found.values() for table in tables):
        assert {len(row) for row in table.rows} == {len(table.head)}, table.title
        assert all(isinstance(cell, str) for row in table.rows for cell in row), table.title
        assert (
            any("interval" in name for name in table.head)
            or "point estimates" in table.note
            or (table.query == "first_unlock")
        ), table.title


def test_queries_named_in_the_report_exist(small: ReportData) -> None:
    from cot_assets.warehouse.queries import named_queries

    assert {t.query for tables in evidence(small).values() for t in tables} <= set(named_queries())


def test_without_data_there_are_no_tables() -> None:
    assert evidence(ReportData("empty")) == {"patterns": [], "difficulty": [], "transfer": []}
    assert sensitivity_figure(ReportData("empty").sensitivity) is not None


@pytest.mark.parametrize("name", ["Qwen3-32B", "qwen/qwen3-32b", "Qwen/Qwen3-32B-Instruct"])
def test_second_hand_figures_stand_beside_the_same_model(small: ReportData, name: str) -> None:
    rates = small.pattern_rates.with_columns(pl.lit(name).alias("model"))
    found = second_hand_matches(dataclasses.replace(small, pattern_rates=rates))
    assert set(found) == {"Qwen3-32B"}
    assert found["Qwen3-32B"]["insight"]["trace_filter"] == "paper"
    assert second_hand_matches(small) == {}
