"""Bring (model, problem set) pairs up to date in this process, through real Dagster runs.

Belongs here: the loop of deciding and executing that the command line uses. Does not belong here: the
decision (:mod:`cot_assets.orchestration.staleness`) and printing (:mod:`cot_assets.cli`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import dagster as dg

from cot_assets.orchestration.jobs import assets_of, partition_key
from cot_assets.orchestration.processes import PROCESS_TAG, alive, end_abandoned, running_elsewhere
from cot_assets.orchestration.staleness import State, Unit, Wanted, decide, wanted
from cot_assets.orchestration.state import FINGERPRINT_TAG, ensure_partitions, read_state, valid_from
from cot_assets.study import Config, DataHome
from cot_assets.warehouse.recorded import refuse_recorded
from cot_assets.warehouse.store import Warehouse

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class PipelineError(RuntimeError):
    """A run failed; the message names the job, the partition and the first error."""


def bring_up_to_date(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    config: Config,
    pairs: Iterable[tuple[str, str]],
    *,
    announce: Callable[[Wanted], None] = lambda _: None,
) -> int:
    """Run what is missing or stale for the pairs, in order; returns the number of runs.

    What Dagster remembers of another warehouse than the one that is there counts as missing. What a killed
    process of the command line left running is ended first.

    Raises:
        PipelineError: a run failed, or another process runs the same. What was sampled is kept; the next call
            goes on from there.
        RecordedError: a pair is recorded and cannot be sampled.
    """
    pairs = list(pairs)
    for model, problem_set in pairs:
        config.model(model)
        refuse_recorded(config, problem_set, model)
    ensure_partitions(instance, [m for m, _ in pairs], [p for _, p in pairs])
    warehouse = Warehouse(DataHome.from_environment())
    with alive(warehouse.home) as process:
        end_abandoned(instance, warehouse.home)
        return _run_what_is_missing(instance, config, pairs, definitions, warehouse, process, announce)


def _run_what_is_missing(
    instance: dg.DagsterInstance,
    config: Config,
    pairs: list[tuple[str, str]],
    definitions: dg.Definitions,
    warehouse: Warehouse,
    process: str,
    announce: Callable[[Wanted], None],
) -> int:
    runs = 0
    while True:
        state = read_state(instance, valid_from(warehouse))
        # Runs that others launched show as in flight, and past failures must not keep a person from trying
        # again: only what is recorded counts here.
        decision = decide(wanted(config, pairs, state.recorded), State(recorded=state.recorded))
        if not decision.requests:
            return runs
        for want in decision.requests:
            if other := running_elsewhere(instance, warehouse.home, want.unit, process):
                raise PipelineError(
                    f"{_name(want.unit)} is being run by process {other} already; wait for it to finish or stop "
                    "it, then start again: nothing sampled is lost"
                )
            announce(want)
            tags = {FINGERPRINT_TAG: want.fingerprint, PROCESS_TAG: process}
            assets = assets_of(want.unit.job, want.parts)
            execute(definitions, instance, want.unit, tags=tags, assets=assets)
            runs += 1
            recorded = read_state(instance, valid_from(warehouse)).recorded.get(want.unit, {})
            if any(recorded.get(part) != want.marks[part] for part in want.parts):
                raise PipelineError(
                    f"{_name(want.unit)} ran, but shows {dict(recorded)}, not {dict(want.marks)}: its configuration "
                    "changed meanwhile; start again"
                )


def _name(unit: Unit) -> str:
    return f"{unit.job} [{partition_key(unit)}]"


def execute(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    unit: Unit,
    *,
    assets: Iterable[str],
    tags: Mapping[str, str] | None = None,
) -> None:
    """Run some assets of a unit's job in this process.

    Raises:
        PipelineError: The run failed.
    """
    result = definitions.resolve_job_def(unit.job).execute_in_process(
        instance=instance,
        partition_key=partition_key(unit),
        tags=tags,
        run_config=_QUIET,
        raise_on_error=False,
        asset_selection=[dg.AssetKey(name) for name in assets],
    )
    if result.success:
        return
    failures = [event for event in result.all_events if event.is_step_failure]
    reason = "no step failed; see the run in the Dagster UI"
    if failures:
        error = failures[0].step_failure_data.error
        while error is not None and error.cause is not None:
            error = error.cause
        reason = f"{failures[0].step_key}: {error.message.strip() if error else 'no message'}"
    raise PipelineError(f"{_name(unit)} failed in {reason}\n(run {result.run_id})")
