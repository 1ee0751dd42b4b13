"""Group ``rates``: how often each pattern happens, the numbers of figures, and comparisons between models.

Belongs here: two computations, each of which fills several views of the table ``estimates``. Does not belong here:
what is found on single curves (:mod:`cot_assets.measures.patterns.assets`), and the numbers themselves.
"""

from typing import Any

import polars as pl

from cot_assets.importing.base import TRACES_SAMPLED
from cot_assets.measures.estimates import withheld
from cot_assets.measures.rates.fitted_rates import fitted_rates
from cot_assets.measures.rates.matching import matched_rates, model_differences
from cot_assets.measures.rates.passk import measured_pass_at_k, sampled_pass_at_k
from cot_assets.measures.rates.pattern_rates import decided_traces, pattern_rates
from cot_assets.measures.rates.sensitivity import rate_sensitivity
from cot_assets.measures.rates.summaries import JUDGED, QUESTIONS, summaries
from cot_assets.orchestration.assets import materializing as common
from cot_assets.orchestration.assets import showing
from cot_assets.orchestration.assets.defining import estimate_assets

_DECIDED = ("tangents", "spikes", "lucky_guesses", "monotonicity", "changes")
_COMPARED = ("pattern_rates", "matched_rates", "model_differences", "pass_at_k")


def _chosen_models(scope: common.Scope) -> list[str]:
    """Models whose traces may have been chosen by their verdict: how is not known unless an import says.

    Traces that a model was given say nothing of how often it is correct.
    """
    entry = scope.config.problem_set(scope.problem_set)
    if not (entry.is_imported or entry.has_given_traces):
        return []
    rows = scope.warehouse.read(
        "SELECT DISTINCT model FROM traces WHERE problem_set = $problem_set AND model NOT IN "
        "(SELECT model FROM import_notes WHERE problem_set = $problem_set AND note = $note) ORDER BY model",
        {"problem_set": scope.problem_set, "note": TRACES_SAMPLED},
    )
    return rows["model"].to_list()


def _of_model(scope: common.Scope) -> pl.DataFrame:
    with scope.warehouse.together("read what was judged"):
        tables = {name: scope.read(name) for name in JUDGED}
        traces = scope.warehouse.read(
            "SELECT problem_set, model, problem_id, verdict, n_tokens FROM traces "
            "WHERE problem_set = $problem_set AND model = $model",
            scope.where,
        )
        curves = scope.curves()
        more = {"curves": curves, "traces": traces, "problems": scope.problems()}
    varied = rate_sensitivity(curves, tables["lucky_guesses"], scope.protocol)
    return withheld(pl.concat([summaries({**tables, **more}, scope.protocol), varied]), _chosen_models(scope))


def _of_all_models(scope: common.Scope) -> pl.DataFrame:
    protocol = scope.protocol
    with scope.warehouse.together("read what was judged"):
        tangents, spikes, guesses, monotone, changes = (scope.read(name) for name in _DECIDED)
        traces = scope.warehouse.read(
            "SELECT problem_set, model, problem_id, trace_id, verdict FROM traces WHERE problem_set = $problem_set",
            scope.where,
        )
    decisions = decided_traces(tangents, spikes, guesses, monotone)
    found = [
        pattern_rates(decisions, protocol),
        fitted_rates(monotone, changes, protocol),
        matched_rates(decisions, protocol),
        model_differences(decisions, traces, protocol),
    ]
    chosen = _chosen_models(scope)
    sampled, measured, judged = (
        f.filter(~pl.col("model").is_in(chosen)) for f in (traces, monotone, guesses)
    )
    found += [sampled_pass_at_k(sampled, protocol), measured_pass_at_k(measured, judged, protocol)]
    return withheld(pl.concat(found), chosen)


def _shown(view: str, frame: pl.DataFrame) -> dict[str, Any]:
    if view != "pattern_rates":
        return {}
    from cot_assets.measures.rates.report import pattern_figure  # plotting loads slowly

    columns = ("model", "pattern", "rule", "n_with", "n_traces", "rate", "ci_low", "ci_high")
    return {
        "paper_filter": showing.preview(frame.filter(trace_filter="paper").select(columns), rows=40),
        "picture": showing.picture(pattern_figure(frame)),
    }


model_estimates = estimate_assets(
    "model_estimates",
    {"summaries": QUESTIONS, "sensitivity": ("sensitivity",)},
    _of_model,
    JUDGED,
    is_by_model=True,
)
compared_models = estimate_assets(
    "compared_models",
    {view: (view,) for view in _COMPARED},
    _of_all_models,
    _DECIDED,
    is_by_model=False,
    describe=_shown,
)
