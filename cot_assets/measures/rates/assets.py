"""Group ``patterns``, by problem set: how often each pattern happens, and comparisons between models.

Belongs here: pattern_rates, matched_rates, model_differences, pass_at_k. Does not belong here: what is
found on single curves (:mod:`cot_assets.measures.patterns.assets`), and the statistics
(:mod:`cot_assets.measures`).
"""

from typing import Any

import polars as pl

from cot_assets.measures.frames import PASS_AT_K
from cot_assets.measures.rates.matching import Decisions
from cot_assets.measures.rates.matching import matched_rates as matched_of
from cot_assets.measures.rates.matching import model_differences as differences_of
from cot_assets.measures.rates.passk import measured_pass_at_k
from cot_assets.measures.rates.pattern_rates import decided_traces
from cot_assets.measures.rates.pattern_rates import pattern_rates as rates_of
from cot_assets.orchestration import materializing as common
from cot_assets.orchestration.derived import comparison_asset

_JUDGED = ("tangents", "spikes", "lucky_guesses", "monotonicity")


def _judged(scope: common.Scope) -> list[pl.DataFrame]:
    return [scope.warehouse.read_table(name, **scope.where) for name in _JUDGED]


def _decisions(scope: common.Scope) -> Decisions:
    return decided_traces(*_judged(scope))


def _rates(scope: common.Scope) -> pl.DataFrame:
    tangents, spikes, lucky_guesses, monotonicity = _judged(scope)
    return rates_of(tangents, spikes, lucky_guesses, monotonicity, scope.protocol)


def _rates_shown(rates: pl.DataFrame) -> dict[str, Any]:
    from cot_assets.measures.rates.report import pattern_figure  # plotting loads slowly

    columns = ("model", "pattern", "rule", "n_with", "n_traces", "rate", "ci_low", "ci_high")
    paper = rates.filter(pl.col("trace_filter") == "paper").select(columns)
    return {
        "paper_filter": common.preview(paper, rows=40),
        "picture": common.picture(pattern_figure(rates)),
    }


def _matched(scope: common.Scope) -> pl.DataFrame:
    return matched_of(_decisions(scope), scope.protocol)


def _differences(scope: common.Scope) -> pl.DataFrame:
    traces = scope.warehouse.read(
        "SELECT problem_set, model, problem_id, verdict FROM traces WHERE problem_set = $problem_set",
        scope.where,
    )
    return differences_of(_decisions(scope), traces, scope.protocol)


def _pass_at_k(scope: common.Scope) -> pl.DataFrame:
    # How recorded traces were chosen is not known: perhaps by their verdict.
    if scope.config.problem_set(scope.problem_set).is_recorded:
        return pl.DataFrame(schema=dict(PASS_AT_K))
    read = scope.warehouse.read_table
    return measured_pass_at_k(
        read("monotonicity", **scope.where), read("lucky_guesses", **scope.where), scope.protocol
    )


pattern_rates = comparison_asset("pattern_rates", _rates, _JUDGED, describe=_rates_shown)
matched_rates = comparison_asset("matched_rates", _matched, _JUDGED)
model_differences = comparison_asset("model_differences", _differences, _JUDGED)
pass_at_k = comparison_asset("pass_at_k", _pass_at_k, _JUDGED)
