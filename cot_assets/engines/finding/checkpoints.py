"""Checkpoints in a folder: which are complete, and after which step of training each was written.

Belongs here: names, sizes and headers of files. Does not belong here: reading weights (:mod:`cot_assets.engines.weights`).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from cot_assets.engines.weights.source import is_whole
from cot_assets.study import NAME, ModelEntry

_MOST = 2000  #: checkpoints of a folder, and files of a checkpoint, that are looked at
_STEP = re.compile(r"(?:step|checkpoint|ckpt|iter|iteration|epoch)[-_.]?(\d{1,18})(?!\d)", re.IGNORECASE)
_LAST_NUMBER = re.compile(r"(?<!\d)(\d{1,18})(?=\D*$)")
Models = dict[str, dict[str, Any]]


def look_for_checkpoints(
    entry: ModelEntry, known: Mapping[str, dict[str, Any]], seen: Mapping[str, str]
) -> tuple[Models, dict[str, str], str]:
    """The complete checkpoints by name, what the others look like now, and what is wrong with names.

    A checkpoint is complete once its marker is there, where the entry names one; else once its weights are whole and
    nothing in it has changed since the last look. One that was complete stays so while it is there.

    Raises:
        OSError: The folder cannot be read, which says nothing of what is in it.
    """
    folder = Path(str(entry.checkpoints))
    with os.scandir(folder) as listing:
        paths = sorted(Path(item.path) for item in islice(listing, _MOST))
    models: Models = {}
    looks: dict[str, str] = {}
    refused: list[str] = []
    for path in paths:
        if path.name.startswith(".") or not (path.is_dir() or path.suffix == ".gguf"):
            continue
        name = f"{entry.name}.{path.name.removesuffix('.gguf')}"
        if not NAME.fullmatch(name):
            refused.append(path.name)
            continue
        try:
            look = _look(path)
        except OSError:  # it is being taken away
            continue
        is_stable = seen.get(name) == look and is_whole(path)
        is_complete = _marker(path, entry.marker).exists() if entry.marker else is_stable
        if name in known or is_complete:
            models[name] = {"path": str(path), "step": step_of(path.name.removesuffix(".gguf"))}
        else:
            looks[name] = look
    if not refused:
        return models, looks, ""
    problem = f"model {entry.name!r}: {folder} holds names that no model can have, at most letters, digits, '.', '_', '-'"
    return models, looks, f"{problem}: {', '.join(repr(name[:60]) for name in refused[:3])}"


def step_of(name: str) -> int | None:
    """The step of training in a checkpoint's name: after a word for it, else its last number."""
    found = _STEP.findall(name) or _LAST_NUMBER.findall(name)
    return int(found[-1]) if found else None


def _marker(path: Path, marker: str) -> Path:
    return path / marker if path.is_dir() else path.with_name(f"{path.name}.{marker}")


def _look(path: Path) -> str:
    """A hash of names, sizes and moments of what belongs to a checkpoint."""
    files = sorted(islice(path.iterdir(), _MOST)) if path.is_dir() else [path]
    state = [(file.name, (found := file.stat()).st_size, found.st_mtime_ns) for file in files]
    return hashlib.sha256(json.dumps(state).encode()).hexdigest()[:16]
