"""The four jobs, each in one process, so that an engine loads once per run.

Belongs here: which assets a job materializes and which of them show that it is done. Does not belong
here: when a job runs.
"""

from __future__ import annotations

from typing import Any

import dagster as dg

from cot_assets.orchestration.partitions import MODEL_BY_SET, PROBLEM_SETS
from cot_assets.orchestration.wanted import Unit

POTENTIAL = (
    "traces", "prefixes", "completions", "rollouts", "potentials",
    "tangents", "spikes", "lucky_guesses", "monotonicity",
    "changes", "change_priors", "monotone_tests", "drawdowns", "sensitivity", "jumps",
    "summaries", "answer_entropy",
)  # fmt: skip
TRANSFER = (
    "transfer_completions", "transfer_rollouts", "transfer_potentials", "unlocks",
    "transfer_differences", "transfer_steps",
)  # fmt: skip
OPTIMIZATION = ("optimized_traces",)
COMPARISON = ("pattern_rates", "matched_rates", "model_differences", "pass_at_k")

#: Assets of each job.
JOB_ASSETS: dict[str, tuple[str, ...]] = {
    "load_problems": ("problems",),
    "evaluate_model": POTENTIAL + OPTIMIZATION + TRANSFER,
    "measure_transfer": TRANSFER,
    "compare_models": (*COMPARISON, "results", "report"),
}
#: Assets whose latest materializations show a unit's fingerprint. ``evaluate_model`` also runs what
#: ``measure_transfer`` runs, with the writers that are there by then.
EVIDENCE: dict[str, tuple[str, ...]] = {
    "load_problems": ("problems",),
    "evaluate_model": POTENTIAL + OPTIMIZATION,
    "measure_transfer": TRANSFER,
    "compare_models": (*COMPARISON, "results", "report"),
}

_DESCRIPTIONS = {
    "load_problems": "Read a problem set from its source.",
    "evaluate_model": "Sample, grade, analyze and optimize one model on one problem set, transfer included.",
    "measure_transfer": "Measure one reader again, for writers that arrived after it.",
    "compare_models": "Pattern rates of all models, the report, and results.duckdb.",
}


def partition_key(unit: Unit) -> str:
    """The Dagster partition key of a unit."""
    return f"{unit.model}|{unit.problem_set}" if unit.model else unit.problem_set


def jobs() -> list[Any]:
    """Job definitions; they select assets by name. Dagster resolves them when it loads them."""
    return [
        dg.define_asset_job(
            name,
            selection=dg.AssetSelection.assets(*assets),
            description=_DESCRIPTIONS[name],
            partitions_def=PROBLEM_SETS if name in ("load_problems", "compare_models") else MODEL_BY_SET,
            executor_def=dg.in_process_executor,
        )
        for name, assets in JOB_ASSETS.items()
    ]
