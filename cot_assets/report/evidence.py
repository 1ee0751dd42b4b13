"""Tables of the index that say how far its other numbers can be trusted, ready to be shown.

Belongs here: difficulty, confirmation, tests, spread-out changes, recovery, jumps, leaks: each a plain table
of formatted cells with rule, n and interval. Does not belong here: the estimates (:mod:`cot_assets.measures`),
tables about transfer (:mod:`.transfer_evidence`), and those with links or pictures in their cells
(:mod:`.tables`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from cot_assets.measures.rates.summaries import SIGNS
from cot_assets.report import numbers
from cot_assets.report.data import ReportData
from cot_assets.report.plain import NONE, PlainTable
from cot_assets.report.tables import PATTERNS, Row, natural, policy_order, shown_sensitivity
from cot_assets.report.text import one_line
from cot_assets.report.transfer_evidence import transfer_evidence

_SIGN_NAMES = {
    "calculation": "Calculation", "self_check": "Self-check", "gold_answer": "Gold answer",
    "first_answer": "Own answer, first time",
}  # fmt: skip
_UNKNOWN: Row = dict.fromkeys(("estimate", "ci_low", "ci_high", "n_with")) | {"n": 0, "n_problems": 0}


def evidence(data: ReportData) -> dict[str, list[PlainTable]]:
    """Tables with rows, by the section of the index that they belong to."""
    found = {
        "patterns": [
            _sensitivity(data), _confirmation(data), _monotone(data), _spread(data), _recovery(data), _jumps(data),
            _leaks(data),
        ],
        "difficulty": [_difficulty(data), _matched(data), _differences(data)],
        "transfer": transfer_evidence(data),
    }  # fmt: skip
    return {section: [table for table in tables if table.rows] for section, tables in found.items()}


@dataclass(frozen=True)
class _Figure:
    """The numbers of one figure for one model and cut policy; ``names`` are the cells that say which."""

    names: list[str]
    rows: Mapping[tuple[str, str, str, str], Row]

    def get(self, measure: str, rule: str = "none", trace_filter: str = "all", part: str = "all") -> Row:
        """One number; without rows to rest on it has n = 0."""
        return self.rows.get((measure, rule, trace_filter, part), _UNKNOWN)


def _figures(data: ReportData, figure: str) -> Iterator[_Figure]:
    own = data.summaries.filter(pl.col("figure") == figure)
    groups = own.partition_by("model", "cut_policy", as_dict=True)
    for model, policy in sorted(groups, key=lambda key: (natural(str(key[0])), policy_order(str(key[1])))):
        rows = {
            (row["measure"], row["rule"], row["trace_filter"], row["part"]): row
            for row in groups[model, policy].iter_rows(named=True)
        }
        yield _Figure([one_line(str(model), 60), one_line(str(policy), 40)], rows)


def _percent(row: Row) -> list[str]:
    """A share and its interval."""
    return _written(row, numbers.percent, numbers.percent_interval)


def _change(row: Row) -> list[str]:
    """A difference of potentials and its interval."""
    return _written(row, numbers.change, numbers.change_interval)


def _potential(row: Row) -> list[str]:
    """A potential and its interval."""
    return _written(row, numbers.potential, numbers.interval)


def _count(row: Row, times: float = 1.0) -> list[str]:
    """A number of tokens or events and its interval."""

    def one(value: float | None) -> str:
        scaled = None if value is None else times * value
        return f"{scaled:.1f}" if scaled is not None and scaled < 20 and times != 1 else numbers.count(scaled)

    def both(low: float | None, high: float | None) -> str:
        return numbers.UNKNOWN if low is None or high is None else f"{one(low)}–{one(high)}"

    return _written(row, one, both)


def _written(
    row: Row,
    one: Callable[[float | None], str],
    interval: Callable[[float | None, float | None], str],
) -> list[str]:
    if not row["n"]:
        return [NONE, NONE]
    if row["ci_low"] is None:
        return [one(row["estimate"]), "too few"]
    return [one(row["estimate"]), interval(row["ci_low"], row["ci_high"])]


def _of(row: Row) -> str:
    return f"{row['n_with'] or 0:,} of {row['n']:,}"


def _sensitivity(data: ReportData) -> PlainTable:
    shown = shown_sensitivity(data.sensitivity).filter("is_in_use")
    found = sorted(
        shown.to_dicts(), key=lambda r: (natural(r["model"]), PATTERNS.index(r["pattern"]), -r["n"])
    )
    rows = [
        [
            one_line(row["model"], 60), one_line(row["cut_policy"], 40), row["pattern"].replace("_", " "),
            f"{row['threshold']:g}", numbers.count(row["n"]), *_percent({**row, "estimate": row["rate"]}),
            *(NONE if row[name] is None else numbers.percent(row[name]) for name in ("noise_flat", "noise_monotone")),
            numbers.count(row["n_traces"]), numbers.count(row["n_problems"]), row["trace_filter"],
        ]
        for row in found
    ]  # fmt: skip
    return PlainTable(
        "The same rates from fewer rollouts, and from noise",
        "Rates at the thresholds in use, had every cut n rollouts (mean over random subsets); the interval is that of one "
        "experiment of that n. Flat and monotone noise: the rates of simulated curves at these levels whose true "
        "potential is flat, or never falls; a rate near them says nothing. Rises of the data stay in the monotone ones; a "
        "guess is a level and no change, so for guesses there is no such floor.",
        ("Model", "Cuts at", "Pattern", "Threshold", "n per cut", "Rate", "95% interval", "Flat noise", "Monotone noise",
         "Traces", "Problems", "Filter"),
        rows, 3, "sensitivity",
    )  # fmt: skip


def _confirmation(data: ReportData) -> PlainTable:
    rows: list[list[str]] = []
    for figure in _figures(data, "true_changes"):
        still = _percent(figure.get("no_change", "fitted"))
        for pattern in ("insight", "tangent"):
            seen, true, kept = (
                figure.get("event", rule, part=pattern) for rule in ("threshold", "fitted", "confirmed")
            )
            rows.append(
                [
                    *figure.names, pattern, numbers.count(seen["n_with"]), *_count(seen, seen["n"])[1:],
                    *_count(true, true["n"]), numbers.count(kept["n_with"]), *_count(kept, kept["n"])[1:],
                    *still, numbers.count(seen["n"]), numbers.count(seen["n_problems"]),
                ]
            )  # fmt: skip
    return PlainTable(
        "How many events are real",
        "The law of true changes, fitted to all pairs of neighboring cuts with sampling noise removed: how many "
        "events it expects, beside those found by the threshold rule and those confirmed at a false discovery "
        "rate of 5%. Intervals: of the share of pairs, times the pairs; the fitted ones by a jackknife that leaves "
        "out problems and fits again. The fit errs toward no change at all; its interval shows the spread over "
        "problems and not that.",
        ("Model", "Cuts at", "Pattern", "By threshold", "95% interval", "Expected true", "95% interval", "Confirmed",
         "95% interval", "No change, at most", "95% interval", "Pairs", "Problems"),
        rows, 3, "true_changes",
    )  # fmt: skip


def _monotone(data: ReportData) -> PlainTable:
    rows: list[list[str]] = []
    for figure in _figures(data, "monotone_tests"):
        for name in ("paper", "correct", "incorrect", "all"):
            by_test, strict, by_rule = (
                figure.get("monotone", rule, name) for rule in ("test", "test_fdr", "tolerance")
            )
            if by_test["n"]:
                cells = [*_percent(by_test), *_percent(strict), *_percent(by_rule)]
                rows.append([*figure.names, name, *cells, *_rest(by_test)])
    return PlainTable(
        "Monotone by test",
        "Share of traces for which a potential that never falls is not ruled out: likelihood ratio of the isotonic "
        "fit, p ≥ 0.05, or a false discovery rate of 5% over the partition. Beside it the tolerance rule of the "
        "pattern table on the same traces, which noise alone often breaks.",
        ("Model", "Cuts at", "Traces", "By test", "95% interval", "By test, FDR", "95% interval", "By tolerance",
         "95% interval", "n", "Problems"),
        rows, 3, "monotone_tests",
    )  # fmt: skip


def _rest(row: Row) -> list[str]:
    return [numbers.count(row["n"]), numbers.count(row["n_problems"])]


def _spread(data: ReportData) -> PlainTable:
    rows: list[list[str]] = []
    for figure in _figures(data, "drawdown_rates"):
        for name in ("paper", "all"):
            for kind in ("drawdown", "run_up"):
                split, plain = (figure.get("size", rule, name, kind) for rule in ("split", "plain"))
                kept, seen = (
                    figure.get("beyond_threshold", rule, name, kind) for rule in ("confirmed", "threshold")
                )
                cells = [*_percent(kept), *_percent(seen), *_change(split), *_change(plain), *_rest(kept)]
                rows.append([*figure.names, kind.replace("_", "-"), name, *cells])
    return PlainTable(
        "Changes over several cuts",
        "The largest fall (drawdown) and rise (run-up) of a trace between any two cuts. Confirmed: a lower bound that "
        "holds for all cuts at once lies beyond the threshold. Mean size: one half of the rollouts chose the cuts, "
        "the other measured the change; plain is the largest difference itself, which noise inflates.",
        ("Model", "Cuts at", "Kind", "Traces", "Confirmed", "95% interval", "By threshold", "95% interval",
         "Mean size", "95% interval", "Plain", "95% interval", "n", "Problems"),
        rows, 4, "drawdown_rates",
    )  # fmt: skip


def _recovery(data: ReportData) -> PlainTable:
    rows: list[list[str]] = []
    for figure in _figures(data, "recovery"):
        for rule in ("threshold", "confirmed"):
            back, ends = figure.get("recovered", rule), figure.get("ends_correct", rule)
            early, middle, late = (figure.get(f"recovery_tokens_{q}", rule) for q in (25, 50, 75))
            quarters = NONE if not middle["n"] else f"{_count(early)[0]} / {_count(late)[0]}"
            rows.append(
                [
                    *figure.names, rule, *_percent(back), _of(back), numbers.count(back["n_problems"]),
                    *_count(middle), quarters, *_percent(ends), _of(ends),
                ]
            )  # fmt: skip
    return PlainTable(
        "Recovery from tangents",
        "Tangents after which a later cut is back within the tolerance, the tokens that this took, and how many of the "
        "traces with a tangent end right. Traces end, so slow recoveries are missed; and part of a recovery is chance. "
        "Fewer than six independent recoveries hold no 95% interval of a median.",
        ("Model", "Cuts at", "Rule", "Recovered", "95% interval", "Tangents", "Problems", "Tokens (median)",
         "95% interval", "(25 / 75%)", "Ends right", "95% interval", "Traces"),
        rows, 3, "recovery",
    )  # fmt: skip


def _jumps(data: ReportData) -> PlainTable:
    rows: list[list[str]] = []
    for figure in _figures(data, "jumps"):
        for part in ("insight", "other step"):
            length = figure.get("n_characters", "threshold", part=part)
            if not length["n"]:
                continue
            cells: list[str] = []
            for sign in (*SIGNS, "no_sign"):
                cells += _percent(figure.get(sign, "threshold", part=part))
            tokens = figure.get("n_tokens", "threshold", part=part)
            rows.append([*figure.names, part, *_rest(length), *cells, *_count(length), *_count(tokens)])
    heads = [part for name in (*_SIGN_NAMES.values(), "None of these") for part in (name, "95% interval")]
    return PlainTable(
        "Jumps: what insights are made of",
        "A jump is an insight that no reader can explain; no rule decides that. Shares of insights (threshold rule) "
        "whose text holds a calculation, a self-check such as “wait”, the gold answer, or the first statement of "
        "the trace's own answer, beside all other steps. The query jump_candidates lists the texts.",
        ("Model", "Cuts at", "Steps", "n", "Problems", *heads, "Characters (median)", "95% interval",
         "Tokens (median)", "95% interval"),
        rows, 3, "jumps",
    )  # fmt: skip


def _leaks(data: ReportData) -> PlainTable:
    rows: list[list[str]] = []
    for figure in _figures(data, "answer_leaks"):
        for name in ("correct", "incorrect"):
            for stage in ("1 before", "2 gold answer in sight", "3 own answer stated"):
                value = figure.get("potential", trace_filter=name, part=stage)
                if value["n"]:
                    rows.append([*figure.names, name, stage[2:], *_potential(value), *_rest(value)])
    return PlainTable(
        "Before and after the answer is in sight",
        "Mean potential over cuts: before any answer, with the gold answer in the text (outside the problem), and after "
        "the trace has stated its own answer. Cluster bootstrap by problem.",
        ("Model", "Cuts at", "Traces", "Stage", "Mean potential", "95% interval", "Cuts", "Problems"),
        rows, 4, "answer_leaks",
    )  # fmt: skip


def _difficulty(data: ReportData) -> PlainTable:
    rows: list[list[str]] = []
    own = data.summaries.filter(pl.col("figure") == "difficulty")
    for (model,), group in sorted(
        own.partition_by("model", as_dict=True).items(), key=lambda item: natural(str(item[0][0]))
    ):
        parts: dict[tuple[str, str], dict[str, Row]] = {}
        for row in group.iter_rows(named=True):
            parts.setdefault((row["split_by"], row["part"]), {})[row["measure"]] = row
        order = ("none", "level", "subject")
        for split_by, part in sorted(parts, key=lambda key: (order.index(key[0]), natural(key[1]))):
            found = parts[split_by, part]
            label = "all problems" if split_by == "none" else f"{split_by} {one_line(part, 40)}"
            rows.append(
                [
                    one_line(str(model), 60), label, *_potential(found["v0"]), *_percent(found["accuracy"]),
                    *_change(found["gain_over_v0"]), *_count(found["n_tokens"]),
                    numbers.count(found["accuracy"]["n_problems"]),
                ]
            )  # fmt: skip
    return PlainTable(
        "How hard the problems are",
        "Chance without any CoT (V0), share of right traces and mean length, every problem counting once; cluster "
        "bootstrap by problem. The query solved_without_cot says how many problems need no CoT.",
        ("Model", "Problems", "Mean V0", "95% interval", "Right traces", "95% interval", "Gain over V0",
         "95% interval", "Tokens", "95% interval", "n problems"),
        rows, 2, "difficulty",
    )  # fmt: skip


def _matched(data: ReportData) -> PlainTable:
    shown = data.matched_rates.filter(
        (pl.col("trace_filter") == "paper") & (pl.col("v0_bin") == "equal weights")
    )
    rows: list[list[str]] = []
    groups = shown.partition_by("model", "cut_policy", as_dict=True)
    for key in sorted(groups, key=lambda key: (natural(str(key[0])), policy_order(str(key[1])))):
        own, names = groups[key], [one_line(str(key[0]), 60), one_line(str(key[1]), 40)]
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
            "–" if row["rule"] == "none" else f"{row['matched_n_a']:,}, {row['matched_n_b']:,}",
        ]
        for row in found
    ]
    return PlainTable(
        "Differences between models",
        "On the same problems: each problem that both have counts once, bootstrap by problem. Matched on V0: rates "
        "with equal weights over the bins that both fill. Patterns by threshold, the paper's filter.",
        ("Models", "Measure", "Same problems", "95% interval", "Problems", "Matched on V0", "95% interval", "Bins",
         "Traces"),
        rows, 2, "model_pairs",
    )  # fmt: skip
