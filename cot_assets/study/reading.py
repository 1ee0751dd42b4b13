"""Reading the three TOML files: inheritance by ``extends``, names that moved, paths relative to their file.

The three files of the package are read first; then those in the folder ``COT_ASSETS_CONFIG``, if set,
whose entries add to or replace those of the same name.
"""

from __future__ import annotations

import os
import re
import tomllib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from cot_assets.study.entries import NAME, ConfigError, Entry, given
from cot_assets.study.home import expanded
from cot_assets.study.models import ModelEntry
from cot_assets.study.problem_sets import ProblemSetEntry
from cot_assets.study.protocols import Protocol, nested

T = TypeVar("T")
E = TypeVar("E", bound=Entry)
Raw = dict[str, Any]  #: an entry as its file has it

_MAX_BYTES = 10_000_000
_SHOWN = 120  #: most characters of a value in a message


class MovedNameWarning(UserWarning):
    """A file uses names of an earlier version; they are still read."""


class Config(BaseModel):
    """Everything declared, by name. Look-ups raise :class:`ConfigError` with the known names."""

    model_config = ConfigDict(frozen=True)
    models: Mapping[str, ModelEntry]
    problem_sets: Mapping[str, ProblemSetEntry]
    protocols: Mapping[str, Protocol]

    def model(self, name: str) -> ModelEntry:
        """The registry entry ``name``."""
        return _lookup("model", self.models, name)

    def problem_set(self, name: str) -> ProblemSetEntry:
        """The problem set ``name``."""
        return _lookup("problem set", self.problem_sets, name)

    def protocol_of(self, problem_set: str) -> Protocol:
        """The protocol that the problem set is bound to."""
        return _lookup("protocol", self.protocols, self.problem_set(problem_set).protocol)


def load_config(folder: Path | None = None) -> Config:
    """What the package's TOML files declare, then those in ``folder`` (default: ``COT_ASSETS_CONFIG``).

    Raises :class:`ConfigError` where a file, a name or a value is wrong.
    """
    if folder is None and (variable := os.environ.get("COT_ASSETS_CONFIG")):
        folder = expanded(variable)
    if folder is not None and not folder.is_dir():
        raise ConfigError(f"COT_ASSETS_CONFIG = {str(folder)!r} is not a folder; create it or unset it")
    config = Config(
        models=_entries(ModelEntry, "models.toml", folder),
        problem_sets=_entries(ProblemSetEntry, "problem_sets.toml", folder),
        protocols=_entries(Protocol, "protocols.toml", folder),
    )
    for entry in config.problem_sets.values():
        config.protocol_of(entry.name)
    for model in config.models.values():
        for problem_set in model.problem_sets:
            config.problem_set(problem_set)
    return config


def _lookup(kind: str, entries: Mapping[str, T], name: str) -> T:
    if name not in entries:
        known = ", ".join(sorted(entries)) or "none"
        raise ConfigError(f"no {kind} named {_short(name)} is configured; known: {known}")
    return entries[name]


def _short(value: object) -> str:
    """A value as a message shows it."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _entries(kind: type[E], file: str, folder: Path | None) -> dict[str, E]:
    """The validated entries of one file of the package and of the user's file of the same name."""
    path, found = file, _read(kind, Path(__file__).parent / file)
    own = None if folder is None else folder / file
    if own is not None and os.path.lexists(own):
        path, entries = str(own), _read(kind, own)
        if kind is Protocol:
            entries = _in_parts(path, entries)
        found |= {name: _beside(kind, own.parent, entry) for name, entry in entries.items()}
    result: dict[str, E] = {}
    for name, entry in _filled(kind, path, found).items():
        try:
            result[name] = kind.model_validate({**entry, "name": name})
        except ValidationError as error:
            problems = "; ".join(_problem(kind, each) for each in error.errors())
            raise ConfigError(f"{path}: [{name}] {problems}") from error
    return result


def _read(kind: type[Entry], path: Path) -> dict[str, Raw]:
    """The sections of a file, names checked."""
    if not path.is_file():
        raise ConfigError(f"{path}: not a file; put a TOML file there, or take it away")
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError(f"{path}: more than {_MAX_BYTES:,} bytes; cut the file down")
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror or error}); mend its permissions"
        ) from error
    except RecursionError as error:
        raise ConfigError(f"{path}: not valid TOML: nested too deeply; write the tables flat") from error
    except ConfigError:
        raise
    except ValueError as error:  # of tomllib, of decoding, of numbers with thousands of digits
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    for name, entry in content.items():
        if not isinstance(entry, dict):
            raise ConfigError(f"{path}: {_short(name)} is outside a [section]; give it one")
        if not NAME.fullmatch(name):
            raise ConfigError(
                f"{path}: the name {_short(name)} may hold only letters, digits, '.', '_' and '-', at most 100"
            )
        for part, inside in cast("Raw", entry).items():
            if (
                part not in kind.model_fields
                and isinstance(inside, dict)
                and {*inside} & {*kind.model_fields}
            ):
                whole = f"{name}.{part}"
                raise ConfigError(
                    f"{path}: TOML takes [{whole}] for a table inside [{name}]; a name with a dot goes in quotes: "
                    f'["{whole}"]'
                )
    return content


def _in_parts(path: str, entries: dict[str, Raw]) -> dict[str, Raw]:
    """Protocols of any age in two parts; one warning names what moved."""
    result: dict[str, Raw] = {}
    moved: dict[str, str] = {}
    for name, entry in entries.items():
        try:
            result[name], names = nested(entry)
        except ValueError as error:
            raise ConfigError(f"{path}: [{name}] {error}") from error
        moved |= names
    if moved:
        names = ", ".join(f"{old} is now {new}" for old, new in moved.items())
        warnings.warn(f"{path}: names moved, and are still read: {names}", MovedNameWarning, stacklevel=4)
    return result


def _beside(kind: type[Entry], folder: Path, entry: Raw) -> Raw:
    """The entry with relative paths resolved against the folder of its file.

    What is neither there nor begins with a dot may be a model's name on the hub, and stays as it is.
    """
    field = "path" if kind is ModelEntry else "source" if kind is ProblemSetEntry else None
    text = entry.get(field) if field else None
    if not field or not isinstance(text, str) or re.match(r"[a-z-]+:|[/~]", text) or "\0" in text:
        return entry
    path = Path(os.path.abspath(folder / text))  # noqa: PTH100 - links are left as they are
    is_hub_name = kind is ModelEntry and not text.startswith(".") and not path.exists()
    return entry if is_hub_name else {**entry, field: str(path)}


def _filled(kind: type[Entry], path: str, entries: Mapping[str, Raw]) -> dict[str, Raw]:
    """All entries with what they take over from those that they ``extend``, chains of any length."""
    done: dict[str, Raw] = {}
    for name in entries:
        chain: dict[str, None] = {}  # an ordered set
        each: object = name
        while each is not None and not (isinstance(each, str) and each in done):
            last = next(reversed(chain), "")
            if not isinstance(each, str):
                raise ConfigError(f"{path}: [{last}] extends = {_short(each)}; name one entry, in quotes")
            if each not in entries:
                raise ConfigError(f"{path}: {last!r} extends {_short(each)}, which does not exist")
            if each in chain:
                raise ConfigError(f"{path}: {_short(' -> '.join((*chain, each)))} extend one another")
            chain[each] = None
            each = entries[each].get("extends")
        base = done.get(str(each), {})
        for link in reversed(chain):
            own = {field: value for field, value in entries[link].items() if field != "extends"}
            base = done[link] = _merged(kind, base, own)
    return done


def _part(kind: type[BaseModel], name: str) -> type[BaseModel] | None:
    """The kind of entry that a field holds, None where it holds plain values."""
    field = kind.model_fields.get(name)
    annotation = None if field is None else field.annotation
    return annotation if isinstance(annotation, type) and issubclass(annotation, Entry) else None


def _merged(kind: type[BaseModel], base: Raw, own: Raw) -> Raw:
    """``own`` over ``base``; parts that are entries themselves are merged field by field."""
    result = {**base, **own}
    for name, after in own.items():
        part, before = _part(kind, name), base.get(name)
        if part is not None and isinstance(before, dict) and isinstance(after, dict):
            result[name] = _merged(part, cast("Raw", before), cast("Raw", after))
    return result


def _problem(kind: type[BaseModel], error: ErrorDetails) -> str:
    """One problem of an entry, with what the field means and the value given, unless it may hold a secret."""
    place = ".".join(map(str, error["loc"])) or "entry"
    meaning = _meaning(kind, error["loc"])
    return f"{place}: {error['msg']}{given(place, error['input'])}" + (
        f"; it is: {meaning}" if meaning else ""
    )


def _meaning(kind: type[BaseModel], location: tuple[int | str, ...]) -> str:
    """The description of the field at a place in an entry, empty where it has none."""
    inside: type[BaseModel] | None = kind
    meaning = ""
    for name in map(str, location):
        if inside is None or name not in inside.model_fields:
            break
        meaning = inside.model_fields[name].description or ""
        inside = _part(inside, name)
    return meaning
