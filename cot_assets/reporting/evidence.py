"""Tables of the index that say how far its other numbers can be trusted, ready to be shown.

Belongs here: confirmation, tests, spread-out changes, jumps, difficulty, controls, shortest unlocks and steps:
each a plain table of formatted cells with its rule and n. Does not belong here: the estimates
(:mod:`cot_assets.potential`), and tables with links or pictures in their cells (:mod:`.tables`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from cot_assets.potential.clusters import cluster_bootstrap_mean
from cot_assets.potential.rates import rate_summary
from cot_assets.reporting import numbers
from cot_assets.reporting.data import ReportData
from cot_assets.reporting.tables import PATTERNS, Row, headline_fraction, natural
from cot_assets.reporting.text import one_line

MOST_ROWS = 200  #: of one table; a note says how many more there are
_SIGNS = {
    "is_calculation": "Calculation", "is_self_check": "Self-check", "has_gold_answer": "Gold answer",
    "has_first_answer": "Own answer, first time",
}  # fmt: skip


@dataclass(frozen=True)
class PlainTable:
    """A table of text: ``head`` names the columns, ``words`` of them are left-aligned, ``query`` shows more."""

    title: str
    note: str
    head: Sequence[str]
    rows: list[list[str]]
    words: int
    query: str


def evidence(data: ReportData) -> dict[str, list[PlainTable]]:
    """Tables with rows, by the section of the index that they belong to."""
    found = {
        "patterns": [_confirmation(data), _monotone(data), _spread(data), _recovery(data), _jumps(data)],
        "difficulty": [_matched(data), _differences(data)],
        "transfer": [_controls(data), _shortest(data), _steps(data)],
    }
    return {section: [table for table in tables if table.rows] for section, tables in found.items()}


def _units(frame: pl.DataFrame) -> Iterable[tuple[list[str], pl.DataFrame]]:
    """Names of model and cut policy, and the rows of both."""
    groups = frame.partition_by("model", "cut_policy", as_dict=True)
    for model, policy in sorted(groups, key=lambda key: (natural(str(key[0])), str(key[1]))):
        yield [one_line(str(model), 60), one_line(str(policy), 40)], groups[model, policy]


def _rate(frame: pl.DataFrame, has: pl.Expr) -> list[str]:
    """Rate, interval, number with it and of all, of a flag over traces or events; clustered by problem."""
    row = rate_summary(frame.with_columns(has.alias("has")))
    values: Row = dict(row)
    return [
        numbers.percent(values["rate"]),
        numbers.percent_interval(values["ci_low"], values["ci_high"]),
        f"{values['n_with']:,} of {values['n_traces']:,}",
        numbers.count(values["n_problems"]),
    ]


def _mean(frame: pl.DataFrame, column: str, seed: int) -> list[str]:
    known = frame.drop_nulls(column)
    if known.is_empty():
        return [numbers.UNKNOWN, numbers.UNKNOWN]
    mean = cluster_bootstrap_mean(
        known[column].to_numpy(), known["problem_id"].to_numpy(), seed, bounds=(-1.0, 1.0)
    )
    return [numbers.change(mean.mean), numbers.change_interval(mean.low, mean.high)]


def _confirmation(data: ReportData) -> PlainTable:
    rows: list[list[str]] = []
    for names, pairs in _units(data.changes):
        law = _own(data.change_priors, pairs).filter(
            (pl.col("change_low") == 0) & (pl.col("change_high") == 0)
        )
        for kind, events in (("insight", data.spikes), ("tangent", data.tangents)):
            own = _own(events, pairs)
            rows.append(
                [
                    *names,
                    kind,
                    numbers.count(pairs.height),
                    numbers.count(pairs["problem_id"].n_unique()),
                    numbers.percent(law["mass"][0] if law.height else None),
                    numbers.count(own.filter("by_threshold").height),
                    f"{pairs[f'{kind}_fitted'].sum():.1f}",
                    numbers.count(pairs.filter(f"is_{kind}_confirmed").height),
                ]
            )
    return PlainTable(
        "How many events are real",
        "The law of true changes, fitted to all pairs of neighbouring cuts with sampling noise removed: how many "
        "events it expects, beside those found by the threshold rule and those confirmed at a false discovery "
        "rate of 5%. Fitted masses and sums are point estimates.",
        ("Model", "Cuts at", "Pattern", "Pairs", "Problems", "No change at all", "By threshold",
         "Expected true", "Confirmed"),
        rows, 3, "true_changes",
    )  # fmt: skip


def _monotone(data: ReportData) -> PlainTable:
    rows: list[list[str]] = []
    joined = data.monotone_tests.filter(pl.col("p_value").is_not_null())
    is_right = pl.col("verdict") == "correct"
    for names, tests in _units(joined):
        by_rule = tests.join(
            data.monotonicity.select("trace_id", "cut_policy", "by_threshold"),
            on=["trace_id", "cut_policy"],
            how="left",
        )
        for label, own in (("correct", by_rule.filter(is_right)), ("wrong", by_rule.filter(~is_right))):
            if own.height:
                rows.append(
                    [
                        *names,
                        label,
                        *_rate(own, pl.col("q_value") < 0.05),
                        numbers.count(own.filter(~pl.col("by_threshold")).height),
                    ]
                )
    return PlainTable(
        "Traces whose potential falls, by test",
        "Share of traces for which a potential that never falls is ruled out: likelihood ratio of the isotonic fit, "
        "5% false discovery rate. Last column: not monotone by the tolerance rule, which noise alone often is.",
        ("Model", "Cuts at", "Traces", "Falls", "95% interval", "n", "Problems", "Falls by tolerance"),
        rows, 3, "monotone_tests",
    )  # fmt: skip


def _spread(data: ReportData) -> PlainTable:
    rows: list[list[str]] = []
    for names, both in _units(data.drawdowns):
        for kind in ("drawdown", "run_up"):
            own = both.filter(pl.col("kind") == kind)
            seed = 0 if data.protocol is None else data.protocol.seed
            rows.append(
                [
                    *names,
                    kind.replace("_", "-"),
                    *_mean(own, "change_split", seed),
                    f"{own['change'].to_numpy().mean():.2f}" if own.height else numbers.UNKNOWN,
                    *_rate(own, pl.col("is_confirmed")),
                    numbers.count(own.filter("by_threshold").height),
                ]
            )
    return PlainTable(
        "Changes over several cuts",
        "The largest fall (drawdown) and rise (run-up) of a trace between any two cuts. Mean size: one half of the "
        "rollouts chose the cuts, the other measured the change; plain is the largest difference itself, which "
        "noise inflates. Confirmed: a bound that holds for all cuts at once lies beyond the threshold.",
        ("Model", "Cuts at", "Kind", "Mean size", "95% interval", "Plain", "Confirmed", "95% interval", "n",
         "Problems", "By threshold"),
        rows, 3, "drawdowns",
    )  # fmt: skip


def _recovery(data: ReportData) -> PlainTable:
    rows: list[list[str]] = []
    for names, tangents in _units(data.tangents.filter("by_threshold")):
        tokens = tangents["recovery_tokens"].drop_nulls()
        quarters = [tokens.quantile(q, "linear") for q in (0.25, 0.5, 0.75)]
        shown = " / ".join(numbers.count(q) for q in quarters) if tokens.len() else "–"
        rows.append([*names, *_rate(tangents, pl.col("is_recovered")), shown])
    return PlainTable(
        "Recovery from tangents",
        "Tangents (threshold rule) after which a later cut is back within the tolerance, and the quartiles of the "
        "tokens that this took. Traces end, so slow recoveries are missed; and part of a recovery is chance.",
        ("Model", "Cuts at", "Recovered", "95% interval", "Tangents", "Problems", "Tokens (25 / 50 / 75%)"),
        rows, 2, "recovery",
    )  # fmt: skip


def _jumps(data: ReportData) -> PlainTable:
    key = ["trace_id", "cut_policy", "cut_index"]
    insights = data.spikes.filter("by_threshold").select(*key, pl.lit(value=True).alias("is_insight"))
    rows: list[list[str]] = []
    for names, steps in _units(data.jumps.join(insights, on=key, how="left")):
        is_insight = pl.col("is_insight").fill_null(value=False)
        for label, own in (
            ("insights", steps.filter(is_insight)),
            ("other steps", steps.filter(~is_insight)),
        ):
            if own.is_empty():
                continue
            shares: list[str] = []
            for sign in (pl.col(name) for name in _SIGNS):
                shares += _rate(own, sign)[:2]
            shares += _rate(own, ~pl.any_horizontal(*_SIGNS))[:2]
            rows.append(
                [
                    *names,
                    label,
                    numbers.count(own.height),
                    numbers.count(own["problem_id"].n_unique()),
                    numbers.count(own.select(pl.col("n_characters").median()).item()),
                    numbers.count(own.select(pl.col("n_tokens").median()).item()),
                    *shares,
                ]
            )
    heads = [part for name in (*_SIGNS.values(), "None of these") for part in (name, "95% interval")]
    return PlainTable(
        "Jumps: what insights are made of",
        "A jump is an insight that no reader can explain; no rule decides that. Shares of insights (threshold rule) "
        "whose text holds a calculation, a self-check such as “wait”, the gold answer, or the first statement of "
        "the trace's own answer, beside all other steps. The query jump_candidates lists the texts.",
        ("Model", "Cuts at", "Steps", "n", "Problems", "Characters (median)", "Tokens (median)", *heads),
        rows, 3, "jumps",
    )  # fmt: skip


def _matched(data: ReportData) -> PlainTable:
    shown = data.matched_rates.filter(
        (pl.col("trace_filter") == "paper") & (pl.col("v0_bin") == "equal weights")
    )
    rows: list[list[str]] = []
    for names, own in _units(shown):
        for pattern in PATTERNS:
            both = {row["rule"]: row for row in own.filter(pl.col("pattern") == pattern).to_dicts()}
            cells: list[str] = []
            for rule in ("threshold", "confirmed"):
                row = both.get(rule, {})
                cells += [
                    numbers.percent(row.get("rate")),
                    numbers.percent_interval(row.get("ci_low"), row.get("ci_high")),
                ]
            any_row = next(iter(both.values()), {})
            rows.append(
                [
                    *names,
                    pattern.replace("_", " "),
                    *cells,
                    numbers.count(any_row.get("n_traces")),
                    numbers.count(any_row.get("n_problems")),
                    numbers.count(any_row.get("n_empty_bins")),
                ]
            )
    return PlainTable(
        "Rates matched on V0",
        "Mean of the rates in five bins of V0, each bin counting the same: comparable between models where the "
        "same bins are empty. The paper's filter; the other filters and the bins are in the query.",
        ("Model", "Cuts at", "Pattern", "Threshold", "95% interval", "Confirmed", "95% interval", "Traces",
         "Problems", "Empty bins"),
        rows, 3, "matched_rates",
    )  # fmt: skip


def _differences(data: ReportData) -> PlainTable:
    shown = data.model_differences.filter(
        (pl.col("rule") == "none") | ((pl.col("rule") == "threshold") & (pl.col("trace_filter") == "paper"))
    )
    order = ("accuracy", "v0", *PATTERNS)
    found = sorted(
        shown.to_dicts(),
        key=lambda r: (natural(r["model_a"]), natural(r["model_b"]), order.index(r["measure"])),
    )
    rows = [
        [
            f"{one_line(row['model_a'], 40)} − {one_line(row['model_b'], 40)}",
            row["measure"].replace("_", " "),
            numbers.change(row["difference"]),
            numbers.change_interval(row["ci_low"], row["ci_high"]),
            numbers.count(row["n_problems"]),
            "–" if row["rule"] == "none" else numbers.change(row["matched_difference"]),
            "–"
            if row["rule"] == "none"
            else numbers.change_interval(row["matched_low"], row["matched_high"]),
            "–" if row["rule"] == "none" else numbers.count(row["n_bins"]),
        ]
        for row in found
    ]
    return PlainTable(
        "Differences between models",
        "On the same problems: each problem that both have counts once, bootstrap by problem. Matched on V0: rates "
        "with equal weights over the bins that both fill. Patterns by threshold, the paper's filter.",
        ("Models", "Measure", "Same problems", "95% interval", "Problems", "Matched on V0", "95% interval", "Bins"),
        rows, 2, "model_pairs",
    )  # fmt: skip


def _controls(data: ReportData) -> PlainTable:
    at = (pl.col("fraction") - headline_fraction(data)).abs() < 1e-9
    shown = data.transfer_differences.filter(at & (pl.col("measure") == "potential"))
    lifted = {
        _key(row): row
        for row in data.transfer_differences.filter(at & (pl.col("measure") == "lifted")).to_dicts()
    }
    rows: list[list[str]] = []
    for row in shown.sort("reader", "writer", "trace_filter", "control", "leaks", descending=[False] * 4 + [True]).to_dicts():  # fmt: skip
        other = lifted.get(_key(row), {})
        rows.append(
            [
                f"{one_line(row['reader'], 40)} reads {one_line(row['writer'], 40)}",
                row["trace_filter"],
                row["control"],
                row["leaks"],
                numbers.potential(row["value"]),
                numbers.potential(row["control_value"]),
                numbers.change(row["difference"]),
                numbers.change_interval(row["ci_low"], row["ci_high"]),
                numbers.count(row["n_traces"]),
                numbers.count(row["n_problems"]),
                numbers.count(row["n_missing"]),
                f"{row['n_leaks']:,} / {row['n_control_leaks']:,}",
                f"{row['n_unlocked']:,} / {row['n_control_unlocked']:,}",
                numbers.change(other.get("difference")),
                numbers.change_interval(other.get("ci_low"), other.get("ci_high")),
                numbers.count(other.get("n_traces")),
            ]
        )
    return PlainTable(
        f"Against controls at {numbers.percent(headline_fraction(data))}",
        "The writer's text minus another text of exactly its length, trace by trace: shuffled (another problem's "
        "trace), wrong (another, incorrect trace of the writer for the problem), own (a trace of the reader). A trace "
        "without the control is missing, not 0. Leaks dropped: no pair in one of whose texts the gold answer stands; "
        "its rate in shuffled text is that of chance. Unlocked: counts, text / control. Lifted: expected share of "
        "traces unlocked, of problems that the reader does not solve alone. Cluster bootstrap by problem.",
        ("Pair", "Traces", "Control", "Leaks", "Text", "Control V", "Difference", "95% interval", "n traces",
         "n problems", "Missing", "Gold in text / control", "Unlocked", "Lifted", "95% interval", "n"),
        rows, 4, "transfer_controls",
    )  # fmt: skip


def _key(row: Row) -> tuple[object, ...]:
    return tuple(row[name] for name in ("reader", "writer", "trace_filter", "control", "leaks"))


def _shortest(data: ReportData) -> PlainTable:
    ordered = sorted(
        data.shortest_unlocks.to_dicts(),
        key=lambda r: (natural(r["reader"]), natural(r["writer"]), r["n_tokens"] is None, r["n_tokens"] or 0),
    )
    rows = [
        [
            f"{one_line(row['reader'], 40)} reads {one_line(row['writer'], 40)}",
            one_line(row["problem_id"], 60),
            "none" if row["n_tokens"] is None else f"{row['n_tokens']:,} tokens",
            "–" if row["share"] is None else numbers.percent(row["share"]),
            "–" if row["potential"] is None else numbers.potential(row["potential"]),
            "–" if row["n"] is None else numbers.count(row["n"]),
            "–" if row["leaks_answer"] is None else "yes" if row["leaks_answer"] else "no",
            "–" if row["n_longer"] is None else f"{row['n_longer_unlocked']:,} of {row['n_longer']:,}",
            numbers.count(row["n_prefixes"]),
            numbers.count(row["n_undecided"]),
        ]
        for row in ordered[:MOST_ROWS]
    ]
    more = f" {len(ordered) - MOST_ROWS:,} more are in the query." if len(ordered) > MOST_ROWS else ""
    return PlainTable(
        "The shortest prefix that unlocks",
        "Of the problems that the reader does not solve alone (P(V0 < 0.05) ≥ 0.95). Several prefixes are judged, so "
        "the first may be chance: do the longer ones of the same trace unlock too?" + more,
        ("Pair", "Problem", "Shortest", "Share", "V there", "n", "Gold in text", "Longer ones too", "Prefixes judged",
         "Undecided"),
        rows, 2, "first_unlock",
    )  # fmt: skip


def _steps(data: ReportData) -> PlainTable:
    order = ("all", "insight", "tangent", "other")
    found = sorted(
        data.step_correlations.to_dicts(),
        key=lambda r: (
            natural(r["reader"]),
            natural(r["writer"]),
            r["leaks"] != "kept",
            order.index(r["kind"]),
        ),
    )
    rows = [
        [
            f"{one_line(row['reader'], 40)} reads {one_line(row['writer'], 40)}",
            row["kind"],
            row["leaks"],
            numbers.change(row["writer_change"]),
            numbers.change(row["reader_change"]),
            numbers.change_interval(row["reader_change_low"], row["reader_change_high"]),
            numbers.change(row["correlation"]),
            numbers.change_interval(row["correlation_low"], row["correlation_high"]),
            numbers.count(row["n_steps"]),
            numbers.count(row["n_traces"]),
            numbers.count(row["n_problems"]),
        ]
        for row in found
        if row["n_steps"]
    ]
    return PlainTable(
        "Does the step that lifts the writer lift the reader?",
        "Changes of both potentials between the same two cuts, by the writer's kind of step (paper's thresholds). The "
        "reader's rollouts are its own, so its mean is not biased by the choice; the writer's is. Correlations are "
        "weakened by the noise of both. Leaks dropped: no step at whose end the gold answer stands in the text.",
        ("Pair", "Step", "Leaks", "Writer's change", "Reader's change", "95% interval", "Correlation",
         "95% interval", "Steps", "Traces", "Problems"),
        rows, 3, "transfer_steps",
    )  # fmt: skip


def _own(frame: pl.DataFrame, of: pl.DataFrame) -> pl.DataFrame:
    """The rows of the frame of the same model and cut policy."""
    return frame.filter((pl.col("model") == of["model"][0]) & (pl.col("cut_policy") == of["cut_policy"][0]))
