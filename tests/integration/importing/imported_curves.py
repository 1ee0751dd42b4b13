"""Curves as readers of the tables see them, for tests of importers."""

from __future__ import annotations

import polars as pl


def curve(imported, policy="sentences") -> pl.DataFrame:
    cuts = imported.frames["trace_cuts"].filter(pl.col("cut_policy") == policy)
    return cuts.join(
        imported.frames["potentials"].drop(
            "problem_id", "problem_set", "model", "origin", "protocol", "sampling_hash"
        ),
        on="prefix_id",
        how="left",
    ).sort("trace_id", "cut_index")
