"""A real daemon: a model entry and a checkpoint appear while it runs, their tables fill, and each is asked for once."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from support.configuration import write_sections

import cot_assets
from cot_assets.orchestration.instance import prepare_instance
from cot_assets.study import DataHome
from cot_assets.warehouse.store import Warehouse

MODELS = Path(cot_assets.__file__).parent / "demo" / "models"

_LIMIT_SECONDS = 180
_TINY = {"n": 16, "traces_per_problem": 1, "max_cuts": 2, "search_problems": 0}


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


@contextmanager
def _daemon(home: DataHome, config: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A daemon on a home and a configuration with one small problem set, and its log."""
    write_sections(
        config / "protocols.toml",
        {"tiny": {"extends": "quick", "sampling": _TINY}},
    )
    write_sections(
        config / "problem_sets.toml",
        {"tiny": {"extends": "demo", "protocol": "tiny", "generator": {"per_cell": [1, 0, 0, 0]}}},
    )
    prepare_instance(home)
    environment = {**os.environ, "COT_ASSETS_CONFIG": str(config), "COT_ASSETS_SENSOR_SECONDS": "10"}
    log = config / "daemon.log"
    command = [str(Path(sys.executable).parent / "dagster-daemon"), "run", "-m", "cot_assets.definitions"]
    with log.open("wb") as output:
        daemon = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, start_new_session=True
        )
        try:
            time.sleep(10)  # it looks at a registry without any entry first
            yield daemon, log
        finally:
            os.killpg(daemon.pid, signal.SIGTERM)
            try:
                daemon.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(daemon.pid, signal.SIGKILL)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataHome:
    for variable in ("DAGSTER_HOME", "COT_ASSETS_HOME"):  # prepare_instance sets them for this process
        monkeypatch.setenv(variable, "")
    return DataHome(tmp_path / "home")


@pytest.mark.heavy
def test_an_entry_and_a_checkpoint_are_measured_once_each(home: DataHome, tmp_path: Path) -> None:
    config = tmp_path / "config"
    entries = {
        "newcomer": {"extends": "demo-weak", "problem_sets": ["tiny"]},
        "training": {
            "engine": "openvino", "checkpoints": "checkpoints", "problem_sets": ["tiny"], "add_bos": True,
            "template": "Problem: {statement}\nSolution:\n",
        },
    }  # fmt: skip
    checkpoint = "training.step-1000"
    (config / "checkpoints").mkdir(parents=True)
    with _daemon(home, config) as (daemon, log):
        write_sections(config / "models.toml", entries)
        _wait_for_rows(home, "pattern_rates", daemon, log, model="newcomer")
        shutil.copytree(MODELS / "demo-strong", config / "checkpoints" / "step-1000")
        _wait_for_rows(home, "pattern_rates", daemon, log, model=checkpoint)
    warehouse = Warehouse(home)
    assert set(warehouse.read_table("potentials")["model"]) == {"newcomer", checkpoint}
    assert warehouse.read_table("models", model=checkpoint).select("series", "step").rows() == [
        ("training", 1000)
    ]
    with closing(sqlite3.connect(home.dagster / "history" / "runs.db")) as con:
        runs = con.execute("SELECT partition FROM runs WHERE pipeline_name = 'evaluate_model'").fetchall()
    assert sorted(runs) == [("newcomer|tiny",), (f"{checkpoint}|tiny",)]
