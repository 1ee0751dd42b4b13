"""Tables of the index about transfer: controls, shortest prefixes, steps.

Belongs here: plain tables of formatted cells with rule, n and interval. Does not belong here: the estimates
(:mod:`cot_assets.measures`), and the tables of unlocks with their links (:mod:`.tables`).
"""

from __future__ import annotations

import polars as pl

from cot_assets.report import numbers
from cot_assets.report.data import ReportData
from cot_assets.report.plain import MOST_ROWS, NONE, PlainTable
from cot_assets.report.tables import Row, headline_fraction, natural
from cot_assets.report.text import one_line


def transfer_evidence(data: ReportData) -> list[PlainTable]:
    """All of them, empty ones too."""
    return [_controls(data), _shortest(data), _steps(data)]


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
                numbers.interval(row["value_low"], row["value_high"]),
                numbers.potential(row["control_value"]),
                numbers.interval(row["control_low"], row["control_high"]),
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
        ("Pair", "Traces", "Control", "Leaks", "Text V", "95% interval", "Control V", "95% interval", "Difference", "95% interval", "n traces",
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
            numbers.potential(row["v0"]),
            numbers.interval(row["v0_low"], row["v0_high"]),
            numbers.count(row["n0"]),
            "none" if row["n_tokens"] is None else f"{row['n_tokens']:,} tokens",
            NONE if row["share"] is None else numbers.percent(row["share"]),
            NONE if row["potential"] is None else numbers.potential(row["potential"]),
            NONE if row["potential"] is None else numbers.interval(row["ci_low"], row["ci_high"]),
            NONE if row["n"] is None else numbers.count(row["n"]),
            NONE if row["leaks_answer"] is None else "yes" if row["leaks_answer"] else "no",
            NONE if row["n_longer"] is None else f"{row['n_longer_unlocked']:,} of {row['n_longer']:,}",
            numbers.count(row["n_prefixes"]),
            numbers.count(row["n_undecided"]),
        ]
        for row in ordered[:MOST_ROWS]
    ]
    more = f" {len(ordered) - MOST_ROWS:,} more are in the query." if len(ordered) > MOST_ROWS else ""
    return PlainTable(
        "The shortest prefix that unlocks",
        "Of the problems that the reader does not solve alone (P(V0 < 0.05) ≥ 0.95). Several prefixes are judged, so "
        "the first may be chance, and V there is too large on average: do the longer ones of the same trace unlock "
        "too? Jeffreys intervals." + more,
        ("Pair", "Problem", "V0", "95% interval", "n", "Shortest", "Share", "V there", "95% interval", "n", "Gold in text", "Longer ones too", "Prefixes judged",
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
            numbers.change_interval(row["writer_change_low"], row["writer_change_high"]),
            numbers.change(row["reader_change"]),
            numbers.change_interval(row["reader_change_low"], row["reader_change_high"]),
            numbers.change(row["correlation"]),
            numbers.change_interval(row["correlation_low"], row["correlation_high"]),
            NONE if row["corrected"] is None else numbers.change(row["corrected"]),
            NONE
            if row["corrected_low"] is None
            else numbers.change_interval(row["corrected_low"], row["corrected_high"]),
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
        "weakened by the noise of both; without noise: the binomial noise taken off both variances, where that is "
        "possible. Leaks dropped: no step at whose end the gold answer stands in the text.",
        ("Pair", "Step", "Leaks", "Writer's change", "95% interval", "Reader's change", "95% interval", "Correlation",
         "95% interval", "Without noise", "95% interval", "Steps", "Traces", "Problems"),
        rows, 3, "transfer_steps",
    )  # fmt: skip
