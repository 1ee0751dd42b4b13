"""What the index of a report is filled with.

Belongs here: the context of its template. Does not belong here: how its tables are made from frames
(:mod:`.tables`, :mod:`.evidence`), and the pages that it links to (:mod:`.contexts`).
"""

from __future__ import annotations

from typing import Any

from cot_assets.report import numbers, tables
from cot_assets.report.contexts import Contexts, picture
from cot_assets.report.curve import Row, build_spark
from cot_assets.report.evidence import evidence
from cot_assets.report.plain import NONE
from cot_assets.report.plots import headline_filter, optimized_figure, pattern_figure, transfer_figure
from cot_assets.report.search import optimized_section
from cot_assets.report.second_hand import second_hand
from cot_assets.report.sensitivity_plot import sensitivity_figure
from cot_assets.report.tables import natural
from cot_assets.report.text import one_line

MOST_GRID_ROWS = 250  #: problems in the index's table of curves
_FILTER_NAMES = {
    "paper": "Correct traces, problems solved without CoT left out (the paper's filter)",
    "correct": "Correct traces",
    "incorrect": "Wrong traces",
    "all": "All measured traces",
}


def index_context(contexts: Contexts) -> dict[str, Any]:
    """The context of ``index.html.j2``."""
    data = contexts.data
    rates = tables.rate_tables(data)
    curve = tables.curve_rows(data)
    known_rates = data.pattern_rates["rate"].drop_nulls().len() > 0
    return {
        "n_problems": data.problems.height or data.traces["problem_id"].n_unique(),
        "protocol": data.protocol,
        "protocols": sorted(set(data.traces.select("protocol", "protocol_hash").iter_rows())),
        "models": [
            {
                **row,
                "name": one_line(row["model"], 60),
                "href": contexts.model_file(row["model"]),
                "verdicts": sorted(row["verdicts"].items(), key=lambda item: (-item[1], item[0])),
                "revisions": [one_line(r, 24) for r in row["revisions"]],
            }
            for row in tables.model_rows(data)
        ],
        "rates": [_rate_table(contexts, table) for table in rates],
        "pattern_figure": picture(
            lambda dark: pattern_figure(data.pattern_rates, dark=dark),
            "Rates of the patterns by model and rule.",
        )
        if known_rates
        else None,
        "rules": tables.RULES,
        "filters": _FILTER_NAMES,
        "second_hand": [
            {
                "model": found.model,
                "figures": found.figures,
                "ours": [
                    (one_line(policy, 40), [row and _with_percent_interval(row) for row in rows])
                    for policy, rows in found.ours
                ],
            }
            for found in second_hand(data)
        ],
        "guesses": [
            {
                **vars(table),
                "name": one_line(table.model, 60),
                "bins": [_with_bound(row) for row in table.bins],
                "matched": _with_percent_interval(table.matched),
            }
            for table in tables.guess_tables(data)
        ],
        "passes": [
            {
                "name": one_line(row["model"], 60),
                "k": row["k"],
                **{view: _with_percent_interval(row[view]) for view in ("kept", "lucky_guess", "late_spike")},
            }
            for row in tables.pass_rows(data)
        ],
        "transfer_figure": picture(
            lambda dark: transfer_figure(data.transfer_curve, dark=dark),
            "Mean potential of the reader over the share of the writer's trace: the writer's text and its controls.",
        )
        if curve
        else None,
        "transfer_filter": headline_filter(data.transfer_curve) if curve else "",
        "curve": [
            {
                **row,
                "interval": numbers.interval(row["ci_low"], row["ci_high"]),
                "lift_interval": numbers.change_interval(row["lift_low"], row["lift_high"]),
            }
            for row in curve
        ],
        "headline": tables.headline_fraction(data),
        "unlocks": [_unlock_table(contexts, table) for table in tables.unlock_tables(data)],
        "optimized": optimized_section(data),
        "optimized_figure": picture(
            lambda dark: optimized_figure(data.optimized_curves, dark=dark),
            "Mean potential over tokens, optimized and sampled traces of the same problems.",
        )
        if data.optimized_curves.height
        else None,
        "grid": _grid(contexts),
        "evidence": evidence(data),
        "sensitivity_figure": picture(
            lambda dark: sensitivity_figure(data.sensitivity, dark=dark),
            "Rates of every pattern over its threshold, for several n, with the rates of noise.",
        )
        if data.sensitivity["rate"].drop_nulls().len()
        else None,
        "cost": [
            {
                **vars(table),
                "name": one_line(table.model, 60),
                "engine": one_line(table.engine, 60),
                "device": one_line(table.device, 60),
                "revision": one_line(table.revision, 40),
            }
            for table in tables.cost_tables(data)
        ],
        "asked": tables.asked(data),
    }


def _rate_table(contexts: Contexts, table: tables.RateTable) -> Row:
    groups: dict[str, list[Row]] = {}
    for row in table.rows:
        shown: Row = {"pattern": row["pattern"]}
        for rule in tables.RULES:
            rate = row.get(rule)
            shown[rule] = rate and {
                **_with_percent_interval(rate),
                "neff": numbers.UNKNOWN if rate["n_eff"] is None else f"{rate['n_eff']:.1f}",
            }
        groups.setdefault(row["model"], []).append(shown)
    return {
        "trace_filter": table.trace_filter,
        "cut_policy": one_line(table.cut_policy, 40),
        "groups": [
            {"name": one_line(model, 60), "href": contexts.model_file(model), "rows": rows}
            for model, rows in groups.items()
        ],
    }


def _unlock_table(contexts: Contexts, table: tables.UnlockTable) -> Row:
    problems: list[Row] = []
    for row in table.problems:
        pages = contexts.by_trace.get(row["trace_id"])
        problems.append(
            {**row, "problem": one_line(row["problem_id"], 60), "href": pages[0].file if pages else ""}
        )
    return {
        **vars(table),
        "problems": problems,
        "counts": [_with_shares(row) for row in table.counts],
        "by_fraction": [_with_shares(row) for row in table.by_fraction],
    }


def _grid(contexts: Contexts) -> Row:
    """Problems by models: the curves of every measured trace in the policy that sampling follows."""
    cells: dict[str, dict[str, list[Row]]] = {}
    models: list[str] = []
    for pages in contexts.by_trace.values():
        page = pages[0]
        model = page.trace["model"]
        if model not in models:
            models.append(model)
        item = {
            "spark": build_spark(page.cuts, page.trace["verdict"]),
            "href": page.file,
            "label": contexts.label(page),
            **contexts.signs(page),
        }
        cells.setdefault(page.trace["problem_id"], {}).setdefault(model, []).append(item)
    ordered = sorted(cells, key=natural)
    rows: list[Row] = []
    for problem_id in ordered[:MOST_GRID_ROWS]:
        problem = contexts.problems.get(problem_id, {})
        rows.append(
            {
                "problem": one_line(problem_id, 60),
                "level": one_line(str(problem.get("level") or ""), 20),
                "gold": one_line(problem.get("gold_answer") or "", 24),
                "cells": [cells[problem_id].get(model, [])[:8] for model in models],
            }
        )
    return {
        "rows": rows,
        "models": [one_line(model, 40) for model in models],
        "n_hidden": max(0, len(ordered) - MOST_GRID_ROWS),
    }


def _with_percent_interval(row: Row) -> Row:
    return {**row, "interval": numbers.percent_interval(row["ci_low"], row["ci_high"])}


def _with_bound(row: Row) -> Row:
    """A bin of V0 with its rate's interval, and the mean bound and its own."""
    bound = row["bound"]
    if not bound or bound["estimate"] is None:
        return {**_with_percent_interval(row), "bound": NONE, "bound_interval": NONE}
    return {
        **_with_percent_interval(row),
        "bound": numbers.percent(bound["estimate"]),
        "bound_interval": numbers.percent_interval(bound["ci_low"], bound["ci_high"]),
    }


def _with_shares(row: Row) -> Row:
    """A row of unlock_rates with its shares as text: of unsolved problems, and of unsolved traces."""
    shown: Row = {}
    for name, prefix, n in (("problems", "problems_", "n_problems_unsolved"), ("traces", "", "n_unsolved")):
        low, high = row[f"{prefix}share_low"], row[f"{prefix}share_high"]
        ends = numbers.percent_interval(row[f"{prefix}ci_low"], row[f"{prefix}ci_high"])
        share = numbers.percent(low) if low == high else f"{numbers.percent(low)} to {numbers.percent(high)}"
        shown |= {f"{name}_share": share if row[n] else NONE, f"{name}_interval": ends if row[n] else NONE}
    return {**row, **shown}
