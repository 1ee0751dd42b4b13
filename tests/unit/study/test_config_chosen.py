"""Problems that a file names: ``only = "chosen.csv"``."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.configuration import load, refusal

ENTRY = "[chosen]\nextends = 'demo'\nonly = \"{}\"\n"


def test_a_file_names_the_problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "chosen.csv").write_text('v0,problem_id\n0.5,b\n0.25,"a, 1"\n0.5,b\n', encoding="utf-8-sig")
    monkeypatch.chdir(tmp_path)  # it lies beside the file that names it
    named = load(folder, problem_sets=ENTRY.format("chosen.csv")).problem_set("chosen")
    assert named.only == ("b", "a, 1")
    listed = load(folder, problem_sets="[chosen]\nextends = 'demo'\nonly = ['b', 'a, 1']\n")
    assert named == listed.problem_set("chosen"), "what is sampled depends on the ids, not on the file"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        ("", "names no problem"),
        ("problem_id,v0\n", "names no problem"),
        ("id,v0\na,1\n", "no column problem_id"),
        ('problem_id\n"a\n', "not valid CSV"),
        (b"problem_id\n\xff\xfe\n", "not UTF-8"),
    ],
)
def test_a_file_that_names_none_is_refused(tmp_path: Path, content: str | bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / "x.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    message = refusal(tmp_path, problem_sets=ENTRY.format("x.csv"))
    assert said in message
    assert "[chosen] only" in message
    assert "x.csv" in message


@pytest.mark.parametrize("place", [".", "/dev/zero", "a\\u0000b"])
def test_what_is_no_file_is_not_read(tmp_path: Path, place: str) -> None:
    assert "[chosen] only" in refusal(tmp_path, problem_sets=ENTRY.format(place))
