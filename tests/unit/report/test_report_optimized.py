"""The section on optimized traces shows the numbers of its tables, with intervals and n."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from support.searching import PROTOCOL, World
from support.sums import scripted_engine

from cot_assets.measures.search.effects import mean_curves
from cot_assets.report import numbers
from cot_assets.report.data import ReportData
from cot_assets.report.pages import render_report
from cot_assets.report.plots import optimized_figure
from cot_assets.report.search import optimized_section

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> ReportData:
    folder = tmp_path_factory.mktemp("model")
    tables, _ = World(scripted_engine(folder, skill=0.6, mend=0.15)).tables(8)
    named = {name: frame.with_columns(model=pl.lit(HOSTILE)) for name, frame in tables.items()}
    curves = mean_curves(named["optimized_traces"], named["optimized_steps"], PROTOCOL)
    return ReportData(
        "s",
        optimized_traces=named["optimized_traces"],
        optimized_effects=named["optimized_effects"],
        optimized_curves=curves,
        protocol=PROTOCOL,
    )


def test_nothing_searched_is_no_section() -> None:
    assert optimized_section(ReportData("s")) is None


def test_rows_are_those_of_the_effects(data: ReportData) -> None:
    section = optimized_section(data)
    assert section is not None
    model = section["models"][0]
    effects = {row["measure"]: row for row in data.optimized_effects.to_dicts()}
    rows = {row["label"]: row for row in model["effects"]}
    assert len(rows) == 5
    right = rows["right final answers"]
    assert right["value"] == numbers.percent(effects["correct"]["value"])
    assert right["difference"] == numbers.change(effects["correct"]["difference"])
    assert right["n_problems"] == 8
    assert rows["length in tokens"]["reference"] == numbers.count(effects["n_tokens"]["reference"])
    bias = effects["selection_bias"]
    assert model["bias"]["difference"] == numbers.change(bias["difference"])
    assert model["bias"]["n"] == bias["n"] > 8
    assert (model["n_searched"], model["n_incomplete"]) == (8, 0)
    assert len(model["traces"]) == 16


def test_what_is_unknown_is_said_to_be(data: ReportData) -> None:
    names = [c for c in data.optimized_effects.columns if c.startswith(("value", "ref", "diff"))]
    unknown = data.optimized_effects.with_columns(pl.lit(None, pl.Float64).alias(c) for c in names)
    section = optimized_section(
        ReportData("s", optimized_traces=data.optimized_traces, optimized_effects=unknown)
    )
    assert section is not None
    for row in section["models"][0]["effects"]:
        shown = {text for key, text in row.items() if key.startswith(("value", "ref", "diff"))}
        assert shown == {numbers.UNKNOWN}


def test_the_index_shows_section_and_figure(data: ReportData, tmp_path: Path) -> None:
    html = render_report(data, tmp_path / "report")[0].read_text()
    assert '<h2 id="optimized">' in html
    assert 'href="#optimized"' in html
    section = html.split('<h2 id="optimized">')[1].split('<h2 id="traces">')[0]
    assert "data:image/png" in section
    assert "Selection bias" in section
    assert "of 4 candidate chunks of 20 tokens" in section
    assert HOSTILE not in html
    empty = render_report(ReportData("s"), tmp_path / "empty")[0].read_text()
    assert "No search for better traces was made" in empty


def test_the_figure_has_a_panel_per_model_and_both_arms(data: ReportData) -> None:
    curves = data.optimized_curves
    both = pl.concat([curves, curves.with_columns(model=pl.lit("other"))])
    figure = optimized_figure(both)
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert len(panels) == 2
    assert [len(axes.lines) for axes in panels] == [2, 2]
    first = panels[0].lines[0].get_ydata()
    expected = curves.filter(pl.col("arm") == "optimized").sort("position")["mean"].to_list()
    assert list(first) == pytest.approx(expected)
    assert not optimized_figure(curves.clear()).axes
