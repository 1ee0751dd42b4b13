"""Calling sensor and schedules on a real, temporary instance."""

from __future__ import annotations

import time
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import IntegrityError
from support.configuration import write_sections

from cot_assets.definitions import build_defs
from cot_assets.orchestration.state import ensure_partitions, read_state
from cot_assets.study.reading import BrokenEntryWarning


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    monkeypatch.setenv("COT_ASSETS_CONFIG", str(folder))
    monkeypatch.setenv("COT_ASSETS_HOME", str(tmp_path / "home"))
    return folder


def _told(instance: dg.DagsterInstance, cursor: str | None = None) -> object:
    return build_defs().get_sensor_def("registry")(dg.build_sensor_context(instance=instance, cursor=cursor))


def _tick(instance: dg.DagsterInstance, cursor: str | None = None) -> dg.SensorResult:
    result = _told(instance, cursor)
    assert isinstance(result, dg.SensorResult)
    return result


def test_an_empty_registry_asks_for_nothing(config: Path):
    with dg.DagsterInstance.ephemeral() as instance:
        result = _tick(instance)
        assert not result.run_requests
        assert not result.dynamic_partitions_requests


def test_a_new_entry_gets_partitions_and_the_first_run(config: Path):
    write_sections(config / "models.toml", {"newcomer": {"extends": "demo-weak", "problem_sets": ["demo"]}})
    with dg.DagsterInstance.ephemeral() as instance:
        result = _tick(instance)
        added = {
            r.partitions_def_name: list(r.partition_keys) for r in result.dynamic_partitions_requests or ()
        }
        assert added == {"models": ["newcomer"], "problem_sets": ["demo"]}
        assert [(r.job_name, r.partition_key) for r in result.run_requests or ()] == [
            ("load_problems", "demo")
        ]
        again = _tick(instance)  # nothing was launched: the same request, with the same run key
        assert [r.run_key for r in again.run_requests or ()] == [r.run_key for r in result.run_requests or ()]


@pytest.mark.parametrize("kind", ["noise", "folder", "link to nothing"])
def test_a_damaged_warehouse_is_set_aside_and_asked_for_again(config: Path, tmp_path: Path, kind: str):
    write_sections(config / "models.toml", {"newcomer": {"extends": "demo-weak", "problem_sets": ["demo"]}})
    warehouse = tmp_path / "home" / "warehouse.duckdb"
    warehouse.parent.mkdir()
    if kind == "noise":
        warehouse.write_bytes(b"noise" * 9999)
    elif kind == "folder":
        warehouse.mkdir()
    else:
        warehouse.symlink_to("nowhere")
    with dg.DagsterInstance.ephemeral() as instance:
        asked = _tick(instance).run_requests or ()
    assert [(r.job_name, r.partition_key) for r in asked] == [("load_problems", "demo")]
    kept = warehouse.with_name("warehouse.duckdb.damaged")
    assert kept.exists() or kept.is_symlink()


@dg.job
def nothing() -> None: ...


def test_what_follows_a_run_is_asked_for_at_once_and_else_a_minute_later(
    config: Path, monkeypatch: pytest.MonkeyPatch
):
    write_sections(config / "models.toml", {"newcomer": {"extends": "demo-weak", "problem_sets": ["demo"]}})
    with dg.DagsterInstance.ephemeral() as instance:
        nothing.execute_in_process(instance=instance)
        cursor = _tick(instance).cursor
        assert isinstance(_told(instance, cursor), dg.SkipReason)
        nothing.execute_in_process(instance=instance)
        assert _tick(instance, cursor).run_requests
        later = time.time() + 70
        monkeypatch.setattr("cot_assets.orchestration.triggers.time.time", lambda: later)
        assert _tick(instance, _tick(instance).cursor.replace("searched", "x")).run_requests, (
            "an older cursor"
        )
        assert isinstance(_told(instance, _tick(instance, cursor).cursor), dg.SkipReason)


def test_the_ui_is_shown_how_partitions_stand_when_that_changes(
    config: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COT_ASSETS_SENSOR_SECONDS", "0")
    write_sections(config / "models.toml", {"newcomer": {"extends": "demo-weak", "problem_sets": ["demo"]}})
    with dg.DagsterInstance.ephemeral() as instance:
        first = _tick(instance)
        shown = first.asset_events
        assert [(e.asset_key.to_user_string(), e.partition, e.description) for e in shown] == [
            ("report", "demo", "never run"),
            ("potentials", "newcomer|demo", "never run"),
        ]
        assert not _tick(instance, first.cursor).asset_events


def test_a_broken_entry_costs_that_entry_only(config: Path):
    good = {"extends": "demo-weak", "problem_sets": ["demo"]}
    write_sections(config / "models.toml", {"bad": {**good, "tempalte": "x"}, "newcomer": good})
    with dg.DagsterInstance.ephemeral() as instance:
        with pytest.warns(BrokenEntryWarning, match="tempalte"):
            result = _tick(instance)
        assert [(r.job_name, r.partition_key) for r in result.run_requests or ()] == [
            ("load_problems", "demo")
        ]


def _queries_of_a_tick(config: Path, n: int) -> int:
    """How often a tick asks Dagster's databases, with n entries that were all evaluated."""
    names = [f"m{i}" for i in range(n)]
    entry = {"engine": "vllm", "path": "org/model", "revision": "1", "problem_sets": ["demo"]}
    write_sections(config / "models.toml", dict.fromkeys(names, entry))
    asked: list[str] = []

    def count(_: object, __: object, statement: str, *___: object) -> None:
        asked.append(statement)

    with dg.DagsterInstance.ephemeral() as instance:
        ensure_partitions(instance, names, ["demo"])
        for name in names:
            instance.report_runless_asset_event(
                dg.AssetMaterialization("potentials", partition=f"{name}|demo")
            )
        event.listen(Engine, "before_cursor_execute", count)
        try:
            _tick(instance)
        finally:
            event.remove(Engine, "before_cursor_execute", count)
    return len(asked)


def test_two_hundred_entries_ask_no_more_than_two(config: Path):
    """What is done is read at once, not partition by partition; `benchmarks/growth.py` has the seconds."""
    assert 0 < _queries_of_a_tick(config, 200) <= _queries_of_a_tick(config, 2) < 100


def test_schedules_ask_for_their_own_job_only(config: Path):
    write_sections(config / "models.toml", {"newcomer": {"extends": "demo-weak", "problem_sets": ["demo"]}})
    definitions = build_defs()
    with dg.instance_for_test() as instance:
        ensure_partitions(instance, ["newcomer"], ["demo"])
        loads = definitions.get_schedule_def("nightly_load_problems")(dg.build_schedule_context(instance))
        assert [request.partition_key for request in loads] == ["demo"]
        waiting = definitions.get_schedule_def("nightly_evaluate_model")(dg.build_schedule_context(instance))
        assert isinstance(waiting, dg.SkipReason)


@pytest.mark.parametrize("name", ["models.toml", "problem_sets.toml", "protocols.toml"])
def test_a_file_that_is_just_being_saved_is_told_in_a_sentence(config: Path, name: str):
    (config / name).write_text('[newcomer]\nextends = "de')
    definitions = build_defs()
    with dg.instance_for_test() as instance:
        sensor = definitions.get_sensor_def("registry")
        schedule = definitions.get_schedule_def("nightly_load_problems")
        for said in (
            sensor(dg.build_sensor_context(instance)),
            schedule(dg.build_schedule_context(instance)),
        ):
            assert isinstance(said, dg.SkipReason)
            assert f"{name}: not valid TOML" in str(said.skip_message)
        conditions = dg.evaluate_automation_conditions(definitions, instance)
        assert conditions.total_requested == 0
        (config / name).unlink()
        _tick(instance)


def test_models_that_were_never_run_cost_no_queries(config: Path, monkeypatch: pytest.MonkeyPatch):
    build_defs()
    with dg.DagsterInstance.ephemeral() as instance:
        ensure_partitions(instance, [f"m{i}" for i in range(300)], ["demo"])
        asked: list[object] = []
        monkeypatch.setattr(
            type(instance), "fetch_materializations", lambda _, *given, **__: asked.append(given)
        )
        assert read_state(instance).done == {}
        assert asked == []


def test_two_processes_may_add_the_same_partitions(monkeypatch: pytest.MonkeyPatch) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        add, asked = instance.add_dynamic_partitions, []

        def beaten(definition: str, names: list[str]) -> None:
            """As sqlite does where another process adds a name between our look and our insert."""
            asked.append((definition, list(names)))
            if len(asked) == 1:
                add(definition, names[:1])
                raise IntegrityError("INSERT", {}, Exception("UNIQUE constraint failed"))
            add(definition, names)

        monkeypatch.setattr(instance, "add_dynamic_partitions", beaten)
        ensure_partitions(instance, ["a", "b"], [])
        assert asked == [("models", ["a", "b"]), ("models", ["b"])]
        assert sorted(instance.get_dynamic_partitions("models")) == ["a", "b"]


def test_a_store_that_cannot_add_a_partition_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with dg.DagsterInstance.ephemeral() as instance:

        def broken(*_: object) -> None:
            raise IntegrityError("INSERT", {}, Exception("NOT NULL constraint failed"))

        monkeypatch.setattr(instance, "add_dynamic_partitions", broken)
        with pytest.raises(IntegrityError):
            ensure_partitions(instance, ["a"], [])
