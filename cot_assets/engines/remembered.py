"""What is kept of a model that was opened once, so that the next time it is loaded only to sample.

Belongs here: identity and tokenizer of models in the data home, and an engine that loads the weights when the
first block is asked for. Does not belong here: loading (:mod:`cot_assets.engines.opening`).

What is kept goes by a hash of everything that the identity depends on: the entry, the revision of the folder and
the module of the engine. A model whose revision cannot be told without opening it is opened.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from typing import TypeVar

from cot_assets.engines.base import (
    Block,
    CannotScoreError,
    Engine,
    EngineError,
    EngineInfo,
    News,
    Sampling,
    TokenizedEngine,
    Tokens,
    Written,
)
from cot_assets.engines.hub import TOKENIZER_FILES
from cot_assets.engines.revision import canonical, entry_revision
from cot_assets.engines.weights.prepared import model_folder, whole
from cot_assets.statistics.surprise import Evidence
from cot_assets.study import ModelEntry

T = TypeVar("T")
_IDENTITY = "engine.json"
#: Fields that change no completion.
_UNSEEN = {
    "name", "path", "problem_sets", "api_key_variable", "checkpoints", "marker", "discover", "series", "step",
    "ray",
}  # fmt: skip


class RememberedEngine(TokenizedEngine[Tokens]):
    """An engine of known identity; the weights are loaded when the first block is asked for."""

    def __init__(self, info: EngineInfo, tokens: Tokens, load: Callable[[], Engine]) -> None:
        self._info, self._tokenizer, self._load = info, tokens, load
        self._engine: Engine | None = None

    def describe(self) -> EngineInfo:
        """What is known of the model, with what the loaded one has noted."""
        return self._info if self._engine is None else replace(self._info, note=self._engine.describe().note)

    def sample(self, blocks: Iterable[Block], sampling: Sampling) -> Iterator[News]:
        """Load the model if there is a block at all, and sample every block."""
        if (begun := _begun(blocks)) is not None:
            yield from self._loaded().sample(begun, sampling)

    def score(self, written: Iterable[Written], sampling: Sampling) -> Iterator[Evidence]:
        """Load the model if there is a block at all, and score every block.

        Raises :class:`CannotScoreError` where the model cannot be loaded: what was sampled elsewhere is analyzed all
        the same, and the audit says that it is missing.
        """
        if (begun := _begun(written)) is None:
            return
        try:
            engine = self._loaded()
        except EngineError as error:
            raise CannotScoreError(
                f"nothing was sampled here, and no audit can be made here: {error}"
            ) from error
        yield from engine.score(begun, sampling)

    def _loaded(self) -> Engine:
        if self._engine is None:
            self._engine = self._load()
        return self._engine

    def close(self) -> None:
        """Close the model, if it was loaded."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None


def _begun(items: Iterable[T]) -> Iterator[T] | None:
    """The items, of which the first is there; None for none."""
    rest = iter(items)
    return next((chain([first], rest) for first in rest), None)


def _key(entry: ModelEntry, revision: str) -> str:
    modules = sorted(Path(__file__).with_name(entry.engine).glob("*.py"))
    code = b"".join(module.read_bytes() for module in modules)
    identity = [entry.model_dump(mode="json", exclude=_UNSEEN), revision, hashlib.sha256(code).hexdigest()]
    return hashlib.sha256(json.dumps(identity, sort_keys=True, default=str).encode()).hexdigest()[:16]


def remember(models: Path, entry: ModelEntry, engine: Engine) -> None:
    """Keep identity and tokenizer of an open engine below ``models``, whole or not at all."""
    source = model_folder(entry)

    def keep(folder: Path) -> None:
        for name in TOKENIZER_FILES:
            if (source / name).is_file():
                shutil.copyfile(source / name, folder / name)
        (folder / _IDENTITY).write_text(json.dumps(asdict(engine.describe()), indent=1))

    whole(models / entry.name / _key(entry, entry_revision(entry)), keep)


def recall(models: Path, entry: ModelEntry, *, is_any: bool = False) -> tuple[EngineInfo, Path] | None:
    """Identity and tokenizer folder of a model that was opened before, None where it must be opened.

    With ``is_any`` the last that is known of these weights will do, else of any that went by this name: what was
    sampled was sampled by it.
    """
    revision = entry_revision(entry)
    folder = models / entry.name / _key(entry, revision)
    if revision != "unverified" and folder.exists():
        if (found := _read(folder)) is None:
            forget(folder)
        return found
    if not is_any:
        return None
    files = sorted((models / entry.name).glob(f"*/{_IDENTITY}"), key=lambda file: file.stat().st_mtime)
    known = [found for file in files if (found := _read(file.parent)) is not None]
    same = [found for found in known if found[0].model_revision == revision]
    return next(reversed(same or known), None)


def told(said: str) -> EngineInfo:
    """The engine of which :meth:`EngineInfo.sampled_with` said so; raises TypeError or ValueError of another release's words."""
    fields = json.loads(said)
    return EngineInfo(**{**fields, "settings": canonical(fields["settings"])})


def forget(folder: Path) -> None:
    """Remove what was kept of a model and is damaged, so that it is kept anew when the model is opened."""
    shutil.rmtree(folder, ignore_errors=True)


def _read(folder: Path) -> tuple[EngineInfo, Path] | None:
    try:
        return EngineInfo(**json.loads((folder / _IDENTITY).read_text())), folder
    except (OSError, TypeError, ValueError):  # damaged, or of another version
        return None
