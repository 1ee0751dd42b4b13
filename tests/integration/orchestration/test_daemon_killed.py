"""A real daemon that is killed: the next one ends the run that it left within a minute, and asks for it again."""

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
_STARTED = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])
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


def test_a_run_whose_daemon_was_killed_is_asked_for_again(tmp_path: Path) -> None:
    """Together with its server of code and the run's process: while the run starts, and when it has started."""
    lab = Lab(tmp_path)
    lab.write(
        models={"newcomer": {"extends": "demo-weak", "problem_sets": ["tiny"]}},
        problem_sets={"tiny": {"extends": "demo", "generator": {"per_cell": [1, 0, 0, 0]}, "limit": 1}},
    )
    stuck: list[str] = []
    killed = 0.0
    with lab.instance() as instance:

        def there(of: dg.RunsFilter) -> list[str]:
            return [run.run_id for run in instance.get_runs(of) if run.run_id not in stuck]

        def is_ended() -> bool:
            run = instance.get_run_by_id(stuck[-1])
            return run is not None and run.is_finished

        for of in (_STARTING, _STARTED, _BEGUN):
            daemon = Daemon(lab)
            try:
                if stuck:
                    assert daemon.wait_for(is_ended, 200) - killed < 60
                daemon.wait_for(lambda: bool(there(of)), 200)  # noqa: B023 - called at once
            finally:
                daemon.kill()
            killed = time.time()
            stuck += there(of)
    assert len(stuck) == 3
