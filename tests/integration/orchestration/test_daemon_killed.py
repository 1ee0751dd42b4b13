"""A real daemon that is killed while a run starts: the next one ends that run within a minute, and it is asked for again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
from support.lab import Lab

pytestmark = pytest.mark.heavy

_STARTING = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTING])
_BEGUN = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.SUCCESS])


class Daemon:
    """``dagster-daemon`` with a code server, in a group of processes of its own."""

    def __init__(self, lab: Lab) -> None:
        self.log = lab.root / "daemon.log"
        command = [str(Path(sys.executable).parent / "dagster-daemon"), "run", "-m", "cot_assets.definitions"]
        environment = {**os.environ, **lab.variables, "COT_ASSETS_SENSOR_SECONDS": "5"}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def wait_for(self, what: Callable[[], bool], seconds: float) -> float:
        """The moment at which something is so."""
        deadline = time.time() + seconds
        while not what():
            assert self._process.poll() is None, self.log.read_text()[-3000:]
            assert time.time() < deadline, f"not within {seconds} s: {self.log.read_text()[-3000:]}"
            time.sleep(0.02)
        return time.time()

    def kill(self) -> None:
        """SIGKILL for all of it, in the middle of whatever it does."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def test_a_run_whose_daemon_was_killed_while_it_started_is_asked_for_again(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.write(
        models={"newcomer": {"extends": "demo-weak", "problem_sets": ["tiny"]}},
        problem_sets={"tiny": {"extends": "demo", "generator": {"per_cell": [1, 0, 0, 0]}, "limit": 1}},
    )
    with lab.instance() as instance:
        daemon = Daemon(lab)
        try:
            daemon.wait_for(lambda: bool(instance.get_runs(_STARTING)), 200)
        finally:
            daemon.kill()
        killed = time.time()
        (stuck,) = instance.get_runs(_STARTING)
        daemon = Daemon(lab)
        try:
            ended = daemon.wait_for(lambda: not instance.get_runs(_STARTING, limit=1), 200)
            assert ended - killed < 80  # a minute, on a machine with nothing else to do
            daemon.wait_for(
                lambda: any(
                    run.run_id != stuck.run_id and run.job_name == stuck.job_name
                    for run in instance.get_runs(_BEGUN)
                ),
                200,
            )
        finally:
            daemon.kill()
        run = instance.get_run_by_id(stuck.run_id)
        assert run is not None
        assert run.is_finished
