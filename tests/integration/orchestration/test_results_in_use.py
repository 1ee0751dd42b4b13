"""Results that another program has open for writing: what it may be changing is not judged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from cot_assets.orchestration.presence import RESULTS, look_at_rows, published
from cot_assets.study import DataHome
from cot_assets.warehouse.store import Warehouse

_HOLD = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"


def test_results_that_another_program_writes_to_are_not_looked_at(tmp_path: Path) -> None:
    warehouse = Warehouse(DataHome(tmp_path))
    warehouse.read("SELECT 1")
    results = warehouse.publish()
    published(warehouse.home, RESULTS, tmp_path, [results])
    command = [sys.executable, "-c", _HOLD, str(results)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        assert look_at_rows(warehouse, [("m", "s")]) == []
        other.communicate()
