"""What Dagster's storage remembers, in four queries: partitions, latest materializations, runs.

Belongs here: the SQL, which any database of Dagster's answers, and its rows as plain values. Does not belong here: what
they are evidence of (:mod:`cot_assets.orchestration.status.standing`).

Reading whole tables at once is what keeps a tick short: one query for all partitions of all assets, where Dagster's own
functions take one for each.
"""

from __future__ import annotations

import json
import math
import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cot_assets.study.home import DataHome, plain

#: Tags of runs; by their prefix Dagster hides them, for they say nothing to a person.
FINGERPRINT_TAG = ".dagster/cot_assets/fingerprint"
#: The process that runs it, by the name of its lock (:mod:`cot_assets.orchestration.status.living`).
PROCESS_TAG = ".dagster/cot_assets/process"
#: On runs that would fail again in the same way.
FINAL_TAG = ".dagster/cot_assets/final"
ASSET_JOB = "__ASSET_JOB"  #: Dagster's name for runs of assets that are in no job
Rows = Iterable[Sequence[Any]]
Ask = Callable[[str], Rows]  #: rows of a SELECT

#: Names of Dagster's statuses of runs that have not ended.
IN_FLIGHT = frozenset({"QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING"})
_PARTITIONS = "SELECT partitions_def_name, partition FROM dynamic_partitions ORDER BY id"
_MADE = """
SELECT e.asset_key, e.partition, e.timestamp, t.value
FROM (
    SELECT max(id) AS id FROM event_logs
    WHERE dagster_event_type = '{event}' AND partition IS NOT NULL AND asset_key IS NOT NULL
    GROUP BY asset_key, partition
) AS latest
JOIN event_logs AS e ON e.id = latest.id
LEFT JOIN asset_event_tags AS t ON t.event_id = e.id AND t.key = '{tag}'
LEFT JOIN asset_keys AS k ON k.asset_key = e.asset_key
WHERE k.wipe_timestamp IS NULL OR e.timestamp > k.wipe_timestamp
"""
_RUNS = "SELECT run_id, pipeline_name, status, partition FROM runs ORDER BY id"
_TAGS = f"SELECT run_id, key, value FROM run_tags WHERE key IN ('{FINGERPRINT_TAG}', '{PROCESS_TAG}', '{FINAL_TAG}', 'dagster/run_key')"  # noqa: S608
_FAILED = "SELECT event FROM event_logs WHERE run_id = '{run}' AND dagster_event_type = 'PIPELINE_FAILURE' ORDER BY id DESC LIMIT 1"


@dataclass(frozen=True)
class Run:
    """One run of a partition; ``number`` is the attempt that its run key names, None where it has none."""

    run_id: str
    job: str
    status: str
    partition: str
    fingerprint: str | None = None
    number: int | None = None
    is_final: bool = False
    process: str | None = None

    @property
    def is_in_flight(self) -> bool:
        """Whether it has not ended."""
        return self.status in IN_FLIGHT


@dataclass(frozen=True)
class Records:
    """``partitions`` by dimension; ``made``: moment and data version by (asset, partition key); ``runs``, oldest first."""

    partitions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    made: Mapping[tuple[str, str], tuple[float, str | None]] = field(default_factory=dict)
    runs: Sequence[Run] = ()


def read_records(events: Ask, runs: Ask) -> Records:
    """Everything, from the two databases that Dagster keeps events and runs in.

    Runs first: what one makes that ends meanwhile is seen as made, or the run as in flight.
    """
    found = _runs(runs)
    partitions: dict[str, list[str]] = {}
    for dimension, name in events(_PARTITIONS):
        partitions.setdefault(dimension, []).append(name)
    return Records(partitions, latest(events, "ASSET_MATERIALIZATION", "dagster/data_version"), found)


def latest(events: Ask, event: str, tag: str) -> dict[tuple[str, str], tuple[float, str | None]]:
    """Moment and the value of a tag of the latest event of a kind, by (asset, partition key)."""
    return {
        ("/".join(json.loads(key)), partition): (_moment(when), value)
        for key, partition, when, value in events(_MADE.format(event=event, tag=tag))
    }


def _runs(ask: Ask) -> list[Run]:
    tags: dict[str, dict[str, str]] = {}
    for run_id, key, value in ask(_TAGS):
        tags.setdefault(run_id, {})[key] = value
    found: list[Run] = []
    for run_id, job, status, partition in ask(_RUNS):
        if partition:
            of_run = tags.get(run_id, {})
            end = of_run.get("dagster/run_key", "").rpartition(":")[2]
            number = int(end) if end.isdecimal() else None
            mark, process = of_run.get(FINGERPRINT_TAG), of_run.get(PROCESS_TAG)
            found.append(Run(run_id, job, status, partition, mark, number, FINAL_TAG in of_run, process))
    return found


def _moment(value: object) -> float:
    """POSIX time of a naive UTC timestamp, which SQLite gives as text."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.replace(tzinfo=UTC).timestamp() if isinstance(moment, datetime) else math.nan


def failure(events: Ask, run: Run) -> str:
    """The first line of what ended a failed run, as a person is shown it."""
    for (text,) in events(_FAILED.format(run=run.run_id.replace("'", ""))):
        event = json.loads(text).get("dagster_event") or {}
        data = event.get("event_specific_data") or {}
        step = (data.get("first_step_failure_event") or {}).get("event_specific_data") or {}
        error = step.get("error") or data.get("error")
        chain: list[str] = []
        while error:
            chain.append(error.get("message") or "")
            error = error.get("cause")
        if chain:
            first, *more = telling(chain).splitlines()
            return f"{first} {more[0].strip()}" if more and first.endswith(":") else first
        if event.get("message"):
            return str(event["message"]).strip().splitlines()[0]
    return "no step failed; see the run in the Dagster UI"


_WORDS = "cot_assets."  #: how the name of an error of this package begins


def telling(messages: Sequence[str]) -> str:
    """The message of a chain of errors, outermost first, that a person is shown, without the name of its kind.

    The package's own words, which say the way out, come before those of a library that it heard of it from.
    """
    last = messages[-1] if messages else ""
    own = next((each for each in messages if each.startswith(_WORDS)), last)
    head, colon, words = own.strip().partition(": ")
    is_kind = bool(colon) and head.rpartition(".")[2][:1].isupper() and head.replace(".", "").isidentifier()
    return (words if is_kind else own).strip() or "no message"


# --- the databases of a data home ------------------------------------------------------------------


def is_local(home: DataHome) -> bool:
    """Whether Dagster keeps its records in the SQLite files of the home, as it does unless told otherwise."""
    text = ""
    with suppress(OSError):
        text = (home.dagster / "dagster.yaml").read_text(encoding="utf-8", errors="replace")
    storages = ("storage:", "run_storage:", "event_log_storage:")
    return not any(line.startswith(storages) for line in text.splitlines())


def local_events(home: DataHome) -> Ask:
    """Asks the SQLite file of events; a missing one holds nothing."""
    return _asker(home.dagster / "history" / "runs" / "index.db")


def local_runs(home: DataHome) -> Ask:
    """Asks the SQLite file of runs; a missing one holds nothing."""
    return _asker(home.dagster / "history" / "runs.db")


def _asker(path: Path) -> Ask:
    def ask(sql: str) -> Rows:
        if not path.exists():
            return []
        # Beside a database with a journal SQLite makes files to read it, which it cannot where all is read-only.
        is_still = not (path.with_name(f"{path.name}-wal").exists() or os.access(path.parent, os.W_OK))
        mode = "immutable=1" if is_still else "mode=ro"
        with closing(sqlite3.connect(f"file:{plain(path)}?{mode}", uri=True, timeout=30)) as con:
            try:
                return con.execute(sql).fetchall()
            except UnicodeDecodeError as error:  # SQLite cites what is damaged
                raise sqlite3.DatabaseError("database disk image is malformed") from error

    return ask
