"""What each page of a report is filled with.

Belongs here: which pages there are, their names and links, the contexts of the templates. Does not belong
here: how tables are made from frames (:mod:`.tables`, :mod:`.trace_view`), and rendering (:mod:`.pages`).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from cot_assets.reporting import numbers, tables
from cot_assets.reporting.curve import Row, build_spark
from cot_assets.reporting.data import ReportData
from cot_assets.reporting.evidence import evidence
from cot_assets.reporting.optimised import optimised_section
from cot_assets.reporting.plots import (
    curves_figure,
    headline_filter,
    optimised_figure,
    pattern_figure,
    to_png,
    transfer_figure,
)
from cot_assets.reporting.sensitivity_plot import sensitivity_figure
from cot_assets.reporting.tables import natural, policy_order
from cot_assets.reporting.text import file_stem, one_line
from cot_assets.reporting.trace_view import SYMBOLS, build_trace_view

MOST_GRID_ROWS = 250  #: problems in the index's table of curves
_FILTER_NAMES = {
    "paper": "Correct traces, problems solved without CoT left out (the paper's filter)",
    "correct": "Correct traces",
    "incorrect": "Wrong traces",
    "all": "All measured traces",
}


def _picture(draw: Callable[[bool], Figure], alt: str) -> Row:
    """A figure as data URLs for both schemes, drawn at twice the size it is shown in."""
    light = draw(False)
    urls = {
        name: "data:image/png;base64," + base64.b64encode(to_png(figure, dpi=150)).decode()
        for name, figure in (("light", light), ("dark", draw(True)))
    }
    return {**urls, "width": round(light.get_figwidth() * 96), "alt": alt}


@dataclass(frozen=True)
class TracePage:
    """The page of one trace and cut policy."""

    trace: Row
    cut_policy: str
    cuts: list[Row]
    file: str


class Contexts:
    """One rendering: the frames, grouped for look-up, and the names of the pages."""

    def __init__(self, data: ReportData) -> None:
        self.data = data
        self.problems: dict[str, Row] = {
            row["problem_id"]: row for row in data.problems.iter_rows(named=True)
        }
        self.traces: dict[str, Row] = {row["trace_id"]: row for row in data.traces.iter_rows(named=True)}
        self.models = tables.models_of(data)
        self.events = {
            name: _by_curve(getattr(data, name))
            for name in ("spikes", "tangents", "lucky_guesses", "monotonicity")
        }
        self.pages = self._trace_pages()
        self.by_trace: dict[str, list[TracePage]] = {}
        for page in self.pages:
            self.by_trace.setdefault(page.trace["trace_id"], []).append(page)
        self.by_problem: dict[str, list[TracePage]] = {}
        for page in self.pages:
            self.by_problem.setdefault(page.trace["problem_id"], []).append(page)

    def _trace_pages(self) -> list[TracePage]:
        curves = _by_curve(self.data.curves.sort("cut_index"))
        pages: list[TracePage] = []
        for (trace_id, policy), cuts in curves.items():
            trace = self.traces.get(trace_id)
            if trace is None:
                continue
            name = file_stem(trace["model"], trace["problem_id"], policy, unseen=trace_id)
            pages.append(TracePage(trace, policy, cuts, f"traces/{name}.html"))
        pages.sort(
            key=lambda page: (
                natural(page.trace["model"]),
                natural(page.trace["problem_id"]),
                page.trace["sample_index"],
                page.trace["trace_id"],
                policy_order(page.cut_policy),
            )
        )
        return pages

    def trace_contexts(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """File and context of every trace's page, each linked to its neighbours of the same model."""
        by_model: dict[str, list[TracePage]] = {}
        for page in self.pages:
            by_model.setdefault(page.trace["model"], []).append(page)
        for pages in by_model.values():
            for number, page in enumerate(pages):
                previous = pages[number - 1] if number else None
                following = pages[number + 1] if number + 1 < len(pages) else None
                yield page.file, self._trace(page, previous, following)

    @staticmethod
    def model_file(model: str) -> str:
        """Path of a model's page."""
        return f"models/{file_stem(model)}.html"

    # --- pages of traces ------------------------------------------------------------------------

    def _trace(
        self, page: TracePage, previous: TracePage | None, following: TracePage | None
    ) -> dict[str, Any]:
        key = (page.trace["trace_id"], page.cut_policy)
        problem_id = page.trace["problem_id"]
        view = build_trace_view(
            page.trace,
            self.problems.get(problem_id, {"problem_id": problem_id}),
            page.cut_policy,
            page.cuts,
            spikes=self.events["spikes"].get(key, []),
            tangents=self.events["tangents"].get(key, []),
            guesses=self.events["lucky_guesses"].get(key, []),
            monotonicity=self.events["monotonicity"].get(key, []),
        )
        others = [
            {
                "href": "../" + other.file,
                "label": one_line(f"{other.trace['model']}, trace {other.trace['sample_index']}", 80)
                + ("" if other.trace is not page.trace else f", cuts at {other.cut_policy}"),
                "verdict": other.trace["verdict"],
            }
            for other in self.by_problem[problem_id]
            if other is not page
        ]
        links = {
            "problem": one_line(problem_id, 80),
            "model": one_line(page.trace["model"], 80),
            "model_page": "../" + self.model_file(page.trace["model"]),
            "previous": "../" + previous.file if previous else "",
            "next": "../" + following.file if following else "",
            "others": others[:20],
        }
        return {"view": view, "links": links, "symbols": SYMBOLS}

    # --- pages of models ------------------------------------------------------------------------

    def model(self, model: str) -> dict[str, Any]:
        """The context of ``model.html.j2``."""
        pages = [page for page in self.pages if page.trace["model"] == model]
        summary = next(row for row in tables.model_rows(self.data) if row["model"] == model)
        sections: list[Row] = []
        for policy in sorted({page.cut_policy for page in pages}, key=policy_order):
            own = [page for page in pages if page.cut_policy == policy]
            sections.append(self._model_section(model, policy, own))
        return {
            "model": one_line(model, 100),
            "others": [
                {"name": one_line(other, 60), "href": "../" + self.model_file(other)}
                for other in self.models
                if other != model
            ],
            "summary": {**summary, "revisions": [one_line(r, 40) for r in summary["revisions"]]},
            "sections": sections,
        }

    def _model_section(self, model: str, policy: str, pages: list[TracePage]) -> Row:
        name = one_line(model, 60)
        curves = self.data.curves.filter((pl.col("model") == model) & (pl.col("cut_policy") == policy)).join(
            self.data.traces.select("trace_id", "verdict"), on="trace_id", how="inner"
        )
        ns = sorted(set(curves["n"].drop_nulls().to_list()) - {0})
        alt = f"Potential curves of {len(pages)} traces of {name}; the table below links to each."
        return {
            "cut_policy": one_line(policy, 40),
            "n_range": "unknown" if not ns else f"{ns[0]}" if len(ns) == 1 else f"{ns[0]} to {ns[-1]}",
            "figure": _picture(
                lambda dark: curves_figure(curves, f"{name}: potential over the trace", dark=dark), alt
            ),
            "rows": [self._model_row(page) for page in pages],
        }

    def _model_row(self, page: TracePage) -> Row:
        key = (page.trace["trace_id"], page.cut_policy)
        start: Row = next((cut for cut in page.cuts if cut["cut_index"] == 0), {})
        problem = self.problems.get(page.trace["problem_id"], {})
        monotone = next(iter(self.events["monotonicity"].get(key, [])), None)
        row: Row = {
            "href": "../" + page.file,
            "problem": one_line(page.trace["problem_id"], 60),
            "level": one_line(str(problem.get("level") or ""), 20),
            "spark": build_spark(page.cuts, page.trace["verdict"]),
            "label": self._label(page),
            "verdict": page.trace["verdict"],
            "n_tokens": page.trace["n_tokens"],
            "v0": start.get("potential"),
            "interval": numbers.interval(start.get("ci_low"), start.get("ci_high")),
            "n": numbers.count(start.get("n")),
            "monotone": _flag(monotone),
        }
        for name, column in (("insights", "spikes"), ("tangents", "tangents")):
            events = self.events[column].get(key, [])
            found, kept = (sum(bool(e[flag]) for e in events) for flag in ("by_threshold", "is_confirmed"))
            row[name] = f"{found} ({kept})" if found or kept else "0"
        for rule in ("late_spike", "lucky_guess"):
            judged = [g for g in self.events["lucky_guesses"].get(key, []) if g["rule"] == rule]
            row[rule] = _flag(judged[0]) if judged else "–"
        return row

    # --- index ----------------------------------------------------------------------------------

    def index(self) -> dict[str, Any]:
        """The context of ``index.html.j2``."""
        data = self.data
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
                    "href": self.model_file(row["model"]),
                    "verdicts": sorted(row["verdicts"].items(), key=lambda item: (-item[1], item[0])),
                    "revisions": [one_line(r, 24) for r in row["revisions"]],
                }
                for row in tables.model_rows(data)
            ],
            "rates": [self._rate_table(table) for table in rates],
            "pattern_figure": _picture(
                lambda dark: pattern_figure(data.pattern_rates, dark=dark),
                "Rates of the patterns by model and rule.",
            )
            if known_rates
            else None,
            "rules": tables.RULES,
            "filters": _FILTER_NAMES,
            "second_hand": tables.SECOND_HAND,
            "second_hand_ours": {
                name: {pattern: _with_percent_interval(row) for pattern, row in rows.items()}
                for name, rows in tables.second_hand_matches(data).items()
            },
            "guesses": [
                {
                    **vars(table),
                    "name": one_line(table.model, 60),
                    "bins": [_with_percent_interval(row) for row in table.bins],
                }
                for table in tables.guess_tables(data)
            ],
            "passes": [
                {
                    "name": one_line(row["model"], 60),
                    "k": row["k"],
                    **{
                        view: _with_percent_interval(row[view])
                        for view in ("kept", "lucky_guess", "late_spike")
                    },
                }
                for row in tables.pass_rows(data)
            ],
            "transfer_figure": _picture(
                lambda dark: transfer_figure(data.transfer_curve, dark=dark),
                "Mean potential of the reader over the share of the writer's trace, real and shuffled text.",
            )
            if curve
            else None,
            "transfer_filter": headline_filter(data.transfer_curve) if curve else "",
            "curve": [{**row, "interval": numbers.interval(row["ci_low"], row["ci_high"])} for row in curve],
            "headline": tables.headline_fraction(data),
            "unlocks": [self._unlock_table(table) for table in tables.unlock_tables(data)],
            "optimised": optimised_section(data),
            "optimised_figure": _picture(
                lambda dark: optimised_figure(data.optimized_curves, dark=dark),
                "Mean potential over tokens, optimised and sampled traces of the same problems.",
            )
            if data.optimized_curves.height
            else None,
            "grid": self._grid(),
            "evidence": evidence(data),
            "sensitivity_figure": _picture(
                lambda dark: sensitivity_figure(data.sensitivity, dark=dark),
                "Rates of insights and tangents over the threshold, for several n, with the noise floor.",
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

    def _rate_table(self, table: tables.RateTable) -> Row:
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
                {"name": one_line(model, 60), "href": self.model_file(model), "rows": rows}
                for model, rows in groups.items()
            ],
        }

    def _unlock_table(self, table: tables.UnlockTable) -> Row:
        problems: list[Row] = []
        for row in table.problems:
            pages = self.by_trace.get(row["trace_id"])
            problems.append(
                {**row, "problem": one_line(row["problem_id"], 60), "href": pages[0].file if pages else ""}
            )
        return {**vars(table), "problems": problems}

    def _grid(self) -> Row:
        """Problems by models: the curves of every measured trace in the policy that sampling follows."""
        cells: dict[str, dict[str, list[Row]]] = {}
        models: list[str] = []
        for pages in self.by_trace.values():
            page = pages[0]
            model = page.trace["model"]
            if model not in models:
                models.append(model)
            item = {
                "spark": build_spark(page.cuts, page.trace["verdict"]),
                "href": page.file,
                "label": self._label(page),
                **self._signs(page),
            }
            cells.setdefault(page.trace["problem_id"], {}).setdefault(model, []).append(item)
        ordered = sorted(cells, key=natural)
        rows: list[Row] = []
        for problem_id in ordered[:MOST_GRID_ROWS]:
            problem = self.problems.get(problem_id, {})
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

    def _signs(self, page: TracePage) -> Row:
        key = (page.trace["trace_id"], page.cut_policy)
        counts = {
            "insight": sum(bool(e["by_threshold"]) for e in self.events["spikes"].get(key, [])),
            "tangent": sum(bool(e["by_threshold"]) for e in self.events["tangents"].get(key, [])),
        }
        for guess in self.events["lucky_guesses"].get(key, []):
            counts[guess["rule"]] = int(bool(guess["by_threshold"]))
        found = {kind: n for kind, n in counts.items() if n}
        return {
            "signs": "".join(SYMBOLS[kind] * min(n, 3) for kind, n in found.items()),
            "signs_label": ", ".join(f"{n} {kind.replace('_', ' ')}" for kind, n in found.items()),
        }

    def _label(self, page: TracePage) -> str:
        verdict = page.trace["verdict"].replace("_", " ")
        return one_line(f"{page.trace['model']} on {page.trace['problem_id']}, {verdict}", 160)


def _by_curve(frame: pl.DataFrame) -> dict[tuple[str, str], list[Row]]:
    """Rows by trace and cut policy, in the frame's order."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in frame.iter_rows(named=True):
        found.setdefault((row["trace_id"], row["cut_policy"]), []).append(row)
    return found


def _flag(row: Row | None) -> str:
    if row is None:
        return "–"
    if row["by_threshold"] is None:
        return numbers.UNKNOWN
    if not row["by_threshold"]:
        return "no"
    return "yes (confirmed)" if row["is_confirmed"] else "yes"


def _with_percent_interval(row: Row) -> Row:
    return {**row, "interval": numbers.percent_interval(row["ci_low"], row["ci_high"])}
