"""Taking a model out: of tables, partitions and, by what is made again then, of report and graph.

Belongs here: the order of the steps. Does not belong here: rows (:meth:`cot_assets.warehouse.store.Warehouse.forget`), and
making the rest anew (:mod:`cot_assets.orchestration.runs`).
"""

from __future__ import annotations

import shutil
from typing import get_args

import dagster as dg

from cot_assets.orchestration.assets.publishing import publish_results
from cot_assets.orchestration.presence import withdraw
from cot_assets.orchestration.staleness import Unit
from cot_assets.orchestration.state import read_state, records_of
from cot_assets.orchestration.status.remembered import lose
from cot_assets.orchestration.status.standing import known_units
from cot_assets.sampling.plan import Purpose
from cot_assets.study import NAME, Config
from cot_assets.study.found import forget
from cot_assets.warehouse.store import Warehouse


class ForgetError(ValueError):
    """A model cannot be taken out; the message says why."""


def forget_model(
    instance: dg.DagsterInstance, warehouse: Warehouse, config: Config, model: str, *, with_shards: bool
) -> tuple[int, list[tuple[str, str]]]:
    """How many rows were deleted, and the pairs of other models whose comparison and report are stale now.

    Reports that no model is left for are deleted. Automation leaves the model alone until a person runs it.

    Raises:
        ForgetError: Nobody knows the model, or something runs on it.
    """
    home, records = warehouse.home, records_of(instance)
    is_known = model in records.partitions.get("models", ()) or model in config.models
    if not NAME.fullmatch(model) or not is_known:
        known = ", ".join(sorted({*records.partitions.get("models", ()), *config.models})) or "none"
        raise ForgetError(f"no model named {model[:120]!r} is declared or was ever run; known: {known}")
    if any(run.is_in_flight and run.partition.startswith(f"{model}|") for run in records.runs):
        raise ForgetError(f"a run of {model!r} has not ended: wait for it, or stop it, and forget it then")
    done = read_state(instance).done
    sets = {unit.problem_set for unit in done if unit.model == model}
    n_rows = warehouse.forget(model) if home.warehouse.exists() else 0
    lose(home, [unit for unit in known_units(records) if unit.model == model])
    forget(home, model)
    if model in records.partitions.get("models", ()):
        instance.delete_dynamic_partition("models", model)
    if with_shards:
        for purpose in get_args(Purpose):
            shutil.rmtree(home.shards / f"{purpose}s" / model, ignore_errors=True)
        shutil.rmtree(home.models / model, ignore_errors=True)
    kept = [
        unit for unit in done if unit.model in config.models.keys() - {model} and unit.problem_set in sets
    ]
    written = {
        unit.problem_set for unit in kept if unit.job == "evaluate_model"
    }  # else readers have nothing to read
    others = sorted({(unit.model, unit.problem_set) for unit in kept if unit.problem_set in written})
    for problem_set in sets - {problem_set for _, problem_set in others}:
        withdraw(home, problem_set)
        lose(home, [Unit("compare_models", problem_set)])
    if home.warehouse.exists():
        publish_results(warehouse)
    return n_rows, others
