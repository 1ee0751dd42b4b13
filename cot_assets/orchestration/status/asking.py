"""How the partitions of a data home stand, asked from outside of Dagster.

Belongs here: where to ask. Does not belong here: what the answers mean (:mod:`.standing`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC

import duckdb

from cot_assets.orchestration.status.evidence import recalled
from cot_assets.orchestration.status.lost import valid_since
from cot_assets.orchestration.status.records import (
    Ask,
    Records,
    Run,
    failure,
    is_local,
    local_events,
    local_runs,
    read_records,
)
from cot_assets.orchestration.status.standing import Standing, standings
from cot_assets.study import Config
from cot_assets.study.home import DataHome

_SECONDS = 3.0  #: for which another process may hold the warehouse


def status(home: DataHome, config: Config, load: Callable[[], object]) -> list[Standing]:
    """How every partition stands, by problem set and model; ``load`` loads the definitions."""
    if not home.dagster.is_dir():
        return standings(config, Records(), {}, lambda _: 0.0, home, lambda _: "")
    if is_local(home):
        return _told(home, config, local_events(home), local_runs(home), load)
    from cot_assets.orchestration.instance import open_instance  # another storage takes Dagster, and seconds
    from cot_assets.orchestration.state import askers

    with open_instance(home) as instance:
        return _told(home, config, *askers(instance), load)


def _told(
    home: DataHome, config: Config, events: Ask, runs: Ask, load: Callable[[], object]
) -> list[Standing]:
    def ended(run: Run) -> str:
        return failure(events, run)

    since = valid_since(home, _made(home))
    return standings(config, read_records(events, runs), recalled(home, load), since, home, ended)


def _made(home: DataHome) -> float:
    """POSIX time at which the warehouse was made; infinity where there is none, 0 while another process holds it."""
    if not home.warehouse.exists():
        return math.inf
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        with suppress(duckdb.Error), duckdb.connect(home.warehouse, read_only=True) as con:
            found = con.execute(
                "SELECT min(applied_at) FROM schema_version WHERE name = 'created'"
            ).fetchone()
            return found[0].replace(tzinfo=UTC).timestamp() if found and found[0] else 0.0
        time.sleep(0.1)
    return 0.0
