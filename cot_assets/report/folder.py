"""Replacing a folder of files as a whole.

Belongs here: writing under a temporary name, swapping, and refusing to replace what is not a report. Does
not belong here: what the files hold.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cot_assets.report.source import ReportError

GENERATOR = "cot-assets report"
_ATTEMPTS = 20


def _is_report(folder: Path) -> bool:
    index = folder / "index.html"
    if not index.is_file():
        return False
    with index.open(encoding="utf-8", errors="replace") as stream:
        return f'content="{GENERATOR}"' in stream.read(4096)


def remove_report(folder: Path) -> None:
    """Delete the folder if it is a report, and nothing else."""
    if _is_report(folder):
        shutil.rmtree(folder, ignore_errors=True)


def replaced_folder(folder: Path, files: Iterable[tuple[str, str]]) -> list[Path]:
    """Write ``files`` (path below the folder, text) to a new folder that takes the place of ``folder``.

    Two processes that do so at once both succeed; the later swap stays.

    Raises:
        ReportError: ``folder`` exists, is not empty and was not written by this function.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 - resolve() would follow a link to elsewhere
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ReportError(f"{folder} is not a plain folder; name another one for the report")
    if folder.is_dir() and any(folder.iterdir()) and not _is_report(folder):
        raise ReportError(
            f"{folder} holds files that are not a report; they would be deleted. Name an empty or new folder"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    mark = uuid.uuid4().hex[:12]
    _sweep(folder)
    written: list[Path] = []
    with _begun(folder.parent / f".{folder.name}.new-{mark}") as new:
        for name, text in files:
            target = new / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="\n")
            written.append(folder / name)
        _swap(new, folder, mark)
    return written


@contextmanager
def _begun(new: Path) -> Iterator[Path]:
    """A new folder, gone after the block; it is locked meanwhile, so that others tell it from one whose writer was killed."""
    new.mkdir()
    descriptor = os.open(new, os.O_RDONLY)
    try:
        with suppress(OSError):  # not every file system has locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield new
    finally:
        os.close(descriptor)
        shutil.rmtree(new, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Remove what writers of the same report left that were killed."""
    hidden = f".{folder.name}."
    for left in folder.parent.iterdir():
        if left.name.startswith((f"{hidden}new-", f"{hidden}old-")) and left.is_dir():
            with suppress(OSError):
                descriptor = os.open(left, os.O_RDONLY)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(left, ignore_errors=True)
                finally:
                    os.close(descriptor)


def _swap(new: Path, folder: Path, mark: str) -> None:
    """Rename ``folder`` away and ``new`` into its place; another process may do the same."""
    for attempt in range(_ATTEMPTS):
        old = folder.parent / f".{folder.name}.old-{mark}-{attempt}"
        try:
            folder.rename(old)
        except FileNotFoundError:
            old = None
        try:
            new.rename(folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                if old is not None:
                    old.rename(folder)
                raise
            continue  # the other process was faster: its report goes away in the next round
        finally:
            if old is not None and folder.exists():
                shutil.rmtree(old, ignore_errors=True)
        return
    raise ReportError(f"{folder} is being replaced by other processes over and over; try again")
