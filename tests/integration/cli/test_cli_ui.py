"""``ui`` before anything is started: an address that cannot be listened on."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from support.command_line import Cli


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
