"""What assets show in the Dagster UI: text of models stays text."""

from __future__ import annotations

import html
import re
from types import SimpleNamespace
from typing import Any, cast

import dagster as dg
import polars as pl
import pytest

from cot_assets.orchestration.assets import materializing as common
from cot_assets.orchestration.assets import showing
from cot_assets.orchestration.assets.defining import described
from cot_assets.study import ConfigError
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
    lines = str(showing.preview(pl.DataFrame({"x": values}, strict=False)).value).split("\n")
    assert lines[:2] == ["| x |", "| --- |"]
    return [line.removeprefix("| ").removesuffix(" |") for line in lines[2:]]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_is_never_markup(text: str) -> None:
    (cell,) = shown([text])
    without_entities = re.sub(r"&#\d+;", "", cell)
    assert not set(without_entities) & set("<>|`*_[]!\\~$&")
    assert without_entities.isprintable()
    assert len(html.unescape(cell)) <= 4 * showing._PREVIEW_CHARACTERS


def test_text_can_still_be_read() -> None:
    assert [html.unescape(cell) for cell in shown(HOSTILE[:4])] == HOSTILE[:4]
    assert shown(["two\nlines", 0.5 and "ü"]) == ["two ⏎ lines", "ü"]


def test_rows_and_text_are_bounded() -> None:
    cells = shown(["y" * 10_000] * 1_000)
    assert len(cells) == showing._PREVIEW_ROWS
    wide = pl.DataFrame({f"column_{i}": ["y" * 50] * 1_000 for i in range(4)})
    assert len(str(showing.preview(wide).value)) < 1_000, "Dagster shows it at once"
    assert len(str(showing.preview(wide, rows=40).value).split("\n")) == 42
    assert {len(cell) for cell in cells} == {showing._PREVIEW_CHARACTERS}


def test_long_columns_are_left_out_and_numbers_are_short() -> None:
    frame = pl.DataFrame({"ids": [[1, 2]], "p": [1 / 3], "n": [7], "none": [None]})
    assert str(showing.preview(frame).value).split("\n")[0] == "| p | n | none |"
    assert str(showing.preview(frame).value).split("\n")[2] == "| 0.333 | 7 |  |"


@pytest.mark.parametrize(
    ("values", "cells"),
    [
        ([8.0, None, 14.0], ["8", "", "14"]),  # rollouts, counted with weights elsewhere
        ([0.0, 1.0], ["0.000", "1.000"]),
        ([-0.0001, 0.25], ["0.000", "0.250"]),
        ([8.0, float("nan")], ["8", "nan"]),
    ],
)
def test_numbers_of_a_preview_read_well(values: list[float | None], cells: list[str]) -> None:
    assert shown([*values]) == cells


def test_a_preview_begins_with_what_tells_rows_apart() -> None:
    frame = pl.DataFrame(
        {
            "problem_set": ["s", "s"],
            "trace_id": ["t1", "t2"],
            "gold_hash": ["a", "b"],
            "text": ["x", "y"],
            "n": [1, 1],
        }
    )
    assert str(showing.preview(frame).value).split("\n")[0] == "| text | n | trace_id | gold_hash |"
    assert str(showing.preview(frame.head(1)).value).split("\n")[0].startswith("| problem_set | text | n |")


def test_rows_are_shown_where_there_are_any_and_as_the_asset_chooses() -> None:
    frame, scope = pl.DataFrame({"x": [1.0]}), cast("common.Scope", SimpleNamespace(fingerprint="f"))
    assert "preview" not in (common.finished(scope, common.Made(frame.clear())).metadata or {})
    chosen = {"preview": dg.MetadataValue.md("chosen")}
    told = common.finished(scope, common.Made(frame, metadata=chosen)).metadata or {}
    assert told["preview"] == chosen["preview"]


@pytest.mark.parametrize("table", ["traces", "rollouts", "potentials", "trace_patterns", "unlocks"])
def test_columns_are_described_from_the_ddl(table: str) -> None:
    schema = described(table)["metadata"]["dagster/column_schema"]
    assert [column.name for column in schema.columns] == [column.name for column in tables()[table].columns]
    assert all(column.description for column in schema.columns)


def test_figures_come_after_the_picture_in_few_digits_and_without_python() -> None:
    given = {
        "preview": showing.preview(pl.DataFrame({"x": [1]})),
        "share": 0.6333333333333333,
        "tiny": 1.23456e-7,
        "megabytes": 12345.678,
        "unknown": None,
        "never": float("nan"),
        "fits": True,
        "rows": 1234567,
        "picture": dg.MetadataValue.md("![picture](data:image/png;base64,)"),
    }
    shown = showing.shown(given)
    assert list(shown) == [
        "picture",
        *(name for name in given if name not in ("picture", "preview")),
        "preview",
    ]
    assert shown["share"] == 0.633
    assert shown["tiny"] == 1.23e-7
    assert shown["megabytes"] == 12346
    assert shown["rows"] == 1234567
    assert [shown[name] for name in ("unknown", "never", "fits")] == ["unknown", "unknown", "yes"]


def _told(error: Exception) -> None:
    with showing.telling(
        cast("Any", None)
    ):  # the context, of which only an engine that cannot be opened is told
        raise error


def test_a_foreseen_failure_is_its_sentence_and_final() -> None:
    with pytest.raises(dg.Failure) as caught:
        _told(ConfigError("no model named 'x' is configured; known: y"))
    assert caught.value.description == "no model named 'x' is configured; known: y"
    assert not caught.value.allow_retries
    assert caught.value.__suppress_context__
    with pytest.raises(ZeroDivisionError):  # nobody foresaw it: it keeps its stack
        _told(ZeroDivisionError())
