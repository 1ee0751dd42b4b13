"""Folders of exported files, there whole or not at all; and which partitions fill them.

Belongs here: the folder and the partitions. Does not belong here: what the files hold.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cot_assets.study.home import DataHome
from cot_assets.warehouse.queries import ask
from cot_assets.warehouse.reading import select_rows

SECONDS = 3600.0  #: that a query of an export may take


class ExportError(ValueError):
    """An export cannot be written; the message names the place and the way out."""


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A folder to write to that becomes ``folder`` at the end; after an error nothing is left.

    Raises:
        ExportError: ``folder`` is there already and holds something: nothing is replaced.
    """
    folder = folder.resolve()  # "." has no name, and an empty folder may be a link
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ExportError(f"{folder} is there already; name a new or an empty folder with --output")
    fresh = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        fresh.mkdir(parents=True)
        yield fresh
        if folder.exists():  # filled rather than replaced: a shell may be in it
            for made in fresh.iterdir():
                made.replace(folder / made.name)
        else:
            fresh.replace(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def partitions(home: DataHome, model: str | None, problem_set: str | None) -> list[tuple[str, str]]:
    """(model, problem set) of all traces, or of those asked for.

    Raises:
        ExportError: There is none.
    """
    rows = ask(
        home,
        "SELECT DISTINCT model, problem_set FROM traces WHERE model = coalesce($model, model) "
        "AND problem_set = coalesce($problem_set, problem_set) ORDER BY ALL",
        {"model": model, "problem_set": problem_set},
        select_rows,
    )
    if not rows.values:
        raise ExportError(
            "there are no traces to export; `cot-assets sql verdicts` shows which models and problem sets there are"
        )
    return [(str(name), str(of_set)) for name, of_set in rows.values]
