"""How open the final answer of each prefix is."""

from __future__ import annotations

import numpy as np
import polars as pl

from cot_assets.statistics.entropy import entropy
from cot_assets.study import Protocol
from cot_assets.warehouse.schema import polars_schema

_PREFIX = ("problem_set", "model", "prefix_id")


def answer_entropy(distribution: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """Rows of ``answer_entropy``, one per prefix of ``answer_distribution``.

    Of answers that are equally frequent the correct one counts as the top answer, then the first in the alphabet.
    """
    if distribution.is_empty():
        return pl.DataFrame(schema=polars_schema("answer_entropy"))
    rows = distribution.sort(
        *_PREFIX, "n_rollouts", "is_correct", "answer", descending=[False] * 3 + [True, True, False]
    )
    prefixes = rows.group_by(_PREFIX, maintain_order=True).agg(
        pl.col("n").first(),
        n_answers=pl.len().cast(pl.Int32),
        top_answer=pl.col("answer").first(),
        top_rollouts=pl.col("n_rollouts").first(),
        is_top_correct=pl.col("is_correct").first(),
    )
    starts = np.cumsum(np.append(0, prefixes["n_answers"].to_numpy()[:-1]))
    estimate, low, high = entropy(rows["n_rollouts"].to_numpy().astype(float), starts)
    return prefixes.with_columns(
        entropy=estimate,
        ci_low=low,
        ci_high=high,
        protocol=pl.lit(protocol.name),
        sampling_hash=pl.lit(protocol.sampling_hash),
    ).select(polars_schema("answer_entropy").names())
