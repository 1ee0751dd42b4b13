"""What Dagster is told of imports, and what it remembers of them.

Belongs here: materializations without a run. Does not belong here: the rows, and runs (:mod:`.bringing`).
"""

from __future__ import annotations

import hashlib
import html

import dagster as dg
import polars as pl

from cot_assets.orchestration.assets.check_rules import (
    no_answer_share_is_small,
    potential_is_null_iff_unknown,
)
from cot_assets.orchestration.assets.materializing import preview
from cot_assets.orchestration.jobs import assets_of, model_key
from cot_assets.orchestration.staleness import Unit
from cot_assets.warehouse.errors import printable
from cot_assets.warehouse.imported import imported_pairs
from cot_assets.warehouse.store import Warehouse

#: Assets that an import takes the place of.
IMPORTED = ("problems", "traces", "prefixes", "rollouts", "potentials")
_COMMAND, _TAKEN_BACK = "import_command", "taken_back"


def report_tables(
    instance: dg.DagsterInstance, warehouse: Warehouse, model: str, problem_set: str, command: str
) -> None:
    """Tell Dagster what the warehouse holds of an imported partition, with source and notes."""
    own = {"problem_set": problem_set, "model": model}
    notes = warehouse.read_table("import_notes", **own)["note"]
    sources = warehouse.read_table("problems", problem_set=problem_set)["source"].unique().sort()
    # Not as a check evaluation: without a run, Dagster takes only one for each partition.
    rollouts, potentials = (warehouse.read_table(name, **own) for name in ("rollouts", "potentials"))
    found = {
        "potentials": {"null_iff_unknown": potential_is_null_iff_unknown(potentials).message},
        "rollouts": {"no_answer_share": no_answer_share_is_small(rollouts).message},
    }
    cuts = warehouse.read_table("trace_cuts", **own)
    for asset in IMPORTED:
        is_set = asset == "problems"
        if asset == "prefixes":
            frame = cuts.filter(~pl.col("is_end")).unique("prefix_id", maintain_order=True)
        else:
            frame = warehouse.read_table(asset, **({"problem_set": problem_set} if is_set else own))
        instance.report_runless_asset_event(
            dg.AssetMaterialization(
                asset,
                description="Published by others; nothing here was sampled.",
                partition=problem_set if is_set else model_key(model, problem_set),
                metadata={
                    "dagster/partition_row_count": frame.height,
                    "source": ", ".join(sources),
                    "notes": _as_list(notes),
                    _COMMAND: command,
                    **found.get(asset, {}),
                    "preview": preview(frame.drop("text", "prompt", strict=False)),
                },
                tags={"dagster/data_version": _version(frame)},
            )
        )


def lost_imports(instance: dg.DagsterInstance, warehouse: Warehouse) -> list[str]:
    """Commands that import again what Dagster remembers and the warehouse does not hold."""
    there = set(imported_pairs(warehouse)) if warehouse.home.warehouse.exists() else set()
    present = {Unit("evaluate_model", problem_set, model).key for model, problem_set in there}
    commands: list[str] = []
    for partition in sorted(instance.get_materialized_partitions(dg.AssetKey("potentials")) - present):
        event = _latest(instance, partition)
        if event is not None and _COMMAND in event.metadata:
            commands.append(str(event.metadata[_COMMAND].value))
    return list(dict.fromkeys(commands))


def was_taken_back(instance: dg.DagsterInstance, model: str, problem_set: str) -> bool:
    """Whether the last that Dagster heard of an imported partition is that it was taken back."""
    event = _latest(instance, str(model_key(model, problem_set)))
    return event is not None and _TAKEN_BACK in event.metadata


def _latest(instance: dg.DagsterInstance, partition: str) -> dg.AssetMaterialization | None:
    """What Dagster heard last of the potentials of a partition."""
    wanted = dg.AssetRecordsFilter(dg.AssetKey("potentials"), asset_partitions=[partition])
    records = instance.fetch_materializations(wanted, limit=1).records
    return records[0].asset_materialization if records else None


def report_taken_back(instance: dg.DagsterInstance, model: str, problem_set: str, *, is_shared: bool) -> None:
    """Tell Dagster that nothing is left of an imported partition: its storage cannot forget single partitions."""
    of_set = [] if is_shared else ["problems", *assets_of("compare_models", ("analysis",))]
    of_model = [*IMPORTED[1:], *assets_of("evaluate_model", ("analysis",))]
    for asset in (*of_set, *of_model):
        instance.report_runless_asset_event(
            dg.AssetMaterialization(
                asset,
                description="Taken back: its rows are gone.",
                partition=problem_set if asset in of_set else model_key(model, problem_set),
                metadata={"dagster/partition_row_count": 0, _TAKEN_BACK: True},
            )
        )


def _as_list(notes: pl.Series) -> dg.MetadataValue:
    """Notes as a Markdown list; their text comes from files of others."""
    lines = [f"- {html.escape(printable(note)).replace('`', chr(39))}" for note in notes]
    return dg.MetadataValue.md("\n".join(lines) or "none")


def _version(frame: pl.DataFrame) -> str:
    """A hash of the rows, texts left out: their ids are hashes of them."""
    identity = frame.drop("text", strict=False).select(pl.exclude(pl.List)).write_ndjson()
    return hashlib.sha256(identity.encode()).hexdigest()[:12]
