"""The Dagster instance of a data home.

Belongs here: ``dagster.yaml`` and opening the instance. Does not belong here: definitions and runs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from cot_assets.study.home import DataHome, plain

#: run_monitoring ends a run whose daemon was killed while it started, and frees the pool slot of one that was
#: killed, without which the next run would wait for ever; one slot per pool: the GPU holds one model at a time.
_YAML = """\
# Written by cot-assets when it was missing; yours to edit.
run_monitoring:
  enabled: true
  start_timeout_seconds: 40
  poll_interval_seconds: 10
  free_slots_after_run_end_seconds: 5
concurrency:
  pools:
    granularity: op
    default_limit: 1
  runs:
    max_concurrent_runs: 1
telemetry:
  enabled: false
nux:
  enabled: false
"""


class InstanceError(RuntimeError):
    """Dagster's part of the data home cannot be opened; the message says why and what to do."""


def prepare_instance(home: DataHome) -> None:
    """Make the Dagster home with its ``dagster.yaml``, keeping one that is there, and point to it."""
    home.create()
    file = home.dagster / "dagster.yaml"
    if not file.exists():
        file.write_text(_YAML)
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
        opened = dg.DagsterInstance.get()
    except OSError:
        raise
    except Exception as error:  # of YAML, of Dagster's schema, of a class that cannot be loaded, of SQLite
        raise InstanceError(
            f"{home.dagster}: Dagster cannot use what is there ({type(error).__name__}: {' '.join(str(error).split()):.300}). "
            "Mend dagster.yaml, or move the folder away: only the history of runs is lost"
        ) from error
    with opened as instance:
        yield instance
