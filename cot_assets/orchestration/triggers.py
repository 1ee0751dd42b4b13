"""The sensor that notices registry entries and the nightly schedules that look for what is stale.

Belongs here: turning decisions into run requests. Does not belong here: the decision
(:mod:`cot_assets.orchestration.staleness`).
"""

import json
import logging
import os
import time
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import dagster as dg
from dagster._core.definitions.events import AssetKeyPartitionKey

from cot_assets.engines.finding import look_for_models
from cot_assets.orchestration.jobs import JOBS, MODELS, PROBLEM_SETS, assets_of
from cot_assets.orchestration.presence import look, look_at_rows, look_at_warehouse, validity
from cot_assets.orchestration.processes import end_abandoned
from cot_assets.orchestration.staleness import (
    Decision,
    Part,
    State,
    decide,
    registered_pairs,
    wanted,
    watched_pairs,
)
from cot_assets.orchestration.state import askers, in_flight, read_state
from cot_assets.orchestration.status.records import FINGERPRINT_TAG, failure, read_records
from cot_assets.orchestration.status.remembered import evidence, keep
from cot_assets.orchestration.status.standing import standings
from cot_assets.study import Config, ConfigError, DataHome, load_config
from cot_assets.study.home import HomeError
from cot_assets.study.protocols import digest
from cot_assets.warehouse.errors import WarehouseError
from cot_assets.warehouse.store import Warehouse

_log = logging.getLogger(__name__)
_TICK = 5  #: seconds between two ticks; most only ask whether a run has ended
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
#: What a person mends, and is told in a sentence: a file that is just being saved, a warehouse in use, a full disk.
_THEIRS = (ConfigError, HomeError, WarehouseError, OSError)


def run_requests(decision: Decision, state: State) -> list[dg.RunRequest]:
    """One request per unit; the run key holds the attempt, so that a tick never asks twice.

    Dagster never launches a run key again while it has a run of it. The same fingerprint is wanted again when a change
    is taken back or the warehouse was lost, and runs may have been deleted: the attempt is beyond those that are there.
    """
    requests: list[dg.RunRequest] = []
    for want in decision.requests:
        keeps_analysis = "sampling" in want.parts
        parts: list[Part] = [part for part in want.parts if keeps_analysis or part != "analysis"]
        if not parts:
            continue  # see Stale
        attempt = state.attempts.get((want.unit, want.fingerprint), 0)
        key = want.unit.key
        requests.append(
            dg.RunRequest(
                run_key=f"{want.unit.job}:{key}:{want.fingerprint}:{attempt}",
                job_name=want.unit.job,
                partition_key=key,
                tags={FINGERPRINT_TAG: want.fingerprint},
                asset_selection=[dg.AssetKey(name) for name in assets_of(want.unit.job, parts)],
            )
        )
    return requests


class Stale(dg.AutomationCondition[dg.AssetKey]):
    """True for partitions whose conclusions are stale while what they are drawn from is up to date.

    The decision is the sensor's, which asks for everything else: nothing is asked for twice.
    """

    @property
    def name(self) -> str:
        """As the UI shows it."""
        return "conclusions are stale"

    def evaluate(self, context: dg.AutomationContext[dg.AssetKey]) -> dg.AutomationResult[dg.AssetKey]:
        """The partitions of one asset that :func:`decide` would conclude again."""
        view = context.asset_graph_view
        decision = _decision_at(view.instance, view.effective_dt)
        name = context.key.to_user_string()
        wanted_here = {
            AssetKeyPartitionKey(context.key, want.unit.key)
            for want in decision.requests
            if "sampling" not in want.parts and name in assets_of(want.unit.job, ("analysis",))
        }
        subset = view.get_asset_subset_from_asset_partitions(context.key, wanted_here)
        return dg.AutomationResult(context, context.candidate_subset.compute_intersection(subset))


@lru_cache(maxsize=1)
def _decision_at(instance: dg.DagsterInstance, moment: datetime) -> Decision:  # noqa: ARG001 - the tick
    """The decision of one tick, which all assets share."""
    try:
        return _decide(instance, load_config())[0]
    except _THEIRS as error:
        _log.warning("%s", _unread(error))
        return Decision()


#: Where it failed, a person looks first: it would fail again every minute.
STALE = Stale() & ~dg.AutomationCondition.in_progress() & ~dg.AutomationCondition.execution_failed()


def analysis_sensor() -> dg.AutomationConditionSensorDefinition:
    """Concludes again what is stale, where nothing has to be sampled."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # conditions of one's own are a beta of Dagster
        return dg.AutomationConditionSensorDefinition(
            "analysis",
            target=dg.AssetSelection.all(),
            minimum_interval_seconds=_interval(),
            default_status=dg.DefaultSensorStatus.RUNNING,
            use_user_code_server=True,
        )


def _unread(error: Exception) -> str:
    return f"nothing was looked for this time: {error}"


def _interval() -> int:
    """Seconds between two looks while nothing ends: a minute, or COT_ASSETS_SENSOR_SECONDS."""
    return int(os.environ.get("COT_ASSETS_SENSOR_SECONDS", "60"))


def _decide(instance: dg.DagsterInstance, config: Config) -> tuple[Decision, State]:
    """What to run, by what Dagster says and by what is there."""
    warehouse = Warehouse(DataHome.from_environment())

    def decided() -> tuple[Decision, State]:
        state = read_state(instance, validity(warehouse))
        wants = wanted(config, watched_pairs(config, state), state.done, state.given_up())
        return decide(wants, state), state

    lines = look_at_warehouse(warehouse)  # before anything reads it
    decision, state = decided()
    pairs, is_quiet = watched_pairs(config, state), not in_flight(instance)
    lines += look(warehouse, pairs, is_quiet=is_quiet)
    if is_quiet and decision == Decision():
        lines += look_at_rows(warehouse, pairs)
    for line in lines:
        _log.warning(line)
    return decided() if lines else (decision, state)


def _summary(decision: Decision) -> str:
    given_up = ", ".join(f"{w.unit.job} {w.unit.key}" for w in decision.given_up)
    return f"{len(decision.running)} running, {len(decision.waiting)} waiting" + (
        f"; given up after repeated failures: {given_up}" if given_up else ""
    )


Shown = Mapping[str, str]  #: a hash of the state that each partition was last seen in
#: Where the UI shows the state of a partition: with a model, and of a problem set as a whole.
_SHOWN_ON = {True: "potentials", False: "report"}


def _observations(
    instance: dg.DagsterInstance, config: Config, before: Shown
) -> tuple[list[dg.AssetObservation], Shown]:
    """An observation for every partition whose state is another than before, and the states of all now."""
    home, (events, runs) = DataHome.from_environment(), askers(instance)
    keep(home)
    records, since = read_records(events, runs), validity(Warehouse(home))
    rows = standings(config, records, evidence(), since, home, lambda run: failure(events, run))
    shown = {row.key: digest(asdict(row)) for row in rows if row.problem_set}
    changed = [
        dg.AssetObservation(
            _SHOWN_ON[bool(row.model)],
            partition=row.key,
            description=f"{row.state}: {row.reason}" if row.reason else row.state,
            metadata={"status": row.state, **({"reason": row.reason} if row.reason else {})},
        )
        for row in rows
        if row.problem_set and before.get(row.key) != shown[row.key]
    ]
    return changed, shown


class _Look(NamedTuple):
    """What the sensor's cursor holds."""

    at: float
    #: When it looked for new models: two looks tell a checkpoint that is still being written.
    searched: float
    shown: Shown


def _last_look(cursor: str | None) -> _Look:
    """The last look; none where the cursor is of an earlier version."""
    with suppress(ValueError, TypeError):
        return _Look(**json.loads(cursor or ""))
    return _Look(0.0, 0.0, {})


def _is_over(since: float) -> bool:
    """Whether the time between two looks is over."""
    return not 0 <= time.time() - since < _interval()


def _is_due(instance: dg.DagsterInstance, looked: float) -> bool:
    """Whether it is time for a look: what follows a run that has ended does not wait for the next minute."""
    ended = dg.RunsFilter(statuses=_ENDED, updated_after=datetime.fromtimestamp(looked, UTC))
    return _is_over(looked) or bool(instance.get_run_records(ended, limit=1))


def registry_sensor(jobs: Sequence[Any]) -> dg.SensorDefinition:
    """Adds partitions for new registry entries and asks for what they lack.

    When a run has ended, else every minute, or every COT_ASSETS_SENSOR_SECONDS.
    """

    @dg.sensor(
        name="registry",
        jobs=list(jobs),
        minimum_interval_seconds=min(_TICK, _interval()),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Notices new models (entries of models.toml, checkpoints, served ids) and asks for what is missing.",
    )
    def registry(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        if not _is_due(context.instance, _last_look(context.cursor).at):
            return dg.SkipReason("no run has ended since the last look")
        try:
            return look_around(context)
        except _THEIRS as error:
            return dg.SkipReason(_unread(error))

    def look_around(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        last, looked = _last_look(context.cursor), time.time()
        searched = looked if _is_over(last.searched) else last.searched
        config = load_config()
        if config.sources and searched == looked:
            look_for_models(config.sources, DataHome.from_environment())
            config = load_config()
        pairs = registered_pairs(config)
        instance = context.instance
        end_abandoned(instance, DataHome.from_environment())  # their slots would hold up what is asked for
        new = [
            definition.build_add_request(missing)
            for definition, names in (
                (MODELS, {model for model, _ in pairs}),
                (PROBLEM_SETS, {problem_set for _, problem_set in pairs}),
            )
            if (missing := sorted(names - set(instance.get_dynamic_partitions(str(definition.name)))))
        ]
        decision, state = _decide(instance, config)
        requests = run_requests(decision, state)
        changed, shown = _observations(instance, config, last.shown)
        return dg.SensorResult(
            run_requests=requests,
            dynamic_partitions_requests=new,
            asset_events=changed,
            cursor=json.dumps(_Look(looked, searched, shown)._asdict()),
            skip_reason=None if requests else _summary(decision),
        )

    return registry


def nightly_schedules() -> list[dg.ScheduleDefinition]:
    """One per job (a schedule has one job): asks for all that is stale, at 3 in the morning, UTC.

    The sensor asks for the same things sooner; the schedules serve those who have switched it off.
    """
    return [_nightly(job) for job in JOBS]


def _nightly(job: str) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=f"nightly_{job}",
        job_name=job,
        cron_schedule="0 3 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Asks for partitions whose model, problem set, protocol or writers have changed.",
    )
    def nightly(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        try:
            decision, state = _decide(context.instance, load_config())
        except _THEIRS as error:
            return dg.SkipReason(_unread(error))
        requests = [request for request in run_requests(decision, state) if request.job_name == job]
        return requests or dg.SkipReason(_summary(decision))

    return nightly
