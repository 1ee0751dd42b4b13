"""Where the weights of an entry are, and in which form; nothing is converted or loaded.

Belongs here: telling an OpenVINO folder, a GGUF file and a folder with safetensors apart. Does not belong here:
what OpenVINO is given (:mod:`cot_assets.engines.weights.prepared`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cot_assets.engines.base import EngineError
from cot_assets.engines.hub import hub_weights
from cot_assets.engines.weights.gguf import read_gguf
from cot_assets.study import ModelEntry

Kind = Literal["openvino", "gguf", "safetensors"]
_HEADER = 100_000_000  #: bytes of the header of a safetensors file
_INDEX = "model.safetensors.index.json"


@dataclass(frozen=True)
class Source:
    """Weights as they were found: a folder, or the GGUF file itself."""

    kind: Kind
    path: Path

    @property
    def folder(self) -> Path:
        """The folder that the files lie in."""
        return self.path.parent if self.path.is_file() else self.path

    @property
    def files(self) -> list[Path]:
        """The files that hold the weights."""
        patterns = {"openvino": "openvino_model.*", "gguf": self.path.name, "safetensors": "*.safetensors"}
        return sorted(self.folder.glob(patterns[self.kind]))

    @property
    def size(self) -> int:
        """Bytes of the weights."""
        return sum(file.stat().st_size for file in self.files)

    @property
    def quantization(self) -> str | None:
        """What the weights are stored in, None where that is not said."""
        return read_gguf(self.path).quantization if self.kind == "gguf" else None


def find_source(entry: ModelEntry, *, may_download: bool = True) -> Source:
    """The weights that ``entry.path`` names, fetched from the hub where they are not on this machine.

    Raises:
        EngineError: There are none, or none that are told apart; the message says what is there.
    """
    place = entry.local_path
    if place is None:
        place = hub_weights(entry, may_download=may_download)
    if not place.exists():
        raise EngineError(
            f"model {entry.name!r}: {entry.path!r} is not a folder here; check `path` in models.toml"
        )
    if place.is_file():
        if place.suffix != ".gguf":
            raise EngineError(
                f"model {entry.name!r}: {place} is not a GGUF file; name a folder or a .gguf file"
            )
        return Source("gguf", place)
    if (place / "openvino_model.xml").is_file():
        return Source("openvino", place)
    if any(place.glob("*.safetensors")):
        return Source("safetensors", place)
    found = sorted(place.glob("*.gguf"))
    if len(found) == 1:
        return Source("gguf", found[0])
    if found:
        raise EngineError(
            f"model {entry.name!r}: {place} holds {len(found)} GGUF files ({', '.join(f.name for f in found[:6])}); "
            "name one of them in `path`"
        )
    there = ", ".join(sorted(file.name for file in place.iterdir())[:8]) or "nothing"
    raise EngineError(
        f"model {entry.name!r}: {place} holds no model weights (openvino_model.xml, *.gguf or *.safetensors); it holds "
        f"{there}; check `path` in models.toml"
    )


def is_whole(path: Path) -> bool:
    """Whether all weights that a folder or GGUF file names are there, to their last byte where that can be told."""
    try:
        return _names_whole(path)
    # Of files that are not what they are called.
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return False


def _names_whole(path: Path) -> bool:
    if path.is_file():
        return path.stat().st_size > 0
    if (path / "openvino_model.xml").is_file():
        return (path / "openvino_model.bin").is_file()
    if (path / _INDEX).is_file():
        listed = json.loads((path / _INDEX).read_text(encoding="utf-8"))["weight_map"].values()
        return all(_holds_all(path / str(name)) for name in set(listed))
    weights = sorted(path.glob("*.safetensors"))
    if weights:
        return all(_holds_all(file) for file in weights)
    return any(path.glob("*.gguf"))


def _holds_all(file: Path) -> bool:
    """Whether a safetensors file is as long as its header says."""
    if not file.is_file():
        return False
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if length > _HEADER:
            return False
        header = json.loads(stream.read(length))
    ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
    return file.stat().st_size >= 8 + length + max(ends, default=0)
