"""Files that are there whole or not at all.

Belongs here: writing beside a name and taking its place. Does not belong here: folders (:mod:`cot_assets.report.folder`,
:mod:`cot_assets.engines.weights.prepared`), and what must survive a power cut (:mod:`cot_assets.warehouse.publish`).
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Generator[Path]:
    """A name beside ``path`` to write to: what is there at the end takes its place; after an error nothing is left.

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
