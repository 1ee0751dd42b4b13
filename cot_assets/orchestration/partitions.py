"""The two dimensions of every measurement: model and problem set, both dynamic.

Belongs here: partition definitions and keys. Does not belong here: which partitions should exist
(:mod:`cot_assets.orchestration.staleness`).
"""

from __future__ import annotations

import warnings

import dagster as dg

MODELS = dg.DynamicPartitionsDefinition(name="models")
PROBLEM_SETS = dg.DynamicPartitionsDefinition(name="problem_sets")
MODEL_BY_SET = dg.MultiPartitionsDefinition({"model": MODELS, "problem_set": PROBLEM_SETS})

with warnings.catch_warnings():
    # Partition mappings over several dimensions are a beta of Dagster; nothing else maps them.
    warnings.simplefilter("ignore", dg.BetaWarning)
    #: Between a partition by model and set, and the partition of its problem set.
    BY_PROBLEM_SET = dg.MultiToSingleDimensionPartitionMapping("problem_set")
    #: From a reader to the partitions of all writers on the same problem set.
    ALL_WRITERS = dg.MultiPartitionMapping(
        {
            "model": dg.DimensionPartitionMapping("model", dg.AllPartitionMapping()),
            "problem_set": dg.DimensionPartitionMapping("problem_set", dg.IdentityPartitionMapping()),
        }
    )


def model_key(model: str, problem_set: str) -> dg.MultiPartitionKey:
    """The partition key of a model on a problem set, written ``model|problem_set``."""
    return dg.MultiPartitionKey({"model": model, "problem_set": problem_set})
