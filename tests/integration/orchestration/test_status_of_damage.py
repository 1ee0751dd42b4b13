"""What `status` says of a home that something has happened to: nothing that is not there is fresh."""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.lab import Lab

from cot_assets.cli import cli
from cot_assets.study.home import HomeError

#: How a study stands when all is well, by model.
_WELL = {"": "fresh", "script": "fresh"}
_ALL = {"": "stale", "script": "stale"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("study"))
    lab.write_sums(n=1, protocol={"search_problems": 0, "traces_per_problem": 1, "max_cuts": 2})
    lab.write_script("script", problem_sets=["sums"])
    lab.bring_up_to_date([("script", "sums")])
    return lab


@pytest.fixture
def study(built: Lab, tmp_path: Path) -> Lab:
    lab = Lab(tmp_path / "elsewhere")
    shutil.copytree(built.root, lab.root, dirs_exist_ok=True)
    return lab


def told(lab: Lab) -> tuple[dict[str, str], str]:
    """States by model, and all that was said."""
    with lab.environment(), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        out = CliRunner().invoke(cli, ["status", "--format", "json"], catch_exceptions=False).stdout
    said = " ".join(str(each.message) for each in warned)
    rows = json.loads(out)
    return {row["model"]: row["state"] for row in rows}, said + "".join(row["reason"] for row in rows)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def as_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def as_noise(file: Path) -> None:
    file.write_bytes(os.urandom(file.stat().st_size))


def remove(place: Path) -> None:
    shutil.rmtree(place) if place.is_dir() else place.unlink()


@pytest.mark.parametrize(
    ("place", "harm", "states", "said"),
    [
        ("warehouse.duckdb", cut, _ALL, "warehouse.duckdb is damaged"),
        ("warehouse.duckdb", as_noise, _ALL, "warehouse.duckdb is damaged"),
        ("warehouse.duckdb", as_folder, _ALL, "warehouse.duckdb is damaged"),
        ("warehouse.duckdb", remove, _ALL, "lost"),
        ("results.duckdb", as_noise, _WELL | {"": "stale"}, "results.duckdb is gone or damaged"),
        ("shards/rollouts/script/*.parquet", as_noise, _WELL | {"script": "stale"}, "1 shard of script gone or damaged"),
        ("results.duckdb", cut, _WELL | {"": "stale"}, "results.duckdb is gone or damaged"),
        ("reports/sums", remove, _WELL | {"": "stale"}, "reports/sums is gone or damaged"),
        ("shards/rollouts/script/*.parquet", remove, _WELL | {"script": "stale"}, "1 shard of script gone or damaged"),
        ("shards", remove, _WELL | {"script": "stale"}, "1 shard of script gone or damaged"),
        ("dagster", remove, _ALL, "Dagster's records of it are gone"),
        ("dagster/history/runs/index.db", remove, _ALL, "Dagster's records of it are gone"),
    ],
)  # fmt: skip
def test_nothing_is_fresh_that_is_not_there(
    study: Lab, place: str, harm: Callable[[Path], object], states: dict[str, str], said: str
) -> None:
    assert told(study)[0] == _WELL
    harm(sorted(study.home.root.glob(place))[0])
    found, text = told(study)
    assert found == states
    assert said in text


@pytest.mark.parametrize(
    "place",
    ["warehouse.duckdb", "dagster/history/runs.db", "dagster/dagster.yaml", "lost.json", "shards/traces/script/x.parquet"],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["pipe", "link to a device"])
def test_what_would_be_read_for_ever_is_named(study: Lab, place: str, kind: str) -> None:
    file = study.home.root / place
    file.unlink(missing_ok=True)
    os.mkfifo(file) if kind == "pipe" else file.symlink_to("/dev/zero")
    for command in (["status"], ["sql", "SELECT 1"], ["report"], ["rebuild"]):
        with study.environment():
            ran = CliRunner().invoke(cli, command)
        assert isinstance(ran.exception, HomeError)
        assert str(file) in str(ran.exception)
        assert "move it away" in str(ran.exception)
