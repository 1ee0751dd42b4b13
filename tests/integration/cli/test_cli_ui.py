"""``ui`` before anything is started: an address that cannot be listened on; and how its processes end."""

from __future__ import annotations

import os
import pty
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.command_line import Cli
from support.lab import Lab

from cot_assets.cli.ui import _end, _start
from cot_assets.cli.ui.log import Log


@pytest.mark.parametrize("taken", [True, False])
def test_an_address_that_cannot_be_had_is_one_line_at_once(cli: Cli, tmp_path: Path, taken: bool) -> None:
    home = tmp_path / "home"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1] if taken else 70_000
        ran = cli("ui", "--port", str(port), variables={"COT_ASSETS_HOME": str(home)})
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"Error: 127.0.0.1, port {port}: ")
    assert ran.err.endswith("--port or --host names another\n")
    assert not home.exists(), "nothing was opened yet"


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], subprocess.Popen[bytes]]:
    """Starts a module of some text, and returns once its file ``<name> begun`` is there."""
    modules = tmp_path / "modules"
    modules.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(modules))
    (tmp_path / "random.py").write_text("raise ImportError('of the folder that it is started from')")
    monkeypatch.chdir(tmp_path)

    def start(name: str, text: str) -> subprocess.Popen[bytes]:
        begun, deadline = tmp_path / f"{name} begun", time.monotonic() + 30
        (modules / f"{name}.py").write_text(f"import random, time\nfrom pathlib import Path\n{text}")
        process = _start(f"from {name} import main")
        while not begun.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        return process

    return start


def test_a_process_that_still_imports_ends_without_a_traceback(
    started: Callable[[str, str], subprocess.Popen[bytes]], capfd: pytest.CaptureFixture[str]
) -> None:
    process = started("slow", "Path('slow begun').touch()\ntime.sleep(60)")
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == -signal.SIGINT
    assert capfd.readouterr().err == ""


def test_the_server_of_code_outlives_the_daemon_that_asks_it(
    started: Callable[[str, str], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    main = """
def main():
    Path("{0} begun").touch()
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        {1}
"""
    in_order = "time.sleep(0.5); Path('code gone').exists() or Path('in order').touch()"
    code = started("code", main.format("code", "Path('code gone').touch()"))
    daemon = started("daemon", main.format("daemon", in_order))
    _end(Lab(tmp_path / "lab").home, [code, daemon])
    assert {"code gone", "in order"} <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.heavy
def test_the_screen_shows_its_own_lines_and_errors_in_a_sentence(tmp_path: Path) -> None:
    lab = Lab(tmp_path / "lab")
    log, seen = lab.home.dagster / "ui.log", ""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    screen, slave = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "cot_assets.cli", "ui", "--port", port], stdin=slave, stdout=slave, stderr=slave,
        env={**os.environ, **lab.variables, "COLUMNS": "1000"}, start_new_session=True,
    )  # fmt: skip
    os.close(slave)

    def wait_for(words: str) -> None:
        nonlocal seen
        deadline = time.monotonic() + 120
        while words not in seen and time.monotonic() < deadline:
            if select.select([screen], [], [], 0.2)[0]:
                seen += os.read(screen, 65536).decode()
        assert words in seen

    try:
        wait_for("Dagster UI: ")
        while "SensorDaemon" not in log.read_text():
            time.sleep(0.2)
        with log.open("a") as file:
            file.write(f"2026-11-27 20:04:09 +0000 - dagster - ERROR - {FAILED}\n")
        wait_for("Error: m has no chat")
        child.send_signal(signal.SIGINT)
        wait_for("Stopped.")
        assert child.wait(60) == 130
    finally:
        child.kill()
        child.wait()
        os.close(screen)
    lines = seen.replace("^C", "").split("\r\n")
    assert [line.partition(" ")[0] for line in lines if line] == ["Starting", "Dagster", "Error:", "Stopped."]
    assert f"what its parts say: {log})" in lines[1]


FAILED = """run - 12 - 7 - traces - STEP_FAILURE - Execution of step "traces" failed.

dagster._core.definitions.events.Failure: m has no chat template

Stack Trace:
  File "x.py", line 1, in y"""
SAID = f"""\x1b[32m2026-11-27 20:04:09 +0000\x1b[0m - dagster - \x1b[34mINFO\x1b[0m - Checking
2026-11-27 20:04:09 +0000 - dagster - DEBUG - run - traces - Traceback (most recent call last):
ValueError: told in passing
\x1b[32m2026-11-27 20:04:09 +0000\x1b[0m - dagster - \x1b[34mERROR\x1b[0m - \x1b[31m{FAILED}
\x1b[0m
2026-11-27 20:04:10 +0000 - dagster - ERROR - run - 12 - rollouts - Dependencies for step rollouts failed: ['traces']. Not executing.
2026-11-27 20:04:10 +0000 - dagster - ERROR - run - 12 - 7 - RUN_FAILURE - {FAILED.partition("failed.")[2]}
2026-11-27 20:04:11,123 - uvicorn.error - ERROR - Exception in ASGI application
2026-11-27 20:04:12 +0000 - dagster.daemon - ERROR - run - 13 - RUN_FAILURE - It was ended by \x1b[2Ja cable - or so
2026-11-27 20:04:12 +0000 - dagster.daemon - CRITICAL - Thread died
Traceback (most recent call last):
  File "x.py", line 1, in y
sqlite3.OperationalError: database is locked
"""


@pytest.mark.parametrize("size", [1_000_000, 100, 7])
def test_each_error_is_said_once_whatever_pieces_it_comes_in(tmp_path: Path, size: int) -> None:
    log, found = Log(tmp_path), list[str]()
    for start in range(0, len(SAID), size):
        log.file.write(SAID[start : start + size].encode())
        log.file.flush()
        found += log.errors()
    found += log.errors()
    assert found == [
        "m has no chat template",
        "Exception in ASGI application",
        r"It was ended by \x1b[2Ja cable - or so",
        "database is locked",
    ]
    assert log.end("It ended") == f"It ended: database is locked; {tmp_path / 'ui.log'} has more"
    log.close()
    Log(tmp_path).close()
    assert (tmp_path / "ui.before.log").read_text() == SAID
