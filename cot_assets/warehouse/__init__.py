"""Storage for everything the assets produce, and what SQL users read.

Belongs here: the schema from ``sql/``, the one class that opens DuckDB, its lock, the
published database and named queries. Does not belong here: statistics (:mod:`cot_assets.measures`),
shards of sampled text (:mod:`cot_assets.sampling`), anything that imports Dagster.
"""

from cot_assets.warehouse.errors import WarehouseError, WarehouseLockedError
from cot_assets.warehouse.schema import TABLES, VIEWS, check_frame, polars_schema, sql_folder
from cot_assets.warehouse.store import Warehouse

__all__ = [
    "TABLES",
    "VIEWS",
    "Warehouse",
    "WarehouseError",
    "WarehouseLockedError",
    "check_frame",
    "polars_schema",
    "sql_folder",
]
