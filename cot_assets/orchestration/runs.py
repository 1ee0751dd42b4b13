"""Bring (model, problem set) pairs up to date in this process, through real Dagster runs.

Belongs here: the loop of deciding and executing that the command line uses. Does not belong here: the
decision (:mod:`cot_assets.orchestration.staleness`) and printing (:mod:`cot_assets.cli`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run
from dagster_shared.error import SerializableErrorInfo

from cot_assets.orchestration.instance import origin_of
from cot_assets.orchestration.jobs import assets_of
from cot_assets.orchestration.presence import look, look_at_rows, validity
from cot_assets.orchestration.processes import end_abandoned, running, running_elsewhere
from cot_assets.orchestration.staleness import (
    MAX_ATTEMPTS,
    Launch,
    State,
    Unit,
    Wanted,
    decide,
    wanted,
)
from cot_assets.orchestration.state import ensure_partitions, in_flight, read_state
from cot_assets.orchestration.status.records import FINGERPRINT_TAG, PROCESS_TAG, telling
from cot_assets.orchestration.status.remembered import keep
from cot_assets.study import Config, DataHome
from cot_assets.warehouse.imported import refuse_imported
from cot_assets.warehouse.store import Warehouse

_POLL_S = 1.0
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
#: What depends on nothing that another run of the same problem set makes.
_OWN = ("load_problems", "evaluate_model")
_INTERRUPTS = ("DagsterExecutionInterruptedError", "KeyboardInterrupt")


@dataclass(frozen=True)
class Outcome:
    """What was run, how many partitions needed nothing, and a sentence per check that did not pass."""

    done: tuple[Wanted, ...]
    n_skipped: int
    remarks: tuple[str, ...]

    @property
    def n_made(self) -> int:
        """Partitions that something was run for: a model's has two jobs, and so has a problem set's."""
        return len({want.unit.key for want in self.done})


class PipelineError(RuntimeError):
    """A run failed; the message names the job, the partition and the first error, ``step`` where it was."""

    def __init__(self, message: str, step: str = "") -> None:
        super().__init__(message)
        self.step = step


def bring_up_to_date(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    config: Config,
    pairs: Iterable[tuple[str, str]],
    *,
    announce: Callable[[Wanted], None] = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
    is_thorough: bool = False,
    leaves: Callable[[Wanted, PipelineError], bool] = lambda _, __: False,
) -> Outcome:
    """What was run of the pairs: all that was missing or stale, in order.

    What Dagster remembers counts only where it is there; ``say`` takes a line on what is not, and ``is_thorough``
    reads every byte for it. What a killed process of the command line left running is ended first. ``leaves`` is asked
    of a run that failed whether it is left at that: those after it then show what there is.

    Raises:
        PipelineError: a run failed, or another process runs the same. What was sampled is kept; the next call
            goes on from there.
        ImportedError: a pair is imported and cannot be sampled.
        KeyboardInterrupt: a signal stopped a run, which is canceled then.
    """
    pairs = list(pairs)
    for model, problem_set in pairs:
        config.model(model)
        refuse_imported(config, problem_set, model)
    ensure_partitions(instance, [m for m, _ in pairs], [p for _, p in pairs])
    warehouse = Warehouse(DataHome.from_environment())
    with running(instance, warehouse.home) as process:
        keep(warehouse.home)
        end_abandoned(instance, warehouse.home)
        for line in look(warehouse, pairs, is_quiet=not in_flight(instance), is_thorough=is_thorough):
            say(line)
        update = _Update(definitions, instance, config, pairs, warehouse, process, announce, say, leaves)
        while requests := update.requests():
            for want in requests:
                if not update.has_made(want):
                    break
        return update.outcome


@dataclass
class _Update:
    """One call of :func:`bring_up_to_date`: what it was given, and what it has come to."""

    definitions: dg.Definitions
    instance: dg.DagsterInstance
    config: Config
    pairs: list[tuple[str, str]]
    warehouse: Warehouse
    process: str
    announce: Callable[[Wanted], None]
    say: Callable[[str], None]
    leaves: Callable[[Wanted, PipelineError], bool]
    wants: list[Wanted] = field(default_factory=list[Wanted])
    done: list[Wanted] = field(default_factory=list[Wanted])
    left: set[Launch] = field(default_factory=set[Launch])
    remarks: list[str] = field(default_factory=list[str])

    @property
    def outcome(self) -> Outcome:
        """What was run, and what needed nothing."""
        n_skipped = len({want.unit.key for want in self.wants} - {want.unit.key for want in self.done})
        return Outcome(tuple(self.done), n_skipped, tuple(dict.fromkeys(self.remarks)))

    def requests(self, *, is_compared: bool = False) -> list[Wanted]:
        """What can start now. Where nothing was to be done at all, rows are compared with those that were published."""
        state = read_state(self.instance, validity(self.warehouse))
        # Runs that others launched show as in flight, and past failures must not keep a person from trying
        # again: only what is done counts here.
        self.wants = wanted(self.config, self.pairs, state.done, self.left)
        failures = dict.fromkeys(self.left, MAX_ATTEMPTS)
        decision = decide(self.wants, State(done=state.done, failures=failures))
        requests = [want for want in decision.requests if not _is_chased(want, self.done)]
        if requests or self.done or is_compared or in_flight(self.instance):
            return requests
        lines = look_at_rows(self.warehouse, self.pairs)
        for line in lines:
            self.say(line)
        return self.requests(is_compared=True) if lines else []

    def has_made(self, want: Wanted) -> bool:
        """Run a unit; False where another process did so meanwhile."""
        if self._has_waited(want.unit):
            return False
        self.announce(want)
        tags = {FINGERPRINT_TAG: want.fingerprint, PROCESS_TAG: self.process}
        assets = assets_of(want.unit.job, want.parts)
        failure: PipelineError | None = None
        try:
            self.remarks += execute(self.definitions, self.instance, want.unit, tags=tags, assets=assets)
            self.done.append(want)
        except PipelineError as error:
            if not self.leaves(want, error):
                raise
            failure = error
            self.left.add((want.unit, want.fingerprint))
        there = read_state(self.instance, validity(self.warehouse)).done.get(want.unit, {})
        is_as_wanted = all(there.get(part) == want.marks[part] for part in want.parts)
        if not is_as_wanted and want.unit.job in _OWN:
            raise failure or PipelineError(
                f"{_name(want.unit)} ran, but shows {dict(there)}, not {dict(want.marks)}: its configuration "
                "changed meanwhile; start again"
            )
        return True

    def _has_waited(self, unit: Unit) -> bool:
        """Whether another process ran the same, and has ended; raises :class:`PipelineError` where it is a model's."""
        asked = self.instance, self.warehouse.home, unit, self.process
        if not (other := running_elsewhere(*asked)):
            return False
        if unit.model:
            raise PipelineError(
                f"{_name(unit)} is being run by process {other} already; wait for it to finish or stop it, then start "
                "again: nothing sampled is lost"
            )
        self.say(f"{_name(unit)} is being run by process {other}: waiting for it")
        while running_elsewhere(*asked):
            time.sleep(_POLL_S)
        return True


_MOST_TRIES = 3


def _is_chased(want: Wanted, done: Iterable[Wanted]) -> bool:
    """Whether a unit that shows the models of others was made often enough, while others went on."""
    return want.unit.job not in _OWN and [each.unit for each in done].count(want.unit) >= _MOST_TRIES


def _name(unit: Unit) -> str:
    return f"{unit.job} [{unit.key}]"


def execute(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    unit: Unit,
    *,
    assets: Iterable[str],
    tags: Mapping[str, str] | None = None,
) -> list[str]:
    """Sentences on checks that did not pass in a run of some assets of a unit's job, in this process.

    Raises:
        PipelineError: The run failed.
        KeyboardInterrupt: A signal stopped the run. It is canceled: automation counts failures.
    """
    job, selected = definitions.resolve_job_def(unit.job), frozenset(dg.AssetKey(name) for name in assets)
    own = job.get_tags_for_partition_key(unit.key, selected)
    with running(instance, DataHome.from_environment()) as process:
        run = instance.create_run_for_job(
            job.get_subset(asset_selection=selected),
            run_config=_QUIET,
            tags={**own, PROCESS_TAG: process, **(tags or {})},
            asset_selection=selected,
            remote_job_origin=origin_of(unit.job),
        )
        result = execute_run(InMemoryJob(job), run, instance)
    checks = [
        f"{'failed' if each.severity == dg.AssetCheckSeverity.ERROR else 'warning'}: "
        f"{each.asset_key.to_user_string()} of {unit.key}, {each.check_name}: {each.description}"
        for each in result.get_asset_check_evaluations()
        if not each.passed
    ]
    if result.success:
        return checks
    step, error = _failure(result.all_events)
    if _is_interrupt(error):
        run = instance.get_run_by_id(result.run_id)
        if run is not None and run.status != dg.DagsterRunStatus.CANCELED:
            instance.report_run_canceled(run, message="stopped by a signal; what was sampled is kept")
        raise KeyboardInterrupt
    reason = telling(_messages(error)) if error else "see the run in the Dagster UI"
    lines = [f"{_name(unit)} failed{step and f' in {step}'}: {reason}", *checks, f"(run {result.run_id})"]
    raise PipelineError("\n".join(lines), step)


def _failure(events: Iterable[dg.DagsterEvent]) -> tuple[str, SerializableErrorInfo | None]:
    """The first step that failed, empty where the run did so between steps, and the error."""
    of_run: SerializableErrorInfo | None = None
    for event in events:
        if event.is_step_failure:
            return event.step_key or "", event.step_failure_data.error
        if event.is_job_failure:
            of_run = event.job_failure_data.error
    return "", of_run


def _is_interrupt(error: SerializableErrorInfo | None) -> bool:
    return error is not None and (error.cls_name in _INTERRUPTS or _is_interrupt(error.cause))


def _messages(error: SerializableErrorInfo | None) -> list[str]:
    """The messages of a chain of errors, outermost first."""
    return [] if error is None else [error.message, *_messages(error.cause)]
