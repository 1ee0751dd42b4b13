"""The check ``martingale`` of the asset ``potentials``.

Belongs here: what of a scope the test is given, and its sentence. Does not belong here: the test
(:mod:`.martingale`).
"""

from __future__ import annotations

import polars as pl

from cot_assets.measures.curves.martingale import LEVEL, martingale_test, stopping_frame
from cot_assets.orchestration.assets import check_rules as rules
from cot_assets.orchestration.assets import materializing as common


def martingale_finding(scope: common.Scope, curves: pl.DataFrame) -> rules.Finding:
    """The joint martingale test on line ends and trace ends; not applicable to correct-only traces."""
    if scope.protocol.sampling.measured == "correct":
        return rules.Finding(
            True, "not applicable: the protocol measures correct traces only, which is a selection"
        )
    if scope.config.problem_set(scope.problem_set).has_given_traces:
        return rules.Finding(True, "not applicable: another law wrote the traces")
    traces = scope.warehouse.read_table("traces", **scope.where)
    # Places that exploration found depend on what follows them: they are not stopping times.
    own = curves.filter(pl.col("cut_policy") == scope.protocol.sampling.cut_policy)
    frame = stopping_frame(own, scope.protocol, traces)
    if frame.is_empty():
        return rules.Finding(False, "no trace with a verdict was measured, so there is nothing to test")
    result = martingale_test(frame)
    drift = result.drift
    return rules.Finding(
        result.is_passed,
        f"mean drift {drift.mean:+.3f} ({drift.low:+.3f} to {drift.high:+.3f}) over {drift.n_clusters} problems, "
        f"p = {result.p_value:.3g}; level {LEVEL}",
        {"p_value": result.p_value, "mean_drift": drift.mean, "traces": result.n_traces},
    )
