"""Reading from a Dagster instance what the decision needs.

Belongs here: materializations, runs in flight and failed runs as a
:class:`~cot_assets.orchestration.staleness.State`. Does not belong here: what follows from it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC

import dagster as dg
from sqlalchemy.exc import IntegrityError

from cot_assets.orchestration.jobs import evidence, partition_key
from cot_assets.orchestration.staleness import Marks, Part, State, Unit
from cot_assets.warehouse.store import Warehouse

FINGERPRINT_TAG = "cot_assets/fingerprint"
Since = Callable[[Unit], float]  #: POSIX time from which on a unit's materializations count
_DATA_VERSION_TAG = "dagster/data_version"
_IN_FLIGHT = [
    dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING,
]  # fmt: skip


def ensure_partitions(instance: dg.DagsterInstance, models: list[str], problem_sets: list[str]) -> None:
    """Add what is missing to the two dynamic dimensions, whoever else adds it at the same moment."""
    for definition, names in (("models", models), ("problem_sets", problem_sets)):
        missing = _missing(instance, definition, names)
        while missing:
            try:
                instance.add_dynamic_partitions(definition, missing)
                break
            except IntegrityError:  # another process was faster with one of them
                asked, missing = missing, _missing(instance, definition, names)
                if missing == asked:
                    raise


def _missing(instance: dg.DagsterInstance, definition: str, names: Iterable[str]) -> list[str]:
    return sorted(set(names) - set(instance.get_dynamic_partitions(definition)))


def valid_from(warehouse: Warehouse) -> float:
    """POSIX time at which the warehouse was made; infinity where there is none.

    Dagster's records outlive the file: what was materialized before went into another one, and is not
    here, whatever Dagster remembers of it.
    """
    if not warehouse.home.warehouse.exists():
        return math.inf
    made = warehouse.read("SELECT min(applied_at) FROM schema_version WHERE name = 'created'").item()
    return 0.0 if made is None else made.replace(tzinfo=UTC).timestamp()


def _mark(instance: dg.DagsterInstance, unit: Unit, assets: Iterable[str], since: Since) -> str | None:
    """The fingerprint that all these assets carry, or None."""
    start = since(unit)
    versions: set[str | None] = set()
    for asset in assets:
        records = instance.fetch_materializations(
            dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[partition_key(unit)]), limit=1
        ).records
        event = records[0].asset_materialization if records and records[0].timestamp >= start else None
        versions.add(event.tags.get(_DATA_VERSION_TAG) if event and event.tags else None)
        if None in versions or len(versions) > 1:
            return None
    return versions.pop()


def _marks(instance: dg.DagsterInstance, unit: Unit, since: Since) -> Marks:
    found: dict[Part, str] = {}
    for part, assets in evidence()[unit.job].items():
        if mark := _mark(instance, unit, assets, since):
            found[part] = mark
    return found


def recorded_models(
    instance: dg.DagsterInstance, job: str, part: Part, problem_set: str, since: Since = lambda _: 0.0
) -> dict[str, str]:
    """Marks of the models for which a part of a job is done on a problem set, by name.

    Materializations before ``since`` do not count; see :func:`cot_assets.orchestration.presence.validity`.
    """
    assets = evidence()[job][part]
    units = [Unit(job, problem_set, model) for model in instance.get_dynamic_partitions("models")]
    return {u.model: mark for u in units if (mark := _mark(instance, u, assets, since)) is not None}


def known_units(instance: dg.DagsterInstance) -> list[Unit]:
    """Every unit that the instance's partitions could have."""
    sets = instance.get_dynamic_partitions("problem_sets")
    models = instance.get_dynamic_partitions("models")
    units = [Unit(job, name) for job in ("load_problems", "compare_models") for name in sets]
    return units + [
        Unit(job, name, model)
        for job in ("evaluate_model", "measure_transfer")
        for name in sets
        for model in models
    ]


def _first_assets(*jobs: str) -> list[str]:
    """An asset of every part of the jobs, or of all: where none of them was made, no part is."""
    return [names[0] for job in jobs or evidence() for names in evidence()[job].values() if names]


def in_flight(instance: dg.DagsterInstance) -> bool:
    """Whether any run of anybody has not ended."""
    return bool(instance.get_run_ids(dg.RunsFilter(statuses=_IN_FLIGHT), limit=1))


def read_state(instance: dg.DagsterInstance, since: Since = lambda _: 0.0) -> State:
    """The state of all units that the instance knows; ``since`` as in :func:`recorded_models`."""
    # One query for all partitions of an asset; most models of a long registry were never run.
    made = {asset: instance.get_materialized_partitions(dg.AssetKey(asset)) for asset in _first_assets()}
    units = known_units(instance)
    there = [u for u in units if any(partition_key(u) in made[asset] for asset in _first_assets(u.job))]
    recorded = {unit: marks for unit in there if (marks := _marks(instance, unit, since))}
    by_key = {(unit.job, partition_key(unit)): unit for unit in units}

    def tagged(statuses: list[dg.DagsterRunStatus]) -> list[tuple[Unit, str]]:
        runs = instance.get_runs(dg.RunsFilter(statuses=statuses))
        return [
            (by_key[run.job_name, run.tags["dagster/partition"]], run.tags[FINGERPRINT_TAG])
            for run in runs
            if FINGERPRINT_TAG in run.tags and (run.job_name, run.tags.get("dagster/partition")) in by_key
        ]

    failures = Counter(tagged([dg.DagsterRunStatus.FAILURE]))
    others = Counter(tagged([dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.CANCELED]))
    return State(recorded, frozenset(tagged(_IN_FLIGHT)), failures, failures + others)
