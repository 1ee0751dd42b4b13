"""Files that are there whole or not at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.privileges import without_privileges

from cot_assets.orchestration.status import remembered
from cot_assets.study.files import replacing
from cot_assets.study.found import Found, recall
from cot_assets.study.home import DataHome
from cot_assets.study.manifest import Manifest, recorded


def test_what_is_written_takes_the_place_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    target.write_text("old")
    with replacing(target) as fresh:
        fresh.write_text("new")
        assert target.read_text() == "old"
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.json", "new")]


def test_after_an_error_the_old_file_is_there_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    target.write_text("old")

    def write() -> None:
        with replacing(target) as fresh:
            fresh.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.json", "old")]


def test_a_pipe_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with replacing(pipe) as fresh:
        fresh.write_text("rows")
    assert os.read(reader, 99) == b"rows"
    os.close(reader)
    assert pipe.is_fifo()


@pytest.mark.parametrize(
    "left",
    [
        b"",
        b"null",
        b"[]",
        b"[1]",
        b'{"a": 5}',
        b'{"a": [1, 2]}',
        b'{"models": [], "seen": 1}',
        b"\xff\x00",
        b"{",
    ],
)
def test_what_the_home_remembers_is_nothing_where_its_file_is_damaged(tmp_path: Path, left: bytes) -> None:
    (tmp_path / "models.json").write_bytes(left)
    assert Found.read(DataHome(tmp_path)) == Found()
    assert Manifest(tmp_path / "models.json", tmp_path).names == ()


def test_a_memory_of_bytes_that_are_no_text_is_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "_evidence", {"load_problems": {"sampling": ("problems",)}})
    home = DataHome(tmp_path).create()
    home.dagster.mkdir(exist_ok=True)
    files = home.root / "models.json", home.dagster / "assets.json"
    for file in files:
        file.write_bytes(b'{"\xff')
    recall(home, ["a model"])
    remembered.keep(home)
    assert all(json.loads(file.read_bytes()) for file in files)


def test_what_stands_in_the_place_of_a_manifest_ends_nothing(tmp_path: Path) -> None:
    file, place = tmp_path / "results", tmp_path / "published" / "results.json"
    file.write_text("all")
    place.mkdir(parents=True)
    assert recorded(place, tmp_path, [file]).look("results") == "whole"
    assert place.is_dir()
    place.rmdir()
    assert recorded(place, tmp_path, [file]).names == Manifest(place, tmp_path).names == ("results",)
    assert recorded(place, tmp_path, []).names == ()
    assert Manifest(place, tmp_path).names == ()


def test_what_cannot_be_read_is_not_whole(tmp_path: Path) -> None:
    file, place = tmp_path / "results", tmp_path / "results.json"
    file.write_text("rows")
    recorded(place, tmp_path, [file])
    file.chmod(0)
    look = (
        f"from cot_assets.study.manifest import *; print(Manifest({place!r}, {tmp_path!r}).look('results'))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", f"from pathlib import *; {look}"], capture_output=True, text=True, check=True,
        preexec_fn=without_privileges,
    )  # fmt: skip
    assert ran.stdout.strip() == "missing"
