"""Reading and writing partitions in a real DuckDB file."""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import duckdb
import polars as pl
import pytest
from warehouse_rows import problems, rows

from cot_assets.orchestration.assets.counting import count_potentials
from cot_assets.study import DataHome
from cot_assets.warehouse.errors import WarehouseError, WarehouseLockedError
from cot_assets.warehouse.preparing import naming_damage
from cot_assets.warehouse.store import CONNECTION_CONFIG, Warehouse


def ids(warehouse: Warehouse, **equals: object) -> list[str]:
    return warehouse.read_table("problems", **equals)["problem_id"].to_list()


def test_a_partition_is_replaced_and_others_are_left(warehouse: Warehouse) -> None:
    assert warehouse.write_partition("problems", problems("a", "b"), {"problem_set": "s"}) == 2
    warehouse.write_partition("problems", problems("z", problem_set="t"), {"problem_set": "t"})
    assert warehouse.write_partition("problems", problems("b", "c", "d"), {"problem_set": "s"}) == 3
    assert ids(warehouse, problem_set="s") == ["b", "c", "d"]
    assert ids(warehouse) == ["b", "c", "d", "z"]


def test_an_empty_frame_clears_the_partition(warehouse: Warehouse) -> None:
    warehouse.write_partition("problems", problems("a"), {"problem_set": "s"})
    assert warehouse.write_partition("problems", problems("a").clear(), {"problem_set": "s"}) == 0
    assert ids(warehouse) == []


def test_a_partition_may_come_in_parts(warehouse: Warehouse) -> None:
    where = {"problem_set": "x", "model": "x"}
    frame = rows("traces", token_ids=[[1, 2], [], [3]], trace_id=["a", "b", "c"], answer=[None, "7", "é"])
    for _ in range(2):
        assert warehouse.write_partition("traces", (frame[:1], frame[:0], frame[1:]), where) == 3
        assert warehouse.read_table("traces").equals(frame)
    with pytest.raises(WarehouseError, match="primary key"):
        warehouse.write_partition("traces", (frame, frame[:1]), where)
    assert warehouse.write_partition("traces", (), where) == 0
    assert warehouse.read_table("traces").is_empty()


def test_what_is_read_has_the_types_that_were_written(warehouse: Warehouse) -> None:
    frame = rows(
        "traces", token_ids=[[1, 2], []], trace_id=["a", "b"], text=["l\n\x00é", ""], answer=[None, "7"]
    )
    warehouse.write_partition("traces", frame, {"problem_set": "x", "model": "x"})
    back = warehouse.read_table("traces")
    assert back.equals(frame)
    assert back.schema == frame.schema


def test_columns_may_come_in_any_order_and_width(warehouse: Warehouse) -> None:
    frame = rows("rollouts", n_tokens=5).with_columns(pl.col("n_tokens").cast(pl.Int64))
    warehouse.write_partition(
        "rollouts", frame.select(sorted(frame.columns)), {"problem_set": "x", "model": "x"}
    )
    assert warehouse.read_table("rollouts")["n_tokens"].to_list() == [5]


def test_refused_rows_leave_the_old_partition(warehouse: Warehouse) -> None:
    warehouse.write_partition("problems", problems("a"), {"problem_set": "s"})
    refused = {
        "share a primary key, such as problem_set = 's', problem_id = 'b'": problems("b", "b"),
        "1 lie outside the partition problem_set = 's', such as problem_set = 't'": pl.concat(
            [problems("b"), problems("c", problem_set="t")]
        ),
        "missing: revision": problems("b").drop("revision"),
        r"statement: 1 null\(s\)": problems("b").with_columns(statement=pl.lit(None, pl.String)),
    }
    for message, frame in refused.items():
        with pytest.raises(WarehouseError, match=message):
            warehouse.write_partition("problems", frame, {"problem_set": "s"})
        assert ids(warehouse) == ["a"]


def test_a_key_of_another_partition_is_refused(warehouse: Warehouse) -> None:
    # trace_id is unique over all tables, so two partitions cannot both hold it.
    first = rows("traces", problem_set="s", model="m", trace_id=["a", "b"])
    warehouse.write_partition("traces", first, {"problem_set": "s", "model": "m"})
    second = first.with_columns(model=pl.lit("n"))
    with pytest.raises(WarehouseError, match="another partition"):
        warehouse.write_partition("traces", second, {"problem_set": "s", "model": "n"})
    assert warehouse.read_table("traces").equals(first)


@pytest.mark.parametrize(
    "partition", [{}, {"level": "1", "nope": "2"}, {"n_tokens": "3"}, {"problem_set": None}]
)
def test_a_partition_must_make_sense(warehouse: Warehouse, partition) -> None:
    with pytest.raises(WarehouseError):
        warehouse.write_partition("rollouts", rows("rollouts"), partition)


def test_names_are_values_never_sql(warehouse: Warehouse) -> None:
    name = "s'; DROP TABLE problems; --"
    warehouse.write_partition("problems", problems("a", problem_set=name), {"problem_set": name})
    warehouse.write_partition("problems", problems("b", problem_set=name), {"problem_set": name})
    assert ids(warehouse, problem_set=name) == ["b"]
    with pytest.raises(WarehouseError, match="no column"):
        warehouse.read_table("problems", **{'problem_id" = 1 OR "x': 1})


def test_merge_inserts_and_replaces_by_key(warehouse: Warehouse) -> None:
    warehouse.merge("grades", rows("grades", answer=["1", "2"], verdict=["correct", "incorrect"]))
    warehouse.merge("grades", rows("grades", answer=["2", "3"], verdict="unscored"))
    grades = warehouse.read_table("grades")
    assert dict(zip(grades["answer"], grades["verdict"], strict=True)) == {
        "1": "correct", "2": "unscored", "3": "unscored",
    }  # fmt: skip
    with pytest.raises(WarehouseError, match="share a primary key"):
        warehouse.merge("grades", rows("grades", answer=["1", "1"]))


def test_parameters_are_bound(warehouse: Warehouse) -> None:
    warehouse.write_partition("problems", problems("a", "b' OR 1=1"), {"problem_set": "s"})
    sql = "SELECT problem_id FROM problems WHERE problem_id = $id"
    assert warehouse.read(sql, {"id": "b' OR 1=1"})["problem_id"].to_list() == ["b' OR 1=1"]
    assert warehouse.read("SELECT ? + ? AS n", [1, 2])["n"].to_list() == [3]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT * FROM nothing", "nothing does not exist"),
        ("SELECT $id", "parameters: id"),
        ("DELETE FROM problems", "only a SELECT is run, and this is DELETE"),
        ("COMMIT; DELETE FROM problems", "one SQL statement"),
        ("SELEC 1", "SELEC"),
        ("", "not 0"),
        ("SELECT if(range = 290000, error('late'), range) FROM range(300000)", "cannot be run: .*late"),
    ],
)
def test_reading_refuses_what_is_no_select(warehouse: Warehouse, sql: str, message: str) -> None:
    warehouse.write_partition("problems", problems("a"), {"problem_set": "s"})
    with pytest.raises(WarehouseError, match=message):
        warehouse.read(sql)
    assert ids(warehouse) == ["a"]


def test_variables_of_python_are_no_tables(warehouse: Warehouse) -> None:
    frame = pl.DataFrame({"a": [1]})
    assert frame.height == 1
    with pytest.raises(WarehouseError, match="frame does not exist"):
        warehouse.read("SELECT * FROM frame")


def test_potentials_keep_prefixes_without_rollouts(warehouse: Warehouse) -> None:
    where, asked = {"problem_set": "s", "model": "m"}, {"asset": "completions"}
    warehouse.write_partition("blocks", rows("blocks", **where, **asked, prefix_id=["a", "b", "c"]), where)
    verdicts = ["correct", "correct", "incorrect", "truncated", "no_answer", "unscored", "unscored"]
    rollouts = rows(
        "rollouts", **where, prefix_id=["a"] * 6 + ["b"], sample_index=[*range(6), 0], verdict=verdicts
    )
    warehouse.write_partition("rollouts", rollouts, where)
    other = {"problem_set": "s", "model": "other"}
    warehouse.write_partition("blocks", rows("blocks", **other, **asked, prefix_id="a"), other)
    warehouse.write_partition("rollouts", rows("rollouts", **other, prefix_id="a", verdict="correct"), other)

    count_potentials(warehouse, where, "completions")
    found = warehouse.read_table("potentials").sort("prefix_id")
    assert found.select("n", "n_correct", "n_truncated", "n_no_answer", "n_unscored").rows() == [
        (5, 2, 1, 1, 1),
        (0, 0, 0, 0, 1),
        (0, 0, 0, 0, 0),
    ]
    assert found["potential"].to_list() == [0.4, None, None]
    assert found["ci_high"].is_null().to_list() == [False, True, True]


def test_texts_that_are_given_share_the_rollouts_of_their_prefix(warehouse: Warehouse) -> None:
    where = {"problem_set": "s", "model": "r"}
    texts = rows(
        "given", problem_set="s", reader="r", writer="w", problem_id="p", trace_id=["t1", "t2", "t1"],
        fraction=[0.0, 0.0, 0.2], control="none", prefix_id=["empty", "empty", "later"],
    )  # fmt: skip
    warehouse.write_partition("given", texts, {"problem_set": "s", "reader": "r"})
    rollouts = rows(
        "rollouts", **where, problem_id="p", prefix_id=["empty"] * 2 + ["other"], sample_index=[0, 1, 0],
        verdict=["correct", "incorrect", "correct"], origin="own",
    )  # fmt: skip
    warehouse.write_partition("rollouts", rollouts, where)
    asked = {"asset": "transfer_completions"}
    warehouse.write_partition("blocks", rows("blocks", **where, **asked, prefix_id=["empty", "later"]), where)
    count_potentials(warehouse, where, "transfer_completions")
    found = warehouse.read_table("transfer_potentials").sort("trace_id", "fraction")
    assert found.select("trace_id", "fraction", "n", "n_correct", "potential").rows() == [
        ("t1", 0.0, 2, 1, 0.5),
        ("t1", 0.2, 0, 0, None),
        ("t2", 0.0, 2, 1, 0.5),
    ]
    assert warehouse.read_table("transfer_rollouts")["prefix_id"].to_list() == ["empty"] * 2


def test_what_stands_in_another_partition_is_refused_replaced_or_kept(warehouse: Warehouse) -> None:
    own = {"problem_set": "s", "model": "m", "origin": "own"}
    given = {**own, "origin": "given"}
    warehouse.write_partition("rollouts", rows("rollouts", **own, prefix_id=["a", "b"], answer="first"), own)
    more = rows("rollouts", **given, prefix_id=["b", "c"], answer="second")
    with pytest.raises(WarehouseError, match="is in another partition already"):
        warehouse.write_partition("rollouts", more, given)
    for _ in range(2):
        warehouse.write_partition("rollouts", more, given, "keep")
        found = warehouse.read_table("rollouts").select("prefix_id", "origin", "answer").rows()
        assert found == [("a", "own", "first"), ("b", "own", "first"), ("c", "given", "second")]
    for _ in range(2):
        third = rows("rollouts", **own, prefix_id=["b", "c"], answer="third")
        warehouse.write_partition("rollouts", third, own, "replace")
        found = warehouse.read_table("rollouts").select("prefix_id", "origin", "answer").rows()
        assert found == [("b", "own", "third"), ("c", "own", "third")]


def test_an_unknown_transform_names_the_known_ones(warehouse: Warehouse) -> None:
    with pytest.raises(WarehouseError, match=r"known: .*potentials"):
        warehouse.read_transform("../tables/rollouts")


def test_threads_of_one_process_take_turns(warehouse: Warehouse, home: DataHome) -> None:
    def work(i: int) -> int:
        where = {"problem_set": f"s{i % 4}"}
        own = Warehouse(home) if i % 2 else warehouse
        own.write_partition("problems", problems(f"p{i}", problem_set=where["problem_set"]), where)
        return warehouse.read("SELECT count(*) AS n FROM problems")["n"][0]

    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(work, range(24)))
    assert len(ids(warehouse)) == 4
    assert min(counts) >= 1


def test_calls_together_share_one_opening_which_is_this_threads_alone(
    warehouse: Warehouse, home: DataHome
) -> None:
    with warehouse.together("write two sets"):
        for name in ("s", "t"):
            with warehouse.together(f"write {name}"):
                warehouse.write_partition("problems", problems("a", problem_set=name), {"problem_set": name})
        with pytest.raises(WarehouseError, match="lie outside the partition"):
            warehouse.write_partition("problems", problems("b"), {"problem_set": "t"})
        assert ids(warehouse) == ["a", "a"]
        with (
            ThreadPoolExecutor(1) as pool,
            pytest.raises(WarehouseLockedError, match="to write two sets, since 20"),
        ):
            pool.submit(ids, Warehouse(home, lock_timeout_s=0.1)).result()
    assert ids(Warehouse(home)) == ["a", "a"]


def test_a_wait_in_vain_names_the_holder_and_the_way_out(home: DataHome) -> None:
    inside, done = threading.Event(), threading.Event()
    holder = Warehouse(home)

    def work() -> None:
        with holder.together("count potentials"):
            inside.set()
            done.wait(30)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert inside.wait(30)
        with pytest.raises(WarehouseLockedError) as caught:
            Warehouse(home, lock_timeout_s=0.2).read("SELECT 1")
    finally:
        done.set()
        thread.join()
    message = str(caught.value)
    assert "cannot read" in message
    assert "to count potentials, since 20" in message
    assert "cot-assets sql" in message
    assert Warehouse(home).read("SELECT 1 AS a")["a"].to_list() == [1]


def test_using_the_warehouse_within_its_own_transaction_fails_at_once(
    warehouse: Warehouse, home: DataHome
) -> None:
    with (
        warehouse.beside(home.root / "other.duckdb", "look beside"),
        pytest.raises(WarehouseError, match="within its own transaction"),
    ):
        warehouse.read_table("problems")
    assert ids(warehouse) == []


def test_an_old_database_gets_new_tables_and_comments(warehouse: Warehouse, home: DataHome) -> None:
    warehouse.write_partition("problems", problems("a"), {"problem_set": "s"})
    with duckdb.connect(home.warehouse, config=CONNECTION_CONFIG) as con:
        con.execute("DROP TABLE unlocks; COMMENT ON COLUMN problems.level IS 'old words'")
    assert Warehouse(home).read_table("unlocks").height == 0
    comment = "SELECT comment FROM duckdb_columns() WHERE table_name = 'problems' AND column_name = 'level'"
    assert "Difficulty" in Warehouse(home).read(comment)["comment"][0]
    assert ids(warehouse) == ["a"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("DROP TABLE schema_version", "cot-assets did not make it"),
        ("ALTER TABLE problems DROP COLUMN level", "another release .*: table problems has .* level VARCHAR"),
    ],
)
def test_a_strange_database_is_refused(
    warehouse: Warehouse, home: DataHome, change: str, message: str
) -> None:
    warehouse.write_partition("problems", problems("a"), {"problem_set": "s"})
    with duckdb.connect(home.warehouse, config=CONNECTION_CONFIG) as con:
        con.execute(change)
    with pytest.raises(WarehouseError, match=message):
        Warehouse(home).read_table("problems")


def test_a_file_that_is_no_database_is_named(home: DataHome) -> None:
    home.create()
    home.warehouse.write_text("not a database, but long enough to be read as one" * 100)
    with pytest.raises(WarehouseError, match=r"warehouse\.duckdb cannot be opened: .*cot-assets rebuild"):
        Warehouse(home).read("SELECT 1")
    home.warehouse.unlink()
    assert Warehouse(home).read("SELECT 1 AS a").height == 1


@pytest.mark.parametrize(
    "harm", [lambda b: b[: len(b) // 2], lambda b: b"x" * 9_000, lambda b: b[:10], lambda b: b[:4096] + b"\0" * 8192 + b[12288:]]
)  # fmt: skip
def test_a_damaged_file_is_told_from_a_whole_one(
    warehouse: Warehouse, home: DataHome, harm: Callable[[bytes], bytes]
) -> None:
    assert warehouse.damage() is None
    warehouse.write_partition("problems", problems("a"), {"problem_set": "s"})
    assert warehouse.damage(is_thorough=True) is None
    home.warehouse.write_bytes(harm(home.warehouse.read_bytes()))
    assert warehouse.damage()


def test_damage_within_an_open_file_is_named_with_the_way_out(warehouse: Warehouse, home: DataHome) -> None:
    warehouse.write_partition("problems", problems(*map(str, range(5000))), {"problem_set": "s"})
    content = bytearray(home.warehouse.read_bytes())
    for place in range(4096 * 4, len(content), 1000):
        content[place] ^= 1
    home.warehouse.write_bytes(content)
    began = time.monotonic()
    with pytest.raises(
        WarehouseError, match=r"warehouse\.duckdb (is damaged|cannot be opened): .*cot-assets run"
    ):
        Warehouse(home, lock_timeout_s=20).read_table("problems")
    assert time.monotonic() - began < 10, "a block is not a lock to wait for"


def test_damage_that_no_reading_finds_is_known_from_then_on(warehouse: Warehouse, home: DataHome) -> None:
    warehouse.write_partition("problems", problems("a"), {"problem_set": "s"})
    with pytest.raises(WarehouseError, match="`cot-assets run` sets it aside"), naming_damage(home.warehouse):
        raise duckdb.IOException("Corrupt database file: computed checksum 1 does not match")
    assert warehouse.damage() == "it was when it was last used"


def test_a_link_to_nothing_is_damage(warehouse: Warehouse, home: DataHome) -> None:
    home.create().warehouse.symlink_to(home.root / "nowhere")
    assert warehouse.damage() == "a link to nothing"


def test_rows_are_counted_by_partition(warehouse: Warehouse) -> None:
    warehouse.write_partition("problems", problems("a", "b"), {"problem_set": "s"})
    assert warehouse.row_counts() == {("problems", "s", ""): 2}


def test_a_full_disk_is_named_with_the_way_out_and_keeps_what_is_there(
    warehouse: Warehouse, home: DataHome
) -> None:
    many = rows("grades", answer=[f"{i}" * 99 for i in range(20_000)], verdict="correct")
    warehouse.merge("grades", many.head(1))
    least = home.warehouse.stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    for size, made in ((least + 4096, home), (4096, DataHome(home.root / "new"))):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            with pytest.raises(
                WarehouseError, match=f"{made.warehouse} cannot be .*. Make room and start again"
            ):
                Warehouse(made).merge("grades", many)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert warehouse.read("SELECT count(*) FROM grades").item() == 1
    assert warehouse.merge("grades", many) == many.height
