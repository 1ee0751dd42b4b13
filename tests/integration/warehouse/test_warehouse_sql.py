"""A person's own SQL, and the parameters of queries: what is read, what is refused, and what is ended."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from warehouse_study import ask

from cot_assets.cli.running.updating import _print_outcome
from cot_assets.orchestration.runs import Outcome
from cot_assets.orchestration.staleness import Unit, Wanted
from cot_assets.study import DataHome, load_config
from cot_assets.warehouse import queries, reading
from cot_assets.warehouse.errors import WarehouseError
from cot_assets.warehouse.queries import find_query, named_queries, read_query, run_query
from cot_assets.warehouse.store import Warehouse


@pytest.fixture
def study(published: Warehouse) -> Warehouse:
    return published


def test_parameters_take_the_type_of_their_default(study: Warehouse) -> None:
    assert len(ask(study, "largest-insights", limit="1")) == 1
    assert len(ask(study, "transfer_controls", fraction="0.2")) == 12
    assert ask(study, "transfer_controls", fraction="0.6") == []
    with pytest.raises(WarehouseError, match="limit = 'many' is not a whole number"):
        ask(study, "largest_insights", limit="many")
    with pytest.raises(WarehouseError, match="no parameter 'modle'; it has: problem_set, model, limit"):
        ask(study, "largest_insights", modle="strong")
    hostile = "x' OR 1=1 --"
    assert ask(study, "largest_insights", model=hostile) == []


def test_unknown_names_list_near_ones(study: Warehouse) -> None:
    with pytest.raises(WarehouseError, match="no query named 'patern_table'; did you mean pattern_table"):
        ask(study, "patern_table")
    with pytest.raises(WarehouseError, match=r"did you mean .*transfer_controls"):
        find_query("control")
    with pytest.raises(WarehouseError, match="there are: " + ", ".join(sorted(named_queries()))):
        find_query("zzzzzz")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("DROP TABLE rollouts", "only a SELECT is run, and this is DROP"),
        ("SELECT 1; DROP TABLE rollouts", "one SQL statement"),
        ("SELECT * FROM rolouts", "rollouts"),
        ("SELECT $a + 1", "parameters: a"),
        ("SELECT '\udcff'", "half a surrogate pair"),
    ],
)
def test_sql_that_cannot_run_is_refused(study: Warehouse, sql: str, message: str) -> None:
    with pytest.raises(WarehouseError, match=message):
        ask(study, sql)


HOSTILE = [
    "COPY problems TO '{out}'",
    "COPY (SELECT 1) TO '{shards}/evil.csv'",
    "EXPLAIN ANALYZE COPY problems TO '{out}'",
    "EXPORT DATABASE '{out}'",
    "ATTACH '{out}' AS other",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET memory_limit = '1TB'",
    "PRAGMA enable_profiling",
    "CREATE TEMP TABLE mine AS SELECT 1",
    "CALL enable_logging(storage = 'file', storage_path = '{out}')",
    "FROM enable_logging(storage = 'file', storage_path = '{out}')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "FROM read_text('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "FROM glob('/etc/*')",
    "FROM sniff_csv('/etc/passwd')",
    "FROM query_table('/etc/passwd.csv')",
    "FROM read_text('{shards}/../config')",
    "FROM read_blob('{shards}x')",
    "FROM read_duckdb('{home}/warehouse.duckdb')",
    "FROM read_csv('https://example.com/x.csv')",
    "FROM read_parquet('s3://bucket/key')",
    "WITH a AS (SELECT 1) SELECT * FROM a, read_text('/etc/passwd')",
]


@pytest.mark.parametrize("sql", HOSTILE)
def test_sql_reads_the_results_and_nothing_else(study: Warehouse, tmp_path: Path, sql: str) -> None:
    home, out = study.home, tmp_path / "written"
    (home.root / "config").write_text("secret")
    before = sorted(str(path) for path in home.root.rglob("*"))
    with pytest.raises(WarehouseError):
        ask(study, sql.format(out=out, shards=home.shards, home=home.root))
    assert not out.exists()
    assert sorted(str(path) for path in home.root.rglob("*")) == before


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT count(*) FROM range(100000000000)", "ended after 0.5 s.*--timeout"),
        ("SELECT sum(a.range) FROM range(10000000) AS a, range(10000000) AS b", "ended after 0.5 s"),
        (
            "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t",
            "ended after 0.5 s",
        ),
    ],
)
def test_sql_that_would_never_end_is_ended(study: Warehouse, sql: str, message: str) -> None:
    with pytest.raises(WarehouseError, match=message):
        run_query(study.home, sql, seconds=0.5)


@pytest.mark.parametrize(
    "sql", ["SELECT list(range) FROM range(1000000000)", "SELECT * FROM range(1000000000)"]
)
def test_sql_that_needs_too_much_memory_is_ended(
    study: Warehouse, sql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_memory", lambda: 200_000_000)
    for read in (reading.select, reading.select_rows):
        with pytest.raises(WarehouseError, match=r"needs more than 0\.2 GB of memory; read fewer rows"):
            queries.ask(study.home, sql, None, read)


def test_sql_takes_parameters(study: Warehouse) -> None:
    assert ask(study, "SELECT count(*) AS n FROM problems WHERE level = $level", level="1") == [{"n": 2}]


def test_before_anything_was_published_the_command_is_named(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match=r"no published results .*'cot-assets demo' or 'cot-assets run'"):
        run_query(DataHome(tmp_path), "pattern_table")


def test_damaged_results_are_named(tmp_path: Path) -> None:
    (tmp_path / "results.duckdb").write_text("no database" * 1000)
    with pytest.raises(WarehouseError, match=r"results\.duckdb cannot be read"):
        run_query(DataHome(tmp_path), "SELECT 1")


@pytest.mark.parametrize("content", [b"", b"PAR1 half", b"no shard" * 1000])
def test_a_damaged_shard_is_named_with_the_way_out(study: Warehouse, tmp_path: Path, content: bytes) -> None:
    home = DataHome(tmp_path / "home")
    shutil.copytree(study.home.root, home.root)
    shard = next(home.shards.glob("*/*/*.parquet"))
    shard.write_bytes(content)
    with pytest.raises(WarehouseError, match=rf"{shard.name}.*gone, `cot-assets run --verify` samples it"):
        run_query(home, "SELECT count(text) FROM rollout_texts")
    assert run_query(home, "SELECT 1 AS one").item() == 1
    shutil.rmtree(home.shards)
    for shards in (home.shards, home.root / "file"):
        with pytest.raises(
            WarehouseError, match=r"shards holds no shard\. .*gone, `cot-assets run --verify` samples"
        ):
            run_query(home, "SELECT count(text) FROM rollout_texts")
        shards.write_text("not a folder")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT 1", "does not open with the question"),
        ("-- Why?\n-- param a = 1\nSELECT 1", "is not '-- param NAME: DEFAULT = MEANING'"),
    ],
)
def test_a_query_file_has_a_header(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "q.sql").write_text(text)
    with pytest.raises(WarehouseError, match=message):
        read_query(tmp_path / "q.sql")


def test_what_is_forbidden_is_no_damage(study: Warehouse) -> None:
    outside = study.home.shards / ".." / "dagster.yaml"
    with pytest.raises(WarehouseError, match=r"^this SQL cannot be run: Permission Error"):
        run_query(study.home, f"SELECT * FROM read_text('{outside}')")


def _said_of_weak(home: DataHome, capsys: pytest.CaptureFixture[str]) -> str:
    done = Outcome((Wanted(Unit("evaluate_model", "s", "strong"), {}),), 0, ())
    config = load_config()
    declared = config.model_copy(update={"problem_sets": {"s": config.problem_set("demo")}})
    _print_outcome(done, Warehouse(home), declared, [("strong", "s")])
    return next(line for line in capsys.readouterr().out.splitlines() if "weak on s: " in line)


def test_a_model_that_another_run_is_still_sampling_is_shown_without_rollouts(
    study: Warehouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = DataHome(tmp_path / "home")
    shutil.copytree(study.home.root, home.root)
    with duckdb.connect(home.warehouse) as con:
        con.execute("DELETE FROM potentials WHERE model = 'weak'")
        con.execute("DELETE FROM traces WHERE model = 'weak' AND problem_id <> 'p1'")
    said = _said_of_weak(home, capsys)
    assert "weak on s: 1 problem, 0 measured cuts, 0 rollouts" in said


def test_rollouts_that_traces_share_are_counted_once(
    study: Warehouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = DataHome(tmp_path / "home")
    shutil.copytree(study.home.root, home.root)
    before = _said_of_weak(home, capsys)
    with duckdb.connect(home.warehouse) as con:
        for table in ("traces", "trace_cuts"):
            con.execute(f"INSERT INTO {table} SELECT * REPLACE ('zz' AS trace_id) FROM {table} WHERE trace_id = "
                        "(SELECT min(trace_id) FROM traces WHERE model = 'weak')")  # fmt: skip
    after = _said_of_weak(home, capsys)
    assert after.partition("cuts, ")[2] == before.partition("cuts, ")[2] != ""
    assert after != before
