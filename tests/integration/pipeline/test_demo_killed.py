"""The quick demo on the embedded engine, killed ten times at random moments: every table is as if it had not been."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.sameness import assert_same_tables

from cot_assets.study import DataHome
from cot_assets.warehouse.store import Warehouse

pytestmark = [pytest.mark.long, pytest.mark.timeout(3000)]

N_KILLS, SEED = 10, 7


class Demo:
    """``cot-assets demo --quick`` on a home, in a process of its own."""

    def __init__(self, home: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cot_assets.cli", "demo", "--quick"],
            env={**os.environ, "COT_ASSETS_HOME": str(home), "COT_ASSETS_CONFIG": ""},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        self.first_line = self._process.stderr.readline()  # it has begun to run what is missing
        self._began = time.monotonic()

    def finish(self) -> float:
        """Seconds from the first line to the end, which must be a good one."""
        _, said = self._process.communicate()
        assert self._process.returncode == 0, self.first_line + said
        return time.monotonic() - self._began

    def kill(self, after: float) -> None:
        """SIGKILL some seconds after the first line."""
        time.sleep(max(0.0, self._began + after - time.monotonic()))
        self._process.kill()
        _, said = self._process.communicate()
        assert self._process.returncode == -signal.SIGKILL, f"it ended by itself: {self.first_line}{said}"


def test_a_demo_killed_ten_times_ends_in_the_same_tables(tmp_path: Path) -> None:
    rng = random.Random(SEED)
    calm, killed = DataHome(tmp_path / "calm"), DataHome(tmp_path / "killed")
    seconds = Demo(calm.root).finish()
    seen: set[str] = set()
    for _ in range(N_KILLS):
        demo = Demo(killed.root)
        seen.add(demo.first_line.strip())
        demo.kill(rng.uniform(0, seconds / 6))
    Demo(killed.root).finish()
    assert len(seen) > 1, f"it never got further than {seen}"
    assert Warehouse(killed).read_table("sampling_runs").height > 0
    assert_same_tables(killed, calm)
