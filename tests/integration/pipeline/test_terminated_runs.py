"""A run that is terminated in the Dagster UI: what `cot-assets ui` starts, asked over GraphQL, on a real model."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import dagster as dg
import httpx
import psutil
import pytest
from dagster_graphql import DagsterGraphQLClient
from support.lab import Lab

from cot_assets.definitions import build_defs
from cot_assets.orchestration.runs import execute
from cot_assets.orchestration.staleness import Unit
from cot_assets.orchestration.state import ensure_partitions
from cot_assets.sampling.shards import ShardStore

pytestmark = pytest.mark.heavy

MODEL, PROBLEMS = "strong", "tiny"
UNIT = Unit("evaluate_model", PROBLEMS, MODEL)
ASSETS = ("traces", "prefixes", "completions", "rollouts", "potentials")


def made(root: Path) -> Lab:
    """A study of some seconds of sampling that nothing starts by itself, its problems loaded."""
    lab = Lab(root)
    lab.write(
        models={MODEL: {"extends": "demo-strong"}},
        problem_sets={PROBLEMS: {"extends": "demo", "protocol": "long", "generator": {"per_cell": [0, 1, 0, 0]}}},
        protocols={"long": {"extends": "quick", "n": 96, "traces_per_problem": 1}},
    )  # fmt: skip
    with lab.instance() as instance:
        ensure_partitions(instance, [MODEL], [PROBLEMS])
        execute(build_defs(), instance, Unit("load_problems", PROBLEMS), assets=["problems"])
    return lab


T = TypeVar("T")


def wait_for(what: Callable[[], T | None], seconds: float, said: Callable[[], str]) -> T:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if (found := what()) is not None:
            return found
        time.sleep(0.2)
    raise AssertionError(f"nothing within {seconds} s: {said()}")


class Dagster:
    """``cot-assets ui`` on a free port."""

    def __init__(self, lab: Lab) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = int(free.getsockname()[1])
        self._log = lab.root / "dagster.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cot_assets.cli", "ui", "--port", str(self._port)],
                env={**os.environ, **lab.variables}, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.url = f"http://127.0.0.1:{self._port}"
        self.client = wait_for(self._connect, 200, self.said)

    def _connect(self) -> DagsterGraphQLClient | None:
        assert self._process.poll() is None, self.said()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self._port)):
                return None
        return DagsterGraphQLClient("127.0.0.1", port_number=self._port)

    def said(self) -> str:
        return self._log.read_text()[-3000:]

    def launch(self) -> str:
        """Ask for the job's assets of the partition; returns the run's id."""
        tags = {
            "dagster/partition": UNIT.key,
            "dagster/partition/model": MODEL,
            "dagster/partition/problem_set": PROBLEMS,
        }
        return self.client.submit_job_execution(
            UNIT.job, tags=tags, asset_selection=[dg.AssetKey(name) for name in ASSETS]
        )

    def stop(self) -> int:
        """SIGTERM; returns how it ended."""
        if self._process.poll() is not None:
            return self._process.returncode
        started = self.processes()
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(60)
        finally:
            # What was killed, and not by its parent, is there until somebody takes note of it.
            _, left = psutil.wait_procs(started, timeout=10)
            self.left = [each for each in left if _is_at_work(each)]
            for process in self.left:
                process.kill()

    def processes(self) -> list[psutil.Process]:
        """What it started, directly or not."""
        return psutil.Process(self._process.pid).children(recursive=True)


def _is_at_work(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return made(tmp_path / "terminated")


@pytest.fixture
def dagster(lab: Lab) -> Iterator[Dagster]:
    dagster = Dagster(lab)
    yield dagster
    dagster.stop()


def is_sampling(instance: dg.DagsterInstance, run_id: str) -> bool | None:
    """True once completions are sampled."""
    events = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_START)
    return True if any(e.step_key == "completions" for e in events) else None


def process_of(instance: dg.DagsterInstance, run_id: str) -> psutil.Process:
    """The process that works on a run."""
    for entry in instance.all_logs(run_id):
        data = entry.dagster_event.event_specific_data if entry.dagster_event else None
        if (pid := getattr(data, "metadata", {}).get("pid")) is not None:
            return psutil.Process(int(pid.value))
    raise AssertionError("no event tells the process")


def test_stopping_the_ui_stops_the_runs_that_it_started(lab: Lab, dagster: Dagster) -> None:
    foreign = httpx.get(
        f"{dagster.url}/graphql", params={"query": "mutation { wipeAssets(assetPartitionRanges: []) }"}
    )
    assert foreign.status_code == 405
    with lab.instance() as instance:
        run_id = dagster.launch()
        wait_for(lambda: is_sampling(instance, run_id), 120, dagster.said)
        worker = process_of(instance, run_id)
        processes = [worker, *worker.children(recursive=True)]
        loaded = [each for each in dagster.processes() if "grpc" in each.cmdline()]
        assert len(loaded) == 1, "web server and daemon share one server of code"
        assert dagster.stop() == 143, dagster.said()
        _, alive = psutil.wait_procs(processes, timeout=1)
        assert not alive
        assert not dagster.left
        assert instance.get_run_by_id(run_id).status == dg.DagsterRunStatus.CANCELED  # type: ignore[union-attr]


def test_a_terminated_run_leaves_its_batches_and_nothing_else(
    lab: Lab, dagster: Dagster, tmp_path: Path
) -> None:
    store = ShardStore(lab.home.shards, "rollout", MODEL)
    with lab.instance() as instance:

        def ended(wanted: str) -> bool | None:
            status = instance.get_run_by_id(run_id).status.value  # type: ignore[union-attr]
            assert status not in {"FAILURE", "CANCELED", "SUCCESS"} - {wanted}, f"{status}: {dagster.said()}"
            return True if status == wanted else None

        def slots() -> int:
            return len(instance.event_log_storage.get_concurrency_info("gpu").claimed_slots)

        run_id = dagster.launch()
        wait_for(lambda: is_sampling(instance, run_id), 120, dagster.said)
        time.sleep(3)  # some blocks come back
        worker = process_of(instance, run_id)
        processes = [worker, *worker.children(recursive=True)]
        assert slots() == 1
        dagster.client.terminate_run(run_id)
        wait_for(lambda: ended("CANCELED"), 30, dagster.said)
        _, alive = psutil.wait_procs(processes, timeout=20)
        assert not alive
        wait_for(lambda: True if slots() == 0 else None, 30, lambda: f"{slots()} slots")
        kept = len(store.index())
        assert kept > 0

        run_id = dagster.launch()
        wait_for(lambda: ended("SUCCESS"), 180, dagster.said)
    assert len(store.index()) > kept, "it was stopped in the middle"
    runs = lab.table("sampling_runs", asset="completions").sort("started_at")
    assert runs["n_blocks"].to_list() == [kept, len(store.index()) - kept]

    undisturbed = made(tmp_path / "undisturbed")
    with undisturbed.instance() as instance:
        execute(build_defs(), instance, UNIT, assets=ASSETS)
    keys = {"rollouts": ["prefix_id", "sample_index"], "potentials": ["prefix_id"]}
    for table, key in keys.items():
        found, expected = (
            each.table(table).drop("shard", strict=False).sort(key) for each in (lab, undisturbed)
        )
        assert found.height > 0
        assert found.equals(expected)
