"""``ui`` before anything is started: an address that cannot be listened on; and how its processes end."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.command_line import Cli
from support.lab import Lab

from cot_assets.cli.ui import _end, _start


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
