"""Since when a unit counts as not made: a file of the data home, so that every process finds the same.

Belongs here: that file. Does not belong here: finding out what was lost (:mod:`cot_assets.orchestration.presence`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from cot_assets.orchestration.staleness import Unit
from cot_assets.study.files import read_json, write_json
from cot_assets.study.home import DataHome

_LOST = "lost.json"


def lose(home: DataHome, units: Iterable[Unit]) -> None:
    """Count the units as not made from now on, whatever Dagster remembers of them."""
    if new := dict.fromkeys(map(_key, units), time.time()):
        write_json(home.root / _LOST, _lost(home) | new)


def valid_since(home: DataHome, made: float) -> Callable[[Unit], float]:
    """From when on Dagster's records of a unit count, in a warehouse that was made at a moment."""
    lost = _lost(home)
    return lambda unit: max(made, lost.get(_key(unit), 0.0))


def _key(unit: Unit) -> str:
    return "|".join((unit.job, unit.model, unit.problem_set))


def _lost(home: DataHome) -> dict[str, float]:
    return read_json(home.root / _LOST, dict[str, float]) or {}
