"""The Dagster instance of a data home.

Belongs here: ``dagster.yaml``, opening the instance, and how its files are kept open meanwhile. Does not belong here:
definitions and runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import sqlalchemy as db
import yaml
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.execution import compute_logs
from dagster._core.instance import types
from dagster._core.instance.ref import InstanceRef
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from filelock import FileLock
from sqlalchemy import event

from cot_assets.orchestration.status.records import is_local
from cot_assets.study.home import DataHome, plain

#: The code location, by the name under which every web server and daemon loads it.
LOCATION = "cot_assets.definitions"
#: The path below which `cot-assets ui` serves the folder of reports.
REPORTS = "/reports"

_BUSY_S = 30  #: for which another process may be writing

# Processes of Dagster's show what a run prints. A terminal sends Ctrl-C to all of a group: they would show tracebacks.
compute_logs.subprocess = SimpleNamespace(Popen=partial(subprocess.Popen, process_group=0))  # type: ignore[assignment]
# What Dagster cannot record it raises, or records; a terminal need not show it in Dagster's words.
types.sys = SimpleNamespace(exc_info=sys.exc_info, stderr=SimpleNamespace(write=len))  # type: ignore[assignment]

_SETTINGS = Path(__file__).with_name("dagster.yaml")
_OF_CHECKOUT = ("storage", "compute_logs")  #: settings that a data home does not need: they name its folder


def _engine(file: str) -> db.Engine:
    """SQLAlchemy's engine of a SQLite file, whose connections stay open.

    A commit does not wait for the disk: SQLite's journal keeps it through the end of this process all the same.
    """
    engine = db.create_engine(file, connect_args={"timeout": _BUSY_S})
    event.listen(engine, "connect", lambda con, _: con.execute("PRAGMA synchronous = NORMAL"))
    return engine


class Events(SqliteEventLogStorage):
    """Dagster's log of events, with connections to the index and to the run at work that stay open.

    Dagster opens one for every statement: with compiling the statement, and writing the journal back when it is closed,
    that took a quarter of the CPU time of a small study.
    """

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        self._engines: dict[str, db.Engine] = {}
        self._tables: set[str] = set()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> Events:
        """As Dagster makes it from ``dagster.yaml``."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[db.Connection]:
        if shard not in self._engines:
            with super()._connect(shard):  # makes the file
                for other in self._engines.keys() - {INDEX_SHARD_NAME}:
                    self._engines.pop(other).dispose()
                self._engines[shard] = _engine(self.conn_string_for_shard(shard))
        with self._db_lock, self._engines[shard].begin() as con:
            yield con

    def has_table(self, table_name: str) -> bool:
        """Whether the index has a table, which Dagster asks at every event. One that was there once stays."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def dispose(self) -> None:
        """Close every connection."""
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()
        super().dispose()


class Runs(SqliteRunStorage):
    """Dagster's table of runs, with a connection that stays open; see :class:`Events`."""

    def __init__(self, conn_string: str, inst_data: Any = None) -> None:
        self._engine = _engine(conn_string)
        super().__init__(conn_string, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> Runs:
        """As Dagster makes it from ``dagster.yaml``."""
        return cls.from_local(inst_data=inst_data, **config_value)

    @contextmanager
    def connect(self) -> Iterator[db.Connection]:
        """A connection for the block, which is one transaction."""
        with self._engine.begin() as con:
            yield con

    def dispose(self) -> None:
        """Close every connection."""
        self._engine.dispose()
        super().dispose()


class InstanceError(RuntimeError):
    """Dagster's part of the data home cannot be opened; the message says why and what to do."""


def prepare_instance(home: DataHome) -> None:
    """Make the Dagster home with its ``dagster.yaml``, keeping one that is there, and point to it."""
    home.create()
    file = home.dagster / "dagster.yaml"
    if not file.exists():
        settings = yaml.safe_load(_SETTINGS.read_text(encoding="utf-8"))
        own = {name: value for name, value in settings.items() if name not in _OF_CHECKOUT}
        file.write_text(
            "# Written by cot-assets when it was missing; yours to edit.\n"
            + yaml.safe_dump(own, sort_keys=False)
        )
    os.environ["DAGSTER_HOME"] = str(plain(home.dagster))
    os.environ["COT_ASSETS_HOME"] = str(home.root)


@contextmanager
def open_instance(home: DataHome) -> Iterator[dg.DagsterInstance]:
    """The instance of the data home, whose runs show in the Dagster UI afterwards.

    Raises:
        InstanceError: Its ``dagster.yaml`` or its databases are damaged.
        OSError: The folder cannot be read or written.
    """
    prepare_instance(home)
    try:
        # Dagster makes its databases where it misses them, and two processes that do so at once spoil them.
        with FileLock(home.dagster / "opening.lock"):
            ref = InstanceRef.from_dir(str(plain(home.dagster)), overrides=_kept_open(home))
            opened = dg.DagsterInstance.from_ref(ref)
            # Dagster makes no tables in a file of events that was emptied.
            opened.get_dynamic_partitions("models")
    except OSError:
        raise
    except Exception as error:  # of YAML, of Dagster's schema, of a class that cannot be loaded, of SQLite
        hint = (
            ""
            if is_local(home)
            else "Is the database up and its package there (`uv sync --extra postgres`)? "
        )
        raise InstanceError(
            f"{home.dagster}: Dagster cannot use what is there ({type(error).__name__}: {' '.join(str(error).split()):.300}). "
            f"{hint}Make room, mend dagster.yaml or the rights to files, or move the folder away: only the history of runs is lost"
        ) from error
    with opened as instance:
        yield instance


def _kept_open(home: DataHome) -> dict[str, Any]:
    """Settings by which this process keeps the home's own SQLite files open; none where Dagster has another database."""
    folder = plain(home.dagster) / "history"
    kept = {"run_storage": (Runs, folder), "event_log_storage": (Events, folder / "runs")}
    return {
        setting: {"module": __name__, "class": kind.__name__, "config": {"base_dir": str(place)}}
        for setting, (kind, place) in kept.items()
        if is_local(home)
    }


def origin_of(job: str) -> RemoteJobOrigin:
    """Where a web server finds a job: runs that name it are on the job's page and on Overview."""
    location = ManagedGrpcPythonEnvCodeLocationOrigin(LoadableTargetOrigin(module_name=LOCATION), LOCATION)
    return RemoteJobOrigin(RemoteRepositoryOrigin(location, SINGLETON_REPOSITORY_NAME), job)
