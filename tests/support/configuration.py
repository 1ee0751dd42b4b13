"""Configuration files: values and sections as TOML, read or refused.

Belongs here: TOML of plain values. Does not belong here: what a study is made of (``support.lab``).
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cot_assets.study import Config, ConfigError, load_config
from cot_assets.study.reading import BrokenEntryWarning

Sections = Mapping[str, Mapping[str, Any]]


def toml(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value if isinstance(value, str | int | float | bool) else str(value))


def write_sections(file: Path, sections: Sections) -> None:
    """Write entries as ``[name]`` sections."""
    text = [
        f"[{name}]\n" + "".join(f"{field} = {toml(value)}\n" for field, value in entry.items())
        for name, entry in sections.items()
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(text))


def load(folder: Path, **files: str) -> Config:
    """The configuration with the given files in the user's folder."""
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text)
    return load_config(folder)


def changed(config: Config, kind: str, name: str, **changes: object) -> Config:
    """The configuration with fields of one entry replaced; ``kind``: models, problem_sets or protocols."""
    entries = getattr(config, kind)
    return config.model_copy(update={kind: {**entries, name: entries[name].model_copy(update=changes)}})


def refusal(folder: Path, **files: str) -> str:
    """What the configuration with the given files is refused with: as a whole, or entry by entry."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", BrokenEntryWarning)
            broken = load(folder, **files).broken
    except ConfigError as error:
        return str(error)
    assert broken, "nothing was refused"
    return "; ".join(broken.values())
