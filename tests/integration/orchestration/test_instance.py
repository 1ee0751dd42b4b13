"""The Dagster instance of a data home."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
from typing import Any

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


def test_a_damaged_instance_says_what_is_lost_with_it(tmp_path: Path) -> None:
    home = DataHome(tmp_path / "home")
    home.create()
    (home.dagster / "dagster.yaml").write_text("storage: [unclosed", encoding="utf-8")
    with (
        pytest.raises(InstanceError, match=r"dagster: .*only the history of runs is lost"),
        open_instance(home),
    ):
        pass
