"""The code location: everything Dagster loads, assembled in one place.

Belongs here: :func:`build_defs` and the module-level ``defs``. Does not belong here: any definition.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from cot_assets.measures.answers import assets as answers
from cot_assets.measures.curves import assets as curves
from cot_assets.measures.exploration import assets as exploration
from cot_assets.measures.patterns import assets as patterns
from cot_assets.measures.rates import assets as rates
from cot_assets.measures.search import assets as search
from cot_assets.measures.transfer import assets as transfer
from cot_assets.orchestration.assets.defining import after_all, catalogued
from cot_assets.orchestration.assets.publishing import publishing
from cot_assets.orchestration.assets.resources import Engines, LoggedProgress, Study
from cot_assets.orchestration.jobs import evidence_of, jobs, on_demand
from cot_assets.orchestration.status.remembered import learn
from cot_assets.orchestration.triggers import analysis_sensor, nightly_schedules, registry_sensor
from cot_assets.report.sections import Section

#: Modules with assets; the room of each is their group.
_ROOMS = (curves, exploration, answers, patterns, rates, search, transfer)


def _sections() -> tuple[Section, ...]:
    from cot_assets.measures.sections import SECTIONS  # with their pictures, which load slowly

    return SECTIONS


def build_defs(*, resource_overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """All definitions; tests and the command line swap resources by name.

    Resources: ``study`` (configuration and data home), ``engines``, ``progress``.
    """
    measured = [
        asset
        for module in _ROOMS
        for asset in catalogued(dg.load_assets_from_modules([module]), module.__name__.split(".")[-2])  # type: ignore[arg-type]
    ]
    checks = [key for asset in measured for key in asset.check_keys]
    assets = [*measured, *catalogued(publishing(after_all(measured), _sections, checks), "report")]
    learn(evidence_of(spec for asset in assets for spec in asset.specs))
    all_jobs = jobs()
    return dg.Definitions(
        assets=assets,
        jobs=[*all_jobs, on_demand()],
        sensors=[registry_sensor(all_jobs), analysis_sensor()],
        schedules=nightly_schedules(),
        # What is clicked, too, runs in one process: another one per step would load Dagster and the model again.
        executor=dg.in_process_executor,
        resources={
            "study": Study(),
            "engines": Engines(),
            "progress": LoggedProgress(),
            **(resource_overrides or {}),
        },
    )


defs = build_defs()
