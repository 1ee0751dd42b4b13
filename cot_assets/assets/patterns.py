"""Group ``patterns``: what is found on the curves, and how often.

Belongs here: one asset per rule on curves (events, guesses, monotonicity, and the fits and tests behind
them), and pattern_rates. Does not belong here: the rules (:mod:`cot_assets.potential`).
"""

from collections.abc import Callable

import dagster as dg
import polars as pl

from cot_assets.assets import check_rules as rules
from cot_assets.assets import common, curves
from cot_assets.automation.partitions import BY_PROBLEM_SET, MODEL_BY_SET, PROBLEM_SETS
from cot_assets.config import Protocol
from cot_assets.grading.jumps import measure_jumps
from cot_assets.potential.changes import change_priors as fitted_priors
from cot_assets.potential.changes import judge_changes
from cot_assets.potential.drawdowns import find_drawdowns
from cot_assets.potential.events import find_insights, find_tangents
from cot_assets.potential.guesses import judge_guesses
from cot_assets.potential.isotonic import judge_falls
from cot_assets.potential.monotonicity import judge_monotonicity
from cot_assets.potential.rates import pattern_rates as rates_of
from cot_assets.potential.sensitivity import rate_sensitivity
from cot_assets.reporting.plots import pattern_figure, to_png
from cot_assets.resources import Study

_SCHEMA = {"schema": (True, "Columns, types and keys are those of the DDL.")}
_Rule = Callable[[pl.DataFrame, Protocol], pl.DataFrame]
_Make = Callable[[common.Scope], pl.DataFrame]


def _on_curves(rule: _Rule) -> _Make:
    """The rule on the partition's curves under its protocol."""
    return lambda scope: rule(curves.read_curves(scope), scope.protocol)


def _jumps(scope: common.Scope) -> pl.DataFrame:
    return measure_jumps(curves.read_curves(scope), scope.problems(), scope.protocol)


def _pattern_asset(table: str, make: _Make) -> dg.AssetsDefinition:
    """An asset that fills a table from the partition's curves."""

    @dg.asset(
        name=table,
        group_name="patterns",
        partitions_def=MODEL_BY_SET,
        deps=["potentials"],
        description=common.description(table),
        kinds={"polars", "duckdb"},
        metadata=common.table_metadata(table),
        check_specs=common.check_specs(table, _SCHEMA),
    )
    def pattern(context: dg.AssetExecutionContext, study: Study) -> dg.MaterializeResult:
        scope = common.scope_of(context, study)
        scope.warehouse.write_partition(table, make(scope), scope.where)
        frame = scope.warehouse.read_table(table, **scope.where)
        counts = {
            name: frame.filter(pl.col(column)).height
            for name, column in (("by_threshold", "by_threshold"), ("confirmed", "is_confirmed"))
            if column in frame.columns
        }
        return common.finished(
            frame,
            scope.fingerprint,
            checks=_SCHEMA,
            findings={"schema": rules.schema_holds(table, frame)},
            metadata=counts,
        )

    return pattern


tangents = _pattern_asset("tangents", _on_curves(find_tangents))
spikes = _pattern_asset("spikes", _on_curves(find_insights))
lucky_guesses = _pattern_asset("lucky_guesses", _on_curves(judge_guesses))
monotonicity = _pattern_asset("monotonicity", _on_curves(judge_monotonicity))
changes = _pattern_asset("changes", _on_curves(judge_changes))
change_priors = _pattern_asset("change_priors", _on_curves(fitted_priors))
monotone_tests = _pattern_asset("monotone_tests", _on_curves(judge_falls))
drawdowns = _pattern_asset("drawdowns", _on_curves(find_drawdowns))
jumps = _pattern_asset("jumps", _jumps)
sensitivity = _pattern_asset("sensitivity", _on_curves(rate_sensitivity))


@dg.asset(
    group_name="patterns",
    partitions_def=PROBLEM_SETS,
    deps=[
        dg.AssetDep(name, partition_mapping=BY_PROBLEM_SET)
        for name in ("tangents", "spikes", "lucky_guesses", "monotonicity")
    ],
    description=common.description("pattern_rates"),
    kinds={"polars", "duckdb"},
    metadata=common.table_metadata("pattern_rates"),
    check_specs=common.check_specs("pattern_rates", _SCHEMA),
)
def pattern_rates(context: dg.AssetExecutionContext, study: Study) -> dg.MaterializeResult:
    """How often each pattern happens, by model, rule and trace filter."""
    scope = common.scope_of(context, study)
    read = scope.warehouse.read_table
    rates = rates_of(
        tangents=read("tangents", **scope.where),
        spikes=read("spikes", **scope.where),
        lucky_guesses=read("lucky_guesses", **scope.where),
        monotonicity=read("monotonicity", **scope.where),
        protocol=scope.protocol,
    )
    scope.warehouse.write_partition("pattern_rates", rates, scope.where)
    frame = scope.warehouse.read_table("pattern_rates", **scope.where)
    paper = frame.filter(pl.col("trace_filter") == "paper")
    return common.finished(
        frame,
        common.comparison_fingerprint_of(context, scope),
        checks=_SCHEMA,
        findings={"schema": rules.schema_holds("pattern_rates", frame)},
        metadata={
            "paper_filter": common.preview(
                paper.select("model", "pattern", "rule", "n_with", "n_traces", "rate", "ci_low", "ci_high"),
                rows=40,
            ),
            "picture": common.picture(to_png(pattern_figure(frame), dpi=70)),
        },
    )
