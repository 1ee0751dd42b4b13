"""A real daemon: a model entry and a checkpoint appear while it runs, and their tables fill, each asked for once."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.configuration import write_sections

import cot_assets
from cot_assets.orchestration.instance import prepare_instance
from cot_assets.study import DataHome
from cot_assets.warehouse.store import Warehouse

pytestmark = pytest.mark.heavy

MODELS = Path(cot_assets.__file__).parent / "demo" / "models"
CHECKPOINT = "training.step-1000"

_LIMIT_SECONDS = 350


def _wait_for_rows(
    home: DataHome, table: str, daemon: subprocess.Popen[bytes], log: Path, **of: object
) -> None:
    deadline = time.monotonic() + _LIMIT_SECONDS
    while time.monotonic() < deadline:
        if home.warehouse.exists() and Warehouse(home).read_table(table, **of).height:
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
            newcomer = {"extends": "demo-weak", "problem_sets": ["tiny"]}
            watched = {
                "engine": "openvino", "checkpoints": "checkpoints", "problem_sets": ["tiny"], "add_bos": True,
                "template": "Problem: {statement}\nSolution:\n",
            }  # fmt: skip
            (config / "checkpoints").mkdir()
            write_sections(config / "models.toml", {"newcomer": newcomer, "training": watched})
            time.sleep(10)  # it looks at an empty folder first
            shutil.copytree(MODELS / "demo-strong", config / "checkpoints" / "step-1000")
            for name in ("newcomer", CHECKPOINT):
                _wait_for_rows(home, "pattern_rates", daemon, log, model=name)
        finally:
            os.killpg(daemon.pid, signal.SIGTERM)
            try:
                daemon.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(daemon.pid, signal.SIGKILL)
    warehouse = Warehouse(home)
    assert set(warehouse.read_table("potentials")["model"]) == {"newcomer", CHECKPOINT}
    assert warehouse.read_table("checkpoints").rows() == [(CHECKPOINT, "training", 1000)]
    with sqlite3.connect(home.dagster / "history" / "runs.db") as con:
        runs = con.execute(
            "SELECT pipeline_name, partition FROM runs WHERE pipeline_name = 'evaluate_model'"
        ).fetchall()
    assert sorted(runs) == [("evaluate_model", f"{name}|tiny") for name in ("newcomer", CHECKPOINT)]
