"""Reading published files: bounded, and with errors that name file and field.

Belongs here: JSON, the search for files below a folder, typed access to fields, and words as the unit of
length of texts without tokens. Does not belong here: what the fields mean.

Everything read here is hostile: sizes are bounded before a file is opened, and a text that cannot be
stored is refused where it is found.
"""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
import zlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

from cot_assets.importing.base import ImportingError
from cot_assets.study.rows import Numeral, RowsError, read_bytes
from cot_assets.warehouse.errors import unfit

MAX_FILE_BYTES = 256 * 2**20
MAX_FILES = 20_000  #: files below one folder
_ZSTD = 93  #: how a zip file says it
MAX_TEXT = 4_000_000  #: characters of one text

T = TypeVar("T")
_WORD = re.compile(r"\S+")


def read_json(path: Path) -> Any:
    """Parse a JSON file, perhaps packed as ``.gz``, of at most ``MAX_FILE_BYTES``."""
    try:
        return json.loads(read_bytes(path, MAX_FILE_BYTES))
    except RowsError as error:
        raise ImportingError(str(error)) from error
    except (ValueError, RecursionError) as error:
        raise ImportingError(f"{path}: not valid JSON: {str(error)[:200]}") from error


def found_in(folder: Path) -> str:
    """The first names in a folder, for messages about a layout that is not there."""
    try:
        names = sorted(p.name + "/" * p.is_dir() for p in folder.iterdir())
    except OSError as error:
        return f"nothing ({error.strerror or error})"
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return shown or "nothing"


def find(folder: Path, pattern: str) -> list[Path]:
    """Files below a folder that match a pattern, sorted by path; links to folders are not followed."""
    found: list[Path] = []
    for path in folder.rglob(pattern):
        found.append(path)
        if len(found) > MAX_FILES:
            raise ImportingError(
                f"{folder}: more than {MAX_FILES:,} files named {pattern}; name a folder further down"
            )
    return sorted(found)


def files_in(paths: Iterable[Path], pattern: str, what: str) -> list[Path]:
    """The files named, and those below folders that match a pattern, each once; raises where a folder has none."""
    files: dict[Path, None] = {}
    for path in paths:
        found = find(path, pattern) if path.is_dir() else [path]
        if not found:
            raise ImportingError(f"{path}: no {what} in it or below; found: {found_in(path)}")
        files |= dict.fromkeys(file.resolve() for file in found)
    return sorted(files)


def unpacked(path: Path, entry: zipfile.ZipInfo, limit: int) -> bytes:
    """The bytes of an entry of a zip file, at most ``limit``: what the file says of their number is not believed.

    Python's own reader knows no zstd before 3.14, which is what some programs pack by.
    """
    where = f"{path}: {entry.filename[:200]}"
    too_many = ImportingError(f"{where}: more than {limit:,} bytes; leave it out")
    if entry.compress_size > limit:
        raise too_many
    with path.open("rb") as file:
        file.seek(entry.header_offset)
        name, extra = struct.unpack("<HH", file.read(30)[26:30])
        file.seek(name + extra, io.SEEK_CUR)
        packed = file.read(entry.compress_size)
    if entry.compress_type == zipfile.ZIP_STORED:
        return packed
    if entry.compress_type == zipfile.ZIP_DEFLATED:
        found = zlib.decompressobj(-15).decompress(packed, limit + 1)
    elif entry.compress_type == _ZSTD:
        import pyarrow as pa  # loads slowly

        with pa.CompressedInputStream(pa.BufferReader(packed), "zstd") as stream:
            found = stream.read(limit + 1)
    else:
        raise ImportingError(
            f"{where}: packed by method {entry.compress_type}, which is not read; pack it by deflate"
        )
    if len(found) > limit:
        raise too_many
    return bytes(found)


class Record:
    """A JSON object with typed access; ``where`` names it in messages."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, Mapping):
            raise ImportingError(f"{where}: expected an object, found {type(value).__name__}")
        self.value, self.where = cast("Mapping[str, Any]", value), where

    def _get(self, name: str, kind: type[T], described: str) -> T:
        found = self.value.get(name)
        if not isinstance(found, kind) or isinstance(found, Numeral):
            there = type(found).__name__ if name in self.value else "nothing"
            fields = ", ".join(map(str, list(self.value)[:20]))
            raise ImportingError(
                f"{self.where}: {name!r} should hold {described}, found {there} (fields: {fields})"
            )
        return found

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self.value.get(name) is not None

    def text(self, name: str) -> str:
        """A text that can be stored: no NUL, no half surrogate pairs, at most ``MAX_TEXT`` characters."""
        return checked_text(self._get(name, str, "text"), f"{self.where}: {name!r}")

    def optional_text(self, name: str) -> str | None:
        """A text or a number as text; None where the field is missing, null or blank."""
        found = self.value.get(name)
        if isinstance(found, (int, float, Numeral)) and not isinstance(found, bool):
            return str(found)
        return (self.text(name).strip() or None) if found is not None else None

    def flag(self, name: str) -> bool:
        """True or false."""
        return self._get(name, bool, "true or false")

    def items(self, name: str) -> list[Any]:
        """A list."""
        return self._get(name, list, "a list")

    def part(self, name: str) -> Record:
        """The object in a field."""
        return Record(self.value.get(name), f"{self.where}: {name}")

    def token_ids(self, name: str) -> tuple[int, ...]:
        """A list of token ids."""
        ids = self.items(name)
        if not all(type(token) is int and 0 <= token < 2**31 for token in ids):
            raise ImportingError(f"{self.where}: {name!r} holds something that is not a token id")
        return tuple(ids)

    def share(self, name: str) -> float:
        """A number in [0, 1]."""
        return checked_share(self.value.get(name), f"{self.where}: {name!r}")


def checked_share(value: object, where: str) -> float:
    """The value as a number in [0, 1]."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ImportingError(f"{where}: {str(value)[:80]} is not a share; it must be a number from 0 to 1")
    return float(value)


def count_of(share: float, n: int, tolerance: float = 1e-9) -> int | None:
    """K where a share is k of n; None where it is of no whole number, so that it was not counted in n."""
    k = round(share * n)
    return k if abs(share * n - k) <= tolerance else None


def checked_text(value: str, where: str) -> str:
    """The value if it can be stored as text."""
    if problem := unfit(value, MAX_TEXT):
        raise ImportingError(f"{where}: {problem}")
    return value


def records(values: list[Any], where: str) -> Iterator[Record]:
    """The objects of a list, each named by its position."""
    for index, value in enumerate(values):
        yield Record(value, f"{where}[{index}]")


class Words:
    """Counts white-space words: the unit of length where a source has texts but no tokens.

    Words take the place of tokens because they are nearest to them (about 1.3 to 2 tokens each in mathematical
    prose); a word that a cut splits counts as a whole.
    """

    def __init__(self, text: str) -> None:
        self._starts = [match.start() for match in _WORD.finditer(text)]

    def before(self, char_end: int) -> int:
        """Words that begin before the offset."""
        return bisect_left(self._starts, char_end)

    @property
    def count(self) -> int:
        """All words of the text."""
        return len(self._starts)
