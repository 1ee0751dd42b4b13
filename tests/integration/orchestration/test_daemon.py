"""A real daemon: a model entry and a checkpoint appear while it runs, and their tables fill, each asked for once."""

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

_LIMIT_SECONDS = 300


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
        {"tiny": {"extends": "quick", "n": 16, "traces_per_problem": 1, "max_cuts": 2}},
    )
    write_sections(
        config / "problem_sets.toml",
        {"tiny": {"extends": "demo", "protocol": "tiny", "generator": {"per_cell": [1, 0, 0, 0]}}},
    )
    prepare_instance(home)
    environment = {**os.environ, "COT_ASSETS_CONFIG": str(config), "COT_ASSETS_SENSOR_SECONDS": "5"}
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
def test_a_new_registry_entry_is_measured(home: DataHome, tmp_path: Path) -> None:
    config = tmp_path / "config"
    with _daemon(home, config) as (daemon, log):
        write_sections(
            config / "models.toml", {"newcomer": {"extends": "demo-weak", "problem_sets": ["tiny"]}}
        )
        _wait_for_rows(home, "potentials", daemon, log)
        _wait_for_rows(home, "pattern_rates", daemon, log)
    assert set(Warehouse(home).read_table("potentials")["model"]) == {"newcomer"}


@pytest.mark.long
def test_a_new_checkpoint_is_measured_and_nothing_is_asked_for_twice(home: DataHome, tmp_path: Path) -> None:
    config = tmp_path / "config"
    entry = {
        "engine": "openvino", "checkpoints": "checkpoints", "problem_sets": ["tiny"], "add_bos": True,
        "template": "Problem: {statement}\nSolution:\n",
    }  # fmt: skip
    (config / "checkpoints").mkdir(parents=True)
    with _daemon(home, config) as (daemon, log):
        write_sections(config / "models.toml", {"training": entry})
        for step, model in ((1000, "demo-weak"), (2000, "demo-strong")):
            shutil.copytree(MODELS / model, config / "checkpoints" / f"step-{step}")
            _wait_for_rows(home, "pattern_rates", daemon, log, model=f"training.step-{step}")
    warehouse, names = Warehouse(home), ["training.step-1000", "training.step-2000"]
    assert sorted(set(warehouse.read_table("potentials")["model"])) == names
    assert warehouse.read_table("models").select("model", "series", "step").rows() == [
        (name, "training", step) for name, step in zip(names, (1000, 2000), strict=True)
    ]
    with closing(sqlite3.connect(home.dagster / "history" / "runs.db")) as con:
        runs = con.execute("SELECT partition FROM runs WHERE pipeline_name = 'evaluate_model'").fetchall()
    assert sorted(runs) == [(f"{name}|tiny",) for name in names]
