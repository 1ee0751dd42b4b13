"""The code location: everything Dagster loads, assembled in one place.

Belongs here: :func:`build_defs` and the module-level ``defs``. Does not belong here: any definition.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from cot_assets.assets import comparison, optimising, patterns, potential, problems, publishing, transfer
from cot_assets.automation.jobs import jobs
from cot_assets.automation.triggers import nightly_schedules, registry_sensor
from cot_assets.resources import Engines, LoggedProgress, Study

_MODULES = (problems, potential, patterns, comparison, optimising, transfer, publishing)


def build_defs(*, resource_overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """All definitions; tests and the command line swap resources by name.

    Resources: ``study`` (configuration and data home), ``engines``, ``progress``.
    """
    all_jobs = jobs()
    return dg.Definitions(
        assets=dg.load_assets_from_modules(_MODULES),
        jobs=all_jobs,
        sensors=[registry_sensor(all_jobs)],
        schedules=nightly_schedules(),
        resources={
            "study": Study(),
            "engines": Engines(),
            "progress": LoggedProgress(),
            **(resource_overrides or {}),
        },
    )


defs = build_defs()
