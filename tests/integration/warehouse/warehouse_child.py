"""What the test processes do: ``python warehouse_child.py ACTION HOME [ARGUMENT]``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import duckdb
from warehouse_rows import problems

from cot_assets.study import DataHome
from cot_assets.warehouse import store
from cot_assets.warehouse.store import Warehouse

ROWS = 3000


def write_many(home: DataHome, name: str) -> None:
    """Write ten partitions of ``ROWS`` rows each."""
    warehouse = Warehouse(home)
    print("ready", flush=True)
    for i in range(10):
        where = {"problem_set": f"{name}{i}"}
        frame = problems(*(f"p{j}" for j in range(ROWS)), problem_set=where["problem_set"])
        warehouse.write_partition("problems", frame, where)


def rewrite_forever(home: DataHome, _: str) -> None:
    """Write one partition again and again, each time as another revision."""
    warehouse = Warehouse(home)
    for i in range(1, 10_000):
        frame = problems(*(f"p{j}" for j in range(ROWS)), revision=f"r{i}")
        warehouse.write_partition("problems", frame, {"problem_set": "s"})
        print(i, flush=True)


def stop_before_commit(home: DataHome, _: str) -> None:
    """Delete the old rows of a partition, insert new ones, and wait there."""
    insert = store._insert

    def insert_and_wait(*arguments: object) -> None:
        insert(*arguments)  # type: ignore[arg-type]
        print("inserted", flush=True)
        time.sleep(600)

    store._insert = insert_and_wait
    frame = problems(*(f"p{j}" for j in range(ROWS)), revision="new")
    Warehouse(home).write_partition("problems", frame, {"problem_set": "s"})


def hold_open(home: DataHome, file: str) -> None:
    """Hold a file open as a SQL shell would, with a result half read, until a line comes in."""
    con = duckdb.connect(home.root / file, read_only=file == home.results.name)
    con.execute("SELECT problem_id FROM problems ORDER BY problem_id")
    first = con.fetchone()
    print(first, flush=True)
    sys.stdin.readline()
    print(1 + len(con.fetchall()), flush=True)
    con.close()


def publish_many(home: DataHome, _: str) -> None:
    """Publish five times."""
    print("ready", flush=True)
    for _i in range(5):
        Warehouse(home).publish()


if __name__ == "__main__":
    actions = {
        f.__name__: f for f in (write_many, rewrite_forever, stop_before_commit, hold_open, publish_many)
    }
    actions[sys.argv[1]](DataHome(Path(sys.argv[2])), sys.argv[3] if len(sys.argv) > 3 else "")
