"""A database of another release: what changes by itself, and what asks for a rebuild."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from cot_assets.study import DataHome
from cot_assets.warehouse.errors import WarehouseError
from cot_assets.warehouse.preparing import is_current, prepare
from cot_assets.warehouse.schema import describe, read_schema, tables, views
from cot_assets.warehouse.store import Warehouse


def made() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(":memory:")
    prepare(con)
    return con


def test_a_new_database_has_every_table_and_view_with_its_comments() -> None:
    con = made()
    found = describe(con)
    assert found.keys() - {"schema_version"} == tables().keys() | views().keys()
    for name, table in {**tables(), **views()}.items():
        assert [(c.name, c.type, c.comment) for c in found[name].columns] == [
            (c.name, c.type, c.comment) for c in table.columns
        ]
    assert is_current(con)


def test_a_missing_table_and_a_changed_view_appear_by_themselves_and_rows_stay() -> None:
    con = made()
    con.execute("INSERT INTO grades VALUES ('1', '1', 'integer', '1', 'correct', 'equal', NULL, NULL)")
    con.execute("DROP TABLE explorations; CREATE OR REPLACE VIEW events AS SELECT 1 AS old")
    con.execute("UPDATE schema_version SET version = 'older' WHERE name = 'present'")
    assert not is_current(con)
    prepare(con)
    assert is_current(con)
    assert describe(con)["events"].columns == describe(made())["events"].columns
    assert con.execute("SELECT count(*) FROM grades").fetchall() == [(1,)]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("ALTER TABLE grades ADD COLUMN more INTEGER", "table grades has more INTEGER"),
        ("DROP VIEW events; CREATE TABLE events (a INTEGER)", "events is not a view"),
        ("DROP TABLE schema_version; CREATE TABLE schema_version (version INTEGER)", "earlier release"),
    ],
)
def test_other_columns_ask_for_a_rebuild_and_nothing_is_changed(change: str, named: str) -> None:
    con = made()
    con.execute(change)
    con.execute("INSERT INTO models BY NAME SELECT * FROM models LIMIT 0")
    before = describe(con)
    with pytest.raises(WarehouseError, match=f"{named}.*cot-assets rebuild"):
        prepare(con)
    assert describe(con) == before


def test_a_database_of_others_is_left_alone() -> None:
    con = duckdb.connect(":memory:")
    con.execute("CREATE TABLE theirs (a INTEGER)")
    with pytest.raises(WarehouseError, match="cot-assets did not make it"):
        prepare(con)


def test_views_are_read_like_tables_and_refuse_rows(tmp_path: Path) -> None:
    warehouse = Warehouse(DataHome(tmp_path))
    frame = warehouse.read_table("events", model="nobody")
    assert frame.columns == [c.name for c in views()["events"].columns]
    with pytest.raises(WarehouseError, match="'events' is a view"):
        warehouse.write_partition("events", frame, {"model": "nobody"})


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("CREATE VIEW v AS SELECT * FROM nowhere", r"v\.sql: .*nowhere"),
        ("CREATE VEIW v AS SELECT 1 AS n", r"v\.sql: .*VEIW"),
        ("CREATE VIEW other AS SELECT 1 AS n; COMMENT ON COLUMN other.n IS 'a number'", "other"),
        ("CREATE VIEW v AS SELECT 1 AS unheard_of", "no comment on unheard_of"),
        ("CREATE VIEW v AS SELECT 1 AS n;\nCOMMENT ON COLUMN v.m IS 'a number';", r"comment on v\.m"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, sql: str, problem: str) -> None:
    for folder in ("tables", "views"):
        (tmp_path / folder).mkdir()
    (tmp_path / "views" / "v.sql").write_text(sql)
    with pytest.raises(WarehouseError, match=problem):
        read_schema(tmp_path)


def test_views_may_read_one_another_whatever_their_names(tmp_path: Path) -> None:
    for folder in ("tables", "views"):
        (tmp_path / folder).mkdir()
    (tmp_path / "columns.toml").write_text('n = "A number"\n')
    (tmp_path / "views" / "a.sql").write_text("CREATE VIEW a AS SELECT n FROM z")
    (tmp_path / "views" / "z.sql").write_text("CREATE VIEW z AS SELECT 1 AS n")
    found = read_schema(tmp_path)
    assert list(found) == ["z", "a"]
    assert found["a"] == replace(found["a"], is_view=True)
    assert found["a"].columns[0].comment == "A number"
