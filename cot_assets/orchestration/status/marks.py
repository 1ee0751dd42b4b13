"""What a mark is made of, so that a person is told in words why it is another now.

Belongs here: hashing, and remembering of what. Does not belong here: what is hashed (:mod:`cot_assets.orchestration.staleness`). A mark is a hash. Beside every materialization the data home keeps, by mark, the parts that went into it; a part may be
a mark itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from cot_assets.study.files import read_json, write_json
from cot_assets.study.home import DataHome
from cot_assets.study.protocols import digest

Make = Mapping[str, str]  #: parts of a mark, each under the words for it
_makes: dict[str, Make] = {}  #: of every mark that this process computed; the same for the same mark


def marked(value: object, make: Make) -> str:
    """The mark of a value, whose parts are ``make``."""
    mark = digest(value)
    _makes[mark] = make
    return mark


def remember(home: DataHome, mark: str) -> None:
    """Keep what a mark of this process is made of, and what its parts are."""
    make = _makes.get(mark)
    file = _file(home, mark)
    if make is None or file.exists():
        return
    with suppress(OSError):  # a home that cannot be written tells no reasons
        write_json(file, make)
    for part in make.values():
        remember(home, part)


def _file(home: DataHome, mark: str) -> Path:
    return home.dagster / "marks" / f"{mark}.json"


def _make_of(home: DataHome, mark: str) -> Make | None:
    return _makes.get(mark) or read_json(_file(home, mark), dict[str, str])


def differences(home: DataHome, before: str, now: str) -> Iterator[str]:
    """What has changed between two marks, in words; nothing where that was not kept."""
    old, new = _make_of(home, before), _make_of(home, now)
    if old is None or new is None:
        return
    for name in dict.fromkeys([*old, *new]):
        if name not in new:
            yield f"{name} is gone"
        elif name not in old:
            yield f"{name} is new"
        elif old[name] != new[name]:
            yield from list(differences(home, old[name], new[name])) or [f"{name} changed"]
