"""The one decision that sensor, schedules and command line share."""

from __future__ import annotations

import pytest
from support.configuration import changed

from cot_assets.orchestration.staleness import (
    Decision,
    Marks,
    State,
    Unit,
    Wanted,
    decide,
    wanted,
    watched_pairs,
)
from cot_assets.study import Config, load_config

PAIRS = [("demo-strong", "demo"), ("demo-weak", "demo")]


@pytest.fixture
def config() -> Config:
    return load_config()


def _names(decision: Decision) -> list[tuple[str, str]]:
    return [(want.unit.job, want.unit.model) for want in decision.requests]


def _run_all(config: Config, pairs: list[tuple[str, str]], done: dict[Unit, Marks]) -> list[tuple[str, str]]:
    """Play the loop of deciding and recording; returns the order of the runs."""
    order: list[tuple[str, str]] = []
    for _ in range(20):
        decision = decide(wanted(config, pairs, done), State(done=done))
        if not decision.requests:
            return order
        order += _names(decision)
        done |= {want.unit: want.marks for want in decision.requests}
    raise AssertionError("never settles")


def test_problems_then_models_then_transfer_then_comparison(config: Config):
    assert [job for job, _ in _run_all(config, PAIRS, {})] == [
        "load_problems", "evaluate_model", "evaluate_model",
        "measure_transfer", "measure_transfer", "compare_models",
    ]  # fmt: skip


def test_nothing_is_asked_for_twice(config: Config):
    done: dict[Unit, Marks] = {}
    _run_all(config, PAIRS, done)
    assert _run_all(config, PAIRS, done) == []


def test_a_writer_that_arrives_later_makes_the_reader_stale(config: Config):
    done: dict[Unit, Marks] = {}
    _run_all(config, PAIRS[:1], done)
    order = _run_all(config, PAIRS, done)
    assert ("evaluate_model", "demo-strong") not in order
    assert ("measure_transfer", "demo-strong") in order


def test_a_changed_revision_makes_the_model_stale_and_not_the_others(config: Config):
    done: dict[Unit, Marks] = {}
    _run_all(config, PAIRS, done)
    order = _run_all(changed(config, "models", "demo-weak", revision="new"), PAIRS, done)
    assert ("evaluate_model", "demo-weak") in order
    assert ("evaluate_model", "demo-strong") not in order
    assert ("measure_transfer", "demo-strong") in order


def test_a_changed_protocol_makes_every_model_of_the_set_stale(config: Config):
    done: dict[Unit, Marks] = {}
    _run_all(config, PAIRS, done)
    order = _run_all(changed(config, "protocols", "demo", n=128), PAIRS, done)
    assert order.count(("evaluate_model", "demo-weak")) == order.count(("evaluate_model", "demo-strong")) == 1
    assert "load_problems" not in [job for job, _ in order]


def test_a_reader_has_nothing_of_its_own_and_is_read_by_nobody(config: Config):
    config = changed(config, "models", "demo-weak", reads_only=True)
    done: dict[Unit, Marks] = {}
    _run_all(config, PAIRS[:1], done)
    alone = dict(done)
    assert _run_all(config, PAIRS[1:], alone) == [("measure_transfer", "demo-weak"), ("compare_models", "")]
    assert _run_all(config, PAIRS, done) == [("measure_transfer", "demo-weak"), ("compare_models", "")]
    assert watched_pairs(config, State(done=done)) == PAIRS
    assert alone == done


def test_imported_models_are_never_wanted(config: Config):
    imported_model = changed(config, "models", "demo-weak", engine="imported")
    units = [want.unit for want in wanted(imported_model, PAIRS, {})]
    assert units
    assert "demo-weak" not in {unit.model for unit in units}


A = Wanted(Unit("load_problems", "s"), {"sampling": "1"}, parts=("sampling",))
B = Wanted(
    Unit("evaluate_model", "s", "m"), {"sampling": "2", "analysis": "3"}, (A.unit,), ("sampling", "analysis")
)


def test_what_depends_on_a_stale_unit_waits():
    decision = decide([A, B], State())
    assert (decision.requests, decision.waiting) == ((A,), (B,))


def test_what_is_in_flight_is_not_asked_for_again():
    decision = decide([A, B], State(in_flight={(A.unit, A.fingerprint)}))
    assert (decision.requests, decision.running, decision.waiting) == ((), (A,), (B,))


def test_what_a_run_without_a_name_is_filling_is_not_asked_for_meanwhile():
    assert decide([A, B], State(materializing={"s"})).running == (A,)
    assert decide([A, B], State(materializing={"m|s"})).requests == (A,)


def test_an_older_fingerprint_in_flight_does_not_count():
    assert decide([A], State(in_flight={(A.unit, "0")})).requests == (A,)


@pytest.mark.parametrize(("failures", "is_asked"), [(0, True), (1, True), (2, True), (3, False), (9, False)])
def test_failed_launches_are_asked_for_again_but_boundedly(failures: int, is_asked: bool):
    decision = decide([A], State(failures={(A.unit, A.fingerprint): failures}))
    assert (decision.requests == (A,)) is is_asked
    assert (decision.given_up == (A,)) is not is_asked


def test_a_unit_that_was_given_up_does_not_hold_back_others():
    assert decide([A, B], State(failures={(A.unit, A.fingerprint): 3})).requests == (B,)


@pytest.mark.parametrize(
    ("done", "parts"),
    [
        ({}, ("sampling", "analysis")),
        ({"sampling": "2"}, ("analysis",)),
        ({"sampling": "2", "analysis": "0"}, ("analysis",)),
        ({"sampling": "0", "analysis": "3"}, ("sampling", "analysis")),
        ({"sampling": "2", "analysis": "3"}, None),
    ],
)
def test_only_what_is_stale_is_made_again(done: Marks, parts: tuple[str, ...] | None):
    decision = decide([A, B], State(done={A.unit: A.marks, B.unit: done}))
    assert [want.parts for want in decision.requests] == ([] if parts is None else [parts])
    assert [want.is_analysis for want in decision.requests] == ([] if parts is None else [len(parts) == 1])


@pytest.mark.parametrize(
    "change", [{"insight_threshold": 0.5}, {"headline_fraction": 0.6}, {"guess_threshold": 0.1}]
)
def test_a_threshold_makes_conclusions_stale_and_samples_nothing(config: Config, change: dict[str, float]):
    done: dict[Unit, Marks] = {}
    _run_all(config, PAIRS, done)
    wants = wanted(changed(config, "protocols", "demo", **change), PAIRS, done)
    decision = decide(wants, State(done=done))
    asked = [*decision.requests, *decision.waiting]
    assert {want.unit.job for want in asked} == {"evaluate_model", "measure_transfer", "compare_models"}
    assert not any("sampling" in want.parts for want in asked)
