"""Progress is seen while it happens: on a pseudo-terminal whose standard descriptors point at files meanwhile."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time

from cot_assets.cli.running.progress import Screen
from cot_assets.sampling.run import SamplingStatus

_CHILD = """
import os, sys, time
from cot_assets.cli.running.progress import Screen
from cot_assets.sampling.run import SamplingStatus

screen = Screen()
file = os.open(os.devnull, os.O_WRONLY)
os.dup2(file, 1), os.dup2(file, 2)  # as Dagster does while a step runs
with screen:
    reports = [screen.track(label, lambda line: None) for label in sys.argv[1:]]
    for done in range(0, 161, 16):
        for report in reports:
            report(SamplingStatus(n_before=0, n_total=160, n_done=done, generated_tokens=10_000 * done, seconds=1 + done))
        time.sleep(0.15)
"""


def _seen(*labels: str, columns: int = 80) -> list[str]:
    """What arrives at the terminal, one piece per read."""
    master, slave = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm", "NO_COLOR": "1"}
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, *labels], stdin=slave, stdout=slave, stderr=slave, env=environment
    )
    os.close(slave)
    pieces: list[str] = []
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        ready, _, _ = select.select([master], [], [], 0.05)
        try:
            data = os.read(master, 65536) if ready else b""
        except OSError:
            break
        if data:
            pieces.append(data.decode(errors="replace"))
        elif child.poll() is not None:
            break
    child.wait(10)
    os.close(master)
    return pieces


def test_bars_move_on_a_terminal_and_fit_it() -> None:
    pieces = _seen("completions a-model-with-a-long-name on-a-set")
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", "".join(pieces))
    counts = [int(done) for done in re.findall(r"(\d+)/160", text)]
    assert len(set(counts)) >= 3, "it moved"
    assert counts == sorted(counts)
    assert counts[-1] == 160
    assert "1.6M tok 9.9k tok/s" in text
    lines = [line for line in re.split(r"[\r\n]+", text) if line.strip()]
    assert max(map(len, lines)) <= 80
    assert sum("160/160" in line for line in "".join(pieces).split("\r\n")) == 1, "no bar twice"


def test_bars_of_every_stage_and_model_are_told_apart() -> None:
    long = "a-model-with-a-name-that-no-screen-has-room-for-8b"
    stages = (
        "completions demo-strong on-a-problem-set",
        f"completions {long} demo",
        f"audit of transfer_completions {long}",
    )
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", "".join(_seen(*stages)))
    last = re.split(r"[\r\n]+", text.strip())[-3:]
    assert [" ".join(line.split()[:-7]) for line in last] == [
        "completions demo-strong", "completions a-model-with-a-…-for-8b", "audit trans…tions a-model-wit…or-8b",
    ]  # fmt: skip
    assert max(map(len, last)) <= 80


def test_a_line_says_where_a_stage_is() -> None:
    status = SamplingStatus(n_before=16, n_total=160, n_done=64, generated_tokens=6400, seconds=4.0)
    assert status.line("completions m s") == (
        "completions m s: 80 of 160 rollouts, 16 found, 6,400 tokens, 16 rollouts/s, 1,600 tokens/s, 5 s left"
    )


def test_unfinished_blocks_count_from_the_beginning() -> None:
    """Tokens move before any block has finished; the time left is the most it can be, then what it looks like."""
    status = SamplingStatus(n_before=0, n_total=100, seconds=10.0, underway_tokens=500, most_tokens=10_500)
    assert status.line("m") == (
        "m: 0 of 100 rollouts, 0 found, 500 tokens, 0.0 rollouts/s, 50 tokens/s, at most 200 s left"
    )
    status.n_done, status.generated_tokens, status.underway_tokens, status.seconds = 50, 5000, 0, 100.0
    assert status.seconds_left == (100.0, False)
    status.underway_tokens = 50_000  # far more than rollouts were long so far: it is not over yet
    left = status.seconds_left
    assert left is not None
    assert left[0] > 0


def test_what_is_kept_is_counted_over_all_stages() -> None:
    screen = Screen()
    for label, n_done in (("traces", 16), ("completions", 40), ("completions", 48)):
        screen.track(label, lambda _: None)(SamplingStatus(n_before=0, n_total=16 * 10, n_done=n_done))
    screen.track("audit", lambda _: None)(SamplingStatus(0, 32, is_audit=True))
    assert screen.kept == (64, 320)


def test_a_plan_of_nothing_is_not_told() -> None:
    told: list[str] = []
    with Screen() as screen:
        for n_total in (0, 16):
            report = screen.track(f"plan of {n_total}", told.append)
            report(SamplingStatus(n_before=n_total, n_total=n_total))
    assert [line.partition(":")[0] for line in told] == ["plan of 16"]
