"""The numbers that figures state about other tables: shares, means and quantiles, each with its interval.

Belongs here: which numbers each figure states, over which rows. Does not belong here: rates of patterns over
traces (:mod:`.pattern_rates`), what compares models (:mod:`.matching`) or readers
(:mod:`cot_assets.measures.transfer`), and the statistics of clustered values (:mod:`cot_assets.statistics.clusters`).

A figure has the name of the query that shows it. Its numbers are estimated here once; query and report both
read them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import polars as pl

from cot_assets.measures.estimates import FILTERS, GUESSES, RULES, Row, Tables, Unit, estimates
from cot_assets.measures.frames import CURVE, UNITS, measured_cuts
from cot_assets.measures.rates.fitted_rates import true_changes
from cot_assets.statistics.estimates import CONFIDENCE
from cot_assets.statistics.guesses import V0_BINS
from cot_assets.study import Protocol

#: Signs in the text of a step, by the column of table ``jumps``.
SIGNS = {
    "calculation": "is_calculation", "self_check": "is_self_check", "gold_answer": "has_gold_answer",
    "first_answer": "has_first_answer",
}  # fmt: skip
#: Tables of the model that numbers are about, whole.
JUDGED = (
    "tangents", "spikes", "lucky_guesses", "monotonicity", "changes", "monotone_tests", "drawdowns", "jumps",
)  # fmt: skip
_IS_CORRECT = pl.when(pl.col("verdict") != "unscored").then(pl.col("verdict") == "correct")
_STAGES = {
    "1 before": ~pl.col("states_answer") & ~pl.col("leaks_answer"),
    "2 gold answer in sight": ~pl.col("states_answer") & pl.col("leaks_answer"),
    "3 own answer stated": pl.col("states_answer"),
}


def summaries(tables: Tables, protocol: Protocol) -> pl.DataFrame:
    """Every number of every figure, for each problem set, model and cut policy, as ``estimates``.

    Args:
        tables: by name those of :data:`JUDGED`, ``traces`` (problem_set, model, problem_id, verdict, n_tokens),
            ``problems``, and the frame ``curves``.
        protocol: gives thresholds, seed and token budget, and stamps the result.

    Returns:
        Rows of every question of :data:`QUESTIONS`. Numbers without a row to rest on have n = 0 and are NULL, and so
        are intervals of quantiles of too few values. Where cuts play no part ``cut_policy`` is ``any``.
    """
    rows: dict[str, list[Row]] = {question: [] for question in QUESTIONS}
    for unit in tables["monotonicity"].select(UNITS).unique().sort(UNITS).iter_rows(named=True):
        own = Unit.of(tables, unit, protocol)
        for question, numbers in _BY_CURVE.items():
            rows[question] += [{**unit, **row} for row in numbers(own)]
    for unit in tables["traces"].select(UNITS[:2]).unique().sort(UNITS[:2]).iter_rows(named=True):
        rows["difficulty"] += [{**unit, **row} for row in _difficulty(Unit.of(tables, unit, protocol))]
    return pl.concat([estimates(found, question, protocol) for question, found in rows.items()])


def _filtered(own: Unit, table: str) -> Iterator[tuple[str, pl.DataFrame]]:
    """The rows of a table about traces under each trace filter."""
    solved = own["monotonicity"].select(*CURVE, "is_solved_without_cot")
    whole = own[table].join(solved, on=CURVE, how="left")
    for name, is_in in FILTERS.items():
        yield name, whole.filter(is_in)


def _recovery(own: Unit) -> Iterator[Row]:
    for rule, flag in RULES.items():
        tangents = own["tangents"].filter(flag)
        each = own.group(tangents, "tangents", rule=rule)
        yield each.share("recovered", pl.col("is_recovered"))
        for share in (0.25, 0.5, 0.75):
            yield each.quantile(f"recovery_tokens_{100 * share:.0f}", pl.col("recovery_tokens"), share)
        yield each.mean("potential_before", pl.col("potential_before"))
        yield each.mean("potential_after", pl.col("potential_after"))
        traces = own["monotonicity"].join(tangents, on=CURVE, how="semi")
        yield own.group(traces, "traces", rule=rule).share("ends_correct", _IS_CORRECT)


def _jumps(own: Unit) -> Iterator[Row]:
    key = [*CURVE, "cut_index"]
    for rule, flag in RULES.items():
        insights = own["spikes"].filter(flag)
        kinds = {"insight": own["jumps"].join(insights, on=key, how="semi")}
        kinds["other step"] = own["jumps"].join(insights, on=key, how="anti")
        for part, steps in kinds.items():
            each = own.group(steps, "steps", rule=rule, split_by="step", part=part)
            for sign, column in SIGNS.items():
                yield each.share(sign, pl.col(column))
            yield each.share("no_sign", ~pl.any_horizontal(*SIGNS.values()))
            yield each.quantile("n_characters", pl.col("n_characters"), 0.5)
            yield each.quantile("n_tokens", pl.col("n_tokens"), 0.5)


def _monotone_tests(own: Unit) -> Iterator[Row]:
    by_tolerance = own["monotonicity"].select(*CURVE, "by_threshold")
    rules = {
        "test": pl.col("p_value") >= 1 - CONFIDENCE,
        "test_fdr": pl.col("q_value") >= 1 - CONFIDENCE,
        "tolerance": pl.col("by_threshold"),
    }
    for name, tests in _filtered(own, "monotone_tests"):
        both = tests.drop_nulls("p_value").join(by_tolerance, on=CURVE, how="left")
        for rule, flag in rules.items():
            yield own.group(both, "traces", rule=rule, trace_filter=name).share("monotone", flag)
        each = own.group(both, "traces", rule="test", trace_filter=name)
        yield each.quantile("max_misfit", pl.col("max_misfit"), 0.5)


def _confirmed_events(own: Unit) -> Iterator[Row]:
    kinds = {"insight": own["spikes"], "tangent": own["tangents"]}
    kinds |= {rule: own["lucky_guesses"].filter(rule=rule) for rule in GUESSES}
    for pattern, events in kinds.items():
        labels = {"split_by": "pattern", "part": pattern}
        found = own.group(events.filter("by_threshold"), "events", **labels, rule="threshold")
        yield found.share("confirmed", pl.col("is_confirmed"))
        yield found.mean("false_by_flat_prior", 1 - pl.col("probability"))
        if pattern not in GUESSES:  # the fitted law is one of changes; guesses are levels
            fitted = own["changes"].select(*CURVE, "cut_index", false=1 - pl.col(f"{pattern}_fitted"))
            judged = found.frame.join(fitted, on=[*CURVE, "cut_index"])
            yield replace(found, frame=judged).mean("false_by_fitted_law", pl.col("false"))
        kept = own.group(events.filter("is_confirmed"), "events", **labels, rule="confirmed")
        yield kept.share("missed_by_threshold", ~pl.col("by_threshold"))


def _drawdown_rates(own: Unit) -> Iterator[Row]:
    for name, whole in _filtered(own, "drawdowns"):
        for kind in ("drawdown", "run_up"):
            labels = {"trace_filter": name, "split_by": "kind", "part": kind}
            each = own.group(whole.filter(kind=kind), "traces", **labels)
            for rule, flag in RULES.items():
                yield {**each.share("beyond_threshold", pl.col(flag)), "rule": rule}
            for rule, column in (("plain", "change"), ("split", "change_split")):
                yield {**each.mean("size", pl.col(column), (-1.0, 1.0)), "rule": rule}


def _guesses_by_v0(own: Unit) -> Iterator[Row]:
    decided = own["lucky_guesses"].drop_nulls("by_threshold")
    for rule in GUESSES:
        for v0_bin in V0_BINS:
            labels = {"rule": rule, "trace_filter": "correct", "split_by": "v0_bin", "part": v0_bin}
            here = own.group(decided.filter(rule=rule, v0_bin=v0_bin), "traces", **labels)
            yield here.mean("guess_bound", pl.col("guess_bound"))


def _answer_leaks(own: Unit) -> Iterator[Row]:
    cuts = measured_cuts(own["curves"]).drop_nulls("potential")
    for name in ("correct", "incorrect", "all"):
        for stage, is_there in _STAGES.items():
            labels = {"trace_filter": name, "split_by": "stage", "part": stage}
            each = own.group(cuts.filter(FILTERS[name], is_there), "cuts", **labels)
            yield each.mean("potential", pl.col("potential"))
            yield each.mean("fraction", pl.col("fraction"))


def _event_positions(own: Unit) -> Iterator[Row]:
    cuts = measured_cuts(own["curves"]).drop_nulls("potential")
    cuts = cuts.with_columns(tenth=(10 * pl.col("fraction") + 1e-9).floor().clip(0, 9).cast(pl.Int8))
    key = [*CURVE, "cut_index"]
    steps = own["changes"].select(*key, "problem_id").join(cuts.select(*key, "tenth"), on=key)
    for pattern, table in (("insight", "spikes"), ("tangent", "tangents")):
        found = own[table].filter("by_threshold").select(*key, pl.lit(value=True).alias(pattern))
        steps = steps.join(found, on=key, how="left").with_columns(pl.col(pattern).fill_null(value=False))
    for tenth in range(10):
        labels = {"split_by": "tenth", "part": f"{tenth / 10:.1f}"}
        here = own.group(steps.filter(tenth=tenth), "steps", **labels)
        for pattern in ("insight", "tangent"):
            yield {**here.share(pattern, pl.col(pattern)), "rule": "threshold"}
        yield own.group(cuts.filter(tenth=tenth), "cuts", **labels).mean("potential", pl.col("potential"))


def _solved_without_cot(own: Unit) -> Iterator[Row]:
    traces = own["monotonicity"]
    # Every curve of a problem starts at the same prefix; imported ones may not.
    problems = traces.group_by("problem_id").agg(
        pl.col("is_solved_without_cot").max(), v0=pl.col("v0").mean()
    )
    each = own.group(problems, "problems")
    yield each.share("solved_without_cot", pl.col("is_solved_without_cot"))
    yield each.mean("v0", pl.col("v0"))
    yield own.group(traces, "traces").share("accuracy", _IS_CORRECT)
    correct = own.group(traces.filter(FILTERS["correct"]), "traces", trace_filter="correct")
    yield correct.share("left_by_the_paper", FILTERS["paper"].fill_null(value=False))


def _difficulty(own: Unit) -> Iterator[Row]:
    start = (
        measured_cuts(own["curves"])
        .filter(pl.col("cut_index") == 0)
        .sort("n", "prefix_id", descending=[True, False], nulls_last=True)
        .unique("problem_id", keep="first", maintain_order=True)
        .select("problem_id", v0="potential")
    )
    each = (
        own["traces"]
        .group_by("problem_id")
        .agg(
            _IS_CORRECT.mean().alias("accuracy"),
            (pl.col("verdict") == "truncated").mean().alias("truncated"),
            pl.col("n_tokens").mean(),
        )
        .join(start, on="problem_id", how="left")
        .join(own["problems"].select("problem_id", "level", "subject"), on="problem_id", how="left")
    )
    longest = max(float(own.protocol.sampling.max_tokens), float(each["n_tokens"].max()))  # type: ignore[arg-type]
    parts = [("none", "all", each)]
    for split_by in ("level", "subject"):
        for (part,), group in (
            each.drop_nulls(split_by).sort(split_by).group_by(split_by, maintain_order=True)
        ):
            parts.append((split_by, str(part), group))
    for split_by, part, group in parts:
        problems = own.group(group.sort("problem_id"), "problems", split_by=split_by, part=part)
        yield problems.mean("v0", pl.col("v0"))
        yield problems.mean("accuracy", pl.col("accuracy"))
        yield problems.mean("gain_over_v0", pl.col("accuracy") - pl.col("v0"), (-1.0, 1.0))
        yield problems.mean("truncated", pl.col("truncated"))
        yield problems.mean("n_tokens", pl.col("n_tokens"), (0.0, longest))


_BY_CURVE: Mapping[str, Callable[[Unit], Iterator[Row]]] = {
    "recovery": _recovery,
    "jumps": _jumps,
    "monotone_tests": _monotone_tests,
    "true_changes": true_changes,
    "confirmed_events": _confirmed_events,
    "drawdown_rates": _drawdown_rates,
    "guesses_by_v0": _guesses_by_v0,
    "answer_leaks": _answer_leaks,
    "event_positions": _event_positions,
    "solved_without_cot": _solved_without_cot,
}
QUESTIONS = (*_BY_CURVE, "difficulty")  #: a number's question is the named query that shows it
