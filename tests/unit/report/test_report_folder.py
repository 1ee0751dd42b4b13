"""A report takes the place of the old one as a whole, and of nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cot_assets.report.folder import GENERATOR, remove_report, replaced_folder
from cot_assets.report.source import ReportError

_INDEX = f'<meta name="generator" content="{GENERATOR}">'


def _everything_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_stale_pages_go_and_nothing_is_left_beside(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "report"
    replaced_folder(folder, [("index.html", _INDEX), ("traces/old.html", "old")])
    paths = replaced_folder(folder, [("index.html", _INDEX + "2"), ("traces/new.html", "new")])
    assert paths == [folder / "index.html", folder / "traces" / "new.html"]
    assert _everything_below(tmp_path / "a") == {
        "report",
        "report/index.html",
        "report/traces",
        "report/traces/new.html",
    }


def test_a_failure_half_way_leaves_the_old_report(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    replaced_folder(folder, [("index.html", _INDEX)])

    def broken() -> Iterator[tuple[str, str]]:
        yield "index.html", "half"
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        replaced_folder(folder, broken())
    assert (folder / "index.html").read_text() == _INDEX
    assert _everything_below(tmp_path) == {"report", "report/index.html"}


def test_what_a_killed_writer_left_goes_and_what_another_is_writing_stays(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    for left in (".report.new-1", ".report.old-2-0", ".other.new-3"):
        (tmp_path / left / "traces").mkdir(parents=True)

    def writing() -> Iterator[tuple[str, str]]:
        yield "index.html", _INDEX
        replaced_folder(folder, [("index.html", _INDEX)])
        yield "traces/a.html", "a"

    replaced_folder(folder, writing())
    assert _everything_below(folder) == {"index.html", "traces", "traces/a.html"}
    assert {path.name for path in tmp_path.iterdir()} == {"report", ".other.new-3"}


def test_a_folder_that_is_no_report_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ReportError, match="holds files that are not a report"):
        replaced_folder(tmp_path, [("index.html", _INDEX)])
    (tmp_path / "index.html").write_text("<title>my own site</title>")
    with pytest.raises(ReportError, match="empty or new folder"):
        replaced_folder(tmp_path, [("index.html", _INDEX)])
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_file_or_a_link_in_the_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("file", "link"):
        with pytest.raises(ReportError, match="not a plain folder"):
            replaced_folder(tmp_path / name, [("index.html", _INDEX)])


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    replaced_folder(tmp_path / "report", [("index.html", _INDEX)])
    assert (tmp_path / "report" / "index.html").exists()


def test_another_process_that_swaps_at_the_same_moment_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other report appears between the two renames; ours then takes its place."""
    folder = tmp_path / "report"
    replaced_folder(folder, [("index.html", _INDEX + "old")])
    rename, others = Path.rename, [0]

    def racing(self: Path, target: Path) -> Path:
        moved = rename(self, target)
        if self == folder and not others[0]:
            others[0] += 1
            folder.mkdir()
            (folder / "index.html").write_text(_INDEX + "other")
        return moved

    monkeypatch.setattr(Path, "rename", racing)
    replaced_folder(folder, [("index.html", _INDEX + "ours")])
    assert others[0] == 1
    assert (folder / "index.html").read_text() == _INDEX + "ours"
    assert _everything_below(tmp_path) == {"report", "report/index.html"}


def test_only_a_report_is_removed(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "notes.txt").write_text("of a person")
    replaced_folder(tmp_path / "report", [("index.html", _INDEX)])
    for folder in (own, tmp_path / "report", tmp_path / "missing"):
        remove_report(folder)
    assert _everything_below(tmp_path) == {"own", "own/notes.txt"}
