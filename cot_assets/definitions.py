"""The code location: everything Dagster loads, assembled in one place.

Belongs here: :func:`build_defs` and the module-level ``defs``. Does not belong here: any definition.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from cot_assets.measures.answers import assets as answers
from cot_assets.measures.curves import assets as potential
from cot_assets.measures.curves import problem_assets as problems
from cot_assets.measures.patterns import assets as patterns
from cot_assets.measures.rates import assets as comparison
from cot_assets.measures.search import assets as optimizing
from cot_assets.measures.transfer import assets as transfer
from cot_assets.orchestration import publishing
from cot_assets.orchestration.jobs import jobs
from cot_assets.orchestration.resources import Engines, LoggedProgress, Study
from cot_assets.orchestration.triggers import nightly_schedules, registry_sensor
from cot_assets.report.sections import Section

_MODULES = (problems, potential, answers, patterns, comparison, optimizing, transfer, publishing)


def _sections() -> tuple[Section, ...]:
    from cot_assets.measures.sections import SECTIONS  # with their pictures, which load slowly

    return SECTIONS


def build_defs(*, resource_overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """All definitions; tests and the command line swap resources by name.

    Resources: ``study`` (configuration and data home), ``engines``, ``progress``.
    """
    all_jobs = jobs()
    return dg.Definitions(
        assets=[*dg.load_assets_from_modules(_MODULES), publishing.report_asset(_sections)],
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
