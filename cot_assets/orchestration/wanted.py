"""What should be up to date, and what to run next: pure decisions.

Belongs here: the units of work, what each depends on, and the one decision that sensor, schedule and
command line share. Does not belong here: reading Dagster's state (:mod:`cot_assets.orchestration.state`).

A launch that failed is asked for again, but at most ``max_attempts`` times for the same fingerprint: a
loop without a bound would fill a run queue with failures.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from cot_assets.orchestration.fingerprints import (
    comparison_fingerprint,
    model_fingerprint,
    problem_set_fingerprint,
    transfer_fingerprint,
)
from cot_assets.study import Config


@dataclass(frozen=True, order=True)
class Unit:
    """One job on one partition; ``model`` is empty for jobs that are partitioned by problem set only."""

    job: str
    problem_set: str
    model: str = ""


Launch = tuple[Unit, str]  #: a unit and the fingerprint that its run was to give it
MAX_ATTEMPTS = 3


@dataclass(frozen=True)
class Wanted:
    """A unit, the fingerprint that it should have, and the units that must be up to date before."""

    unit: Unit
    fingerprint: str
    after: tuple[Unit, ...] = ()


@dataclass(frozen=True)
class Decision:
    """``requests`` can start now, in this order; ``waiting`` wait for others; ``given_up`` failed too often."""

    requests: tuple[Wanted, ...] = ()
    running: tuple[Wanted, ...] = ()
    waiting: tuple[Wanted, ...] = ()
    given_up: tuple[Wanted, ...] = ()


@dataclass(frozen=True)
class State:
    """What Dagster knows.

    ``recorded``: fingerprint of a unit whose assets all carry it. ``in_flight``, ``failures`` and
    ``finished`` (runs that have ended, however) are by unit and fingerprint.
    """

    recorded: Mapping[Unit, str] = field(default_factory=dict)
    in_flight: Collection[Launch] = ()
    failures: Mapping[Launch, int] = field(default_factory=dict)
    finished: Mapping[Launch, int] = field(default_factory=dict)

    def given_up(self, max_attempts: int = MAX_ATTEMPTS) -> frozenset[Launch]:
        """What has failed so often that it is not asked for again."""
        return frozenset(launch for launch, count in self.failures.items() if count >= max_attempts)


def wanted(
    config: Config,
    pairs: Iterable[tuple[str, str]],
    recorded: Mapping[Unit, str],
    given_up: Collection[Launch] = (),
) -> list[Wanted]:
    """Everything that should be up to date for the given (model, problem set) pairs.

    Recorded models and problem sets are never sampled: they are left out here, whoever asks. A reader's
    writers are the other models of ``pairs`` and those that have been evaluated on the set before. What was
    ``given_up`` counts as it is recorded, if at all: those after it show what there is.
    """

    def reached(job: str, problem_set: str, prints: Mapping[str, str]) -> dict[str, str]:
        """Fingerprints, by model, that are recorded or can still be reached."""
        there = {
            u.model: mark for u, mark in recorded.items() if (u.job, u.problem_set) == (job, problem_set)
        }
        lost = {m for m, mark in prints.items() if (Unit(job, problem_set, m), mark) in given_up}
        return {**there, **{model: mark for model, mark in prints.items() if model not in lost}}

    result: list[Wanted] = []
    by_set: dict[str, list[str]] = {}
    for model, problem_set in pairs:
        if not (config.model(model).is_recorded or config.problem_set(problem_set).is_recorded):
            by_set.setdefault(problem_set, []).append(model)
    for problem_set, models in by_set.items():
        load = Unit("load_problems", problem_set)
        result.append(Wanted(load, problem_set_fingerprint(config, problem_set)))
        prints = {model: model_fingerprint(config, model, problem_set) for model in models}
        evaluate = {model: Unit("evaluate_model", problem_set, model) for model in models}
        result += [Wanted(evaluate[model], prints[model], (load,)) for model in models]
        writers = reached("evaluate_model", problem_set, prints)
        transfers: dict[str, str] = {}
        measure = {model: Unit("measure_transfer", problem_set, model) for model in models}
        for model in models:
            others = {name: mark for name, mark in writers.items() if name != model}
            transfers[model] = transfer_fingerprint(prints[model], others)
            result.append(Wanted(measure[model], transfers[model], tuple(evaluate.values())))
        compare = Unit("compare_models", problem_set)
        shown = comparison_fingerprint(reached("measure_transfer", problem_set, transfers))
        result.append(Wanted(compare, shown, tuple(measure.values())))
    return result


def decide(wants: Iterable[Wanted], state: State, max_attempts: int = MAX_ATTEMPTS) -> Decision:
    """Which wanted units to start now, given what is recorded, running and failed.

    A unit that was given up does not hold back those after it: they run on what there is.
    """
    wants = list(wants)

    def is_current(want: Wanted) -> bool:
        return state.recorded.get(want.unit) == want.fingerprint

    given_up = state.given_up(max_attempts)

    def is_given_up(want: Wanted) -> bool:
        return (want.unit, want.fingerprint) in given_up

    settled = {want.unit for want in wants if is_current(want) or is_given_up(want)}
    lists: dict[str, list[Wanted]] = {"requests": [], "running": [], "waiting": [], "given_up": []}
    for want in wants:
        if is_current(want):
            continue
        if is_given_up(want):
            lists["given_up"].append(want)
        elif (want.unit, want.fingerprint) in state.in_flight:
            lists["running"].append(want)
        elif all(unit in settled for unit in want.after):
            lists["requests"].append(want)
        else:
            lists["waiting"].append(want)
    return Decision(**{name: tuple(items) for name, items in lists.items()})
