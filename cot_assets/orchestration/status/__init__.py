"""The state of every partition, read without loading Dagster: records, what they are evidence of, and words for both.

Belongs here: what the command line, sensors and the UI say alike of a partition. Does not belong here: what should be
there (:mod:`cot_assets.orchestration.staleness`). No module of this folder imports Dagster, so that asking takes no second.
"""
