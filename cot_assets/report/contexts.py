"""What the pages of models and traces are filled with, and which pages there are.

Belongs here: the names of pages and their links, the contexts of their templates. Does not belong here: the
index (:mod:`.index`), how tables are made from frames (:mod:`.tables`, :mod:`.trace_view`), and rendering
(:mod:`.pages`).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from cot_assets.report import numbers, tables
from cot_assets.report.curve import Row, build_spark
from cot_assets.report.data import ReportData
from cot_assets.report.plots import curves_figure, to_png
from cot_assets.report.tables import natural, policy_order
from cot_assets.report.text import file_stem, one_line
from cot_assets.report.trace_view import SYMBOLS, build_trace_view


def picture(draw: Callable[[bool], Figure], alt: str) -> Row:
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
        """File and context of every trace's page, each linked to its neighbors of the same model."""
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
            "figure": picture(
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
            "label": self.label(page),
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

    # --- what several pages say of a trace --------------------------------------------------------

    def signs(self, page: TracePage) -> Row:
        """The events of a trace by the threshold rule, as symbols and in words."""
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

    def label(self, page: TracePage) -> str:
        """What a link to the page is called."""
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
