"""Reading the three TOML files: inheritance by ``extends``, names that moved, paths relative to their file.

The three files of the package are read first; then those in the folder ``COT_ASSETS_CONFIG``, if set,
whose entries add to or replace those of the same name.
"""

from __future__ import annotations

import os
import re
import tomllib
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from cot_assets.study.entries import NAME, ConfigError, Entry, Raw, filled, given, near, part_of, short
from cot_assets.study.found import Found
from cot_assets.study.home import DataHome, expanded
from cot_assets.study.models import ModelEntry
from cot_assets.study.problem_sets import ProblemSetEntry
from cot_assets.study.protocols import Protocol, nested

T = TypeVar("T")
E = TypeVar("E", bound=Entry)

#: Fields that name files, of each kind of entry.
_PATHS: Mapping[type[Entry], tuple[str, ...]] = {
    ModelEntry: ("path", "checkpoints"),
    ProblemSetEntry: ("source", "only"),
}
_MAX_BYTES = 10_000_000
_MOST_PROBLEMS = 20  #: of an entry that are told


class MovedNameWarning(UserWarning):
    """A file uses names of an earlier version; they are still read."""


class BrokenEntryWarning(UserWarning):
    """An entry is wrong, and left out; all others count."""


Kind = Literal["model", "problem set", "protocol"]


class Config(BaseModel):
    """Everything declared, by name. Look-ups raise :class:`ConfigError` with the known names.

    ``sources``: entries that are not models, but say where models are found. ``broken``: what is wrong with entries that
    are left out, by kind and name.
    """

    model_config = ConfigDict(frozen=True)
    models: Mapping[str, ModelEntry]
    problem_sets: Mapping[str, ProblemSetEntry]
    protocols: Mapping[str, Protocol]
    sources: Mapping[str, ModelEntry] = Field(default_factory=dict[str, ModelEntry])
    broken: Mapping[tuple[Kind, str], str] = Field(default_factory=dict[tuple[Kind, str], str])

    def model(self, name: str) -> ModelEntry:
        """The registry entry ``name``."""
        return self._lookup("model", self.models, name)

    def problem_set(self, name: str) -> ProblemSetEntry:
        """The problem set ``name``."""
        return self._lookup("problem set", self.problem_sets, name)

    def protocol_of(self, problem_set: str) -> Protocol:
        """The protocol that the problem set is bound to."""
        return self._lookup("protocol", self.protocols, self.problem_set(problem_set).protocol)

    def _lookup(self, kind: Kind, entries: Mapping[str, T], name: str) -> T:
        if name in entries:
            return entries[name]
        if (kind, name) in self.broken:
            raise ConfigError(self.broken[kind, name])
        if kind == "model" and name in self.sources:
            own = sorted(each for each in entries if each.startswith(f"{name}."))
            raise ConfigError(
                f"{name!r} stands for models that are found; found were: {', '.join(own) or 'none'}"
            )
        known = ", ".join(sorted(entries)) or "none"
        raise ConfigError(f"no {kind} named {short(name)} is configured; known: {known}")


def load_config(folder: Path | None = None) -> Config:
    """What the package's TOML files declare, then those in ``folder`` (default: ``COT_ASSETS_CONFIG``).

    An entry that is wrong costs that entry only: it is left out, with a warning, and named in ``broken``.
    Raises :class:`ConfigError` where a whole file cannot be read.
    """
    if folder is None and (variable := os.environ.get("COT_ASSETS_CONFIG")):
        folder = expanded(variable)
    if folder is not None and not folder.is_dir():
        raise ConfigError(f"COT_ASSETS_CONFIG = {str(folder)!r} is not a folder; create it or unset it")
    broken: dict[tuple[Kind, str], str] = {}
    config = Config(
        models=_entries(ModelEntry, "model", "models.toml", folder, broken),
        problem_sets=_entries(ProblemSetEntry, "problem set", "problem_sets.toml", folder, broken),
        protocols=_entries(Protocol, "protocol", "protocols.toml", folder, broken),
        broken=broken,
    )
    config = _with_found(_whole(config))
    for message in config.broken.values():
        warnings.warn(f"left out: {message}", BrokenEntryWarning, stacklevel=2)
    return config


def _whole(config: Config) -> Config:
    """The configuration without entries that name what there is not."""
    broken = dict(config.broken)

    def whole(kind: Kind, entries: Mapping[str, E], ask: Callable[[E], object]) -> dict[str, E]:
        kept: dict[str, E] = {}
        for name, entry in entries.items():
            try:
                ask(entry)
                kept[name] = entry
            except ConfigError as error:
                broken[kind, name] = f"{kind} {name!r}: {error}"
        return kept

    sets = whole("problem set", config.problem_sets, lambda entry: config.protocol_of(entry.name))
    known = {*sets, *(name for kind, name in broken if kind == "problem set")}
    models = whole(
        "model",
        config.models,
        lambda entry: [config.problem_set(each) for each in entry.problem_sets if each not in known],
    )
    return config.model_copy(update={"models": models, "problem_sets": sets, "broken": broken})


def _with_found(config: Config) -> Config:
    """The configuration with the models that were found where entries say, and without problem sets of forgotten ones."""
    sources = {name: entry for name, entry in config.models.items() if entry.is_source}
    found = Found.read(DataHome.from_environment())
    models = {name: entry for name, entry in config.models.items() if not entry.is_source}
    for name, (source, fields) in found.entries(sources).items():
        base = sources[source].model_dump(exclude={"checkpoints", "marker", "discover"})
        with suppress(ValidationError):  # the entry was changed since
            model = ModelEntry.model_validate({**base, "series": source, **fields, "name": name})
            models.setdefault(name, model)
    for name in found.forgotten:
        if name in models:
            models[name] = models[name].model_copy(update={"problem_sets": ()})
    broken = {("model", name): problem for name, problem in found.problems.items() if name in sources}
    return config.model_copy(
        update={"models": models, "sources": sources, "broken": {**config.broken, **broken}}
    )


def _entries(
    kind: type[E], noun: Kind, file: str, folder: Path | None, broken: dict[tuple[Kind, str], str]
) -> dict[str, E]:
    """The validated entries of one file of the package and of the user's file of the same name.

    What is wrong with the others goes into ``broken``.
    """
    wrong: dict[str, str] = {}
    path, found = file, _read(kind, Path(__file__).parent / file, wrong)
    own = None if folder is None else folder / file
    if own is not None and os.path.lexists(own):
        path, entries = str(own), _read(kind, own, wrong)
        if kind is Protocol:
            entries = _in_parts(path, entries, wrong)
        found |= {name: _beside(kind, own.parent, entry) for name, entry in entries.items()}
    result: dict[str, E] = {}
    for name, entry in filled(kind, path, found, wrong).items():
        try:
            if name not in wrong:
                result[name] = kind.model_validate({**entry, "name": name})
        except ValidationError as error:
            told = [_problem(kind, each) for each in error.errors()[:_MOST_PROBLEMS]]
            more = error.error_count() - len(told)
            wrong[name] = f"{path}: [{name}] {'; '.join(told)}" + (f"; and {more:,} more" if more else "")
    broken.update({(noun, name): message for name, message in wrong.items()})
    return result


def _read(kind: type[Entry], path: Path, wrong: dict[str, str]) -> dict[str, Raw]:
    """The sections of a file, names checked."""
    if not path.is_file():
        raise ConfigError(f"{path}: not a file; put a TOML file there, or take it away")
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError(f"{path}: more than {_MAX_BYTES:,} bytes; cut the file down")
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        repr(content)  # whoever shows or hashes a value later can
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror or error}); mend its permissions"
        ) from error
    except RecursionError as error:
        raise ConfigError(f"{path}: not valid TOML: nested too deeply; write the tables flat") from error
    except ConfigError:
        raise
    except ValueError as error:  # of tomllib, of decoding, of numbers with thousands of digits
        way_out = "; save it as UTF-8" if isinstance(error, UnicodeError) else ""
        raise ConfigError(f"{path}: not valid TOML: {error}{way_out}") from error
    for name, entry in content.items():
        if problem := _misnamed(kind, name, entry):
            wrong[name] = f"{path}: {problem}"
    return {name: entry for name, entry in content.items() if name not in wrong}


def _misnamed(kind: type[Entry], name: str, entry: object) -> str:
    """What is wrong with a section or its name, empty if nothing."""
    if not isinstance(entry, dict):
        return f"{short(name)} is outside a [section]; give it one"
    if not NAME.fullmatch(name):
        return f"the name {short(name)} may hold only letters, digits, '.', '_' and '-', at most 100, and not end in '.damaged'"
    for part, inside in cast("Raw", entry).items():
        if part not in kind.model_fields and isinstance(inside, dict) and {*inside} & {*kind.model_fields}:
            whole = f"{name}.{part}"
            return (
                f"TOML takes [{whole}] for a table inside [{name}]; a name with a dot goes in quotes: "
                f'["{whole}"]'
            )
    return ""


def _in_parts(path: str, entries: dict[str, Raw], wrong: dict[str, str]) -> dict[str, Raw]:
    """Protocols of any age in two parts; one warning names what moved."""
    result: dict[str, Raw] = {}
    moved: dict[str, str] = {}
    for name, entry in entries.items():
        try:
            result[name], names = nested(entry)
        except ValueError as error:
            wrong[name] = f"{path}: [{name}] {error}"
            continue
        moved |= names
    if moved:
        names = ", ".join(f"{old} is now {new}" for old, new in moved.items())
        warnings.warn(f"{path}: names moved, and are still read: {names}", MovedNameWarning, stacklevel=4)
    return result


def _beside(kind: type[Entry], folder: Path, entry: Raw) -> Raw:
    """The entry with relative paths resolved against the folder of its file.

    What is neither there nor begins with a dot may be a model's name on the hub, and stays as it is.
    """
    resolved = dict(entry)
    for field in _PATHS.get(kind, ()):
        text = entry.get(field)
        if not isinstance(text, str) or re.match(r"[a-z-]+:|[/~]", text) or "\0" in text:
            continue
        path = Path(os.path.abspath(folder / text))  # noqa: PTH100 - links are left as they are
        is_hub_name = field == "path" and not text.startswith(".") and not os.path.exists(path)  # noqa: PTH110
        resolved[field] = text if is_hub_name else str(path)
    return resolved


def _problem(kind: type[BaseModel], error: ErrorDetails) -> str:
    """One problem of an entry, with what the field means and the value given, unless it may hold a secret."""
    place = ".".join(map(str, error["loc"])) or "entry"
    if error["type"] == "extra_forbidden":
        return f"{place}: no such field{given(place, error['input'])}{near(place, _fields(kind, error['loc'][:-1]))}"
    meaning = _meaning(kind, error["loc"])
    return f"{place}: {error['msg']}{given(place, error['input'])}" + (
        f"; it is: {meaning}" if meaning else ""
    )


def _fields(kind: type[BaseModel], location: tuple[int | str, ...], before: str = "") -> list[str]:
    """The places of an entry at which a value may be, below one of its parts."""
    for name in map(str, location):
        kind, before = part_of(kind, name) or kind, f"{before}{name}."
    return [before + name for name in kind.model_fields if name != "name"]


def _meaning(kind: type[BaseModel], location: tuple[int | str, ...]) -> str:
    """The description of the field at a place in an entry, empty where it has none."""
    inside: type[BaseModel] | None = kind
    meaning = ""
    for name in map(str, location):
        if inside is None or name not in inside.model_fields:
            break
        meaning = inside.model_fields[name].description or ""
        inside = part_of(inside, name)
    return meaning
