"""Ctrl-C and SIGTERM: one line and the code of the signal; the second leaves at once."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from support.command_line import Cli

_CHILD = Path(__file__).with_name("stopping_child.py")


def _start(seconds: float, *limit: str) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, str(_CHILD), str(seconds), *limit],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "waiting\n"
    return child


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_with_one_line(number: signal.Signals, code: int) -> None:
    child = _start(0)
    child.send_signal(number)
    _, said = child.communicate(timeout=60)
    assert (child.returncode, said.strip()) == (
        code,
        "Stopped. 3 of 7 rollouts are kept; run again to go on.",
    )


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_leaves_at_once(second: signal.Signals) -> None:
    child = _start(600)
    child.send_signal(signal.SIGTERM)
    time.sleep(1)
    assert child.poll() is None
    child.send_signal(second)
    _, said = child.communicate(timeout=60)
    assert (child.returncode, said.strip()) == (128 + second, "Stopped at once.")


def test_a_time_limit_does_not_hurry_what_is_being_stopped() -> None:
    child = _start(1.5, "1")
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert (child.returncode, said.strip()) == (
        130,
        "Stopped. 3 of 7 rollouts are kept; run again to go on.",
    )


def test_a_time_limit_stops_as_ctrl_c_does() -> None:
    child = _start(0, "0.2")
    _, said = child.communicate(timeout=60)
    assert (child.returncode, said.strip()) == (
        130,
        "Time is up. Stopped. 3 of 7 rollouts are kept; run again to go on.",
    )


def test_commands_of_one_process_share_what_waits_for_signals(cli: Cli) -> None:
    def held() -> tuple[int, int]:
        assert cli("--version", variables={}).code == 0
        return threading.active_count(), len([*Path("/proc/self/fd").iterdir()])

    held()
    assert held() == held() == held()
