r"""Rows of a file that a user names: one reader, with one set of rules, for every place that takes rows.

JSONL, JSON, CSV and Parquet, plain or as ``.gz``, row by row.

- A number keeps its text (:class:`Numeral`): nothing is rounded, no huge integer is built; of Parquet the shortest one.
- Text is UTF-8, with or without a byte order mark. A missing value is None; so is an empty cell of a CSV.
- CSV is read strictly: a quote within a quoted cell is doubled; ``\\"``, which would join rows, is refused.
- Files are hostile: only regular ones are opened, and every size is checked while reading.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import io
import json
import os
import stat
import zlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import polars as pl

MAX_BYTES = 512 * 2**20  #: of a file as it lies on disk
MAX_UNPACKED = 2**31  #: bytes of a ``.gz`` without its compression, and of the text in a Parquet file
MAX_ROWS = 2_000_000
MAX_CELL = 64 * 2**20  #: characters of one line or cell
_SLICE = 50_000  #: rows of a Parquet file that are unpacked at a time
#: What polars raises on bad files; a panic (a bug that a malformed file hits) is no ``Exception``.
POLARS_ERRORS = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
_PACKED = {b"\x1f\x8b": "gzip", b"PK\3\4": "zip", b"\x28\xb5\x2f\xfd": "zstd", b"PAR1": "Parquet"}

Row = tuple[int, dict[str, Any]]  #: number of the line or row, from 1, and its values by column


class RowsError(ValueError):
    """A file cannot be read; the message names file, row and the way out."""


class Numeral(str):
    """A number as the text that it was written with."""

    __slots__ = ()


def iter_rows(path: Path, name: str | None = None) -> Iterator[Row]:
    """The rows of a file, one after the other.

    Args:
        path: Its suffix says what it is: one of :data:`SUFFIXES`, or one of these and ``.gz``.
        name: How messages name the file; default: the path.

    Raises:
        RowsError: The file is missing, of another kind, malformed, or too large.
    """
    name = name or str(path)
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    is_packed = suffixes[-1:] == [".gz"]
    reader = _READERS.get((suffixes[0] if is_packed and len(suffixes) == 2 else "".join(suffixes[-1:])) or "")
    if reader is None:
        raise RowsError(
            f"{name}: cannot tell what kind of file this is; use {', '.join(SUFFIXES)}, or one of them as .gz"
        )
    with _opened(path, name, is_packed=is_packed) as file:
        for count, row in enumerate(reader(file, name), 1):
            if count > MAX_ROWS:
                raise RowsError(f"{name}: more than {MAX_ROWS:,} rows; split the file")
            yield row


def file_digest(path: Path, name: str | None = None) -> str:
    """First 12 hex digits of SHA-256 of a file's bytes."""
    state = hashlib.sha256()
    with _opened(path, name or str(path), is_packed=False) as file:
        while chunk := file.read(2**20):
            state.update(chunk)
    return state.hexdigest()[:12]


def read_bytes(path: Path, limit: int = MAX_BYTES) -> bytes:
    """The bytes of a regular file, at most ``limit``, those within if it is a ``.gz``; raises :class:`RowsError`."""
    with _opened(path, str(path), is_packed=path.suffix.lower() == ".gz", limit=limit) as file:
        return file.read()


def json_rows(lines: Iterable[str], name: str) -> Iterator[Row]:
    """The objects of JSON lines; empty lines are left out, and count."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = _parsed(line)
        except (ValueError, RecursionError) as error:
            raise RowsError(
                f"{name}: line {number} is not valid JSON ({str(error)[:200]}); write one object per line"
            ) from error
        if not isinstance(row, dict):
            raise RowsError(f"{name}: line {number} holds {type(row).__name__}, not an object")
        yield number, row


def frame_rows(frame: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """The rows of a frame, numbers as the shortest text of their values; NaN is a missing value.

    Whole floats lose their ``.0``: integers with a missing value among them are stored so.
    """
    import numpy as np

    numbers = [column for column in frame.columns if frame.schema[column].is_numeric()]
    floats = [column for column in numbers if frame.schema[column].is_float()]
    for column in floats:
        if frame.schema[column] == pl.Float16:  # polars prints the single that it widens to
            shortest = [x if x is None or x % 1 == 0 else float(str(np.float16(x))) for x in frame[column]]
            frame = frame.with_columns(pl.Series(column, shortest, pl.Float64))
    written = frame.with_columns(pl.col(floats).fill_nan(None)).with_columns(pl.col(numbers).cast(pl.String))
    for row in written.with_columns(pl.col(floats).str.strip_suffix(".0")).iter_rows(named=True):
        for column in numbers:
            if row[column] is not None:
                row[column] = Numeral(row[column])
        yield row


# --- formats -------------------------------------------------------------------------------------


def _read_jsonl(file: IO[bytes], name: str) -> Iterator[Row]:
    yield from json_rows(_lines(file, name), name)


def _read_json(file: IO[bytes], name: str) -> Iterator[Row]:
    try:
        rows = _parsed(_decoded(file.read(), name))
    except (ValueError, RecursionError) as error:
        if isinstance(error, RowsError):
            raise
        raise RowsError(f"{name}: not valid JSON: {str(error)[:200]}") from error
    if not isinstance(rows, list):
        raise RowsError(f"{name}: expected a list of objects, found {type(rows).__name__}")
    for number, row in enumerate(cast("list[object]", rows), 1):
        if not isinstance(row, dict):
            raise RowsError(f"{name}: expected a list of objects; item {number}: found {type(row).__name__}")
        yield number, cast("dict[str, Any]", row)


def _read_csv(file: IO[bytes], name: str) -> Iterator[Row]:
    csv.field_size_limit(MAX_CELL)
    reader = csv.reader((line + "\n" for line in _lines(file, name)), strict=True)
    header: list[str] | None = None
    for number in range(MAX_ROWS + 2):
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise RowsError(f"{name}: row {number} is not valid CSV ({error}); {_CSV_QUOTES}") from error
        if cells is None:
            return
        if header is None:
            header = _header(cells, name)
        elif cells:
            if any('\\"' in cell for cell in cells):
                raise RowsError(
                    f'{name}: row {number} has a \\" in a cell, and may hold several rows; {_CSV_QUOTES}'
                )
            if len(cells) != len(header):
                raise RowsError(
                    f"{name}: row {number} has {len(cells)} cells, the header {len(header)}; {_CSV_QUOTES}"
                )
            yield number, {column: cell or None for column, cell in zip(header, cells, strict=True)}


_CSV_QUOTES = 'put cells with commas or quotes in quotes, double a quote within ("" not \\"), or use JSONL'


def _header(cells: list[str], name: str) -> list[str]:
    if doubled := next((cell for cell in cells if cells.count(cell) > 1), None):
        raise RowsError(f"{name}: the column {doubled!r} is there twice in the header; rename one")
    return cells


def _read_parquet(file: IO[bytes], name: str) -> Iterator[Row]:
    try:
        scan = pl.scan_parquet(io.BytesIO(file.read()))
        height = int(scan.select(pl.len()).collect().item())
        if height > MAX_ROWS:
            raise RowsError(f"{name}: {height:,} rows; at most {MAX_ROWS:,} are read. Split the file")
        unpacked = 0
        for start in range(0, height, _SLICE):
            part = scan.slice(start, _SLICE).collect()
            unpacked += _text_bytes(part)
            if unpacked > MAX_UNPACKED:
                raise RowsError(f"{name}: holds more than {MAX_UNPACKED:,} bytes of text; split the file")
            yield from enumerate(frame_rows(part), start + 1)
    except POLARS_ERRORS as error:
        raise RowsError(f"{name}: not valid Parquet: {str(error)[:300]}") from error


def _text_bytes(frame: pl.DataFrame) -> int:
    """Bytes of all values, each counted as often as it is there: a dictionary stores it once."""
    text = [pl.col(c).str.len_bytes().sum() for c, kind in frame.schema.items() if kind == pl.String]
    return int(frame.estimated_size()) + sum(int(n or 0) for n in (frame.select(text).row(0) if text else ()))


_READERS = {
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".json": _read_json,
    ".csv": _read_csv,
    ".parquet": _read_parquet,
}
SUFFIXES = tuple(_READERS)


# --- bytes and text ------------------------------------------------------------------------------


@contextmanager
def _opened(path: Path, name: str, *, is_packed: bool, limit: int | None = None) -> Generator[IO[bytes]]:
    """A regular file for reading, which ends with an error where it is larger than the limits."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a FIFO would wait for somebody to write
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise RowsError(f"{name}: not a regular file; name one")
            packed = io.BufferedReader(_Bounded(file, limit or MAX_BYTES, name))
            if not is_packed:
                yield packed
                return
            with gzip.GzipFile(fileobj=packed) as unpacked:
                yield io.BufferedReader(_Bounded(unpacked, limit or MAX_UNPACKED, name))
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise RowsError(f"{name}: cannot be read ({reason}); looked for {path.absolute()}") from error


class _Bounded(io.RawIOBase):
    """A file that cannot be read beyond a number of bytes."""

    def __init__(self, file: IO[bytes] | gzip.GzipFile, limit: int, name: str) -> None:
        self._file, self._left, self._limit, self._name = file, limit, limit, name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        found = self._file.read(min(len(buffer), self._left + 1))
        self._left -= len(found)
        if self._left < 0:
            raise RowsError(f"{self._name}: more than {self._limit:,} bytes; cut the file down")
        buffer[: len(found)] = found
        return len(found)


def _lines(file: IO[bytes], name: str) -> Iterator[str]:
    """Lines without their ends, split at line feeds alone: U+2028 may be unescaped in a JSON string."""
    start = 0
    while line := file.readline(MAX_CELL + 1):
        if len(line) > MAX_CELL:
            raise RowsError(f"{name}: a line of more than {MAX_CELL:,} bytes; cut the file down")
        yield _decoded(line, name, start).rstrip("\r\n")
        start += len(line)


def _decoded(content: bytes, name: str, start: int = 0) -> str:
    if packed := [kind for magic, kind in _PACKED.items() if start == 0 and content.startswith(magic)]:
        raise RowsError(
            f"{name}: is a {packed[0]} file by its first bytes; unpack it, or name it as what it is"
        )
    try:
        return content.decode("utf-8-sig" if start == 0 else "utf-8")
    except UnicodeDecodeError as error:
        guess = "utf-16" if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "latin1"
        raise RowsError(
            f"{name}: byte {start + error.start} is not UTF-8 ({guess}?); convert the file: iconv -f {guess} -t utf-8"
        ) from error


def _parsed(text: str) -> Any:
    """JSON with numbers left as text; a name that is there twice in an object is refused, as in a header."""
    return json.loads(
        text, parse_int=Numeral, parse_float=Numeral, parse_constant=_constant, object_pairs_hook=_object
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) < len(pairs):
        seen = set[str]()
        doubled = next(name for name, _ in pairs if name in seen or seen.add(name))
        raise ValueError(f"the name {doubled[:100]!r} is there twice in an object")
    return found


def _constant(name: str) -> None:
    """NaN, as pandas writes a missing value, is one; an infinite number is nothing that a file may hold."""
    if name != "NaN":
        raise ValueError(f"{name} is not JSON; write null where a value is missing")
