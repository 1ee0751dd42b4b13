"""Where problems are read from: local files, and data sets on the Hugging Face hub with a cached copy.

Belongs here: getting rows, as the source has them, and a revision for them. Does not belong here: what
the columns mean (:mod:`cot_assets.problems.load`).

Files are hostile until shown otherwise: their size is bounded, and numbers in JSON are kept as the text
that they are written as, so nothing is rounded and no huge integer is ever built.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

import polars as pl

from cot_assets.study import DataHome

MAX_BYTES = 512 * 2**20  #: largest local file that is read
MAX_ROWS = 1_000_000  #: most rows that are read from any source

_HUB = re.compile(
    r"hf://(?P<repository>(?:datasets|spaces)/[^/@]+/[^/@]+)(?:@(?P<revision>[^/]+))?/(?P<path>.+)"
)
_REVISION = re.compile(r"[A-Za-z0-9._~-]{1,100}")
_COMMIT = re.compile(r"[0-9a-f]{7,40}")
#: What polars raises on bad files; a panic (a bug that a malformed file hits) is no ``Exception``.
_READ_ERRORS = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
_log = logging.getLogger(__name__)


class ProblemSetError(ValueError):
    """A problem set cannot be read or is wrong; the message names source, value and way out."""


@dataclass(frozen=True)
class Table:
    """Rows as the source has them; ``columns`` are all names that occur, in order of appearance.

    ``revision`` identifies the contents: a commit, or a hash.
    """

    columns: tuple[str, ...]
    rows: list[dict[str, Any]]
    revision: str


def is_hub_path(source: str) -> bool:
    """Whether the source lies on the Hugging Face hub."""
    return source.startswith("hf://")


def digest(content: bytes) -> str:
    """First 12 hex digits of SHA-256: the revision of what has no other."""
    return hashlib.sha256(content).hexdigest()[:12]


# --- local files --------------------------------------------------------------------------------


def read_local(source: str) -> Table:
    """Read a ``.jsonl``, ``.ndjson``, ``.json``, ``.csv`` or ``.parquet`` file.

    Relative paths start at the working directory. The revision is a hash of the file's bytes. Raises
    :class:`ProblemSetError` for a file that is missing, too large, malformed, or of another kind.
    """
    path = Path(source).expanduser()
    reader = _LOCAL_READERS.get(path.suffix.lower())
    if reader is None:
        raise ProblemSetError(
            f"{source}: cannot tell what kind of file this is; use {', '.join(_LOCAL_READERS)}, "
            "'generated:demo' or an hf:// path"
        )
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ProblemSetError(
                f"{source}: {size:,} bytes; at most {MAX_BYTES:,} are read. Cut the file down"
            )
        content = path.read_bytes()
    except OSError as error:
        raise ProblemSetError(
            f"{source}: cannot be read ({error.strerror or error}); looked for {path.resolve()}"
        ) from error
    columns, rows = reader(source, content)
    if len(rows) > MAX_ROWS:
        raise ProblemSetError(f"{source}: {len(rows):,} rows; at most {MAX_ROWS:,} are read")
    return Table(columns, rows, digest(content))


_Rows = tuple[tuple[str, ...], list[dict[str, Any]]]


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _parse(text: str) -> Any:
    """JSON with numbers left as text."""
    return json.loads(text, parse_int=str, parse_float=str, parse_constant=_constant)


def _columns_of(rows: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for row in rows for key in row))


def _decode(source: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProblemSetError(f"{source}: byte {error.start} is not UTF-8; convert the file") from error


def _read_jsonl(source: str, content: bytes) -> _Rows:
    rows: list[dict[str, Any]] = []
    # Not splitlines(): it would also split at U+2028, which may stand unescaped in a JSON string.
    for number, line in enumerate(_decode(source, content).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = _parse(line)
        except (ValueError, RecursionError) as error:
            raise ProblemSetError(f"{source}: line {number} is not valid JSON: {error}") from error
        if not isinstance(row, dict):
            raise ProblemSetError(f"{source}: line {number} holds {type(row).__name__}, not an object")
        rows.append(row)
    return _columns_of(rows), rows


def _read_json(source: str, content: bytes) -> _Rows:
    try:
        rows = _parse(_decode(source, content))
    except (ValueError, RecursionError) as error:
        raise ProblemSetError(f"{source}: not valid JSON: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        found = (
            "a list with other things than objects in it" if isinstance(rows, list) else type(rows).__name__
        )
        raise ProblemSetError(f"{source}: expected a list of objects, found {found}")
    return _columns_of(rows), rows


def _polars_reader(read: Callable[[io.BytesIO], pl.DataFrame], kind: str) -> Callable[[str, bytes], _Rows]:
    def reader(source: str, content: bytes) -> _Rows:
        try:
            frame = read(io.BytesIO(content))
        except _READ_ERRORS as error:
            raise ProblemSetError(f"{source}: not valid {kind}: {error}") from error
        return tuple(frame.columns), frame.to_dicts()

    return reader


_LOCAL_READERS: Mapping[str, Callable[[str, bytes], _Rows]] = {
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".json": _read_json,
    ".csv": _polars_reader(lambda file: pl.read_csv(file, infer_schema=False), "CSV"),
    ".parquet": _polars_reader(pl.read_parquet, "Parquet"),
}


# --- the hub ------------------------------------------------------------------------------------

#: Lazy readers by suffix; JSON that is not line by line cannot be scanned.
_HUB_SCANNERS: Mapping[str, Callable[[str], pl.LazyFrame]] = {
    ".jsonl": lambda path: pl.scan_ndjson(path, infer_schema_length=None),
    ".ndjson": lambda path: pl.scan_ndjson(path, infer_schema_length=None),
    ".csv": lambda path: pl.scan_csv(path, infer_schema=False),
    ".parquet": pl.scan_parquet,
}


def read_hub(source: str, revision: str | None, home: DataHome, *, refresh: bool) -> Table:
    """Read a data set from the Hugging Face hub, or the copy of it in the data home's cache.

    Args:
        source: ``hf://datasets/<owner>/<name>[@<revision>]/<file or pattern>``.
        revision: Commit, tag or branch to read where the path names none.
        home: The copy lies in its cache; it is keyed by path and revision, so entries that differ in
            prompt or columns share it.
        refresh: Ask the hub even if there is a copy; the copy serves if the hub cannot be reached.

    Returns:
        The rows. Their revision is the commit if one was named, else a hash of the rows.

    Raises:
        ProblemSetError: The path or revision is malformed, or the hub refused or could not be reached
            and there is no copy.
    """
    path, named = _hub_path(source, revision)
    copy = _copy_path(path, home)
    cached = _read_copy(copy)
    if cached is not None and not refresh:
        return _hub_table(cached, named)
    try:
        frame = _fetch(path)
    except _READ_ERRORS as error:
        if cached is None:
            raise ProblemSetError(
                f"{source}: the hub could not be read ({error}). Check path and network; for a gated data "
                "set accept its terms on the hub and set HF_TOKEN; or download the file and name it as source"
            ) from error
        _log.warning("%s: the hub could not be read (%s); the copy %s is used", source, error, copy)
        return _hub_table(cached, named)
    if frame.height > MAX_ROWS:
        raise ProblemSetError(f"{source}: more than {MAX_ROWS:,} rows; name a smaller file")
    _write_copy(copy, frame)
    return _hub_table(frame, named)


def _hub_path(source: str, revision: str | None) -> tuple[str, str | None]:
    """The path with its revision in it, and the revision."""
    match = _HUB.fullmatch(source)
    if match is None:
        raise ProblemSetError(
            f"{source}: not a hub path; write hf://datasets/<owner>/<name>/<file>, with @<revision> after "
            "the name if wanted"
        )
    if revision is None or match["revision"] == revision:
        return source, match["revision"]
    if match["revision"] is not None:
        raise ProblemSetError(f"{source}: revision = {revision!r} contradicts the path; drop one of them")
    if not _REVISION.fullmatch(revision):
        raise ProblemSetError(
            f"{source}: revision = {revision!r} is no commit, tag or branch of a hub data set"
        )
    return f"hf://{match['repository']}@{revision}/{match['path']}", revision


def _fetch(path: str) -> pl.DataFrame:
    """Ask the hub; the token, if any, is taken from HF_TOKEN by polars."""
    scan = _HUB_SCANNERS.get(PurePosixPath(path).suffix.lower())
    if scan is None:
        raise ProblemSetError(
            f"{path}: files of this kind cannot be read from the hub; known: {', '.join(_HUB_SCANNERS)}. "
            "Download the file and name it as source"
        )
    return scan(path).head(MAX_ROWS + 1).collect()


def _hub_table(frame: pl.DataFrame, named: str | None) -> Table:
    rows = frame.to_dicts()
    if named is None or not _COMMIT.fullmatch(named):  # branches and tags move, so they identify nothing
        named = digest(json.dumps(rows, sort_keys=True, default=str).encode("utf-8", "surrogatepass"))
    return Table(tuple(frame.columns), rows, named)


def _copy_path(path: str, home: DataHome) -> Path:
    readable = re.sub(r"[^A-Za-z0-9.-]+", "_", path.removeprefix("hf://"))[-80:]
    return home.cache / "problems" / f"{readable}-{digest(path.encode())}.parquet"


def _read_copy(copy: Path) -> pl.DataFrame | None:
    if not copy.exists():
        return None
    try:
        return pl.read_parquet(copy)
    except _READ_ERRORS as error:
        _log.warning("%s: the cached copy cannot be read (%s) and is fetched again", copy, error)
        return None


def _write_copy(copy: Path, frame: pl.DataFrame) -> None:
    copy.parent.mkdir(parents=True, exist_ok=True)
    temporary = copy.with_name(f".{copy.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("wb") as file:
            frame.write_parquet(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(copy)
    finally:
        temporary.unlink(missing_ok=True)
