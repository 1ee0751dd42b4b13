"""A section shows its query's rows: models as columns, value and interval in one cell, nothing cut in silence."""

from __future__ import annotations

import polars as pl
import pytest
from synthetic_report import source_of

from cot_assets.measures.sections import SECTIONS
from cot_assets.report import sections
from cot_assets.report.index import GROUPS
from cot_assets.report.numbers import intervals
from cot_assets.report.sections import Section, layout
from cot_assets.warehouse.queries import named_queries

SECTION = Section("q", "patterns", "t", n=("n_with", "n_traces"))


def _rates(*rows: tuple[str, str, int, int, float | None]) -> pl.DataFrame:
    frame = pl.DataFrame(
        rows,
        schema=["model", "pattern", "n_with", "n_traces", "rate"],
        orient="row",
        infer_schema_length=None,
    )
    return frame.with_columns(
        (pl.col("rate") - 0.1).alias("ci_low"),
        (pl.col("rate") + 0.1).alias("ci_high"),
    )


def _texts(table: sections.Table) -> list[list[str]]:
    return [[" ".join(filter(None, (c.text, c.interval, c.n))) for c in row] for row in table.rows]


def test_models_are_columns_with_value_interval_and_counts_in_one_cell() -> None:
    frame = _rates(("a", "insight", 2, 8, 0.25), ("b", "insight", 4, 8, 0.5), ("a", "tangent", 1, 8, 0.125))
    table = layout(frame, SECTION)
    assert table.head == ["Pattern", "a", "b"]
    assert _texts(table) == [
        ["insight", "25% [15, 35] 2 of 8", "50% [40, 60] 4 of 8"],
        ["tangent", "12% [2, 22] 1 of 8", "–"],
    ]


def test_columns_that_do_not_vary_are_named_above_the_table() -> None:
    table = layout(_rates(("a", "insight", 2, 8, 0.25), ("b", "insight", 4, 8, 0.5)), SECTION)
    assert table.head == ["a", "b"]
    assert table.constants == [("Pattern", "insight")]


def test_a_number_that_three_rows_hold_is_named_above_the_table() -> None:
    frame = pl.DataFrame({"reader": ["a", "b", "c"], "n_unlocked": [0, 0, 0], "n_tried": [1, 4, 4]})
    table = layout(frame, Section("q", "transfer", "t", across=()))
    assert (table.head, table.constants) == (["Reader", "Tried"], [("Unlocked", "0")])
    assert layout(frame[:2], Section("q", "transfer", "t", across=())).constants == []


def test_what_has_no_value_has_no_count() -> None:
    frame = pl.DataFrame(
        {"model": ["a", "a"], "k": [1, 2], "rate": [0.5, 0.6], "other": [None, 0.5], "n": [8, 9]}
    )
    rows = _texts(
        layout(frame.vstack(frame.with_columns(model=pl.lit("b"))), Section("q", "patterns", "t", n=("n",)))
    )
    assert [row[:3] for row in rows] == [["1", "50% n = 8", "–"], ["2", "60% n = 9", "0.50 n = 9"]]


def test_rows_that_rest_on_nothing_are_counted_and_left_out() -> None:
    frame = _rates(("a", "insight", 0, 0, None), ("a", "tangent", 4, 8, 0.5), ("a", "monotone", 3, 8, None))
    table = layout(frame.vstack(_rates(("b", "tangent", 1, 1, 1.0))), SECTION)
    assert (len(table.rows), table.n_silent) == (1, 3)


def test_rows_beyond_the_bound_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sections, "MOST_ROWS", 3)
    frame = pl.DataFrame({"problem_id": [f"p{i}" for i in range(5)], "rate": [i / 5 for i in range(5)]})
    table = layout(frame, Section("q", "patterns", "t"))
    assert (len(table.rows), table.n_more) == (3, 2)


def test_too_many_models_stay_rows() -> None:
    frame = _rates(
        *((f"m{i}", pattern, 1, 8, i / 40) for i in range(12) for pattern in ("insight", "tangent"))
    )
    assert layout(frame, SECTION).head == ["Model", "Pattern", "Rate", "n"]


def test_an_estimate_without_interval_says_so() -> None:
    frame = _rates(("a", "insight", 2, 8, 0.25), ("a", "tangent", 2, 8, 0.2)).with_columns(
        pl.lit(None, pl.Float64).alias("ci_low")
    )
    assert _texts(layout(frame, SECTION))[0] == ["insight", "25% [too few]", "2 of 8"]


def test_counts_beside_n_are_left_out_unless_they_are_named() -> None:
    frame = pl.DataFrame({"problem_id": ["p", "q"], "n_steps": [2, 3], "n_sure": [1, 2], "n_other": [7, 8]})
    section = Section("q", "steps", "t", n=("n_steps",), names={"n_sure": "Sure"})
    assert layout(frame, section).head == ["Problem id", "Sure", "n"]


def test_what_all_rows_hold_can_head_another_column() -> None:
    frame = pl.DataFrame({"first": ["a", "a"], "measure": ["v0", "n_tokens"], "value": [0.5, 0.25]})
    section = Section("q", "models", "t", across=(), names={"value": "{first}"})
    table = layout(frame, section)
    assert (table.head, table.constants) == (["Measure", "a"], [])
    assert [row[0].text for row in table.rows] == ["V0", "tokens"]
    several = layout(frame.with_columns(first=pl.Series(["a", "b"])), section)
    assert several.head == ["First", "Measure", "First"]


def test_a_matrix_is_colored_by_potential_or_by_change() -> None:
    frame = pl.DataFrame(
        {"reader": ["a", "b"], "writer": ["b", "a"], "fraction": [0.2, 0.2], "potential": [0.25, 0.75],
         "lift": [-0.6, 0.0], "unknown": pl.Series([None, None], dtype=pl.Float64)}
    )  # fmt: skip
    for colored, other, steps in (("potential", "lift", ["p5", "p15"]), ("lift", "potential", ["q0", "q10"])):
        section = Section(
            "q", "transfer", "t", across=("writer",), colored=colored,
            kinds={"fraction": "share"}, names={other: ""},
        )  # fmt: skip
        table = layout(frame, section)
        assert table.constants == [("Fraction", "20%")]
        assert table.columns == [("Reader", False), ("a", True), ("b", True)]
        assert [cell.step for row in table.rows for cell in row if cell.step] == steps


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["rate", "ci_low", "ci_high"], {"rate": ("ci_low", "ci_high")}),
        (["v0", "v0_low", "v0_high", "n"], {"v0": ("v0_low", "v0_high")}),
        (["before", "after", "rise_low", "rise_high"], {"after": ("rise_low", "rise_high")}),
        (["low", "high"], {}),
        (["rate", "n", "ci_low", "ci_high"], {"rate": ("ci_low", "ci_high")}),
        (["n_unsolved", "share_low", "share_high"], {}),
    ],
)
def test_ends_of_intervals_find_their_value(columns: list[str], expected: dict[str, tuple[str, str]]) -> None:
    assert intervals(columns) == expected


def test_no_name_and_no_count_takes_the_interval_of_a_number() -> None:
    frame = pl.DataFrame(
        {"writer": ["w", "x"], "writer_potential": [0.5, 0.6], "writer_low": [0.4, 0.5], "writer_high": [0.6, 0.7],
         "n_unsolved": [11, 12], "share_low": [0.0, 0.1], "share_high": [1.0, 0.9]}
    )  # fmt: skip
    section = Section("q", "transfer", "t", across=(), names={"share_low": "", "share_high": ""})
    assert _texts(layout(frame, section))[0] == ["w", "0.50 [0.40, 0.60]", "11"]


def test_columns_made_of_counts_say_what_they_count_and_thresholds_stay_rows() -> None:
    frame = pl.DataFrame({"model": ["a", "a"], "n": [16, 32], "threshold": [0.4, 0.4], "rate": [0.1, 0.2]})
    table = layout(frame, Section("q", "trust", "t", across=("model", "n")))
    assert (table.head, table.constants) == (["n = 16", "n = 32"], [("Model", "a"), ("Threshold", "0.40")])


def test_a_row_of_a_trace_leads_to_its_page() -> None:
    frame = pl.DataFrame({"problem_id": ["p", "q"], "trace_id": ["t", "u"], "delta": [0.5, -0.0]})
    table = layout(frame, Section("q", "steps", "t"), {"t": "traces/t.html"})
    assert [row[0].href for row in table.rows] == ["traces/t.html", ""]
    assert [row[1].text for row in table.rows] == ["+0.50", "0.00"]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda s: f"{s.query}: {s.title}")
def test_every_section_asks_a_query_that_is_there_with_parameters_that_it_has(section: Section) -> None:
    query = named_queries()[section.query]
    assert section.group in GROUPS
    assert set(section.values) <= {parameter.name for parameter in query.parameters}


def test_answers_that_no_rule_found_are_told_apart_from_wrong_ones() -> None:
    rows = [
        {"problem_set": "demo", "model": "m", "reader": "m", "prefix_id": f"p{i}", "sample_index": i, "origin": "own",
         "answer": None if i % 3 else "5", "answer_rule": None if i % 3 else "boxed",
         "verdict": "no_answer" if i % 3 else "correct"}
        for i in range(9)
    ]  # fmt: skip
    (section,) = (section for section in SECTIONS if section.query == "answer_rules")
    table = layout(source_of({"rollouts": rows}).query("answer_rules"), section)
    assert _texts(table) == [["none", "67%", "0%", "6"], ["boxed", "33%", "100%", "3"]]
