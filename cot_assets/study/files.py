"""Files that are there whole or not at all.

Belongs here: writing next to a name and taking its place; small files of JSON, which programs write for themselves.
Does not belong here: folders (:mod:`cot_assets.report.folder`,
:mod:`cot_assets.engines.weights.prepared`), and what must survive a power cut (:mod:`cot_assets.warehouse.publish`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import polars as pl
    from pydantic import TypeAdapter

T = TypeVar("T")
DAMAGED = ".damaged"  #: how the names end under which damaged files are kept


@contextmanager
def replacing(path: Path) -> Generator[Path]:
    """A name next to ``path`` to write to: what is there at the end takes its place; after an error nothing is left.

    A device or a pipe, such as ``/dev/stdout``, is written to itself.
    """
    if path.exists() and not path.is_file():
        yield path
        return
    fresh = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield fresh
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def write_parquet(path: Path, frame: pl.DataFrame) -> None:
    """Keep a frame, whole or not at all; a full disk is an OSError, which polars tells in words of its own."""
    frame.write_parquet(packed := BytesIO())
    with replacing(path) as fresh:
        fresh.write_bytes(packed.getvalue())


def flush_folder(folder: Path) -> None:
    """Have the disk keep which files are in a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@cache
def _reader(kind: type[T]) -> TypeAdapter[T]:
    from pydantic import TypeAdapter  # loads slowly

    return TypeAdapter(kind)


def read_json(path: Path, kind: type[T]) -> T | None:
    """What a file of JSON holds; None where it is missing, damaged, or holds something else than ``kind``."""
    with suppress(OSError, ValueError):
        return _reader(kind).validate_json(path.read_bytes())
    return None


def write_json(path: Path, value: Any) -> None:
    """Keep a value as JSON, its folder made; a file that holds the same already is left alone."""
    content = json.dumps(value, sort_keys=True).encode()
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as fresh:
            fresh.write_bytes(content)
