"""cot-assets: measure how each part of a chain of thought changes a model's chance of being correct.

Importing it loads nothing, so that ``python -m cot_assets.demo.train`` runs on a machine that has only the training
dependencies, and the command line starts at once. Start reading at :mod:`cot_assets.definitions` (the Dagster code
location) or :mod:`cot_assets.measures` (the statistics).
"""

from __future__ import annotations

TYPE_CHECKING = False  # as in typing, which takes time to load
if TYPE_CHECKING:
    from pathlib import Path

    from cot_assets.api import Study

__version__ = "0.1.0"


def open(home: str | Path | None = None) -> Study:
    """The results of a data home for notebooks and scripts; see :func:`cot_assets.api.open_study`."""
    from cot_assets.api import open_study

    return open_study(home)
