"""Runs: which belong to a process that is alive, and which were abandoned.

Belongs here: the mark of a process on its runs, and ending what a killed process left in Dagster. Does not
belong here: workers of a server of code that is alive, which watches them.

A process that is killed leaves its run "started" and its slot of the pool ``gpu`` taken, so that every later
run would wait for ever. Each process therefore holds a lock of the operating system, which ends with it
however it ends, and tags its runs with the lock's name.
"""

from __future__ import annotations

import json
import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from multiprocessing.util import Finalize

import dagster as dg
from dagster._core.storage.tags import GRPC_INFO_TAG
from filelock import FileLock

from cot_assets.orchestration.instance import open_instance
from cot_assets.orchestration.staleness import Unit
from cot_assets.orchestration.state import UNFINISHED
from cot_assets.orchestration.status.living import is_alive, lock_of
from cot_assets.orchestration.status.records import PROCESS_TAG
from cot_assets.study import DataHome
from cot_assets.study.scratch import sweep

_STARTED = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
_STARTING_S = 5.0  #: a run that is starting knows its server long before


@contextmanager
def alive(home: DataHome) -> Iterator[str]:
    """Hold this process's lock; yields the value of :data:`PROCESS_TAG` for its runs."""
    name = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
    lock_of(home, name).parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock_of(home, name)):
            yield name
    finally:
        lock_of(home, name).unlink(missing_ok=True)


@cache
def held(home: DataHome) -> str:
    """:func:`alive` until this process ends, however it does: for the run that a server of code started it for."""
    stack = ExitStack()
    Finalize(None, stack.close, exitpriority=0)  # such a process runs nothing of atexit
    return stack.enter_context(alive(home))


@contextmanager
def running(instance: dg.DagsterInstance, home: DataHome) -> Iterator[str]:
    """:func:`alive`, and what the block leaves unfinished is canceled: a signal may come while a run is being made."""
    try:
        with alive(home) as process:
            yield process
    except BaseException:
        end_abandoned(instance, home)
        raise


def end_abandoned(instance: dg.DagsterInstance, home: DataHome) -> int:
    """Cancel the unfinished runs of processes that are gone, free their slots and remove what they left; returns how many.

    Runs of a daemon too, where its server of code is gone: Dagster's run monitoring gives those that start far longer,
    and never ends those that have started. Canceled and not failed: a person killed it, and automation counts failures.
    """
    sweep()
    ended = 0
    for record in instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED)):
        run, age = record.dagster_run, time.time() - record.update_timestamp.timestamp()
        name = run.tags.get(PROCESS_TAG)
        is_watched = GRPC_INFO_TAG in run.tags and not _has_no_server(run, age)
        if name is not None and not is_alive(home, name) and not is_watched:
            gone = f"process {name.split('-')[0]}"
            lock_of(home, name).unlink(missing_ok=True)
        elif name is None and run.status in _STARTED and _has_no_server(run, age):
            gone = "the server that was to start it"
        else:
            continue
        instance.report_run_canceled(run, message=f"{gone} is gone; what was sampled is kept")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        ended += 1
    return ended


def at_work(instance: dg.DagsterInstance) -> str | None:
    """What a run that has started, and not ended, is of; None where there is none."""
    for run in instance.get_runs(dg.RunsFilter(statuses=_STARTED), limit=1):
        return f"{run.job_name} [{run.tags.get('dagster/partition', 'on demand')}]"
    return None


def end_launched(home: DataHome, deadline: float) -> None:
    """Cancel the runs that a daemon or web server launched, and wait for them until a moment of the monotonic clock.

    Their workers belong to a server of code that goes on until they have ended, however its parent ends.
    """
    with open_instance(home) as instance:
        runs = [
            run for run in instance.get_runs(dg.RunsFilter(statuses=_STARTED)) if GRPC_INFO_TAG in run.tags
        ]
        for run in runs:
            try:
                instance.run_launcher.terminate(run.run_id)
            except Exception as error:  # noqa: BLE001 - its server is gone, and gRPC says so in many ways
                instance.report_run_canceled(run, message=f"its worker cannot be reached: {error}")
        ids = [run.run_id for run in runs]
        while ids and time.monotonic() < deadline:
            time.sleep(0.2)
            ids = [run.run_id for run in instance.get_runs(dg.RunsFilter(run_ids=ids, statuses=UNFINISHED))]


def running_elsewhere(instance: dg.DagsterInstance, home: DataHome, unit: Unit, own: str) -> str | None:
    """The id of another living process of the command line that runs the unit, or None."""
    runs = instance.get_runs(
        dg.RunsFilter(job_name=unit.job, statuses=UNFINISHED, tags={"dagster/partition": unit.key})
    )
    for run in runs:
        name = run.tags.get(PROCESS_TAG)
        if name is not None and name != own and is_alive(home, name):
            return name.split("-")[0]
    return None


def _has_no_server(run: dg.DagsterRun, age: float) -> bool:
    """Whether a daemon or web server launched the run, and its server of code, which was to start it, is gone.

    Where it is not known yet, the daemon may have been killed before it asked one: after ``age`` seconds it was.
    """
    info = json.loads(run.tags.get(GRPC_INFO_TAG, "{}"))
    if path := info.get("socket"):
        family, address = socket.AF_UNIX, path
    elif port := info.get("port"):
        family, address = socket.AF_INET, (info.get("host", "localhost"), int(port))
    else:
        return run.status == dg.DagsterRunStatus.STARTING and age > _STARTING_S
    with socket.socket(family) as probe:
        probe.settimeout(5)
        return probe.connect_ex(address) != 0
