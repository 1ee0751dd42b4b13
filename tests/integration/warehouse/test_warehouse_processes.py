"""Several real processes on one data home, some of them killed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from warehouse_child import ROWS
from warehouse_rows import problems

from cot_assets.study import DataHome
from cot_assets.warehouse.errors import WarehouseLockedError
from cot_assets.warehouse.store import Warehouse

CHILD = Path(__file__).with_name("warehouse_child.py")


def start(action: str, home: DataHome, argument: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(CHILD), action, str(home.root), argument],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    text = process.stdout.readline().strip()
    assert text, "the process ended early"
    return text


def answer(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def finish(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=120)
    assert process.returncode == 0


def test_two_processes_write_at_once(home: DataHome) -> None:
    processes = [start("write_many", home, name) for name in ("a", "b")]
    for process in processes:
        finish(process)
    counts = Warehouse(home).read("SELECT problem_set, count(*) AS n FROM problems GROUP BY ALL")
    assert counts.height == 20
    assert set(counts["n"]) == {ROWS}


def test_a_kill_before_the_commit_leaves_the_old_partition(home: DataHome) -> None:
    warehouse = Warehouse(home)
    warehouse.write_partition("problems", problems("a", "b", revision="old"), {"problem_set": "s"})
    process = start("stop_before_commit", home)
    try:
        assert line(process) == "inserted"
        with pytest.raises(WarehouseLockedError, match=rf"process {process.pid} \(.*stop_before_commit"):
            Warehouse(home, lock_timeout_s=0.1).read_table("problems")
    finally:
        process.kill()
        process.communicate()
    # The lock ended with its process, and the rows are the old ones.
    assert Warehouse(home, lock_timeout_s=1).read_table("problems")["revision"].to_list() == ["old", "old"]


@pytest.mark.heavy
def test_a_kill_at_any_moment_leaves_a_whole_partition(home: DataHome) -> None:
    for pause in (0.003, 0.011, 0.019, 0.027):
        process = start("rewrite_forever", home)
        try:
            for _ in range(2):
                seen = int(line(process))
            time.sleep(pause)
        finally:
            process.kill()
            rest = process.communicate()[0].split()
        revisions = Warehouse(home).read("SELECT revision, count(*) AS n FROM problems GROUP BY ALL")
        assert revisions["n"].to_list() == [ROWS]
        last = max([seen, *map(int, rest)])
        # The write after the last one that was reported may or may not have been committed.
        assert revisions["revision"][0] in {f"r{last}", f"r{last + 1}"}


def test_a_shell_on_the_results_does_not_block_and_reads_its_own_version(home: DataHome) -> None:
    warehouse = Warehouse(home)
    warehouse.write_partition("problems", problems("a", "b"), {"problem_set": "s"})
    warehouse.publish()
    process = start("hold_open", home, home.results.name)
    try:
        assert line(process) == "('a',)"
        warehouse.write_partition("problems", problems("c"), {"problem_set": "s"})
        warehouse.publish()
        with duckdb.connect(home.results, read_only=True) as con:
            assert con.execute("SELECT problem_id FROM problems").fetchall() == [("c",)]
        answer(process)
        assert line(process) == "2"
        finish(process)
    finally:
        process.kill()


def test_a_program_that_has_the_warehouse_open_is_named(home: DataHome) -> None:
    Warehouse(home).write_partition("problems", problems("a"), {"problem_set": "s"})
    process = start("hold_open", home, home.warehouse.name)
    try:
        line(process)
        with pytest.raises(WarehouseLockedError, match=rf"another program has .*{process.pid}"):
            Warehouse(home, lock_timeout_s=0.3).read("SELECT 1")
        answer(process)  # it closes while we wait
        assert Warehouse(home, lock_timeout_s=20).read("SELECT 1 AS a").height == 1
    finally:
        process.kill()
        process.communicate()


@pytest.mark.heavy
def test_publishing_while_others_write_and_publish(home: DataHome) -> None:
    Warehouse(home).write_partition("problems", problems("a"), {"problem_set": "s"})
    processes = [start("write_many", home, "w"), start("publish_many", home), start("publish_many", home)]
    for process in processes:
        line(process)
    while any(p.poll() is None for p in processes):
        if home.results.exists():
            with duckdb.connect(home.results, read_only=True) as con:
                counts = con.execute("SELECT problem_set, count(*) FROM problems GROUP BY ALL").fetchall()
            assert {n for name, n in counts if name != "s"} <= {ROWS}
    for process in processes:
        finish(process)
    assert {p.name for p in home.root.iterdir() if "publishing" in p.name} == set()
