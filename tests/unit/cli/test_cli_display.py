"""Frames as text."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime

import polars as pl
import pytest

from cot_assets.cli import say
from cot_assets.cli.sql import Format, format_rows
from cot_assets.warehouse.reading import Rows

HOSTILE = "a\x1b[2J\r\n\u202eb [red]c[/red]"


def format_frame(frame: pl.DataFrame, form: Format = "table", width: int | None = None) -> str:
    are_numbers = [kind.is_numeric() for kind in frame.dtypes]
    return format_rows(Rows(frame.columns, are_numbers, frame.rows()), form, width)


def test_a_table_is_as_wide_as_it_must_be() -> None:
    frame = pl.DataFrame({f"column_{i}": ["x" * 50, None] for i in range(30)})
    lines = format_frame(frame).splitlines()
    assert lines[0].split() == frame.columns
    assert lines[2].split() == ["x" * 50] * 30
    assert lines[-1] == "(2 rows)"
    assert (len(lines), lines[3]) == (5, "")  # the row of NULLs


RATES = pl.DataFrame(
    {"model": ["a", "b"], "rule": ["fitted", "fitted"], "note": [None, None], "share_of_steps": [0.5, 0.25],
     "n_steps": [9, 10], "ci_low": [0.25, None], "ci_high": [0.75, None]},
    schema_overrides={"note": pl.String},
)  # fmt: skip


def test_a_screen_is_told_once_what_all_rows_hold_and_has_intervals_with_their_values() -> None:
    above = ["rule  fitted", "note  NULL", ""]
    whole = [
        "model    share_of_steps  n_steps",
        "────────────────────────────────",
        "a      0.5 [0.25, 0.75]        9",
        "b                  0.25       10",
        "(2 rows)",
    ]
    assert format_frame(RATES, width=40).splitlines() == above + whole
    narrow = [
        "          share_of_     n_",
        "model         steps  steps",
        "──────────────────────────",
        "a               0.5      9",
        "       [0.25, 0.75]",
        "b              0.25     10",
        "(2 rows)",
    ]
    assert format_frame(RATES, width=28).splitlines() == above + narrow
    single = ["model           a", "rule            fitted", "note"]
    assert format_frame(RATES[:1], width=28).splitlines()[:3] == single


@pytest.mark.parametrize("width", [24, 40, 80])
def test_no_line_is_wider_than_the_screen_and_nothing_is_lost(width: int) -> None:
    frame = RATES.with_columns(span=pl.lit("a text that goes on and on, as those of models do"))
    frame = frame.with_columns(span=pl.col("span") + pl.col("model"))
    text = format_frame(frame, width=width)
    assert max(map(len, text.splitlines())) <= width
    assert all(said in text for said in ("fitted", "0.5", "0.25", "0.75", "models", "(2 rows)"))


def test_columns_of_one_name_keep_their_own_cells() -> None:
    text = format_rows(Rows(["a", "a"], [True, True], [(1, 2), (3, 4)]), "table", 40)
    assert [line.split() for line in text.splitlines()[2:4]] == [["1", "2"], ["3", "4"]]


def test_wide_characters_keep_columns_aligned() -> None:
    lines = format_frame(pl.DataFrame({"a": ["漢字", "x"], "b": ["1", "2"]})).splitlines()
    assert lines[2].index("1") == lines[3].index("2") - 2  # two characters that take two cells each


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_no_cell_can_steer_the_terminal(form) -> None:
    text = format_frame(pl.DataFrame({HOSTILE: [HOSTILE]}), form)
    assert not {"\x1b", "\r", "\u202e"} & set(text)
    assert "[red]c[/red]" in text
    if form == "table":
        assert r"a\x1b[2J\r\n\u202eb [red]c[/red]" in text


def test_numbers_are_readable() -> None:
    frame = pl.DataFrame({"a": [0.5, 1 / 3, 1e-9, 0.0, -0.0, -1e-7, 123456.0, None]})
    lines = format_frame(frame).splitlines()[2:-1]
    assert {len(line) for line in lines if line} == {6}, "numbers end at one edge"
    cells = [line.strip() for line in lines]
    assert cells == ["0.5", "0.3333", "1e-09", "0", "0", "-1e-07", "123456", ""]


def test_csv_can_be_read_back() -> None:
    frame = pl.DataFrame(
        {
            "text": ['say "a, b"', "x\ny"],
            "flag": [True, None],
            "list": [[1, 2], []],
            "when": [datetime(2026, 1, 2, 3), None],
            "real": [1 / 3, None],
        }
    )
    rows = list(csv.DictReader(io.StringIO(format_frame(frame, "csv"))))
    assert rows[0] == {
        "text": 'say "a, b"', "flag": "true", "list": "[1, 2]", "when": "2026-01-02 03:00:00",
        "real": repr(1 / 3),
    }  # fmt: skip
    assert rows[1]["text"] == r"x\ny"
    assert rows[1]["real"] == ""


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_a_zero_has_no_sign(form: Format) -> None:
    assert "-0" not in format_rows(Rows(["x", "xs"], [True, False], [(-0.0, [-0.0, {"y": -0.0}])]), form)


def test_json_keeps_every_value() -> None:
    frame = pl.DataFrame(
        {"text": [HOSTILE, None], "list": [[1], None], "real": [1 / 3, float("nan")], "n": [1, 2**60]}
    )
    assert json.loads(format_frame(frame, "json")) == [
        {"text": HOSTILE, "list": [1], "real": 1 / 3, "n": 1},
        {"text": None, "list": None, "real": None, "n": 2**60},
    ]


def test_empty_frames_still_show_their_columns() -> None:
    frame = pl.DataFrame(schema={"a": pl.Int32, "b": pl.String})
    assert format_frame(frame).splitlines()[0].split() == ["a", "b"]
    assert format_frame(frame).endswith("(0 rows)\n")
    assert format_frame(frame, "csv") == "a,b\n"
    assert format_frame(frame, "json") == "[]\n"


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="'xml' is not one of table, csv, json"):
        format_frame(pl.DataFrame(), "xml")  # type: ignore[arg-type]


def test_a_mark_stands_before_the_first_of_several_lines(capsys: pytest.CaptureFixture[str]) -> None:
    say("a damaged file\n(run 1)", "Error: ")
    say("one\ntwo")
    assert capsys.readouterr().out == "Error: a damaged file\n(run 1)\n  one\n  two\n"
