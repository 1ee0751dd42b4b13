"""cot-assets: measure how each part of a chain of thought changes a model's chance of being right.

Nothing is imported here, so that ``python -m cot_assets.demo.train`` runs on a machine that has only
the training dependencies. Start reading at :mod:`cot_assets.definitions` (the Dagster code location)
or :mod:`cot_assets.measures` (the statistics).
"""

__version__ = "0.1.0"
