"""Rollouts that others published, brought into this project's tables as imported models.

Belongs here: one module per public layout, each a function from files to frames in the schemas of
``sql/tables``: :mod:`.thought_anchors`, :mod:`.cliff_token`, :mod:`.forking_fast`, :mod:`.inspect_logs`,
:mod:`.table` for anything else, and :mod:`.traces` for what has no rollouts. Does not
belong here: writing to the warehouse, sampling (an imported model is never sampled), estimates.

What is kept is as honest as its source: a count that the source does not state is NULL or marked as
approximate, a prefix without rollouts has no potential, and what a reader has to know about a source
is in ``Imported.notes``.
"""

from cot_assets.importing.base import Imported, ImportingError
from cot_assets.importing.cliff_token import import_cliff_token
from cot_assets.importing.forking_fast import import_forking_fast
from cot_assets.importing.inspect_logs import import_inspect
from cot_assets.importing.table import import_table
from cot_assets.importing.thought_anchors import import_thought_anchors
from cot_assets.importing.traces import import_traces

__all__ = [
    "Imported", "ImportingError", "import_cliff_token", "import_forking_fast", "import_inspect", "import_table",
    "import_thought_anchors", "import_traces",
]  # fmt: skip
