"""The state of the partitions of a data home, asked from outside of Dagster.

Belongs here: where to ask. Does not belong here: what the answers mean (:mod:`.standing`).
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC
from functools import partial

import duckdb

from cot_assets.orchestration.status.records import (
    Ask,
    failure,
    is_local,
    local_events,
    local_runs,
    read_records,
)
from cot_assets.orchestration.status.remembered import recalled, valid_since, without_files
from cot_assets.orchestration.status.standing import Standing, standings
from cot_assets.study import Config
from cot_assets.study.home import DataHome
from cot_assets.warehouse.errors import WarehouseError, WarehouseLockedError, reason
from cot_assets.warehouse.lock import when_free
from cot_assets.warehouse.preparing import damage

_SECONDS = 3.0  #: for which another process may hold the warehouse
_CREATED = "SELECT min(applied_at) FROM schema_version WHERE name = 'created'"
_HELD = """
SELECT DISTINCT unnest(['', model]), problem_set FROM potentials
WHERE model NOT IN (SELECT model FROM models WHERE engine = 'imported') ORDER BY ALL
"""
_SHARDS = "SELECT DISTINCT model, shard FROM rollouts WHERE shard IS NOT NULL"
_FORGOTTEN = (
    "the warehouse holds it, but Dagster's records of it are gone; `cot-assets run` makes sure of it, and samples "
    "nothing that is there"
)


def status(home: DataHome, config: Config, load: Callable[[], object]) -> list[Standing]:
    """The state of every partition, by problem set and model; ``load`` loads the definitions."""
    if is_local(home):
        return _told(home, config, local_events(home), local_runs(home), load)
    from cot_assets.orchestration.instance import open_instance  # another storage takes Dagster, and seconds
    from cot_assets.orchestration.state import askers

    with open_instance(home) as instance:
        return _told(home, config, *askers(instance), load)


def _told(
    home: DataHome, config: Config, events: Ask, runs: Ask, load: Callable[[], object]
) -> list[Standing]:
    records = read_records(events, runs)
    made, held, shards = _made(home)
    evidence = recalled(home, load) if records.partitions else {}
    since = without_files(home, valid_since(home, made), shards, partial(warnings.warn, stacklevel=1))
    rows = standings(config, records, evidence, since, home, partial(failure, events))
    told = {row.key: row for row in rows}
    recorded = {partition for _, partition in records.made}
    for row in (Standing(model, name, "stale", _FORGOTTEN) for model, name in held):
        if row.key not in recorded and (row.key not in told or told[row.key].state == "never run"):
            told[row.key] = row
    return sorted(told.values(), key=lambda row: (row.problem_set, row.model))


def _made(home: DataHome) -> tuple[float, list[tuple[str, str]], list[tuple[str, str]]]:
    """When the warehouse was made, whose own rollouts it holds, and the shards of rollouts by model.

    Whose: model (empty for what all have in common) and problem set. When: POSIX time; infinity where there is none or
    it is damaged, which is said; 0 while another process holds it.
    """
    if not (home.warehouse.exists() or home.warehouse.is_symlink()):
        return math.inf, [], []
    if problem := damage(home.warehouse, is_thorough=home.is_unpublished):
        warnings.warn(
            f"{home.warehouse} is damaged ({problem}); `cot-assets run` sets it aside and makes it again",
            stacklevel=2,
        )
        return math.inf, [], []
    made, held, shards = 0.0, list[tuple[str, str]](), list[tuple[str, str]]()
    try:
        con = when_free(
            lambda: duckdb.connect(home.warehouse, read_only=True),
            home.warehouse,
            "tell the state of partitions",
            time.monotonic() + _SECONDS,
        )
    except WarehouseLockedError:
        return made, held, shards
    except duckdb.Error as error:
        raise WarehouseError(
            f"{home.warehouse} cannot be opened: {reason(error)}. Give yourself the right to read it"
        ) from error
    with con, suppress(duckdb.Error):  # of an earlier release
        held, shards = con.execute(_HELD).fetchall(), con.execute(_SHARDS).fetchall()
        found = con.execute(_CREATED).fetchone()
        made = found[0].replace(tzinfo=UTC).timestamp() if found and found[0] else 0.0
    return made, held, shards
