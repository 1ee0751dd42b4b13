"""Which assets show that a part of a job is done: learned from the definitions, and remembered in the data home.

Belongs here: names of assets by job and part. Does not belong here: what they show (:mod:`.standing`). Loading the definitions takes seconds; what they say changes with the code only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cot_assets.orchestration.staleness import Part
from cot_assets.study.files import read_json, write_json
from cot_assets.study.home import DataHome

#: Names of assets by job and part: those whose latest materializations show a unit's marks.
Evidence = Mapping[str, Mapping[Part, tuple[str, ...]]]
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
    state = [
        (str(file), status.st_size, status.st_mtime_ns) for file in sorted(files) for status in [file.stat()]
    ]
    return hashlib.sha256(json.dumps(state).encode()).hexdigest()[:16]
