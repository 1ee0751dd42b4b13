"""Models that appear: checkpoints in a folder that is watched, and ids at an endpoint.

Belongs here: looking, and telling what is complete and what could not be read. Does not belong here: remembering
(:mod:`cot_assets.study.found`) and evaluating.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from cot_assets.engines.finding.checkpoints import look_for_checkpoints
from cot_assets.engines.finding.served import look_for_served
from cot_assets.study import DataHome, ModelEntry
from cot_assets.study.found import Found

_AT_ONCE = 8  #: endpoints


def look_for_models(sources: Mapping[str, ModelEntry], home: DataHome) -> list[str]:
    """Names of models that were not there before; what is found, and what could not be read, is kept in the home.

    Where a place cannot be read, what was found there before stays.
    """
    found = Found.read(home)
    before = {name for models in found.models.values() for name in models}

    def look(entry: ModelEntry) -> None:
        known = found.models.get(entry.name, {})
        try:
            if entry.checkpoints is not None:
                seen = found.seen.get(entry.name, {})
                found.models[entry.name], found.seen[entry.name], problem = look_for_checkpoints(
                    entry, known, seen
                )
            else:
                found.models[entry.name], problem = look_for_served(entry)
        except OSError as error:
            problem = f"model {entry.name!r}: {error}"
        found.problems.pop(entry.name, None)
        if problem:
            found.problems[entry.name] = problem

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(look, sources.values()))
    found.write(home)
    return sorted({name for models in found.models.values() for name in models} - before)
