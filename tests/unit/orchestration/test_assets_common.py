"""What assets show in the Dagster UI: text of models stays text."""

from __future__ import annotations

import html
import re

import polars as pl
import pytest

from cot_assets.orchestration.assets import materializing as common
from cot_assets.warehouse.schema import tables

HOSTILE = [
    "<script>alert(1)</script>",
    "![x](http://example.invalid/track.png)",
    "[click](javascript:alert(1))",
    "a | b \\| c",
    "**bold** _it_ `code` ~~no~~ $x$",
    "two\nlines\r\nand \x1b[31mred\x1b[0m \u202egnp",
    "&lt;b&gt;",
]


def shown(values: list[object]) -> list[str]:
    """The cells of a preview of one column, as Markdown."""
    lines = str(common.preview(pl.DataFrame({"x": values}, strict=False)).value).split("\n")
    assert lines[:2] == ["| x |", "| --- |"]
    return [line.removeprefix("| ").removesuffix(" |") for line in lines[2:]]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_is_never_markup(text: str) -> None:
    (cell,) = shown([text])
    without_entities = re.sub(r"&#\d+;", "", cell)
    assert not set(without_entities) & set("<>|`*_[]!\\~$&")
    assert without_entities.isprintable()
    assert len(html.unescape(cell)) <= 4 * common._PREVIEW_CHARACTERS


def test_text_can_still_be_read() -> None:
    assert [html.unescape(cell) for cell in shown(HOSTILE[:4])] == HOSTILE[:4]
    assert shown(["two\nlines", 0.5 and "ü"]) == ["two ⏎ lines", "ü"]


def test_rows_and_text_are_bounded() -> None:
    cells = shown(["y" * 10_000] * 1_000)
    assert len(cells) == common._PREVIEW_ROWS
    assert {len(cell) for cell in cells} == {common._PREVIEW_CHARACTERS}


def test_long_columns_are_left_out_and_numbers_are_short() -> None:
    frame = pl.DataFrame({"ids": [[1, 2]], "p": [1 / 3], "n": [7], "none": [None]})
    assert str(common.preview(frame).value).split("\n")[0] == "| p | n | none |"
    assert str(common.preview(frame).value).split("\n")[2] == "| 0.333 | 7 | None |"


def test_a_frame_without_rows_has_a_preview() -> None:
    assert shown([]) == []


@pytest.mark.parametrize("table", ["traces", "rollouts", "potentials", "trace_patterns", "unlocks"])
def test_columns_are_described_from_the_ddl(table: str) -> None:
    schema = common.table_metadata(table)["dagster/column_schema"]
    assert [column.name for column in schema.columns] == [column.name for column in tables()[table].columns]
    assert all(column.description for column in schema.columns)
