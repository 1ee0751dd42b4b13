"""Rollouts that others published, as the warehouse holds them.

Belongs here: writing an import next to earlier ones, finding what is imported, and refusing to sample it.
Does not belong here: reading published files (:mod:`cot_assets.importing`), and what follows an import
(:mod:`cot_assets.orchestration.imports`).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from cot_assets.study import PUBLISHED, BrokenEntryWarning, Config, DataHome, ModelEntry, ProblemSetEntry
from cot_assets.study.files import read_json
from cot_assets.warehouse.errors import shown
from cot_assets.warehouse.schema import conform, table_schema, tables
from cot_assets.warehouse.store import Warehouse

PROTOCOL = "imported"  #: entry of protocols.toml with the thresholds for what has no entry of its own
#: Tables of an import in the order they are written; curves show once ``potentials`` is there.
TABLES = ("problems", "models", "traces", "trace_cuts", "rollouts", "import_notes", "potentials")


class ImportedError(ValueError):
    """Imported rollouts were asked to be what they are not; the message names them and the way out."""


@dataclass(frozen=True)
class Stored:
    """What became of an import.

    ``rows``: of the model on the problem set by table, earlier imports included. ``changed``: tables whose
    rows are not what they were. ``n_replaced``: traces of an earlier import that are gone.
    """

    rows: Mapping[str, int]
    changed: tuple[str, ...]
    n_replaced: int


def with_imported(config: Config, warehouse: Warehouse) -> Config:
    """The configuration with entries for imported models and problem sets that have none.

    An import needs no entry in a file; with these, everything that asks the configuration learns that they
    are imported, or came with traces. Entries of files win.
    """
    if found := _given_sets(warehouse.home):
        config = config.model_copy(update={"problem_sets": {**found, **config.problem_sets}})
    if not warehouse.home.warehouse.exists():
        return config
    models = warehouse.read(
        "SELECT model, string_agg(revision, ' ' ORDER BY revision) AS revision FROM models "
        "WHERE engine = 'imported' GROUP BY model ORDER BY model"
    )
    sets = warehouse.read(
        "SELECT problem_set, min(source) AS source FROM problems WHERE starts_with(source, $prefix) "
        "GROUP BY problem_set ORDER BY problem_set",
        {"prefix": PUBLISHED},
    )
    found_models = {
        name: ModelEntry.model_validate({"name": name, "engine": "imported", "revision": revision})
        for name, revision in models.iter_rows()
    }
    found_sets = {
        name: ProblemSetEntry.model_validate({"name": name, "source": source, "protocol": PROTOCOL})
        for name, source in sets.iter_rows()
    }
    return config.model_copy(
        update={
            "models": {**found_models, **config.models},
            "problem_sets": {**found_sets, **config.problem_sets},
        }
    )


def _given_sets(home: DataHome) -> dict[str, ProblemSetEntry]:
    """Entries of the problem sets that came with traces, by name."""
    found: dict[str, ProblemSetEntry] = {}
    for file in sorted(home.imports.glob("*.json")):
        if entry := read_json(file, ProblemSetEntry):
            found[file.stem] = entry
        else:
            warnings.warn(
                f"left out: {file} cannot be read; `cot-assets import traces` makes it again",
                BrokenEntryWarning,
                stacklevel=2,
            )
    return found


def refuse_imported(config: Config, problem_set: str, model: str = "") -> None:
    """Raise :class:`ImportedError` where nothing can be sampled: an imported model or problem set."""
    entry = config.models.get(model)
    if entry is not None and entry.is_imported:
        raise ImportedError(
            f"model {model!r} is imported: its rollouts were published by others and cannot be sampled; "
            "choose a model with an engine"
        )
    if config.problem_set(problem_set).is_imported:
        raise ImportedError(
            f"problem set {problem_set!r} is imported: it holds rollouts that others published, and nothing "
            "is sampled on it; choose another problem set, or `cot-assets import` to add to it"
        )


def imported_pairs(warehouse: Warehouse) -> list[tuple[str, str]]:
    """(model, problem set) of everything that was imported."""
    frame = warehouse.read(
        "SELECT DISTINCT traces.model, traces.problem_set FROM traces SEMI JOIN problems ON "
        "problems.problem_set = traces.problem_set AND starts_with(problems.source, $prefix) ORDER BY ALL",
        {"prefix": PUBLISHED},
    )
    return [(model, problem_set) for model, problem_set in frame.iter_rows()]


def check_names(warehouse: Warehouse, config: Config, model: str, problem_set: str) -> None:
    """Raise :class:`ImportedError` where an import under these names would mix with what is sampled."""
    entry = config.models.get(model)
    if entry is not None and not entry.is_imported:
        raise ImportedError(
            f"model {model!r} is in models.toml with engine {entry.engine!r}, so it is sampled here; give the "
            "imported one another name with --model"
        )
    declared = config.problem_sets.get(problem_set)
    sources = warehouse.read(
        "SELECT DISTINCT source FROM problems WHERE problem_set = $name AND NOT starts_with(source, $prefix)",
        {"name": problem_set, "prefix": PUBLISHED},
    )
    if (declared is not None and not declared.is_imported) or sources.height:
        source = sources["source"][0] if sources.height else declared.source if declared else ""
        raise ImportedError(
            f"problem set {problem_set!r} comes from {shown(source)}, and models are sampled on it; imported "
            "rollouts need a problem set of their own: name one with --problem-set"
        )


def store(
    warehouse: Warehouse, config: Config, model: str, problem_set: str, frames: Mapping[str, pl.DataFrame]
) -> Stored:
    """Write the frames of an import, one transaction per table.

    What was imported before of the same problems is replaced, other problems stay: imports of single
    traces add up, and the same import again changes no row.

    Args:
        warehouse: Where to.
        config: With :func:`with_imported`.
        model: The imported model.
        problem_set: Its problem set.
        frames: The tables of :data:`TABLES`, of this model and problem set only.

    Raises:
        ImportedError: A name belongs to something that is sampled, a problem is in the set with another
            statement or gold answer, or other problems of the model were sampled in another way.
    """
    check_names(warehouse, config, model, problem_set)
    _check_problems(warehouse, model, problem_set, frames["problems"])
    before = warehouse.read_table("traces", model=model, problem_set=problem_set)
    _check_protocol(model, problem_set, before, frames["traces"])
    own = {"problem_set": problem_set, "model": model}
    replaced = frames["problems"]["problem_id"].to_list()
    if before["problem_id"].is_in(replaced).all():
        replaced.append("")  # notes on all problems, of which none stays
    changed = tuple(t for t in TABLES if _write(warehouse, t, own, frames[t], replaced))
    rows = {t: warehouse.read_table(t, **_partition(t, own)).height for t in TABLES}
    after = warehouse.read_table("traces", **own)
    return Stored(rows, changed, before.join(after, on="trace_id", how="anti").height)


def remove(warehouse: Warehouse, model: str, problem_set: str, *, is_elsewhere: bool) -> bool:
    """Delete the rows of an imported model on a problem set, with what was concluded from them.

    Problems stay as long as another model has traces of them, and the entry of the model where it ``is_elsewhere``:
    on another problem set. Returns whether other models are left on this one.
    """
    everywhere = {"problem_set": problem_set}
    traces = warehouse.read_table("traces", **everywhere).filter(pl.col("model") != model)
    warehouse.forget(model, problem_set)
    if traces.is_empty():  # so what is said of the whole set goes, too
        for name, table in tables().items():
            if any(column.name == "problem_set" for column in table.columns):
                rows = warehouse.read_table(name, **everywhere)
                warehouse.write_partition(name, rows.clear(), everywhere)
    problems = warehouse.read_table("problems", **everywhere)
    kept = problems.filter(pl.col("problem_id").is_in(traces["problem_id"].unique().to_list()))
    warehouse.write_partition("problems", kept, everywhere)
    if not is_elsewhere:
        models = warehouse.read_table("models", model=model)
        warehouse.write_partition("models", models.filter(pl.col("engine") != "imported"), {"model": model})
    return traces.height > 0


def _partition(table: str, own: Mapping[str, str]) -> dict[str, str]:
    """The columns of ``own`` that the table has."""
    columns = {c.name for c in table_schema(table).columns}
    return {column: value for column, value in own.items() if column in columns}


def _write(
    warehouse: Warehouse, table: str, own: Mapping[str, str], frame: pl.DataFrame, replaced: list[str]
) -> bool:
    """Write one table next to what stays; returns whether its rows changed."""
    partition, key = _partition(table, own), list(table_schema(table).primary_key)
    before = warehouse.read_table(table, **partition)
    kept, new = before, conform(table, frame)
    if table == "models":
        # When a model was first seen is not news.
        seen = before.select(*key, seen="first_seen_at")
        new = new.join(seen, on=key, how="left").with_columns(
            first_seen_at=pl.coalesce("seen", "first_seen_at")
        )
        new = new.drop("seen")
    else:
        kept = before.filter(~pl.col("problem_id").is_in(replaced))
    after = pl.concat([kept.join(new, on=key, how="anti"), new]).sort(key)
    if after.equals(before.sort(key)):
        return False
    warehouse.write_partition(table, after, partition)
    return True


def _check_problems(warehouse: Warehouse, model: str, problem_set: str, problems: pl.DataFrame) -> None:
    """Models of a set share its problems: nobody may change those that others have traces of."""
    others = warehouse.read(
        "SELECT problems.problem_id, problems.statement, problems.gold_answer, min(traces.model) AS other "
        "FROM problems JOIN traces USING (problem_set, problem_id) "
        "WHERE problem_set = $problem_set AND traces.model <> $model GROUP BY ALL ORDER BY problem_id",
        {"problem_set": problem_set, "model": model},
    )
    differ = problems.join(others, on="problem_id", suffix="_there").filter(
        (pl.col("statement") != pl.col("statement_there"))
        | (pl.col("gold_answer") != pl.col("gold_answer_there"))
    )
    if differ.height:
        row = differ.row(0, named=True)
        raise ImportedError(
            f"problem {shown(row['problem_id'])} is in {problem_set!r} with another statement or gold answer, "
            f"from model {row['other']!r}; import into another problem set with --problem-set"
        )


def _check_protocol(model: str, problem_set: str, before: pl.DataFrame, traces: pl.DataFrame) -> None:
    """What stays must have been sampled in the same way, or one curve's n would mean two things."""
    kept = before.filter(~pl.col("problem_id").is_in(traces["problem_id"].unique().to_list()))
    if not set(kept["sampling_hash"]) <= set(traces["sampling_hash"]):
        raise ImportedError(
            f"model {model!r} on {problem_set!r} holds {kept.height} trace(s) from another source, or sampled in "
            "another way; import into another problem set with --problem-set"
        )
