"""Recorded rollouts in the data product: what an import leads to in the warehouse and in Dagster.

Belongs here: writing imports, reporting them to Dagster, running detection, rates and report on them.
Does not belong here: reading published files (:mod:`cot_assets.importing`), rows
(:mod:`cot_assets.warehouse.recorded`) and printing (:mod:`cot_assets.cli`).
"""

from __future__ import annotations

import hashlib
import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import dagster as dg
import polars as pl

from cot_assets.importing import Imported
from cot_assets.orchestration.assets.check_rules import potential_is_null_iff_unknown
from cot_assets.orchestration.assets.materializing import preview
from cot_assets.orchestration.jobs import assets_of
from cot_assets.orchestration.partitions import model_key
from cot_assets.orchestration.runs import execute
from cot_assets.orchestration.staleness import Unit, partition_key
from cot_assets.orchestration.state import ensure_partitions
from cot_assets.study import Config
from cot_assets.warehouse.errors import printable
from cot_assets.warehouse.recorded import RecordedError, Stored, check_names, recorded_pairs, store
from cot_assets.warehouse.store import Warehouse

#: Assets that an import takes the place of.
IMPORTED = ("problems", "traces", "prefixes", "rollouts", "potentials")
_COMMAND = "import_command"
Announce = Callable[[str], None]


@dataclass(frozen=True)
class Summary:
    """A recorded model on a problem set after its import, with all that was imported before.

    ``by_policy`` has a row per cut policy: ``cut_policy``, ``n_cuts``, ``n_unknown``; ``insight`` and
    ``tangent`` (events by threshold) and ``insight_confirmed``, ``tangent_confirmed``; ``late_spike``,
    ``lucky_guess`` and ``monotone`` (traces by threshold).
    """

    model: str
    problem_set: str
    stored: Stored
    notes: tuple[str, ...]
    n_correct: int
    n_unknown: int
    by_policy: pl.DataFrame


def import_rollouts(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    warehouse: Warehouse,
    config: Config,
    imported: Sequence[Imported],
    *,
    command: str,
    has_report: bool = True,
    announce: Announce = lambda _: None,
) -> list[Summary]:
    """Write imports, report them to Dagster, and run everything on them that runs on sampled rollouts.

    Args:
        definitions: What is run on the imported rows.
        instance: Where runs and materializations show.
        warehouse: Where rows go.
        config: With :func:`cot_assets.warehouse.recorded.with_recorded`.
        imported: What an importer returned.
        command: What to type to import the same again; kept with the materializations.
        has_report: Whether the report is made too.
        announce: Takes a line before each step that takes time.

    Raises:
        RecordedError: See :func:`cot_assets.warehouse.recorded.store`.
        PipelineError: A run failed; the imported rows are there, and the same import goes on from there.
    """
    for each in imported:  # before the first row is written
        check_names(warehouse, config, each.model, each.problem_set)
    stored: list[Stored] = []
    for each in imported:
        announce(f"import {each.model} on {each.problem_set}")
        stored.append(store(warehouse, config, each.model, each.problem_set, each.frames))
        report_tables(instance, warehouse, each.model, each.problem_set, command)
    pairs = [(each.model, each.problem_set) for each in imported]
    analyze(definitions, instance, pairs, announce, has_report=has_report)
    return [_summary(warehouse, *pair, done) for pair, done in zip(pairs, stored, strict=True)]


def analyze(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    pairs: Sequence[tuple[str, str]],
    announce: Announce,
    *,
    has_report: bool = True,
) -> None:
    """Run the analysis on recorded (model, problem set) pairs, then comparison and report of their sets."""
    ensure_partitions(instance, [m for m, _ in pairs], [p for _, p in pairs])
    units = [Unit("evaluate_model", problem_set, model) for model, problem_set in pairs]
    units += [Unit("compare_models", problem_set) for problem_set in dict.fromkeys(p for _, p in pairs)]
    for unit in units:
        assets = [name for name in assets_of(unit.job, ("analysis",)) if has_report or name != "report"]
        announce(f"{', '.join(assets)}: {partition_key(unit)}")
        execute(definitions, instance, unit, assets=assets)


def report_tables(
    instance: dg.DagsterInstance, warehouse: Warehouse, model: str, problem_set: str, command: str
) -> None:
    """Tell Dagster what the warehouse holds of a recorded partition, with source and notes."""
    ensure_partitions(instance, [model], [problem_set])
    own = {"problem_set": problem_set, "model": model}
    notes = warehouse.read_table("import_notes", **own)["note"]
    sources = warehouse.read_table("problems", problem_set=problem_set)["source"].unique().sort()
    # Not as a check evaluation: without a run, Dagster takes only one for each partition.
    finding = potential_is_null_iff_unknown(warehouse.read_table("potentials", **own))
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
                    **({"null_iff_unknown": finding.message} if asset == "potentials" else {}),
                    "preview": preview(frame.drop("text", "prompt", strict=False)),
                },
                tags={"dagster/data_version": _version(frame)},
            )
        )


def lost_imports(instance: dg.DagsterInstance, warehouse: Warehouse) -> list[str]:
    """Commands that import again what Dagster remembers and the warehouse does not hold."""
    there = set(recorded_pairs(warehouse)) if warehouse.home.warehouse.exists() else set()
    present = {partition_key(Unit("evaluate_model", problem_set, model)) for model, problem_set in there}
    commands: list[str] = []
    for partition in sorted(instance.get_materialized_partitions(dg.AssetKey("potentials")) - present):
        records = instance.fetch_materializations(
            dg.AssetRecordsFilter(dg.AssetKey("potentials"), asset_partitions=[partition]), limit=1
        ).records
        event = records[0].asset_materialization if records else None
        if event is not None and _COMMAND in event.metadata:
            commands.append(str(event.metadata[_COMMAND].value))
    return list(dict.fromkeys(commands))


def _as_list(notes: pl.Series) -> dg.MetadataValue:
    """Notes as a Markdown list; their text comes from files of others."""
    lines = [f"- {html.escape(printable(note)).replace('`', chr(39))}" for note in notes]
    return dg.MetadataValue.md("\n".join(lines) or "none")


def _version(frame: pl.DataFrame) -> str:
    """A hash of the rows, texts left out: their ids are hashes of them."""
    identity = frame.drop("text", strict=False).select(pl.exclude(pl.List)).write_ndjson()
    return hashlib.sha256(identity.encode()).hexdigest()[:12]


def _summary(warehouse: Warehouse, model: str, problem_set: str, stored: Stored) -> Summary:
    own = {"model": model, "problem_set": problem_set}
    notes = warehouse.read_table("import_notes", **own)
    traces, potentials = (warehouse.read_table(name, **own) for name in ("traces", "potentials"))
    return Summary(
        model,
        problem_set,
        stored,
        tuple(notes["note"]),
        traces.filter(pl.col("verdict") == "correct").height,
        potentials["potential"].null_count(),
        warehouse.read_transform("recorded_summary", own),
    )


__all__ = ["RecordedError", "Summary", "analyze", "import_rollouts", "lost_imports", "report_tables"]
