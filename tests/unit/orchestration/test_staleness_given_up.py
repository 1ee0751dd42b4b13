"""A model that never runs holds back neither the transfer of the others nor their comparison.

Guards against a fingerprint that no run can reach: it would be asked for without end, or never.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.configuration import changed

from cot_assets.orchestration.staleness import (
    MAX_ATTEMPTS,
    Decision,
    Launch,
    Marks,
    Part,
    State,
    Unit,
    Wanted,
    comparison_fingerprint,
    decide,
    marks_of,
    transfer_fingerprint,
    wanted,
)
from cot_assets.study import Config, ModelEntry, load_config

SET = "demo"
PAIRS = [("one", SET), ("two", SET), ("broken", SET)]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    base = load_config()
    names = [name for name, _ in PAIRS]
    models = {n: ModelEntry(name=n, engine="vllm", path="org/model", revision=f"{n} 1") for n in names}
    return base.model_copy(update={"models": models})


def unit(job: str, model: str) -> Unit:
    return Unit(job, SET, model)


class Dagster:
    """Runs what is asked for as the jobs do: they enter what is done by then, not what was wanted."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.done: dict[Unit, Marks] = {}
        self.failures: dict[Launch, int] = {}
        self.launched: list[Unit] = []

    def tick(self) -> Decision:
        state = State(done=dict(self.done), failures=dict(self.failures))
        decision = decide(wanted(self.config, PAIRS, state.done, state.given_up()), state)
        for want in decision.requests:
            self.launched.append(want.unit)
            if want.unit.model == "broken":
                launch = (want.unit, want.fingerprint)
                self.failures[launch] = self.failures.get(launch, 0) + 1
            else:
                self._finish(want)
        return decision

    def _finish(self, want: Wanted) -> None:
        def marks(job: str, part: Part) -> dict[str, str]:
            return {u.model: parts[part] for u, parts in self.done.items() if u.job == job}

        done, fresh = want.unit, {part: want.marks[part] for part in want.parts}
        if done.job == "measure_transfer":
            own = self.done[unit("evaluate_model", done.model)]["sampling"]
            writers = {m: mark for m, mark in marks("evaluate_model", "sampling").items() if m != done.model}
            fresh = marks_of(self.config, SET, transfer_fingerprint(own, writers), "analysis")
        elif done.job == "compare_models":
            fresh = {"analysis": comparison_fingerprint(marks("measure_transfer", "analysis"))}
        self.done[done] = {**self.done.get(done, {}), **fresh}

    def settle(self) -> Decision:
        for _ in range(30):
            decision = self.tick()
            if not decision.requests:
                return decision
        raise AssertionError("never settles")


def test_the_others_are_measured_and_compared(config: Config) -> None:
    dagster = Dagster(config)
    end = dagster.settle()
    assert not end.waiting
    assert {want.unit.model for want in end.given_up} == {"broken"}
    assert unit("measure_transfer", "one") in dagster.done
    assert Unit("compare_models", SET) in dagster.done
    assert dagster.launched.count(unit("evaluate_model", "broken")) == MAX_ATTEMPTS
    assert unit("measure_transfer", "broken") not in dagster.launched
    for model in ("one", "two"):
        assert dagster.launched.count(unit("evaluate_model", model)) == 1
        assert dagster.launched.count(unit("measure_transfer", model)) == 1
    assert dagster.launched.count(Unit("compare_models", SET)) == 1


def test_a_model_that_was_mended_is_taken_in(config: Config) -> None:
    dagster = Dagster(config)
    dagster.settle()
    dagster.launched.clear()
    dagster.config = changed(config, "models", "broken", revision="broken 2")
    decision = dagster.tick()
    assert [want.unit for want in decision.requests] == [unit("evaluate_model", "broken")]
    assert {want.unit.job for want in decision.waiting} == {"measure_transfer", "compare_models"}


def test_what_was_done_before_counts_for_a_model_that_fails_now(config: Config) -> None:
    """The readers keep its former traces, and so their fingerprints."""
    dagster = Dagster(config)
    old = "an older fingerprint"
    dagster.done[unit("evaluate_model", "broken")] = {"sampling": old}
    end = dagster.settle()
    assert not end.waiting
    one, two = (dagster.done[unit("evaluate_model", model)]["sampling"] for model in ("one", "two"))
    assert dagster.done[unit("measure_transfer", "one")]["sampling"] == transfer_fingerprint(
        one, {"two": two, "broken": old}
    )


def test_a_run_by_hand_after_giving_up_counts(config: Config) -> None:
    dagster = Dagster(config)
    end = dagster.settle()
    dagster.launched.clear()
    lost = next(want for want in end.given_up if want.unit.job == "evaluate_model")
    dagster.done[lost.unit] = lost.marks
    dagster.settle()
    assert dagster.launched.count(unit("measure_transfer", "one")) == 1
    assert unit("evaluate_model", "broken") not in dagster.launched
