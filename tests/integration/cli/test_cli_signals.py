"""SIGTERM and SIGINT wherever a run is: one line, the code of the signal, a canceled run, and the same tables later."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.lab import Lab
from support.sameness import assert_same_tables

from cot_assets.study import DataHome

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(400)]

PAIRS = [("script", "sums")]
PLACES = ("audit", "verdicts", "end of a run", "analysis", "report")
RUN = ("run", "--model", "script", "--problem-set", "sums")


def test_a_run_stops_wherever_it_is_and_goes_on_from_there(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.write_sums(n=1, protocol={"max_cuts": 2, "traces_per_problem": 1, "search_problems": 0})
    lab.write_script("script")
    child = [sys.executable, str(Path(__file__).with_name("signalled_child.py"))]
    for number, place in zip([signal.SIGTERM, signal.SIGINT] * len(PLACES), PLACES, strict=False):
        began = time.monotonic()
        ran = subprocess.run(
            [*child, str(int(number)), place, *RUN], env={**os.environ, **lab.variables},
            capture_output=True, text=True, timeout=120, check=False, start_new_session=True,
        )  # fmt: skip
        said = f"{place}: {ran.stderr}"
        assert ran.returncode == 128 + number, said
        assert ran.stderr.splitlines()[-1].startswith("Stopped. "), said
        assert "Traceback" not in said
        assert time.monotonic() - began < 100, said  # 30 s asleep were cut short, or 30 s more would follow
        with lab.instance() as instance:
            last, *before = (run.status.value for run in instance.get_runs())
            assert "FAILURE" not in (last, *before), said
            assert last == ("SUCCESS" if place == "end of a run" else "CANCELED"), said
            assert not instance.event_log_storage.get_concurrency_info("gpu").claimed_slots
    assert lab.bring_up_to_date(PAIRS)
    undisturbed = Lab(tmp_path)
    undisturbed.home = DataHome(tmp_path / "undisturbed")
    undisturbed.bring_up_to_date(PAIRS)
    assert_same_tables(undisturbed.home, lab.home)
