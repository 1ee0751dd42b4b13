"""The data home: one folder that holds everything a user's runs produce.

Belongs here: the names of files and folders below the home. Does not belong here: reading or writing
their contents.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

from cot_assets.study.scratch import scratch

SHARDS = "*/*/*.parquet"  #: of any purpose and model, in the folder of shards; unlike with `**`, a folder may be a link
_SPECIAL = frozenset("*?[]{},%")


def expanded(text: str) -> Path:
    """The path with ``~`` as the home of its user; as it is where there is no such user."""
    return Path(os.path.expanduser(text))  # noqa: PTH111 - Path.expanduser() raises there


def plain(path: Path) -> Path:
    """The path under a name that no library reads as a pattern, a list or a URL with options.

    DuckDB takes ``[x]`` in the name of a shard for a pattern, and SQLite reads ``%20`` in a URL as a blank. Where the path
    has such characters its folder is reached through a link, which lasts as long as this process.
    """
    return path if _SPECIAL.isdisjoint(str(path)) else _link(path.parent, os.getpid()) / path.name


@cache
def _link(folder: Path, pid: int) -> Path:  # noqa: ARG001 - a forked process has links of its own
    link = Path(tempfile.mkdtemp(dir=scratch())) / "link"
    link.symlink_to(folder)
    return link


@cache
def _require_ends(home: DataHome) -> None:
    """Raise :class:`HomeError` where something else takes the place of a folder or of a file.

    Whoever reads a pipe or a device would wait for ever, and what a disk holds that is not mounted is not to be made again.
    """
    folders = (home.shards, home.cache, home.imports, home.models, home.weights, home.dagster, home.published)
    for folder in (*folders, home.reports):
        with suppress(OSError):  # of a loop of links, or without permission
            if (folder.exists() or folder.is_symlink()) and not folder.is_dir():
                raise HomeError(
                    f"{folder} is not a folder, nor a link to one that is there; mount what it leads to, or move it away and "
                    "start again: what a run needs is made again"
                )
    for entry in chain(_special(home.root, is_deep=False), *map(_special, folders)):
        with suppress(OSError):  # a link to nothing is told by whoever needs it
            mode = entry.stat().st_mode
            if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
                kind = "pipe" if stat.S_ISFIFO(mode) else "device"
                raise HomeError(
                    f"{entry.path} is a {kind} in the place of a file; move it away and start again: what a run needs is "
                    "made again"
                )


def _special(folder: Path | str, *, is_deep: bool = True) -> Iterator[os.DirEntry[str]]:
    """What is neither a plain file nor a folder, told without looking at each file."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _special(entry.path) if is_deep else ()
            elif not entry.is_file(follow_symlinks=False):
                yield entry


class HomeError(ValueError):
    """A folder cannot be the data home; the message says why and what to do."""


class _Below:
    """The path of a file or folder below the home."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, home: DataHome, _: type) -> Path:
        return home.root / self._name


@dataclass(frozen=True)
class DataHome:
    """Paths below ``COT_ASSETS_HOME``; nothing is created until :meth:`create`."""

    root: Path

    shards = _Below("shards")  #: Parquet files of finished sampling batches
    cache = _Below("cache")  #: cached copies of problem sets
    imports = _Below("imports")  #: traces of others, to be measured by models of one's own
    models = _Below("models")  #: identity and tokenizer of every model that was opened
    weights = _Below(
        "weights"
    )  #: models in the form that the embedded engine takes, made of GGUF files and safetensors
    dagster = _Below("dagster")  #: DAGSTER_HOME: instance configuration, runs, event log
    warehouse = _Below("warehouse.duckdb")  #: the DuckDB file that the assets write
    results = _Below("results.duckdb")  #: the DuckDB file published for SQL users; replaced atomically
    published = _Below("published")  #: what was published, by size and hash

    @classmethod
    def from_environment(cls) -> DataHome:
        """``COT_ASSETS_HOME``, else ``.cot-assets/`` in the working directory (the project root).

        Raises :class:`HomeError` for what is not a folder, a path that no database can lie at, and a pipe where a file belongs.
        """
        return cls.at(os.environ.get("COT_ASSETS_HOME") or ".cot-assets")

    @classmethod
    def at(cls, folder: str | Path) -> DataHome:
        """The home at a folder, ``~`` in it expanded. Raises :class:`HomeError` for a path as above."""
        root = Path(os.path.realpath(expanded(str(folder))))  # a link to itself raises nothing here
        # DuckDB takes what follows a question mark for options, and a backslash for a slash.
        signs = (f"'{sign}'" for sign in "?\\" if sign in str(root))
        sign = next(
            signs, "byte that is not UTF-8" if any("\ud800" <= c <= "\udfff" for c in str(root)) else None
        )
        problem = sign and f"DuckDB opens no path with a {sign}"
        try:
            problem = problem if stat.S_ISDIR(root.stat().st_mode) else "not a folder"
        except OSError as error:
            problem = problem if isinstance(error, FileNotFoundError) else error.strerror
        if problem:
            raise HomeError(f"{root}: {problem}; set COT_ASSETS_HOME to another folder")
        home = cls(root)
        _require_ends(home)
        return home

    def create(self) -> DataHome:
        """Make the folders that must exist; returns itself."""
        for folder in (self.shards, self.cache, self.dagster):
            folder.mkdir(parents=True, exist_ok=True)
        return self

    @property
    def is_unpublished(self) -> bool:
        """Whether the warehouse was written to since the results were made of it, by a run or by whatever damaged it."""
        with suppress(OSError):
            return self.warehouse.stat().st_mtime_ns > self.results.stat().st_mtime_ns
        return True

    @property
    def reports(self) -> Path:
        """Rendered reports, one folder per problem set."""
        return Path(os.path.realpath(os.environ.get("COT_ASSETS_REPORTS") or self.root / "reports"))
