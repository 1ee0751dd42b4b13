"""Group ``patterns``, by model: what is found on the curves of one model on one problem set.

Belongs here: one asset per rule on curves (events, guesses, monotonicity, and the fits and tests behind
them), and the numbers that sum them up. Does not belong here: rates of patterns and comparisons
(:mod:`cot_assets.measures.rates.assets`), and the rules (:mod:`cot_assets.measures`).
"""

from collections.abc import Callable

import polars as pl

from cot_assets.measures.curves import martingale_asset as curves
from cot_assets.measures.patterns.changes import change_priors as fitted_priors
from cot_assets.measures.patterns.changes import judge_changes
from cot_assets.measures.patterns.drawdowns import find_drawdowns
from cot_assets.measures.patterns.events import find_insights, find_tangents
from cot_assets.measures.patterns.guesses import judge_guesses
from cot_assets.measures.patterns.isotonic import judge_falls
from cot_assets.measures.patterns.monotonicity import judge_monotonicity
from cot_assets.measures.patterns.text_signs import measure_jumps
from cot_assets.measures.rates.sensitivity import rate_sensitivity
from cot_assets.measures.rates.summaries import summaries as summarize
from cot_assets.orchestration.derived import Make, model_asset
from cot_assets.orchestration.materializing import Scope
from cot_assets.study import Protocol


def _on_curves(rule: Callable[[pl.DataFrame, Protocol], pl.DataFrame]) -> Make:
    """The rule on the partition's curves under its protocol."""
    return lambda scope: rule(curves.read_curves(scope), scope.protocol)


def _jumps(scope: Scope) -> pl.DataFrame:
    return measure_jumps(curves.read_curves(scope), scope.problems(), scope.protocol)


tangents = model_asset("tangents", _on_curves(find_tangents))
spikes = model_asset("spikes", _on_curves(find_insights))
lucky_guesses = model_asset("lucky_guesses", _on_curves(judge_guesses))
monotonicity = model_asset("monotonicity", _on_curves(judge_monotonicity))
changes = model_asset("changes", _on_curves(judge_changes))
change_priors = model_asset("change_priors", _on_curves(fitted_priors))
monotone_tests = model_asset("monotone_tests", _on_curves(judge_falls))
drawdowns = model_asset("drawdowns", _on_curves(find_drawdowns))
jumps = model_asset("jumps", _jumps)
_SUMMARIZED = (
    "tangents", "spikes", "lucky_guesses", "monotonicity", "changes", "monotone_tests", "drawdowns", "jumps",
)  # fmt: skip


def _summaries(scope: Scope) -> pl.DataFrame:
    tables = {name: scope.warehouse.read_table(name, **scope.where) for name in _SUMMARIZED}
    traces = scope.warehouse.read(
        "SELECT problem_set, model, problem_id, verdict, n_tokens FROM traces "
        "WHERE problem_set = $problem_set AND model = $model",
        scope.where,
    )
    more = {"curves": curves.read_curves(scope), "traces": traces, "problems": scope.problems()}
    return summarize({**tables, **more}, scope.protocol)


sensitivity = model_asset("sensitivity", _on_curves(rate_sensitivity))
summaries = model_asset("summaries", _summaries, _SUMMARIZED)
