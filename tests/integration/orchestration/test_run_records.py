"""What Dagster's web server needs of a run of the command line to list it like any other."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from dagster._core.storage.tags import HIDDEN_TAG_PREFIX
from support.lab import Lab

from cot_assets.definitions import build_defs
from cot_assets.orchestration.instance import LOCATION
from cot_assets.orchestration.runs import execute
from cot_assets.orchestration.staleness import Unit
from cot_assets.orchestration.state import ensure_partitions
from cot_assets.orchestration.status.records import FINAL_TAG, FINGERPRINT_TAG, local_runs
from cot_assets.study.home import DataHome

ROOT = Path(__file__).parents[3]


def test_a_run_names_its_job_its_model_and_its_problem_set(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.write_sums(n=1)
    with lab.instance() as instance:
        ensure_partitions(instance, [], ["sums"])
        unit, tags = Unit("load_problems", "sums"), {FINGERPRINT_TAG: "0123", FINAL_TAG: "true"}
        assert execute(build_defs(), instance, unit, assets=["problems"], tags=tags) == []
        (run,) = instance.get_runs()
    assert run.remote_job_origin is not None
    assert run.remote_job_origin.job_name == run.job_name == "load_problems"
    shown = {
        name: value
        for name, value in run.tags.items()
        if not name.startswith((HIDDEN_TAG_PREFIX, "dagster/"))
    }
    assert shown == {"problem_set": "sums"}, "what a list of runs shows is for people"
    assert run.tags_for_storage()[".dagster/repository"] == f"__repository__@{LOCATION}"
    assert str(tmp_path) not in str(run.remote_job_origin), "a data home can be moved"


def test_every_way_to_load_the_checkout_names_the_code_location_alike() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["dg"]["project"]
    (loaded,) = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"]
    assert project["code_location_name"] == project["code_location_target_module"] == LOCATION
    assert loaded["python_module"] == LOCATION


def test_the_checkouts_settings_point_at_its_own_data_home(tmp_path: Path) -> None:
    settings = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    assert settings["storage"]["sqlite"]["base_dir"] == ".cot-assets/dagster"
    lab = Lab(tmp_path)
    with lab.instance():
        own = yaml.safe_load((lab.home.dagster / "dagster.yaml").read_text())
    assert own == {name: value for name, value in settings.items() if name not in ("storage", "compute_logs")}


def test_a_database_whose_schema_is_no_text_is_damaged(tmp_path: Path) -> None:
    home = DataHome(tmp_path)
    (home.dagster / "history").mkdir(parents=True)
    file = home.dagster / "history" / "runs.db"
    with closing(sqlite3.connect(file)) as con:
        con.execute("CREATE TABLE runs (id INTEGER, name TEXT)")
        con.commit()
    file.write_bytes(file.read_bytes().replace(b"CREATE TABLE", b"CREATE TABL\xca"))
    with pytest.raises(sqlite3.DatabaseError):
        local_runs(home)("SELECT * FROM runs")
