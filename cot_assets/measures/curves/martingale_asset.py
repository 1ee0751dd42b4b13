"""The martingale check on a partition's curves."""

from __future__ import annotations

import polars as pl

from cot_assets.measures.curves.martingale import martingale_test, stopping_frame
from cot_assets.orchestration.check_rules import Finding
from cot_assets.orchestration.materializing import Scope


def martingale_finding(scope: Scope, curves: pl.DataFrame) -> Finding:
    """The joint martingale test on line ends and trace ends; not applicable to correct-only traces."""
    if scope.protocol.measured == "correct":
        return Finding(
            True, "not applicable: the protocol measures correct traces only, which is a selection"
        )
    traces = scope.warehouse.read_table("traces", **scope.where)
    # Places that exploration found depend on what follows them: they are no stopping times.
    own = curves.filter(pl.col("cut_policy") == scope.protocol.cut_policy)
    frame = stopping_frame(own, scope.protocol, traces)
    if frame.is_empty():
        return Finding(False, "no trace with a verdict was measured, so there is nothing to test")
    result = martingale_test(frame)
    return Finding(
        result.is_passed,
        f"mean drift {result.mean_drift:+.3f} ({result.drift_low:+.3f} to {result.drift_high:+.3f}) over "
        f"{result.n_problems} problems, p = {result.p_value:.3g}; level {result.level}",
        {"p_value": result.p_value, "mean_drift": result.mean_drift, "traces": result.n_traces},
    )
