"""The schema in ``sql/tables``: complete, and guarding what is written."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from cot_assets.warehouse.errors import WarehouseError, printable, shown
from cot_assets.warehouse.schema import check_frame, conform, polars_schema, tables

GRADE = {
    "answer": ["12"],
    "gold_answer": ["12"],
    "answer_kind": ["integer"],
    "grader_version": ["1"],
    "verdict": ["correct"],
    "reason": ["equal"],
    "unit": ["cm"],
    "illegal_move": pl.Series([3], dtype=pl.Int32),
}


def test_every_table_and_column_says_what_it_is() -> None:
    silent = [
        f"{table.name}.{column.name}"
        for table in tables().values()
        for column in table.columns
        if len(column.comment) < 3
    ]
    assert silent == []
    assert [t.name for t in tables().values() if len(t.comment) < 10] == []


def test_every_table_has_a_key_that_is_not_null() -> None:
    for table in tables().values():
        assert table.primary_key, table.name
        assert all(not table.column(c).is_nullable for c in table.primary_key), table.name


def test_booleans_are_named_as_such() -> None:
    flags = {c.name for t in tables().values() for c in t.columns if c.type == "BOOLEAN"}
    assert {f for f in flags if not f.startswith(("is_", "has_"))} == {"states_answer", "leaks_answer"}


def test_what_was_sampled_names_its_protocol() -> None:
    columns = {t.name: {c.name for c in t.columns} for t in tables().values()}
    without = {
        name
        for name, own in columns.items()
        if not ("protocol" in own and own & {"protocol_hash", "sampling_hash"})
    }
    assert without == {"problems", "models", "grades", "sampling_runs"}


def test_polars_types_follow_the_ddl() -> None:
    schema = polars_schema("traces")
    assert schema["token_ids"] == pl.List(pl.Int32)
    assert schema["trace_id"] == pl.String
    assert polars_schema("models")["first_seen_at"] == pl.Datetime("us")


def test_a_right_frame_has_no_violations() -> None:
    assert check_frame("grades", pl.DataFrame(GRADE)) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop("reason"), "missing: reason"),
        (lambda f: f.with_columns(extra=1), "not in the schema: 'extra'"),
        (lambda f: f.with_columns(answer=12), "answer: type Int32, expected String"),
        (lambda f: f.with_columns(verdict=pl.lit(None, pl.String)), "verdict: 1 null(s)"),
        (lambda f: pl.concat([f, f]), "2 row(s) share a primary key, such as answer = '12'"),
    ],
)
def test_violations_are_named(change, message: str) -> None:
    violations = check_frame("grades", change(pl.DataFrame(GRADE)))
    assert any(message in v for v in violations), violations


def test_an_unknown_number_is_null_not_nan() -> None:
    rates = pl.DataFrame(schema=polars_schema("pattern_rates"))
    row = {n: ["a"] if t == pl.String else [1] for n, t in rates.schema.items()}
    frame = conform("pattern_rates", pl.DataFrame(row))
    assert check_frame("pattern_rates", frame) == []
    assert check_frame("pattern_rates", frame.with_columns(rate=pl.lit(None, pl.Float64))) == []
    for odd in (float("nan"), float("inf")):
        assert "rate: 1 value(s) not finite" in check_frame("pattern_rates", frame.with_columns(rate=odd))[0]


def test_conform_casts_only_what_cannot_lose_information() -> None:
    frame = pl.DataFrame(
        {
            "model": pl.Series(["m"], dtype=pl.Categorical),
            "first_seen_at": [datetime(2026, 1, 2, tzinfo=UTC)],
            "path": [None],
            "revision": [7],
        }
    )
    result = conform("models", frame)
    assert result.columns == ["model", "revision", "path", "first_seen_at"]
    assert result.schema["model"] == pl.String
    assert result.schema["path"] == pl.String
    assert result["first_seen_at"][0] == datetime(2026, 1, 2)
    assert result.schema["revision"] == pl.Int64  # a number is not a text: left for check_frame to report


def test_conform_refuses_what_does_not_fit() -> None:
    with pytest.raises(WarehouseError, match="does not fit"):
        conform("prefixes", pl.DataFrame({"n_tokens": [2**40]}))


def test_conform_reaches_into_lists() -> None:
    frame = conform("prefixes", pl.DataFrame({"token_ids": [[1, 2], []]}))
    assert frame.schema["token_ids"] == pl.List(pl.Int32)


def test_unknown_tables_and_columns_name_the_known_ones() -> None:
    with pytest.raises(WarehouseError, match=r"known: .*rollouts"):
        polars_schema("rollout")
    with pytest.raises(WarehouseError, match="it has: answer, gold_answer"):
        tables()["grades"].column("gold")


def test_text_of_models_cannot_steer_a_terminal() -> None:
    assert printable("a\x1b[31m\u202e\n\u2028\x9bé漢") == r"a\x1b[31m\u202e\n\u2028\x9bé漢"
    assert shown("\x1b" * 100, 20) == "'\\x1b\\x1b\\x1b\\x1b..."
    assert len(shown("a" * 10_000)) == 60
