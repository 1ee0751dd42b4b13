"""Storage for everything the assets produce, and what SQL users read.

Belongs here: the schema from ``sql/``, the one class that opens DuckDB, its lock, the
published database and named queries. Does not belong here: statistics (:mod:`cot_assets.measures`),
shards of sampled text (:mod:`cot_assets.sampling`), anything that imports Dagster. Nothing is imported here,
so that a question to the published results loads no more than it needs.
"""
