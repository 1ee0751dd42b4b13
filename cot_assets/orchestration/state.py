"""Reading from a Dagster instance what the decision needs, and adding partitions to it.

Belongs here: the instance as the place of records. Does not belong here: what they say
(:mod:`cot_assets.orchestration.status`), and what follows from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

import dagster as dg
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from cot_assets.orchestration.staleness import Part, State, Unit
from cot_assets.orchestration.status.records import IN_FLIGHT, Ask, Records, Rows, read_records
from cot_assets.orchestration.status.remembered import evidence
from cot_assets.orchestration.status.standing import Since, mark_of, state_of

UNFINISHED = [dg.DagsterRunStatus(name) for name in sorted(IN_FLIGHT)]


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


def done_models(
    instance: dg.DagsterInstance, job: str, part: Part, problem_set: str, since: Since = lambda _: 0.0
) -> dict[str, str]:
    """Marks of the models for which a part of a job is done on a problem set, by name.

    Materializations before ``since`` do not count; see :func:`cot_assets.orchestration.presence.validity`.
    """
    found, assets = records_of(instance), evidence()[job][part]
    units = [Unit(job, problem_set, model) for model in found.partitions.get("models", ())]
    return {u.model: mark for u in units if (mark := mark_of(found, assets, u, since)) is not None}


def in_flight(instance: dg.DagsterInstance) -> bool:
    """Whether any run of anybody has not ended."""
    return bool(instance.get_run_ids(dg.RunsFilter(statuses=UNFINISHED), limit=1))


def read_state(instance: dg.DagsterInstance, since: Since = lambda _: 0.0) -> State:
    """The state of all units that the instance knows; ``since`` as in :func:`done_models`."""
    return state_of(records_of(instance), evidence(), since)


def records_of(instance: dg.DagsterInstance) -> Records:
    """What the instance remembers, in any database."""
    return read_records(*askers(instance))


def askers(instance: dg.DagsterInstance) -> tuple[Ask, Ask]:
    """Functions that ask the instance's databases of events and of runs."""
    events, runs = instance.event_log_storage, instance.run_storage
    if not (isinstance(events, SqlEventLogStorage) and isinstance(runs, SqlRunStorage)):
        raise TypeError(f"Dagster keeps its records in {type(events).__name__}, which takes no SQL")

    def asks(connect: Callable[[], AbstractContextManager[Connection]]) -> Ask:
        def ask(sql: str) -> Rows:
            with connect() as con:
                return [tuple(row) for row in con.execute(text(sql))]

        return ask

    return asks(events.index_connection), asks(runs.connect)
