"""Folders of temporary files: what killed processes left goes, what others use or made stays."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.extras import missing

_CHILD = """
import sys
from cot_assets.study.scratch import scratch
(scratch() / "link").symlink_to("/")
print(scratch(), flush=True)
sys.stdin.read()
"""
Start = Callable[[], tuple["subprocess.Popen[str]", Path]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a process that has such a folder, and ends when its input is closed."""
    started: list[subprocess.Popen[str]] = []

    def child() -> tuple[subprocess.Popen[str], Path]:
        process = subprocess.Popen(
            [sys.executable, "-c", _CHILD], text=True, env={**os.environ, "TMPDIR": str(tmp_path)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        started.append(process)
        assert process.stdout is not None
        return process, Path(process.stdout.readline().strip())

    yield child
    for process in started:
        process.communicate()


def test_the_next_process_removes_what_a_killed_one_left_and_nothing_else(
    start: Start, tmp_path: Path
) -> None:
    others = tmp_path / "cot-assets-home", tmp_path / "cot-assets-abcdefgh"
    for folder in others:  # a person's own
        folder.mkdir()
        (folder / "link").symlink_to(tmp_path)
    (_, of_living), (killed, of_killed), (parent, of_parent) = start(), start(), start()
    with socket.socket(socket.AF_UNIX) as server:  # of a child that goes on
        server.bind(str(of_parent / "socket"))
        server.listen()
        for process in (killed, parent):
            process.kill()
            process.wait()
        assert of_killed.is_dir()
        last, of_last = start()
        assert {*tmp_path.iterdir()} == {*others, of_living, of_parent, of_last}
    _, of_next = start()
    last.communicate()
    assert {*tmp_path.iterdir()} == {*others, of_living, of_next}, "it has ended, and its folder with it"


def test_a_folder_of_another_user_stays(start: Start) -> None:
    if os.getuid() != 0:
        missing("nobody but root can give files to another user")
    killed, folder = start()
    killed.kill()
    killed.wait()
    os.chown(folder, 12_345, 12_345)
    start()
    assert folder.is_dir()
