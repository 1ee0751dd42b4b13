"""Imported rollouts in the data product: what an import leads to in the warehouse and in Dagster.

Belongs here: bringing imports in, concluding from them, taking them back, telling Dagster. Does not belong here:
reading published files (:mod:`cot_assets.importing`), rows (:mod:`cot_assets.warehouse.imported`) and printing
(:mod:`cot_assets.cli`).
"""

from cot_assets.orchestration.imports.bringing import Imports, Summary
from cot_assets.orchestration.imports.telling import IMPORTED, lost_imports, report_tables

__all__ = ["IMPORTED", "Imports", "Summary", "lost_imports", "report_tables"]
