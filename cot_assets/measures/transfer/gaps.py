"""Reader and writer on the same text: what it costs that another model reads on.

Belongs here: differences between both models' potentials at one cut of the writer's trace. Does not belong here: the
writer's text against another text (:mod:`.controls`), and changes from cut to cut (:mod:`.steps`).
"""

from __future__ import annotations

import polars as pl

from cot_assets.measures.estimates import Row, estimates
from cot_assets.measures.transfer.unlocks import views
from cot_assets.study import Protocol


def transfer_gaps(points: pl.DataFrame, protocol: Protocol) -> pl.DataFrame:
    """Mean potential of the reader and of the writer where both continue the same text, as ``estimates``.

    Args:
        points: One row per reader, writer, trace and cut, with the ``fractions`` that end there and both models'
            counts; a point at which either potential is unknown takes no part.
        protocol: Gives the seed and stamps the result.

    Returns:
        Per reader, writer and fraction, for each trace filter, with and without prefixes in which the gold answer
        stands: ``mean`` (the reader's), ``reference`` (the writer's) and their ``difference``, paired by trace.
    """
    known = (
        points.filter(pl.col("n") > 0, pl.col("writer_n") > 0)
        .explode("fractions")
        .rename({"fractions": "fraction"})
        .with_columns(control=pl.lit("none"))
    )
    reader, writer = pl.col("n_correct") / pl.col("n"), pl.col("writer_n_correct") / pl.col("writer_n")
    rows: list[Row] = []
    for traces in views(known, protocol):
        rows += [
            traces.mean("potential", reader),
            {**traces.mean("potential", writer), "statistic": "reference"},
            {**traces.mean("potential", reader - writer, (-1.0, 1.0)), "statistic": "difference"},
        ]
    return estimates(rows, "transfer_gaps", protocol)
