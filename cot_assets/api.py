"""The results in Python: tables as polars frames, and single traces that show themselves in a notebook.

Belongs here: thin functions for people who explore. Does not belong here: estimates (:mod:`cot_assets.measures`) and
SQL (``sql/``); every number comes from a table, a view or a named query, through the function that ``cot-assets sql``
uses. Start with :func:`cot_assets.open`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from cot_assets.study.home import DataHome
from cot_assets.warehouse.errors import WarehouseError, shown, unknown
from cot_assets.warehouse.queries import Value, run_query

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def open_study(home: str | Path | None = None) -> Study:
    """The published results of a data home; without one of ``COT_ASSETS_HOME``, else ``.cot-assets/``.

    Raises:
        HomeError: The folder cannot be a data home.
        WarehouseError: Nothing was published there yet, or it cannot be read.
    """
    study = Study(DataHome.from_environment() if home is None else DataHome.at(home))
    study.sql("SELECT 1")
    return study


@dataclass(frozen=True)
class Study:
    """The results of a data home. Every call reads what is published at that moment, and changes nothing."""

    home: DataHome

    def sql(self, query: str, /, **parameters: Value) -> pl.DataFrame:
        """Rows of a named query, such as ``pattern_table``, or of a SELECT; values for each ``$name`` in it.

        Raises:
            WarehouseError: The name or a parameter is unknown, the SQL is wrong, takes too long or changes something.
        """
        return run_query(self.home, query, parameters)

    def table(self, name: str, /, **filters: Value) -> pl.DataFrame:
        """Rows of a table or view of ``docs/tables.md`` whose columns equal the filters; None filters nothing.

        Raises:
            WarehouseError: There is no such table or column; the message lists near matches.
        """
        found = self.sql("SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal")
        columns = found["column_name"].filter(found["table_name"] == name).to_list()
        if not columns:
            raise WarehouseError(unknown("table or view", name, sorted(set(found["table_name"]))))
        for column in filters:
            if column not in columns:
                raise WarehouseError(unknown(f"column of {name}", column, columns))
        given = {column: value for column, value in filters.items() if value is not None}
        where = " AND ".join(f'"{column}" = ${column}' for column in given) or "true"
        # Names are those of the catalog, values are bound.
        return self.sql(f'SELECT * FROM "{name}" WHERE {where} ORDER BY ALL', **given)  # noqa: S608

    @property
    def models(self) -> pl.DataFrame:
        """One row per model and revision."""
        return self.table("models")

    @property
    def problem_sets(self) -> pl.DataFrame:
        """One row per problem set, with its number of problems."""
        return self.sql("SELECT problem_set, count(*) AS n_problems FROM problems GROUP BY ALL ORDER BY ALL")

    def problems(self, problem_set: str | None = None) -> pl.DataFrame:
        """One row per problem: statement, gold answer, level."""
        return self.table("problems", problem_set=problem_set)

    def traces(self, model: str | None = None, problem_set: str | None = None) -> pl.DataFrame:
        """One row per sampled chain of thought, with its text, answer and verdict."""
        return self.table("traces", model=model, problem_set=problem_set)

    def potentials(self, model: str | None = None, problem_set: str | None = None) -> pl.DataFrame:
        """One row per reader and measured prefix: potential, its interval and all counts."""
        return self.table("potentials", model=model, problem_set=problem_set)

    def curves(self, model: str | None = None, problem_set: str | None = None) -> pl.DataFrame:
        """One row per measured trace and cut: the text up to it and the potential there."""
        return self.table("trace_curves", model=model, problem_set=problem_set)

    def events(self, model: str | None = None, problem_set: str | None = None) -> pl.DataFrame:
        """One row per insight, tangent, late spike and lucky guess."""
        return self.table("events", model=model, problem_set=problem_set)

    def trace(self, trace_id: str, cut_policy: str | None = None) -> Trace:
        """One trace. ``cut_policy`` is needed only where it was measured at several kinds of cuts.

        Raises:
            WarehouseError: There is no such trace, or it was measured by several cut policies.
        """
        rows = self.sql(
            "SELECT *, len(token_ids) = 0 AS is_in_words FROM traces WHERE trace_id = $id", id=trace_id
        )
        if rows.is_empty():
            near = self.sql(
                "SELECT trace_id FROM traces ORDER BY jaro_winkler_similarity(trace_id, $id) DESC, trace_id LIMIT 3",
                id=trace_id,
            )
            raise WarehouseError(unknown("trace", trace_id, near["trace_id"].to_list()))
        cuts = self.sql("SELECT DISTINCT cut_policy FROM trace_cuts WHERE trace_id = $id", id=trace_id)
        policies = sorted(cuts["cut_policy"])
        if cut_policy is None and len(policies) > 1:
            raise WarehouseError(
                f"trace {shown(trace_id)} was measured at several kinds of cuts; "
                f"name one: cut_policy = {' or '.join(map(repr, policies))}"
            )
        if cut_policy is not None and cut_policy not in policies:
            raise WarehouseError(unknown(f"cut policy of trace {shown(trace_id)}", cut_policy, policies))
        return Trace(self, trace_id, cut_policy or next(iter(policies), None), rows.row(0, named=True))


@dataclass(frozen=True)
class Trace:
    """One chain of thought; in a notebook it shows its text colored by potential, and its curve.

    ``row`` is its row of ``traces``. ``cut_policy`` is None where it was sampled but not measured.
    """

    study: Study = field(repr=False)
    trace_id: str
    cut_policy: str | None
    row: dict[str, Any] = field(repr=False)

    @property
    def text(self) -> str:
        """The trace as the model wrote it."""
        return self.row["text"]

    @property
    def verdict(self) -> str:
        """``correct``, ``incorrect``, ``no_answer``, ``truncated`` or ``unscored``."""
        return self.row["verdict"]

    @property
    def events(self) -> pl.DataFrame:
        """Its insights, tangents, late spikes and lucky guesses, in the order of the text."""
        return self._table("events").sort("cut_index", "pattern")

    def curve(self) -> pl.DataFrame:
        """One row per cut, in order: ``chunk``, ``potential``, ``ci_low``, ``ci_high``, ``n`` and more.

        The last row is the end of the trace: it is not sampled, and its ``value`` is the verdict.
        """
        return self._table("trace_curves").sort("cut_index")

    def plot(self, axes: Axes | None = None) -> Axes:
        """The report's picture of the curve, with its 95% band, on these axes or on a figure of its own.

        Raises:
            WarehouseError: The trace was not measured.
        """
        from cot_assets.measures.curves.report import draw_curve  # plotting loads slowly
        from cot_assets.report.plots import panels

        curve = self.curve()
        if curve.is_empty():
            raise WarehouseError(f"trace {shown(self.trace_id)} was not measured, so it has no curve")
        axes = panels(1)[1][0] if axes is None else axes
        draw_curve(axes, curve)
        axes.set(xlabel="fraction of the trace", ylabel="potential, 95% interval")
        return axes

    def _repr_html_(self) -> str:
        """The colored text and the curve in a frame of their own: no script runs there, and no style leaves it."""
        from cot_assets.report.pages import trace_frame
        from cot_assets.report.trace_view import JUDGED, build_trace_view

        cuts = self.curve().to_dicts()
        judged = {name: self._table(name).to_dicts() for name in JUDGED}
        return trace_frame(self.row, build_trace_view(self.row, cuts, judged) if cuts else None)

    def _table(self, name: str) -> pl.DataFrame:
        """Its rows of a table or view by trace and cut policy; none where it was not measured."""
        return self.study.table(name, trace_id=self.trace_id, cut_policy=self.cut_policy or "")
