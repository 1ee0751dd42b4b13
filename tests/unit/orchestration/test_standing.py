"""How a partition stands, in a word and a reason, from what Dagster remembers."""

from __future__ import annotations

import json
import math
import time
from dataclasses import replace
from pathlib import Path

import pytest
from support.configuration import changed

from cot_assets.orchestration.staleness import MAX_ATTEMPTS, Unit, Wanted, decide, wanted
from cot_assets.orchestration.status.records import Records, Run, read_records
from cot_assets.orchestration.status.remembered import Evidence, valid_since
from cot_assets.orchestration.status.standing import Standing, standings, state_of
from cot_assets.study import Config, DataHome, ModelEntry, load_config

EVIDENCE: Evidence = {
    "load_problems": {"sampling": ("problems",)},
    "evaluate_model": {"sampling": ("traces", "rollouts"), "search": ("searches",), "analysis": ("steps",)},
    "measure_transfer": {"sampling": ("given",), "analysis": ("unlocks",)},
    "compare_models": {"analysis": ("report",)},
}
SET, KEY = "demo", "m|demo"


@pytest.fixture
def config() -> Config:
    entry = ModelEntry(name="m", engine="vllm", path="org/m", revision="1", problem_sets=(SET,))
    return load_config().model_copy(update={"models": {"m": entry}})


def partitions(*models: str) -> dict[str, list[str]]:
    return {"models": list(models), "problem_sets": [SET]}


def made(config: Config) -> Records:
    """Records of a study in which everything that is wanted was made."""
    records = Records(partitions("m"))
    for _ in range(5):
        wants = wanted(config, [("m", SET)], state_of(records, EVIDENCE).done)
        records = replace(records, made={k: v for want in wants for k, v in _materialized(want).items()})
    return records


def _materialized(want: Wanted) -> dict[tuple[str, str], tuple[float, str | None]]:
    key = want.unit.key
    return {(a, key): (1.0, mark) for p, mark in want.marks.items() for a in EVIDENCE[want.unit.job][p]}


def told(config: Config, records: Records, tmp_path: Path, since: float = 0.0) -> dict[str, Standing]:
    rows = standings(config, records, EVIDENCE, lambda _: since, DataHome(tmp_path), lambda _: "no such file")
    return {row.key: row for row in rows}


def run(status: str, **more: object) -> Run:
    return replace(Run("id", "evaluate_model", status, KEY), **more)


def test_what_was_never_run(config: Config, tmp_path: Path) -> None:
    assert told(config, Records(), tmp_path)[KEY].state == "never run"


def test_what_is_fresh(config: Config, tmp_path: Path) -> None:
    assert {row.state for row in told(config, made(config), tmp_path).values()} == {"fresh"}


def test_moments_that_a_wrong_clock_told_say_nothing(config: Config, tmp_path: Path) -> None:
    ahead, records = time.time() + 3e7, made(config)
    early = replace(records, made={key: (ahead, mark) for key, (_, mark) in records.made.items()})
    assert "fresh" not in {row.state for row in told(config, early, tmp_path).values()}
    home = DataHome(tmp_path)
    for at, since in ((ahead, 0.0), (5.0, 5.0), (math.inf, math.inf)):
        assert valid_since(home, at)(Unit("compare_models", SET)) == since
    (tmp_path / "lost.json").write_text(json.dumps({f"compare_models||{SET}": ahead}))
    assert valid_since(home, 5.0)(Unit("compare_models", SET)) == 5.0


@pytest.mark.parametrize(
    ("kind", "name", "change", "reason"),
    [
        ("models", "m", {"revision": "2"}, "model revision changed"),
        ("models", "m", {"template": "Q: {statement}"}, "engine or template changed"),
        ("protocols", "demo", {"n": 128}, "sampling changed"),
        ("protocols", "demo", {"insight_threshold": 0.5}, "analysis changed"),
    ],
)
def test_what_changed_is_named(
    config: Config, tmp_path: Path, kind: str, name: str, change: dict[str, object], reason: str
) -> None:
    row = told(changed(config, kind, name, **change), made(config), tmp_path)[KEY]
    assert (row.state, row.reason) == ("stale", reason)


def test_a_new_writer_is_named(config: Config, tmp_path: Path) -> None:
    records = made(config)
    other = config.model("m").model_copy(update={"name": "w"})
    newer = config.model_copy(update={"models": {**config.models, "w": other}})
    rows = told(newer, records, tmp_path)
    assert (rows[KEY].state, rows[KEY].reason) == ("stale", "writer w is new")
    assert rows["w|demo"].state == "never run"


def test_what_was_lost_is_stale(config: Config, tmp_path: Path) -> None:
    row = told(config, made(config), tmp_path, since=2.0)[KEY]
    assert row.state == "stale"
    assert "what was made is lost" in row.reason


def test_a_run_under_way_and_a_failed_one(config: Config, tmp_path: Path) -> None:
    running = Records(partitions("m"), runs=[run("FAILURE"), run("STARTED")])
    assert told(config, running, tmp_path)[KEY].state == "running"
    failed = Records(partitions("m"), runs=[run("STARTED"), run("FAILURE")])
    row = told(config, failed, tmp_path)[KEY]
    assert (row.state, row.reason) == ("failed", "no such file")


@pytest.mark.parametrize(("status", "state"), [("STARTED", "running"), ("FAILURE", "never run")])
def test_a_run_that_a_person_asked_for_shows_before_it_made_anything(
    config: Config, tmp_path: Path, status: str, state: str
) -> None:
    config = changed(config, "models", "m", problem_sets=[])
    assert told(config, Records(partitions("m")), tmp_path) == {}
    records = Records(partitions("m"), runs=[run(status, fingerprint="any")])
    assert told(config, records, tmp_path)[KEY].state == state


def test_a_failure_of_what_is_no_longer_wanted_is_past(config: Config, tmp_path: Path) -> None:
    old = Records(partitions("m"), runs=[run("FAILURE", fingerprint="another")])
    assert told(config, old, tmp_path)[KEY].state == "never run"


def test_a_model_that_nothing_declares_is_vanished(config: Config, tmp_path: Path) -> None:
    records = made(config)
    row = told(config.model_copy(update={"models": {}}), records, tmp_path)[KEY]
    assert row.state == "vanished"
    assert "models forget m" in row.reason


def test_a_broken_entry_shows_with_its_error(config: Config, tmp_path: Path) -> None:
    broken = config.model_copy(update={"broken": {("model", "bad"): "models.toml: [bad] no"}})
    rows = told(broken, Records(), tmp_path)
    assert rows["bad|"].state == "failed"
    assert rows[KEY].state == "never run"


def test_a_run_key_that_is_there_is_never_asked_for_again() -> None:
    """As after runs were deleted: the next attempt is beyond the last that is left, not the number of them."""
    unit = Unit("load_problems", SET)
    want = Wanted(unit, {"sampling": "f"}, parts=("sampling",))
    left = [Run("id", unit.job, "SUCCESS", SET, want.fingerprint, number=1)]
    state = state_of(Records(partitions(), runs=left), EVIDENCE)
    assert state.attempts == {(unit, want.fingerprint): 2}


def test_runs_of_assets_fill_their_partition_until_they_have_ended() -> None:
    runs = [run(status, job="__ASSET_JOB", partition=f"{status}|demo") for status in ("STARTED", "SUCCESS")]
    assert state_of(Records(partitions("m"), runs=runs), EVIDENCE).materializing == {"STARTED|demo"}


def test_a_run_that_ends_while_the_records_are_read_is_not_overlooked() -> None:
    """Its materialization is seen, or it is in flight."""
    has_ended = False

    def events(sql: str) -> list[tuple[object, ...]]:
        made = ("2026-01-01 00:00:00", "f") if has_ended else None
        return [('["problems"]', SET, *made)] if made and "ASSET_MATERIALIZATION" in sql else []

    def runs(sql: str) -> list[tuple[object, ...]]:
        nonlocal has_ended
        status, has_ended = "SUCCESS" if has_ended else "STARTED", True
        return [("id", "load_problems", status, SET)] if "pipeline_name" in sql else []

    for _ in range(2):
        records = read_records(events, runs)
        assert records.runs[0].is_in_flight or records.made


def test_a_failure_that_is_final_is_not_tried_again() -> None:
    unit = Unit("load_problems", SET)
    want = Wanted(unit, {"sampling": "f"}, parts=("sampling",))
    failed = Run("id", unit.job, "FAILURE", SET, want.fingerprint, number=0)
    for is_final, is_asked in ((False, True), (True, False)):
        state = state_of(Records(partitions(), runs=[replace(failed, is_final=is_final)]), EVIDENCE)
        assert bool(decide([want], state, MAX_ATTEMPTS).requests) is is_asked
