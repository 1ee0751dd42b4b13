"""The Dagster instance of a data home.

Belongs here: ``dagster.yaml`` and opening the instance. Does not belong here: definitions and runs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import yaml
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from filelock import FileLock

from cot_assets.orchestration.status.records import is_local
from cot_assets.study.home import DataHome, plain

#: The code location, by the name under which every web server and daemon loads it.
LOCATION = "cot_assets.definitions"
#: The path below which `cot-assets ui` serves the folder of reports.
REPORTS = "/reports"

_SETTINGS = Path(__file__).with_name("dagster.yaml")
_OF_CHECKOUT = ("storage", "compute_logs")  #: settings that a data home does not need: they name its folder


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
            opened = dg.DagsterInstance.get()
    except OSError:
        raise
    except Exception as error:  # of YAML, of Dagster's schema, of a class that cannot be loaded, of SQLite
        hint = (
            ""
            if is_local(home)
            else "Is the database up that dagster.yaml names, and its package installed (`uv sync --extra postgres`)? "
        )
        raise InstanceError(
            f"{home.dagster}: Dagster cannot use what is there ({type(error).__name__}: {' '.join(str(error).split()):.300}). "
            f"{hint}Mend dagster.yaml, or move the folder away: only the history of runs is lost"
        ) from error
    with opened as instance:
        yield instance


def origin_of(job: str) -> RemoteJobOrigin:
    """Where a web server finds a job: runs that name it are on the job's page and on Overview."""
    location = ManagedGrpcPythonEnvCodeLocationOrigin(LoadableTargetOrigin(module_name=LOCATION), LOCATION)
    return RemoteJobOrigin(RemoteRepositoryOrigin(location, SINGLETON_REPOSITORY_NAME), job)
