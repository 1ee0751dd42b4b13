"""Since when a unit counts as not made: a file of the data home, so that every process finds the same.

Belongs here: that file, and what names and sizes of files tell. Does not belong here: looking into files and setting
them aside (:mod:`cot_assets.orchestration.presence`).
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from cot_assets.orchestration.staleness import Unit
from cot_assets.study import manifest
from cot_assets.study.files import read_json, write_json
from cot_assets.study.home import DataHome
from cot_assets.study.manifest import Manifest

RESULTS = "results"
_LOST = "lost.json"


def lose(home: DataHome, units: Iterable[Unit]) -> None:
    """Count the units as not made from now on, whatever Dagster remembers of them."""
    if new := dict.fromkeys(map(_key, units), time.time()):
        write_json(home.root / _LOST, _lost(home) | new)


def valid_since(home: DataHome, made: float) -> Callable[[Unit], float]:
    """From when on Dagster's records of a unit count, in a warehouse that was made at a moment."""
    lost = _lost(home)
    return lambda unit: max(made, lost.get(_key(unit), 0.0))


def seen(home: DataHome, name: str) -> Path:
    """The manifest of what was published: of the results, or of the report of a problem set."""
    folder = home.published if name == RESULTS else home.published / "reports"
    return folder / f"{name}.json"


def without_files(
    home: DataHome, since: Callable[[Unit], float], say: Callable[[str], object]
) -> Callable[[Unit], float]:
    """The same, where nothing counts whose files are not there by their names and sizes; ``say`` takes a line on those."""
    places = {
        name: home.reports / name for name in (f.stem for f in (home.published / "reports").glob("*.json"))
    }
    gone = {name for name, place in places.items() if Manifest(seen(home, name), place).lacking()}
    is_unpublished = bool(Manifest(seen(home, RESULTS), home.root).lacking())
    for place in [home.results] * is_unpublished + [places[name] for name in sorted(gone)]:
        say(f"{place} is gone or damaged; `cot-assets run` makes it again")
    folders = [file.parent for file in sorted(home.shards.glob(f"*/*/{manifest.NAME}"))]
    models: Counter[str] = Counter()
    for folder in folders:
        models[folder.name] += len(Manifest(folder / manifest.NAME, folder).lacking())
    for model, n in (+models).items():
        say(
            f"{n:,} shard{'s' * (n > 1)} of {model} gone or damaged; `cot-assets run` samples what they held again"
        )

    def valid(unit: Unit) -> float:
        is_shown = unit.job != "compare_models" or not (is_unpublished or unit.problem_set in gone)
        return since(unit) if is_shown and not models[unit.model] else math.inf

    return valid


def _key(unit: Unit) -> str:
    return "|".join((unit.job, unit.model, unit.problem_set))


def _lost(home: DataHome) -> dict[str, float]:
    return read_json(home.root / _LOST, dict[str, float]) or {}
