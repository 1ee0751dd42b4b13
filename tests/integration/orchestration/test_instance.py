"""The Dagster instance of a data home."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
from typing import Any
from unittest import mock

import dagster as dg
import pytest

from cot_assets.orchestration.instance import InstanceError, open_instance
from cot_assets.study import DataHome

TOGETHER = 4


def _open(root: Path, barrier: Any) -> None:
    barrier.wait(60)
    with open_instance(DataHome(root)) as instance:
        instance.get_runs()
    with open_instance(DataHome(root)) as instance:  # what the others did while it was open is found sound
        instance.get_runs()
    os._exit(0)  # not the parent's handlers


def test_processes_may_open_a_new_home_at_once(tmp_path: Path) -> None:
    with open_instance(DataHome(tmp_path / "another")):  # Dagster's modules, once for all
        pass
    forking = multiprocessing.get_context("fork")  # so that all are at the same line at the same time
    barrier = forking.Barrier(TOGETHER)
    children = [forking.Process(target=_open, args=(tmp_path / "home", barrier)) for _ in range(TOGETHER)]
    for child in children:
        child.start()
    for child in children:
        child.join(100)
    assert [child.exitcode for child in children] == [0] * TOGETHER


def test_what_is_kept_open_is_bounded_and_others_read_it_meanwhile(tmp_path: Path) -> None:
    def files() -> set[str]:
        open_now = (os.path.realpath(fd) for fd in Path("/proc/self/fd").iterdir())
        return {
            Path(name).name for name in open_now if name.startswith(str(tmp_path)) and name.endswith(".db")
        }

    runs = [f"00000000-0000-0000-0000-00000000000{i}" for i in range(3)]
    with open_instance(DataHome(tmp_path)) as instance:
        for run in runs:
            instance.report_engine_event(f"of {run}", job_name="job", run_id=run)
        assert files() == {"index.db", "runs.db", f"{runs[-1]}.db"}
        with dg.DagsterInstance.get() as other:
            said = [entry.message for run in runs for entry in other.all_logs(run)]
            assert said == [f"of {run}" for run in runs]
            other.report_engine_event("by another", job_name="job", run_id=runs[-1])
        assert [entry.message for entry in instance.all_logs(runs[-1])][1:] == ["by another"]
    assert not files()


def test_what_cannot_be_recorded_is_not_shown_in_dagsters_words(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    @dg.asset
    def logging() -> None:
        dg.get_dagster_logger().info("lost")

    with open_instance(DataHome(tmp_path)) as instance:
        record = instance.handle_new_event

        def full(event: dg.EventLogEntry, **others: Any) -> None:
            if event.message.endswith("lost"):
                raise OSError("database or disk is full")
            record(event, **others)

        with mock.patch.object(instance, "handle_new_event", full):
            result = dg.materialize([logging], instance=instance)
        told = [entry.message for entry in instance.all_logs(result.run_id)]
    assert result.success
    assert "Exception while writing logger call to event log" in told
    assert "event log: database" not in capfd.readouterr().err


def test_a_damaged_instance_says_what_is_lost_with_it(tmp_path: Path) -> None:
    home = DataHome(tmp_path / "home")
    home.create()
    (home.dagster / "dagster.yaml").write_text("storage: [unclosed", encoding="utf-8")
    with (
        pytest.raises(InstanceError, match=r"dagster: .*only the history of runs is lost"),
        open_instance(home),
    ):
        pass
