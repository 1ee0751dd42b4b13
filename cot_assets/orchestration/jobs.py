"""Partitions by model and problem set, and the four jobs, each in one process, so that an engine loads once per run.

Belongs here: which assets a part of a job materializes, read off the assets' groups, partitions and tags. Does not belong
here: when a job runs (:mod:`cot_assets.orchestration.staleness`).
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable
from typing import Any, cast

import dagster as dg

from cot_assets.orchestration.staleness import Part
from cot_assets.orchestration.status.remembered import Evidence, evidence

MODELS = dg.DynamicPartitionsDefinition(name="models")
PROBLEM_SETS = dg.DynamicPartitionsDefinition(name="problem_sets")
MODEL_BY_SET = dg.MultiPartitionsDefinition({"model": MODELS, "problem_set": PROBLEM_SETS})

with warnings.catch_warnings():
    # Partition mappings over several dimensions are a beta of Dagster; nothing else maps them.
    warnings.simplefilter("ignore", dg.BetaWarning)
    #: Between a partition by model and set, and the partition of its problem set.
    BY_PROBLEM_SET = dg.MultiToSingleDimensionPartitionMapping("problem_set")
    #: From a reader to the partitions of all writers on the same problem set.
    ALL_WRITERS = dg.MultiPartitionMapping(
        {
            "model": dg.DimensionPartitionMapping("model", dg.AllPartitionMapping()),
            "problem_set": dg.DimensionPartitionMapping("problem_set", dg.IdentityPartitionMapping()),
        }
    )


def model_key(model: str, problem_set: str) -> dg.MultiPartitionKey:
    """The partition key of a model on a problem set, written ``model|problem_set``."""
    return dg.MultiPartitionKey({"model": model, "problem_set": problem_set})


#: The tag that says what of a protocol an asset depends on; see :data:`~cot_assets.orchestration.staleness.Part`.
PART_TAG = "part"
#: Groups whose assets hold what was sampled, unless they are tagged otherwise.
_SAMPLED = ("curves", "exploration", "transfer")
_DESCRIPTIONS = {
    "load_problems": "Read a problem set from its source.",
    "evaluate_model": "Sample, grade, analyze and search one model on one problem set, transfer included.",
    "measure_transfer": "Measure one reader again, for writers that arrived after it.",
    "compare_models": "Rates of all models, the report, and results.duckdb.",
}
JOBS = tuple(_DESCRIPTIONS)


def part_of(spec: dg.AssetSpec) -> Part:
    """What of a protocol an asset depends on: its tag, else what its group says."""
    if tag := spec.tags.get(PART_TAG):
        return cast("Part", tag)
    if spec.group_name == "search":
        return "search"
    return "sampling" if spec.group_name in _SAMPLED else "analysis"


def job_of(spec: dg.AssetSpec) -> str:
    """The job that keeps an asset up to date."""
    if spec.partitions_def == PROBLEM_SETS:
        return "load_problems" if part_of(spec) == "sampling" else "compare_models"
    return "measure_transfer" if spec.group_name == "transfer" else "evaluate_model"


def evidence_of(specs: Iterable[dg.AssetSpec]) -> Evidence:
    """Names of assets by job and part."""
    found: dict[str, dict[Part, tuple[str, ...]]] = {}
    for spec in (spec for spec in specs if spec.partitions_def is not None):
        parts = found.setdefault(job_of(spec), {})
        parts[part_of(spec)] = (*parts.get(part_of(spec), ()), spec.key.to_user_string())
    return found


def assets_of(job: str, parts: Collection[Part]) -> list[str]:
    """The assets to materialize for some parts of a job.

    With what was sampled, ``evaluate_model`` also brings what ``measure_transfer`` runs, with the writers that are
    there by then: the model is loaded anyway.
    """
    jobs = [job, "measure_transfer"] if job == "evaluate_model" and "sampling" in parts else [job]
    return [
        name for each in jobs for part, names in evidence()[each].items() if part in parts for name in names
    ]


def jobs() -> list[Any]:
    """Job definitions over the assets that were taken in."""
    every: tuple[Part, ...] = ("sampling", "search", "analysis")
    return [
        dg.define_asset_job(
            name,
            selection=dg.AssetSelection.assets(*assets_of(name, every)),
            description=_DESCRIPTIONS[name],
            executor_def=dg.in_process_executor,
        )
        for name in JOBS
    ]


def on_demand() -> Any:
    """The job of the one asset that is made on demand only, of no partition, and kept up to date by nothing."""
    return dg.define_asset_job(
        "look_at_model",
        selection=["quick_look"],
        description="A look at a few problems with fewer rollouts: the launchpad asks for what. Fills no table.",
        executor_def=dg.in_process_executor,
    )
