"""A run that is interrupted, run twice at once, or killed: the next one goes on, and waits for nothing dead."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from itertools import product
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner
from dagster._core.storage.tags import GRPC_INFO_TAG
from stalling_child import BLOCKS_BEFORE, PAIRS
from support.lab import Lab
from support.scripted import ScriptedEngine

from cot_assets.cli import cli
from cot_assets.definitions import build_defs
from cot_assets.orchestration import processes, runs
from cot_assets.orchestration.assets.resources import Study
from cot_assets.orchestration.processes import alive, end_abandoned
from cot_assets.orchestration.rebuild import RebuildError, rebuild
from cot_assets.orchestration.runs import PipelineError, execute
from cot_assets.orchestration.staleness import Unit
from cot_assets.orchestration.state import in_flight
from cot_assets.orchestration.status.records import PROCESS_TAG
from cot_assets.sampling.shards import ShardStore

pytestmark = pytest.mark.heavy


def n_blocks(lab: Lab) -> int:
    return sum(len(ShardStore(lab.home.shards, p, "script").index()) for p in ("trace", "rollout"))


def test_an_interrupted_and_a_killed_run_hold_up_nobody(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.write_sums()
    lab.write_script("script")
    command = [sys.executable, str(Path(__file__).with_name("stalling_child.py")), str(tmp_path)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == "stalled"
        child.send_signal(signal.SIGINT)  # what Dagster's termination sends to a run's process
        assert child.stdout.readline().strip() == "interrupted"
        assert n_blocks(lab) == BLOCKS_BEFORE
        assert child.stdout.readline().strip() == "stalled"  # the same process took its slot again
        with pytest.raises(
            PipelineError, match=rf"evaluate_model .* is being run by process {child.pid} already"
        ):
            lab.bring_up_to_date(PAIRS)
    finally:
        child.kill()
        child.wait()
    kept = n_blocks(lab)
    with lab.environment():
        told = CliRunner().invoke(cli, ["status"], catch_exceptions=False).output
    assert "failed" in told
    assert "its process was killed" in " ".join(told.split())
    assert "running" not in told
    ScriptedEngine.sampled.clear()
    done = [want.unit.job for want in lab.bring_up_to_date(PAIRS)]
    assert done[0] == "evaluate_model"
    assert kept >= BLOCKS_BEFORE
    assert len(ScriptedEngine.sampled) == n_blocks(lab) - kept > 0
    assert lab.table("potentials")["n"].unique().to_list() == [16]
    with lab.instance() as instance:
        tagged = [run for run in instance.get_runs() if run.tags[PROCESS_TAG].startswith(f"{child.pid}-")]
        stopped = [run.status.value for run in tagged if run.job_name == "evaluate_model"]
        assert stopped == ["CANCELED", "CANCELED"], "being stopped is not a failure that automation counts"
        assert not instance.event_log_storage.get_concurrency_info("gpu").claimed_slots


_LAUNCHED = (dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED)


def test_only_what_a_dead_process_left_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_STARTING_S", 600.0)  # a busy machine may take longer than is allowed for
    lab = Lab(tmp_path)
    with lab.instance() as instance, alive(lab.home) as own:
        for i, tags in enumerate([{PROCESS_TAG: own}, {PROCESS_TAG: "1-gone"}, {}]):
            run = dg.DagsterRun("job", run_id=f"run{i}", status=dg.DagsterRunStatus.STARTED, tags=tags)
            instance.add_run(run)
        assert end_abandoned(instance, lab.home) == 1
        statuses = {run.run_id: run.status.value for run in instance.get_runs()}
        assert statuses == {"run0": "STARTED", "run1": "CANCELED", "run2": "STARTED"}
        assert end_abandoned(instance, lab.home) == 0
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(tmp_path / "there"))
            server.listen()
            names = {"dead": {PROCESS_TAG: "1-gone"}, "alive": {PROCESS_TAG: own}, "unnamed": {}}
            for status, server, (process, tags) in product(_LAUNCHED, ("there", "gone"), names.items()):
                info = json.dumps({"host": "localhost", "socket": str(tmp_path / server)})
                run_id, told = f"{status.value} {server} {process}", {**tags, GRPC_INFO_TAG: info}
                instance.add_run(dg.DagsterRun("job", run_id=run_id, status=status, tags=told))
            instance.add_run(dg.DagsterRun("job", run_id="unasked", status=_LAUNCHED[0]))
            end_abandoned(instance, lab.home)
            ended = {run.run_id for run in instance.get_runs() if run.is_finished} - {"run1"}
            assert ended == {
                f"{s.value} gone {process}" for s in _LAUNCHED for process in ("dead", "unnamed")
            }
            assert end_abandoned(instance, lab.home) == 0, "one has only just been launched"
            monkeypatch.setattr(processes, "_STARTING_S", -1.0)
            assert end_abandoned(instance, lab.home) == 1
    assert list((lab.home.dagster / "processes").iterdir()) == []


def test_nothing_is_rebuilt_beside_a_run(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    with lab.instance() as instance:
        with alive(lab.home) as own:
            tags = {PROCESS_TAG: own, "dagster/partition": "script|sums"}
            instance.add_run(dg.DagsterRun("evaluate_model", run_id="run", status=_LAUNCHED[1], tags=tags))
            with pytest.raises(RebuildError, match=r"evaluate_model \[script\|sums\] is being run"):
                rebuild(build_defs(), instance, lab.config(), lab.home)
        with pytest.raises(
            RebuildError, match="says what was evaluated"
        ):  # the run of a dead process is ended
            rebuild(build_defs(), instance, lab.config(), lab.home)


def test_a_run_of_whatever_command_is_marked_and_ended_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = Lab(tmp_path)
    lab.write_sums()

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "execute_run", stopped)
    with lab.instance() as instance:
        with pytest.raises(KeyboardInterrupt):
            execute(build_defs(), instance, Unit("compare_models", "sums"), assets=["report"])
        assert [run.status.value for run in instance.get_runs()] == ["CANCELED"]
        assert not in_flight(instance), "published files are looked at only where no run is in flight"


def test_two_models_may_be_run_on_one_problem_set_at_once(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.write_sums(n=1, protocol={"max_cuts": 3, "traces_per_problem": 1, "search_problems": 0})
    models = ("one", "other")
    for model in models:
        lab.write_script(model)
    # Processes, as of two people: in one process Dagster's loggers of two runs wait for each other for ever.
    command = [sys.executable, str(Path(__file__).with_name("running_child.py")), str(tmp_path)]
    children = [
        subprocess.Popen(
            [*command, model], stderr=subprocess.PIPE, text=True, env={**os.environ, **lab.variables}
        )
        for model in models
    ]
    for child in children:
        _, said = child.communicate(timeout=300)
        assert child.returncode == 0, said[-3000:]
    assert set(lab.table("potentials")["model"]) == set(models)
    left = lab.bring_up_to_date([(model, "sums") for model in models])
    assert {want.unit.job for want in left} <= {"measure_transfer", "compare_models"}


@pytest.mark.parametrize(
    ("raised", "expected", "status"),
    [
        (KeyboardInterrupt(), (KeyboardInterrupt, None), "CANCELED"),
        (OSError("no room"), (PipelineError, r"compare_models \[sums\] failed: .*no room"), "FAILURE"),
    ],
)
def test_what_ends_a_run_before_its_first_step_is_told_as_well(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    raised: BaseException,
    expected: tuple[type[BaseException], str | None],
    status: str,
) -> None:
    lab = Lab(tmp_path)
    lab.write_sums()

    def ended(*_: object) -> None:
        raise raised

    monkeypatch.setattr(Study, "setup_for_execution", ended)
    with lab.instance() as instance:
        with pytest.raises(expected[0], match=expected[1]):
            execute(build_defs(), instance, Unit("compare_models", "sums"), assets=["report"])
        assert [run.status.value for run in instance.get_runs()] == [status]
