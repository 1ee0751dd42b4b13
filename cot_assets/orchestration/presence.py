"""What is there, compared with what Dagster remembers: shards, tables and published files.

Belongs here: noticing what is gone or damaged, setting damaged files aside, and remembering since when a partition
counts as not made. Does not belong here: what is run then (:mod:`cot_assets.orchestration.staleness`).

The memory is a file of the data home, so that a run that is killed, or one that the daemon starts, finds the same.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from datetime import UTC
from pathlib import Path
from typing import get_args

import duckdb

from cot_assets.orchestration.staleness import State, Unit, decide, wanted
from cot_assets.orchestration.status.records import is_local, local_events, local_runs, read_records
from cot_assets.orchestration.status.remembered import RESULTS, lose, recalled, seen, valid_since
from cot_assets.orchestration.status.standing import state_of
from cot_assets.report.folder import remove_report
from cot_assets.sampling.plan import Purpose
from cot_assets.sampling.shards import ShardStore
from cot_assets.study import Config
from cot_assets.study.files import DAMAGED
from cot_assets.study.home import DataHome
from cot_assets.study.manifest import Manifest, recorded
from cot_assets.warehouse.errors import WarehouseError
from cot_assets.warehouse.preparing import DAMAGE, row_counts, suspect
from cot_assets.warehouse.publish import seed_empty_shard, set_damaged_aside
from cot_assets.warehouse.store import Warehouse

Pairs = Collection[tuple[str, str]]  #: (model, problem set)


def published(home: DataHome, name: str, folder: Path, files: Iterable[Path]) -> None:
    """Note what was published: ``results``, or the report of a problem set."""
    recorded(seen(home, name), folder, files)


def withdraw(home: DataHome, problem_set: str) -> None:
    """Remove the report of a problem set, and the note of it."""
    seen(home, problem_set).unlink(missing_ok=True)
    remove_report(home.reports / problem_set)


def validity(warehouse: Warehouse) -> Callable[[Unit], float]:
    """From when on Dagster's records of a unit count: since the warehouse was made, and nothing of it was lost."""
    return valid_since(warehouse.home, _made(warehouse))


def nothing_to_do(
    warehouse: Warehouse, config: Config, pairs: Pairs, load: Callable[[], object], say: Callable[[str], None]
) -> bool:
    """Whether pairs are up to date, by Dagster's records and by what is there; asked without loading Dagster.

    ``say`` takes a line on what is not there, as in a run; ``load`` loads the definitions. False where only Dagster can
    tell: where its records are in another database, or a run has not ended.
    """
    home = warehouse.home
    if not (home.warehouse.exists() and is_local(home)):
        return False
    records = read_records(local_events(home), local_runs(home))
    if any(run.is_in_flight for run in records.runs):
        return False
    lines = look(warehouse, pairs)
    done = state_of(records, recalled(home, load), validity(warehouse)).done
    is_done = not decide(wanted(config, pairs, done), State(done=done)).requests
    lines += look_at_rows(warehouse, pairs) if is_done else []
    for line in lines:
        say(line)
    return is_done and not lines


def look(
    warehouse: Warehouse, pairs: Pairs, *, is_quiet: bool = True, is_thorough: bool = False
) -> list[str]:
    """A line for every file that is gone or damaged; what was made of it counts as not made from then on.

    Args:
        warehouse: Of the data home.
        pairs: Whose files are looked at.
        is_quiet: Whether nobody is running anything, who might be publishing.
        is_thorough: Read every byte, also of files of which neither size nor moment has changed.
    """
    home = warehouse.home
    if not home.root.is_dir():
        return []
    with suppress(OSError):  # SQL that reads texts would stumble over it
        seed_empty_shard(home)
    lines, lost = look_at_warehouse(warehouse, is_thorough=is_thorough), set[Unit]()
    for model in dict.fromkeys(model for model, _ in pairs):
        if n := _lost_shards(home, warehouse, model, is_thorough=is_thorough):
            lines.append(
                f"{n:,} shard{'s' * (n > 1)} of {model} gone or damaged; what they held is sampled again"
            )
            sets = [problem_set for name, problem_set in pairs if name == model]
            lost |= {unit for problem_set in sets for unit in _units(pairs, problem_set, model)}
    if is_thorough:  # also of models that nobody asks for: SQL reads the texts of all
        kept = set_damaged_aside(home.shards)
        lines += [f"a shard of another model is damaged, and kept as {name}" for name in kept]
    for problem_set in dict.fromkeys(problem_set for _, problem_set in pairs if is_quiet):
        for path, what in _lost_files(home, problem_set, is_thorough=is_thorough):
            lines.append(f"{path} {what}; it is made again")
            lost.add(Unit("compare_models", problem_set))
    lose(home, lost)
    return lines


def look_at_rows(warehouse: Warehouse, pairs: Pairs) -> list[str]:
    """A line for every table that has fewer rows than were published; see :func:`look`.

    Asked where everything is up to date by what Dagster says: until then rows may rightly be fewer.
    """
    home = warehouse.home
    is_published = Manifest(seen(home, RESULTS), home.root).look(home.results.name) == "whole"
    if not (is_published and home.warehouse.exists()):
        return []
    lines, lost = list[str](), set[Unit]()
    try:
        rows = warehouse.row_counts()
        with duckdb.connect(home.results, read_only=True) as con:
            shown = row_counts(con)
    except (duckdb.Error, WarehouseError) as error:
        if DAMAGE.search(str(error)):
            return look(warehouse, pairs, is_thorough=True)
        if isinstance(error, duckdb.IOException):
            return []  # another process has the results open for writing: nobody can say now
        raise
    for (table, problem_set, model), n in sorted(shown.items()):
        models = {name for name, of_set in pairs if of_set == problem_set}
        gone = n - rows.get((table, problem_set, model), 0)
        if gone > 0 and models and (not model or model in models):
            whose = " on ".join(filter(None, (model, problem_set)))
            lines.append(f"{gone:,} rows of {table} gone ({whose}); they are made again")
            lost |= _units(pairs, problem_set, model)
    lose(home, lost)
    return lines


def look_at_warehouse(warehouse: Warehouse, *, is_thorough: bool = False) -> list[str]:
    """A line if the warehouse was damaged; it is set aside then, before anything reads it."""
    if (problem := warehouse.damage(is_thorough=is_thorough)) is None:
        return []
    path = warehouse.home.warehouse
    kept = _set_aside(path)
    _set_aside(path.with_name(f"{path.name}.wal"))
    suspect(path).unlink(missing_ok=True)
    return [f"{path} is damaged ({problem}); kept as {kept.name}, and made again from the shards"]


def _made(warehouse: Warehouse) -> float:
    """POSIX time at which the warehouse was made; infinity where there is none.

    Dagster's records outlive the file: what was materialized before went into another one, and is not
    here, even if Dagster remembers it.
    """
    if not warehouse.home.warehouse.exists():
        return math.inf
    made = warehouse.read("SELECT min(applied_at) FROM schema_version WHERE name = 'created'").item()
    return 0.0 if made is None else made.replace(tzinfo=UTC).timestamp()


def _units(pairs: Pairs, problem_set: str, model: str) -> set[Unit]:
    """What has to be made again where something of a model on a problem set is lost; of all models without a name."""
    models = {name for name, of_set in pairs if of_set == problem_set}
    own = {model} if model else models
    units = {Unit("evaluate_model", problem_set, name) for name in own}
    units |= {Unit("measure_transfer", problem_set, name) for name in models}  # who reads what it wrote
    return (
        units
        | {Unit("compare_models", problem_set)}
        | (set() if model else {Unit("load_problems", problem_set)})
    )


def _lost_shards(home: DataHome, warehouse: Warehouse, model: str, *, is_thorough: bool) -> int:
    expected: dict[str, set[str]] = {}
    if home.warehouse.exists():
        sql = "SELECT DISTINCT shard FROM rollouts WHERE model = $model AND shard IS NOT NULL"
        for (shard,) in warehouse.read(sql, {"model": model}).iter_rows():
            folder, _, name = str(shard).rpartition("/")
            expected.setdefault(folder, set()).add(name)
    lost = 0
    for purpose in get_args(Purpose):
        if (home.shards / f"{purpose}s" / model).is_dir() or f"{purpose}s/{model}" in expected:
            store = ShardStore(home.shards, purpose, model)
            lost += len(store.lost(expected.get(f"{purpose}s/{model}", ()), is_thorough=is_thorough))
    return lost


def _lost_files(home: DataHome, problem_set: str, *, is_thorough: bool) -> Iterator[tuple[Path, str]]:
    """Published files that are gone or damaged, with what became of them."""
    results = Manifest(seen(home, RESULTS), home.root)
    report = Manifest(seen(home, problem_set), home.reports / problem_set)
    for manifest, place in ((results, home.results), (report, home.reports / problem_set)):
        found = {name: manifest.look(name, is_thorough=is_thorough) for name in manifest.names}
        bad = [name for name, state in found.items() if state != "whole"]
        if not bad:
            continue
        what = "is gone"
        if place.exists() or place.is_symlink():
            what = f"is damaged, and kept as {_set_aside(place).name}"
        yield place, what
        for name in bad:
            manifest.drop(name)
        manifest.save()


def _set_aside(path: Path) -> Path:
    """Where a damaged file or folder is kept, in place of an earlier one."""
    kept = path.with_name(path.name + DAMAGED)
    if path.exists() or path.is_symlink():
        if kept.is_dir():
            shutil.rmtree(kept)
        path.replace(kept)
    return kept
