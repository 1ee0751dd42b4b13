"""The frames that pass through this package: their columns, checks and the pairs of neighboring cuts.

Belongs here: schemas of the tables that the functions return (read from ``sql``), the frame ``curves`` that most functions take, and its neighboring pairs. Does not belong here:
any judgement about a curve.

``curves`` has one row per measured trace and cut, end of the trace included: the columns of trace_cuts,
then ``n``, ``n_correct``, ``potential``, ``ci_low``, ``ci_high`` of potentials (NULL at the end), and
``text`` and ``verdict`` of the trace. Of rollouts with weights n is the effective number, rounded down, and n_correct
that times the potential, which need not be whole.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from polars.datatypes import DataType, DataTypeClass

from cot_assets.statistics.estimates import EPSILON as EPSILON
from cot_assets.statistics.special import Floats
from cot_assets.study import Protocol
from cot_assets.warehouse.schema import polars_schema

Schema = Mapping[str, DataTypeClass | DataType]

IDENTITY = ("problem_set", "model", "problem_id", "trace_id", "cut_policy")
CURVE = ("trace_id", "cut_policy")  #: the key of one curve
UNITS = ("problem_set", "model", "cut_policy")  #: what is summarized together
COUNTS = ("k_before", "n_before", "k_after", "n_after")  #: of neighboring pairs

_TRACE_CURVES = polars_schema("trace_curves")
CURVES: Schema = {
    **{
        name: _TRACE_CURVES[name]
        for name in (
            *IDENTITY, "cut_index", "prefix_id", "token_end", "char_end", "fraction", "is_end", "states_answer",
            "leaks_answer", "protocol", "protocol_hash", "n", "n_correct", "potential", "ci_low", "ci_high",
        )
    },
    "n_correct": pl.Float64(),  # of rollouts with weights no whole number
    "text": pl.String(),
    "verdict": _TRACE_CURVES["verdict"],
}  # fmt: skip


def stamped(frame: pl.DataFrame, table: str, protocol: Protocol) -> pl.DataFrame:
    """Rows of a derived table in its columns and types, the protocol's name and those hashes that it has filled in."""
    schema = polars_schema(table)
    if frame.is_empty():
        return schema.to_frame()
    marks = {
        "protocol": protocol.name,
        "protocol_hash": protocol.protocol_hash,
        "sampling_hash": protocol.sampling_hash,
        "analysis_hash": protocol.analysis_hash,
    }
    marked = frame.with_columns(pl.lit(value).alias(name) for name, value in marks.items())
    return marked.select(pl.col(name).cast(kind) for name, kind in schema.items())


def checked_curves(curves: pl.DataFrame) -> pl.DataFrame:
    """``curves`` with the right types, sorted by curve and cut.

    Raises:
        ValueError: a curve has the same cut twice.
    """
    frame = curves.select([pl.col(name).cast(kind) for name, kind in CURVES.items()])
    frame = frame.sort(*CURVE, "cut_index")
    twice = frame.filter(pl.struct(*CURVE, "cut_index").is_duplicated())
    if twice.height:
        raise ValueError(
            f"curves has cut {twice['cut_index'][0]} of trace {twice['trace_id'][0]!r} "
            f"({twice['cut_policy'][0]}) more than once; join potentials on model and prefix_id"
        )
    return frame


def measured_cuts(checked: pl.DataFrame) -> pl.DataFrame:
    """Cuts before the end of a trace; counts and potential are NULL where nothing is known."""
    is_known = pl.col("n").fill_null(0) > 0
    return checked.filter(~pl.col("is_end")).with_columns(
        *(pl.when(is_known).then(pl.col(c)).alias(c) for c in ("n", "n_correct", "ci_low", "ci_high")),
        potential=pl.when(is_known).then(pl.col("n_correct") / pl.col("n")),
    )


def neighboring_pairs(checked: pl.DataFrame) -> pl.DataFrame:
    """One row per pair of neighboring measured cuts whose potentials are both known.

    A pair with an unknown end is left out, and no pair bridges it. The end of the trace is left out.

    Returns:
        The identity of the curve, ``text``, ``verdict``, ``cut_index`` of the first cut, the span in
        tokens and characters, and n, n_correct and potential as ``…_before`` and ``…_after``; ``delta``.
    """
    cuts = measured_cuts(checked)
    before = cuts.select(
        *IDENTITY, "cut_index", "text", "verdict", pl.col("token_end").alias("token_start"), char_start="char_end",
        n_before="n", k_before="n_correct", potential_before="potential",
    )  # fmt: skip
    after = cuts.select(
        *CURVE, pl.col("cut_index") - 1, "token_end", "char_end",
        n_after="n", k_after="n_correct", potential_after="potential",
    )  # fmt: skip
    return (
        before.join(after, on=[*CURVE, "cut_index"], how="inner")
        .filter(pl.col("potential_before").is_not_null() & pl.col("potential_after").is_not_null())
        .with_columns(delta=pl.col("potential_after") - pl.col("potential_before"))
        .sort(*CURVE, "cut_index")
    )


def pair_counts(pairs: pl.DataFrame) -> tuple[Floats, Floats, Floats, Floats]:
    """(k_before, n_before, k_after, n_after) of neighboring pairs, as arrays."""
    k0, n0, k1, n1 = (reals(pairs, name) for name in COUNTS)
    return k0, n0, k1, n1


def reals(frame: pl.DataFrame, name: str) -> Floats:
    """A column as an array of floats, NaN where it is NULL."""
    return np.asarray(frame[name].cast(pl.Float64).to_numpy(), dtype=np.float64)
