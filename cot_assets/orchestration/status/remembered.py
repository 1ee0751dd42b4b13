"""What the data home remembers for every process: which assets show a part of a job, and since when a unit is not made.

Belongs here: these two files, and what names and sizes of published files tell. Does not belong here: what assets show
(:mod:`.standing`), looking into files and setting them aside (:mod:`cot_assets.orchestration.presence`). Loading the
definitions takes seconds; which assets there are changes with the code only.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cot_assets.orchestration.staleness import Part, Unit
from cot_assets.study import manifest
from cot_assets.study.files import read_json, write_json
from cot_assets.study.home import DataHome
from cot_assets.study.manifest import Manifest

#: Names of assets by job and part: those whose latest materializations show a unit's marks.
Evidence = Mapping[str, Mapping[Part, tuple[str, ...]]]
Since = Callable[[Unit], float]  #: POSIX time from which on a unit's materializations count
_FILE = "assets.json"


@dataclass(frozen=True)
class _Kept:
    """The file: what the definitions said, and of which code."""

    code: str
    assets: dict[str, dict[Part, tuple[str, ...]]]


_evidence: dict[str, dict[Part, tuple[str, ...]]] = {}


def learn(found: Evidence) -> None:
    """Take in what the definitions say; :func:`evidence` answers from then on."""
    _evidence.clear()
    _evidence.update({job: dict(parts) for job, parts in found.items()})


def evidence() -> Evidence:
    """Names of assets by job and part, of the definitions that were loaded."""
    if not _evidence:
        raise RuntimeError("no definitions are loaded: import cot_assets.definitions first")
    return _evidence


def recalled(home: DataHome, load: Callable[[], object]) -> Evidence:
    """The same, where this code was not asked before on the home by ``load``, which loads the definitions."""
    kept = read_json(home.dagster / _FILE, _Kept)
    if kept is not None and kept.code == _code():
        return kept.assets
    load()
    keep(home)
    return evidence()


def keep(home: DataHome) -> None:
    """Remember on the home what the definitions say, so that the next one who asks need not load them."""
    with suppress(OSError):  # a home that cannot be written is asked in seconds
        write_json(home.dagster / _FILE, {"code": _code(), "assets": evidence()})


def _code() -> str:
    """A hash of the modules that say which assets there are."""
    package = Path(__file__).parents[2]
    files = [*package.glob("measures/*/assets.py"), *package.glob("orchestration/**/*.py")]
    return hashlib.sha256(b"".join(file.read_bytes() for file in sorted(files))).hexdigest()[:16]


RESULTS = "results"
_LOST = "lost.json"
_CLOCKS_DIFFER_S = 60.0  #: of machines that share records


def lose(home: DataHome, units: Iterable[Unit]) -> None:
    """Count the units as not made from now on, even if Dagster remembers them."""
    if new := dict.fromkeys(map(_key, units), time.time()):
        write_json(home.root / _LOST, _lost(home) | new)


def valid_since(home: DataHome, made: float) -> Since:
    """From when on Dagster's records of a unit count, in a warehouse that was made at a moment."""
    lost = _lost(home)
    return lambda unit: max(0.0 if is_ahead(at) else at for at in (made, lost.get(_key(unit), 0.0)))


def is_ahead(moment: float) -> bool:
    """Whether a moment is still to come: a clock that was wrong told it, and what is after or before it is unknown."""
    return time.time() + _CLOCKS_DIFFER_S < moment < math.inf


def seen(home: DataHome, name: str) -> Path:
    """The manifest of what was published: of the results, or of the report of a problem set."""
    folder = home.published if name == RESULTS else home.published / "reports"
    return folder / f"{name}.json"


def without_files(
    home: DataHome, since: Since, shards: Iterable[tuple[str, str]], say: Callable[[str], object]
) -> Since:
    """The same, where nothing counts whose files are not what they were; ``say`` takes a line on those.

    ``shards``: model and shard of the rollouts that the warehouse holds; a manifest may be gone with its folder.
    """
    places = {
        name: home.reports / name for name in (f.stem for f in (home.published / "reports").glob("*.json"))
    }
    gone = {name for name, place in places.items() if Manifest(seen(home, name), place).lacking()}
    is_unpublished = bool(Manifest(seen(home, RESULTS), home.root).lacking())
    for place in [home.results] * is_unpublished + [places[name] for name in sorted(gone)]:
        say(f"{place} is gone or damaged; `cot-assets run` makes it again")
    lost = {(model, shard) for model, shard in shards if not (home.shards / shard).is_file()}
    for file in home.shards.glob(f"*/*/{manifest.NAME}"):
        folder, model = file.parent.relative_to(home.shards), file.parent.name
        lost |= {(model, str(folder / name)) for name in Manifest(file, file.parent).lacking()}
    models = Counter(model for model, _ in lost)
    for model, n in sorted(models.items()):
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
