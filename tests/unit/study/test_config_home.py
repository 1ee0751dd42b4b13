"""The data home: where it is, and what is made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cot_assets.study import DataHome
from cot_assets.study.home import HomeError


def test_the_environment_names_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COT_ASSETS_HOME", str(tmp_path / "there"))
    assert DataHome.from_environment().root == tmp_path / "there"


@pytest.mark.parametrize("value", [None, ""])
def test_the_default_is_a_folder_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    if value is None:
        monkeypatch.delenv("COT_ASSETS_HOME", raising=False)
    else:
        monkeypatch.setenv("COT_ASSETS_HOME", value)
    assert DataHome.from_environment().root == tmp_path / ".cot-assets"


def test_nothing_is_made_before_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COT_ASSETS_HOME", str(tmp_path / "home"))
    home = DataHome.from_environment()
    assert not home.root.exists()
    home.create()
    home.create()
    assert {path.name for path in home.root.iterdir()} == {"shards", "cache", "dagster"}


def test_everything_lies_below_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COT_ASSETS_REPORTS", raising=False)
    home = DataHome(tmp_path)
    paths = [home.shards, home.cache, home.models, home.dagster, home.warehouse, home.results, home.reports]
    assert len(set(paths)) == len(paths)
    assert all(path.is_relative_to(tmp_path) for path in paths)


def test_reports_may_lie_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COT_ASSETS_REPORTS", str(tmp_path / "pages"))
    assert DataHome(tmp_path / "home").reports == tmp_path / "pages"


def test_a_link_to_itself_is_named(tmp_path: Path) -> None:
    (tmp_path / "reports").symlink_to("reports")
    with pytest.raises(HomeError, match="reports is not a folder, nor a link"):
        DataHome.at(tmp_path)


@pytest.mark.parametrize("place", ["file", "file/home", "loop", "x" * 300])
def test_what_is_not_a_folder_and_cannot_be_made_one_is_not_a_home(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("a file")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(HomeError, match=r"; set COT_ASSETS_HOME to another folder"):
        DataHome.at(tmp_path / place)


@pytest.mark.parametrize("name", ["shards", "weights", "dagster"])
def test_what_takes_the_place_of_a_folder_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("a file")
    with pytest.raises(HomeError, match=rf"{name} is not a folder, .*, or move it away"):
        DataHome.at(tmp_path)
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to(tmp_path / "disk")
    with pytest.raises(
        HomeError, match=rf"{name} is not a folder, nor a link to one that is there; mount what it"
    ):
        DataHome.at(tmp_path)
    (tmp_path / "disk").mkdir()
    assert DataHome.at(tmp_path).root == tmp_path


def test_a_pipe_where_a_file_belongs_is_named_until_it_is_gone(tmp_path: Path) -> None:
    pipe = tmp_path / "shards" / "rollouts" / "model" / "x.parquet"
    pipe.parent.mkdir(parents=True)
    os.mkfifo(pipe)
    (tmp_path / "lost.json").symlink_to(tmp_path / "nowhere")
    for _ in range(2):
        with pytest.raises(HomeError, match=r"x\.parquet is a pipe in the place of a file; move it away"):
            DataHome.at(tmp_path)
    pipe.unlink()
    assert DataHome.at(tmp_path).root == tmp_path
