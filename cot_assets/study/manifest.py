"""What files were when they were last seen whole: size, moment and hash of each, in one small JSON file.

A file of the same size and moment is taken to be the same, so that looking at thousands of files takes no reading.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Literal

from cot_assets.study.files import read_json, write_json

NAME = ".manifest.json"  #: of a manifest that lies among its files
Seen = tuple[int, int, str]  #: bytes, modification time in ns, digest
Found = Literal["whole", "missing", "damaged"]


def file_hash(path: Path) -> str:
    """First 32 hex digits of a SHA-256 over a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:32]


class Manifest:
    """The manifest at ``path`` of files below ``folder``; one that is missing or unreadable is empty."""

    def __init__(self, path: Path, folder: Path) -> None:
        self._path, self._folder = path, folder
        self._seen = read_json(path, dict[str, Seen]) or {}

    @property
    def names(self) -> tuple[str, ...]:
        """Paths of the files below the folder."""
        return tuple(self._seen)

    def add(self, file: Path, digest: str | None = None) -> None:
        """Take in a file that is whole."""
        status = file.stat()
        name = str(file.relative_to(self._folder))
        self._seen[name] = (status.st_size, status.st_mtime_ns, digest or file_hash(file))

    def drop(self, name: str) -> None:
        """Forget a file."""
        self._seen.pop(name, None)

    def is_unchanged(self, file: Path) -> bool:
        """Whether a file that can be read has the size and moment that it was seen whole with."""
        seen = self._seen.get(str(file.relative_to(self._folder)))
        if seen is None or not os.access(file, os.R_OK):
            return False
        status = file.stat()
        return seen[:2] == (status.st_size, status.st_mtime_ns)

    def look(self, name: str, *, is_thorough: bool = False) -> Found:
        """What has become of a file; ``is_thorough`` reads it even if size and moment are the same."""
        if name not in self._seen:
            return "missing"
        file, digest = self._folder / name, self._seen[name][2]
        if not file.is_file():  # a pipe would be read for ever
            return "missing"
        try:
            if not is_thorough and self.is_unchanged(file):
                return "whole"
            return "whole" if file_hash(file) == digest else "damaged"
        except OSError:
            return "missing"

    def lacking(self) -> list[str]:
        """Names of files that are not there, or not what they were; read are those of another size or moment."""
        return [name for name in self._seen if self.look(name) != "whole"]

    def save(self) -> None:
        """Write it as a whole; a home that cannot be written goes without."""
        with suppress(OSError):
            write_json(self._path, self._seen)


def recorded(path: Path, folder: Path, files: Iterable[Path]) -> Manifest:
    """A new manifest of exactly these files, written to ``path``."""
    manifest = Manifest(path, folder)
    for name in manifest.names:
        manifest.drop(name)
    for file in files:
        manifest.add(file)
    manifest.save()
    return manifest
