"""A real daemon: a model entry is added while it runs, and the model's tables fill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.configuration import write_sections

from cot_assets.orchestration.instance import prepare_instance
from cot_assets.study import DataHome
from cot_assets.warehouse.store import Warehouse

pytestmark = pytest.mark.heavy

_LIMIT_SECONDS = 300


def _wait_for_rows(home: DataHome, table: str, daemon: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _LIMIT_SECONDS
    while time.monotonic() < deadline:
        if home.warehouse.exists() and Warehouse(home).read_table(table).height:
            return
        assert daemon.poll() is None, log.read_text()[-3000:]
        time.sleep(2)
    raise AssertionError(f"{table} is empty after {_LIMIT_SECONDS} s:\n{log.read_text()[-3000:]}")


def test_a_new_registry_entry_is_measured(tmp_path: Path, monkeypatch):
    for variable in ("DAGSTER_HOME", "COT_ASSETS_HOME"):  # prepare_instance sets them for this process
        monkeypatch.setenv(variable, "")
    home, config = DataHome(tmp_path / "home"), tmp_path / "config"
    write_sections(
        config / "protocols.toml",
        {"tiny": {"extends": "quick", "n": 16, "traces_per_problem": 1, "max_cuts": 2}},
    )
    write_sections(
        config / "problem_sets.toml",
        {"tiny": {"extends": "demo", "protocol": "tiny", "generator": {"per_cell": [1, 0, 0, 0]}}},
    )
    prepare_instance(home)
    environment = {**os.environ, "COT_ASSETS_CONFIG": str(config), "COT_ASSETS_SENSOR_SECONDS": "5"}
    log = tmp_path / "daemon.log"
    command = [str(Path(sys.executable).parent / "dagster-daemon"), "run", "-m", "cot_assets.definitions"]
    with log.open("wb") as output:
        daemon = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, start_new_session=True
        )
        try:
            time.sleep(10)  # it looks at a registry without the entry first
            write_sections(
                config / "models.toml", {"newcomer": {"extends": "demo-weak", "problem_sets": ["tiny"]}}
            )
            _wait_for_rows(home, "potentials", daemon, log)
            _wait_for_rows(home, "pattern_rates", daemon, log)
        finally:
            os.killpg(daemon.pid, signal.SIGTERM)
            try:
                daemon.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(daemon.pid, signal.SIGKILL)
    assert set(Warehouse(home).read_table("potentials")["model"]) == {"newcomer"}
