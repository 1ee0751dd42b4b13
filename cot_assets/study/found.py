"""Models that no entry names by itself, and models that are to be left alone: what the data home remembers of them.

Belongs here: one small file of the home. Does not belong here: looking for models (:mod:`cot_assets.engines.finding`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, field
from pathlib import Path
from typing import Any

from pydantic.dataclasses import dataclass

from cot_assets.study.files import read_json, write_json
from cot_assets.study.home import DataHome

_FILE = "models.json"


@dataclass
class Found:
    """``models``: by the entry that asked to look, the fields in which each found model differs from it, by its name.

    ``seen``: what incomplete checkpoints looked like when they were last seen. ``problems``: why an entry's place could
    not be read. ``forgotten``: names that automation leaves alone.
    """

    models: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict[str, dict[str, dict[str, Any]]])
    seen: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    problems: dict[str, str] = field(default_factory=dict[str, str])
    forgotten: list[str] = field(default_factory=list[str])

    @classmethod
    def read(cls, home: DataHome) -> Found:
        """What the home remembers; nothing where the file is missing or damaged."""
        return read_json(home.root / _FILE, cls) or cls()

    def write(self, home: DataHome) -> None:
        """Keep it, where it has changed."""
        write_json(home.root / _FILE, asdict(self))

    def entries(self, declared: Iterable[str]) -> Mapping[str, tuple[str, dict[str, Any]]]:
        """The found models of entries that are still declared: the entry's name and what differs, by name."""
        return {
            name: (entry, fields)
            for entry in declared
            for name, fields in self.models.get(entry, {}).items()
            if fields.get("path") is None
            or not Path(str(fields["path"])).is_absolute()
            or Path(str(fields["path"])).exists()
        }


def forget(home: DataHome, name: str) -> None:
    """Let automation leave a model alone."""
    found = Found.read(home)
    found.forgotten = sorted({*found.forgotten, name})
    found.write(home)


def recall(home: DataHome, names: Iterable[str]) -> None:
    """Let automation take care of models again that a person asks for."""
    found = Found.read(home)
    found.forgotten = [name for name in found.forgotten if name not in set(names)]
    found.write(home)
