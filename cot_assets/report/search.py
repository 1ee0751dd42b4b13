"""The report's section on optimized traces: rows for its tables, ready to be shown.

Belongs here: choosing, ordering and formatting rows. Does not belong here: the estimates
(:mod:`cot_assets.measures.search.effects`), the figure (:mod:`.plots`), markup (templates).
"""

from __future__ import annotations

from typing import Any

import polars as pl

from cot_assets.report import numbers
from cot_assets.report.data import ReportData
from cot_assets.report.tables import natural
from cot_assets.report.text import one_line

Row = dict[str, Any]
#: By measure: what is compared, and how its numbers are written.
_MEASURES = {
    "correct": ("right final answers", "share"),
    "n_tokens": ("length in tokens", "tokens"),
    "potential": ("mean potential at equal tokens", "potential"),
    "monotone_by_tolerance": ("monotone, by tolerance", "share"),
    "monotone_by_test": ("monotone, by test", "share"),
}
BIAS = "selection_bias"
MOST_TRACES = 60  #: rows of the table of traces


def optimized_section(data: ReportData) -> Row | None:
    """The context of ``search.html.j2``; None where nothing was searched."""
    if data.optimized_traces.is_empty():
        return None
    models = sorted(set(data.optimized_traces["model"].to_list()), key=natural)
    return {
        "models": [_model(data, model) for model in models],
        "n_hidden": sum(max(0, _of(data.optimized_traces, model).height - MOST_TRACES) for model in models),
    }


def _of(frame: pl.DataFrame, model: str) -> pl.DataFrame:
    return frame.filter(pl.col("model") == model)


def _model(data: ReportData, model: str) -> Row:
    effects = {row["measure"]: row for row in _of(data.optimized_effects, model).iter_rows(named=True)}
    traces = _of(data.optimized_traces, model)
    order = sorted(traces.iter_rows(named=True), key=lambda row: (natural(row["problem_id"]), row["arm"]))
    searched = traces.filter(pl.col("arm") == "optimized")
    return {
        "name": one_line(model, 60),
        "effects": [
            {"label": label, **_written(effects[measure], kind)}
            for measure, (label, kind) in _MEASURES.items()
            if measure in effects
        ],
        "bias": _written(effects[BIAS], "potential") if BIAS in effects else None,
        "n_searched": searched.height,
        "n_incomplete": searched.filter(~pl.col("is_complete")).height,
        "spent": searched["tokens_spent"].mean(),
        "traces": [_trace(row) for row in order[:MOST_TRACES]],
    }


def _trace(row: Row) -> Row:
    return {
        **row,
        "problem": one_line(row["problem_id"], 60),
        "v0_interval": numbers.interval(row["v0_low"], row["v0_high"]),
        "drop": numbers.potential(row["max_drop"]),
        "by_tolerance": _flag(row["is_monotone_by_tolerance"]),
        "by_test": _flag(row["is_monotone_by_test"]),
        "p": numbers.UNKNOWN if row["p_value"] is None else f"{row['p_value']:.3f}",
    }


def _flag(value: bool | None) -> str:
    return numbers.UNKNOWN if value is None else "yes" if value else "no"


def _written(row: Row, kind: str) -> Row:
    """The means of both sides and their difference, each with its interval, as text."""

    def ends(name: str) -> tuple[float | None, float | None]:
        return row[f"{name}_low"], row[f"{name}_high"]

    shown: Row = {"n": row["n"], "n_problems": row["n_problems"]}
    for side in ("value", "reference"):
        if kind == "tokens":
            low, high = ends(side)
            interval = f"{numbers.count(low)}–{numbers.count(high)}" if low is not None else numbers.UNKNOWN
            shown[side], shown[f"{side}_interval"] = numbers.count(row[side]), interval
        elif kind == "share":
            shown[side] = numbers.percent(row[side])
            shown[f"{side}_interval"] = numbers.percent_interval(*ends(side))
        else:
            shown[side] = numbers.potential(row[side])
            shown[f"{side}_interval"] = numbers.interval(*ends(side))
    low, high = ends("difference")
    if row["difference"] is None or low is None or high is None:
        return {**shown, "difference": numbers.UNKNOWN, "difference_interval": numbers.UNKNOWN}
    if kind == "tokens":
        texts = [f"{x:+,.0f}".replace("-", "−") for x in (row["difference"], low, high)]
        return {**shown, "difference": texts[0], "difference_interval": f"{texts[1]} to {texts[2]}"}
    return {
        **shown,
        "difference": numbers.change(row["difference"]),
        "difference_interval": numbers.change_interval(low, high),
    }
