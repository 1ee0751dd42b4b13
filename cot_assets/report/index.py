"""The pages of a report: which there are, and what each is filled with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from cot_assets.report import numbers
from cot_assets.report.curve import spark
from cot_assets.report.evidence import build_evidence
from cot_assets.report.findings import warnings
from cot_assets.report.sections import Section, layout
from cot_assets.report.source import Row, Source
from cot_assets.report.text import file_stem, one_line, visible
from cot_assets.report.trace_view import JUDGED, TraceView, build_trace_view
from cot_assets.warehouse.queries import find_query

#: The questions in order: their page, what its navigation calls them, and in full; sections name theirs.
GROUPS = {
    "patterns": ("index", "Patterns", "Which patterns do the curves show?"),
    "steps": ("index", "Steps", "What do the deciding steps look like?"),
    "problems": ("index", "Problems", "How hard are the problems?"),
    "models": ("compare", "Models", "How do the models differ?"),
    "training": ("compare", "Training", "What changes over a training?"),
    "transfer": ("compare", "Transfer", "Does a writer's text help another model?"),
    "search": ("index", "Search", "How far can a search push the potential?"),
    "trust": ("index", "Trust", "How far can the numbers be trusted?"),
    "cost": ("index", "Cost", "What did it cost?"),
}
#: Columns of the query ``traces`` that say which patterns a trace holds, and those that a tile needs as they are.
_SIGNS = {"insight": "n_insights", "tangent": "n_tangents", "late_spike": "is_late_spike",
          "lucky_guess": "is_lucky_guess", "monotone": "is_monotone"}  # fmt: skip
_TILE = ("verdict", "n_tokens", "v0", "largest_rise", "largest_drop", "surprise")
_HERO_CHARACTERS = 1800  #: a longer text does not fit the first screen
_KEY = ("trace_id", "cut_policy")


class Report:
    """One rendering: the rows of traces, grouped for look-up, and the names of the pages.

    Args:
        source: What is read.
        sections: The sections of all rooms, in the order in which they are shown.
        notices: Sentences of the caller about what went wrong, such as failed checks.
    """

    def __init__(self, source: Source, sections: Sequence[Section], notices: Sequence[str] = ()) -> None:
        self.source, self.notices = source, notices
        with source.together():
            self._read(source)
            self.sections = [(section, source.query(section.query, **section.values)) for section in sections]
        self.rollouts = source.telling_rollouts()

    def _read(self, source: Source) -> None:
        """Read the rows of traces."""
        answers = source.view("answer_entropy").select("model", "prefix_id", answers=pl.struct(pl.all()))
        curves = source.view("trace_curves", order="trace_id, cut_policy, cut_index")
        for more in (answers, source.transform("likely_answers")):
            curves = curves.join(more, on=["model", "prefix_id"], how="left", maintain_order="left")
        self.curves = _by(curves, *_KEY)
        self.measured = source.query("traces").join(curves, on=_KEY, how="semi", maintain_order="left")
        self.rows = self.measured.to_dicts()
        named = self.measured.select(*_KEY, "model", "problem_id")
        self.files = {
            (trace, policy): f"traces/{file_stem(model, problem, policy, unseen=trace)}.html"
            for trace, policy, model, problem in named.iter_rows()
        }
        self.problems = _one_by(source.view("problems"), "problem_id")
        traces = source.view("traces", "* EXCLUDE (prompt_token_ids, token_ids, char_ends, text), len(token_ids) = 0 AS is_in_words",
                             order="trace_id")  # fmt: skip
        self.traces = _one_by(traces, "trace_id")
        #: How the problems were chosen: whoever reads a rate is told.
        chosen = {one_line(p["chosen"].rstrip("."), 320) for p in self.problems.values() if p["chosen"]}
        self.chosen = "; ".join(sorted(chosen))
        self.verdicts = source.query("verdicts")
        #: Those that wrote, then those that only read on.
        self.models = list(dict.fromkeys([*self.verdicts["model"], *source.query("transfer")["reader"]]))
        self.is_compared = len(self.models) > 1
        self.judged = {name: _by(source.view(name), *_KEY) for name in JUDGED}
        self.readers = source.transform("trace_readers").rows_by_key("trace_id", named=True)

    def view(self, key: tuple[str, str], read: Sequence[Row] = ()) -> TraceView:
        """What the page of a trace and cut policy shows."""
        judged = {name: rows.get(key, []) for name, rows in self.judged.items()}
        return build_trace_view(self.traces[key[0]], self.curves[key], judged, read)

    # --- the index, and the page that compares models ---------------------------------------------

    def warnings(self) -> list[str]:
        """What to beware of."""
        quality = self.source.query("sampling_quality")
        return [*self.notices, *warnings(self.verdicts, quality, has_checks=not self.source.is_imported)]

    def hero(self) -> Row | None:
        """The trace that the report opens with: the largest change among texts that fit the screen."""

        def telling(row: Row) -> tuple[Any, ...]:
            n = sum(len(cut["chunk"]) for cut in self.curves[_key(row)])
            change = max(row["largest_rise"] or 0, -(row["largest_drop"] or 0))
            n_events = min(3, row["n_insights"] + row["n_tangents"])
            return n <= _HERO_CHARACTERS, change + 0.1 * n_events, row["trace_id"]

        if not self.rows:
            return None
        row = max(self.rows, key=telling)
        statement = self.problems.get(row["problem_id"], {}).get("statement") or ""
        view = self.view(_key(row))
        return {"view": view, "href": self.files[_key(row)], "label": self._label(row), "row": row,
                "statement": visible(statement, 600)}  # fmt: skip

    def cards(self) -> Iterator[Row]:
        """What the card of each model says: rows of its means by measure, and of its patterns; of several policies the last."""
        rates = self.source.query("pattern_rates", trace_filter="all", rule=None).sort("cut_policy")
        means = self.source.query("difficulty", split_by="none")
        for row in self.verdicts.iter_rows(named=True):
            own = rates.filter(model=row["model"])
            plain, fitted = (_one_by(own.filter(rule=rule), "pattern") for rule in ("threshold", "fitted"))
            patterns = [{**fitted.get(pattern, r), "called": r} for pattern, r in plain.items()]
            yield {
                "row": row,
                "means": _one_by(means.filter(model=row["model"]), "measure"),
                "patterns": patterns,
            }

    def gallery(self) -> str:
        """The rows of the gallery as JSON that is safe inside a script element."""
        rows = [
            {
                **{name: row[name] for name in _TILE}, "href": self.files[_key(row)], "spark": spark(self.curves[_key(row)]),
                "model": one_line(row["model"], 60), "problem": one_line(row["problem_id"], 80),
                "level": one_line(str(row["level"] or ""), 30), "policy": one_line(row["cut_policy"], 30),
                "text": one_line(self.problems.get(row["problem_id"], {}).get("statement") or "", 300),
                "signs": [sign for sign, column in _SIGNS.items() if row[column]], "note": _note(row),
            }
            for row in self.rows
        ]  # fmt: skip
        text = json.dumps(rows, ensure_ascii=True, separators=(",", ":"))
        return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")

    def groups(self, page: str) -> Iterator[Row]:
        """The questions of a page with their tables; sections without a row are named only."""
        for group, (where, label, question) in GROUPS.items():
            if where == page:
                own = [(section, rows) for section, rows in self.sections if section.group == group]
                shown = [self._shown(section, rows) for section, rows in own]
                silent = [each["section"].title for each in shown if not each["table"].rows]
                shown = [each for each in shown if each["table"].rows]
                yield {"id": group, "label": label, "question": question, "sections": shown, "silent": silent}

    def _shown(self, section: Section, rows: pl.DataFrame) -> Row:
        """What a page shows of a section."""
        from cot_assets.report.plots import data_uri  # plotting loads slowly

        links = {trace: self.files[trace, policy] for trace, policy in reversed(self.files)}
        table = layout(rows, section, links)
        figure = section.picture(self.source, rows) if section.picture and table.rows else None
        return {
            "section": section, "table": table, "note": section.note or find_query(section.query).note,
            "command": self.source.command(section.query, **section.values),
            "picture": figure and data_uri(figure, 140), "width": figure and round(figure.get_figwidth() * 96),
        }  # fmt: skip

    # --- pages of traces --------------------------------------------------------------------------

    def trace_pages(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """File and context of every trace's page, each linked to its neighbors of the same model."""

        def link(row: Row | None) -> str:
            return f"../{self.files[_key(row)]}" if row else ""

        by_problem = _by(self.measured, "problem_id")
        for rows in _by(self.measured, "model").values():
            for before, row, after in zip([None, *rows], rows, [*rows[1:], None], strict=False):
                others = [other for other in by_problem[row["problem_id"]] if _key(other) != _key(row)][:20]
                problem = self.problems.get(row["problem_id"], {})
                view = self.view(_key(row), self.readers.get(row["trace_id"], []))
                context = {
                    "view": view, "evidence": self._evidence(row, view), "previous": link(before), "next": link(after),
                    "problem": one_line(row["problem_id"], 80), "model": one_line(row["model"], 80),
                    "statement": visible(problem.get("statement") or "", 20_000),
                    "gold": one_line(problem.get("gold_answer") or "", 300),
                    "others": [(link(other), self._label(other)) for other in others],
                }  # fmt: skip
                yield self.files[_key(row)], context

    def _evidence(self, row: Row, view: TraceView) -> Row | None:
        """What the page of a trace shows of its rollouts."""
        curve = self.curves[_key(row)]
        at = {stretch["cut"] for stretch in view["stretches"] if stretch["marks"]}
        near = at | {end - 1 for end in at}
        of = {cut["prefix_id"]: self.rollouts.get((row["model"], cut["prefix_id"]), []) for cut in curve}
        return build_evidence(curve, near, of)

    def listed(self) -> list[tuple[str, str]]:
        """Every trace's page and what a link to it is called."""
        return [(self.files[_key(row)], self._label(row)) for row in self.rows]

    def _label(self, row: Row) -> str:
        """What a link to a trace's page is called."""
        place = (
            f"{row['model']} on {row['problem_id']}, trace {row['sample_index']}, cuts at {row['cut_policy']}"
        )
        return one_line(f"{place}: {row['verdict'].replace('_', ' ')}", 200)


def _note(row: Row) -> str:
    """The figures below a trace's picture."""
    rise, drop = row["largest_rise"], row["largest_drop"]
    rise, drop = rise and max(0, rise), drop and min(0, drop)
    return f"starts at {numbers.potential(row['v0'])}, largest rise {numbers.change(rise)}, drop {numbers.change(drop)}"


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["trace_id"], row["cut_policy"]


def _one_by(frame: pl.DataFrame, name: str) -> dict[Any, Row]:
    """The row of each value of a column; of several the last."""
    return frame.rows_by_key(name, named=True, include_key=True, unique=True)


def _by(frame: pl.DataFrame, *names: str) -> dict[Any, list[Row]]:
    """Rows by the values of columns, in the frame's order."""
    return frame.rows_by_key(names, named=True, include_key=True)
