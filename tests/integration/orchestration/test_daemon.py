"""A real daemon: a training and its checkpoints appear while it runs, their tables fill, each is asked for once."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from support.configuration import write_sections

import cot_assets
from cot_assets.orchestration.instance import prepare_instance
from cot_assets.study import DataHome
from cot_assets.warehouse.queries import run_query
from cot_assets.warehouse.store import Warehouse

MODELS = Path(cot_assets.__file__).parent / "demo" / "models"

_LIMIT_SECONDS = 370  #: for all of it
_TINY = {"n": 16, "traces_per_problem": 1, "max_cuts": 2, "search_problems": 0}


def _wait_until(
    what: Callable[[], bool], deadline: float, daemon: subprocess.Popen[bytes], log: Path
) -> None:
    while not what():
        assert daemon.poll() is None, log.read_text()[-3000:]
        assert time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(2)


@contextmanager
def _daemon(home: DataHome, config: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A daemon on a home and a configuration with one small problem set, and its log."""
    write_sections(
        config / "protocols.toml",
        {"tiny": {"extends": "quick", "sampling": _TINY}},
    )
    write_sections(
        config / "problem_sets.toml",
        {
            "tiny": {
                "extends": "demo",
                "protocol": "tiny",
                "generator": {"per_cell": [1, 0, 0, 0]},
                "limit": 1,
            }
        },
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
def test_the_checkpoints_of_a_training_are_measured_once_each(home: DataHome, tmp_path: Path) -> None:
    config = tmp_path / "config"
    training = {
        "engine": "openvino", "checkpoints": "checkpoints", "problem_sets": ["tiny"], "add_bos": True,
        "template": "Problem: {statement}\nSolution:\n",
    }  # fmt: skip
    checkpoints = {1000: "demo-weak", 2000: "demo-strong"}
    (config / "checkpoints").mkdir(parents=True)
    deadline = time.monotonic() + _LIMIT_SECONDS
    with _daemon(home, config) as (daemon, log):
        write_sections(config / "models.toml", {"training": training})
        for number, (step, weights) in enumerate(checkpoints.items(), 1):
            shutil.copytree(MODELS / weights, config / "checkpoints" / f"step-{step}")
            _wait_until(lambda: _steps(home) == [*checkpoints][:number], deadline, daemon, log)  # noqa: B023 - at once
    models = [f"training.step-{step}" for step in checkpoints]
    assert set(Warehouse(home).read_table("potentials")["model"]) == {*models}
    with closing(sqlite3.connect(home.dagster / "history" / "runs.db")) as con:
        runs = con.execute("SELECT partition FROM runs WHERE pipeline_name = 'evaluate_model'").fetchall()
        asked = con.execute("SELECT value FROM run_tags WHERE key = 'dagster/run_key'").fetchall()
        drawn = con.execute(
            "SELECT unixepoch(create_timestamp), end_time FROM runs WHERE pipeline_name = '__ASSET_JOB' ORDER BY id"
        ).fetchall()
    assert sorted(runs) == [(f"{model}|tiny",) for model in models]
    assert all(key.endswith(":0") for (key,) in asked), "nothing failed, nothing was asked for twice"
    assert all(asked >= int(ended) for (_, ended), (asked, _) in pairwise(drawn)), (
        "nor while it was being made"
    )


def _steps(home: DataHome) -> list[int]:
    """The steps of the training that the published results show."""
    if not home.results.exists():
        return []
    shown = run_query(home, "training_curve", {"series": "training"}).filter(measure="v0")
    return shown["step"].to_list()
