"""What people read in notebooks: frames, traces, and messages that help."""

from __future__ import annotations

import html
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from warehouse_rows import ROOT, rows
from warehouse_study import LINES

import cot_assets
from cot_assets.api import Study
from cot_assets.study import DataHome
from cot_assets.study.home import HomeError
from cot_assets.warehouse.errors import WarehouseError
from cot_assets.warehouse.queries import run_query
from cot_assets.warehouse.schema import polars_schema
from cot_assets.warehouse.store import Warehouse

HOSTILE = '<script>alert(1)</script>\n</iframe>"><img src=x onerror=alert(1)> &amp; $x$'


@pytest.fixture(scope="module")
def study(published: Warehouse) -> Study:
    return cot_assets.open(published.home.root)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A trace at two kinds of cuts and one that was not measured, their text and names full of markup."""
    warehouse = Warehouse(DataHome(tmp_path_factory.mktemp("hostile")))
    where = {"problem_set": "s", "model": "<i>m</i>"}
    base = {**where, "problem_id": "<b>p</b>"}
    ids = ["unmeasured", "measured"]
    traces = rows("traces", **base, trace_id=ids, text=HOSTILE, verdict="correct", n_tokens=2)
    warehouse.write_partition("traces", traces, where)
    cuts = [
        rows("trace_cuts", **base, trace_id="measured", cut_policy=policy, cut_index=[0, 1], prefix_id=["h", None],
             token_end=[0, 2], char_end=[0, len(HOSTILE)], fraction=[0.0, 1.0], is_end=[False, True])
        for policy in ("lines", "tokens")
    ]  # fmt: skip
    warehouse.write_partition("trace_cuts", pl.concat(cuts), where)
    warehouse.publish()
    return cot_assets.open(warehouse.home.root)


def test_tables_are_frames_of_their_schema(study: Study) -> None:
    for name in ("traces", "potentials", "trace_curves", "events"):
        assert study.table(name).schema == polars_schema(name), name
    assert study.table("rollout_texts", model="strong", problem_id="p1").height == 4 * 64


def test_filters_keep_the_rows_that_equal_them(study: Study) -> None:
    every = study.potentials()
    own = study.potentials(model="weak", problem_set="s")
    assert 0 < own.height < every.height
    assert own.sort("prefix_id").equals(
        every.filter(pl.col("model") == "weak", pl.col("problem_set") == "s").sort("prefix_id")
    )
    assert study.potentials(model="no' OR true --").is_empty()
    assert study.table("trace_cuts", is_end=True, cut_index=4).height == 6
    assert ("s", 3) in study.problem_sets.rows()
    assert set(study.models["model"]) == {"strong", "weak"}
    for frame in (
        study.problems("s"),
        study.traces("strong"),
        study.curves("weak"),
        study.events("strong", "s"),
    ):
        assert frame.height


@pytest.mark.parametrize(
    ("name", "filters", "said"),
    [
        ("potential", {}, "no table or view 'potential'; did you mean potentials"),
        ("Traces", {}, "did you mean traces"),
        ('traces"; DROP TABLE traces; --', {}, "no table or view"),
        ("zzz", {}, "there are: answer_distribution, "),
        ("traces", {"modle": "m"}, "no column of traces 'modle'; did you mean model"),
    ],
)
def test_a_wrong_name_is_told_its_neighbors(
    study: Study, name: str, filters: dict[str, str], said: str
) -> None:
    with pytest.raises(WarehouseError, match=re.escape(said)):
        study.table(name, **filters)


def test_sql_is_that_of_the_command_line(study: Study) -> None:
    asked = study.sql("traces", model="strong")
    assert asked.equals(run_query(study.home, "traces", {"model": "strong"}))
    assert study.sql("SELECT $x + 1 AS y", x=1)["y"].to_list() == [2]
    for refused in ("DELETE FROM traces", "SELECT * FROM read_text('/etc/hostname')", "SELECT 1; SELECT 2"):
        with pytest.raises(WarehouseError):
            study.sql(refused)


def test_a_trace_knows_its_text_its_curve_and_its_events(study: Study) -> None:
    trace = study.trace("strong-p1")
    assert (trace.text, trace.verdict) == ("".join(LINES), "correct")
    curve = trace.curve()
    assert curve["potential"].to_list() == [8 / 64, 40 / 64, 16 / 64, 1.0, None]
    assert curve["n"].to_list() == [64] * 4 + [None]
    sampled = curve.head(4)
    assert (sampled["ci_low"] <= sampled["potential"]).all()
    assert (sampled["potential"] <= sampled["ci_high"]).all()
    assert {"insight", "tangent"} <= {*trace.events["pattern"]}
    assert {*trace.events["trace_id"]} == {"strong-p1"}


def test_its_plot_holds_every_measured_potential(study: Study) -> None:
    trace, mine = study.trace("strong-p1"), Figure().subplots()
    assert trace.plot(mine) is mine
    for axes in (mine, trace.plot()):
        assert isinstance(axes, Axes)
        assert np.asarray(axes.lines[0].get_ydata()).tolist() == [8 / 64, 40 / 64, 16 / 64, 1.0]
        assert axes.figure is not None


def page_of(element: str) -> str:
    """The page within a frame, which is all that the element holds."""
    found = re.fullmatch(r'<iframe sandbox srcdoc="([^"<>]*)" style="[^"<>]*"></iframe>', element)
    assert found
    return html.unescape(found[1])


def test_a_notebook_shows_the_colored_text(study: Study) -> None:
    page = page_of(study.trace("strong-p1")._repr_html_())
    assert len(re.findall(r'<span class="s p\d+ ', page)) == len(LINES)
    assert "▲ insight +0.50" in page
    assert '<svg class="chart' in page


def test_text_of_models_is_escaped_whether_measured_or_not(hostile: Study) -> None:
    for trace in (hostile.trace("unmeasured"), hostile.trace("measured", "lines")):
        page = page_of(trace._repr_html_())
        assert "alert(1)" in page
        for mark in ("<script", "<img", "</iframe", "<b>p", "<i>m"):
            assert mark not in page


def test_a_trace_that_was_not_measured_has_no_curve(hostile: Study) -> None:
    trace = hostile.trace("unmeasured")
    assert trace.curve().is_empty()
    assert trace.events.is_empty()
    with pytest.raises(WarehouseError, match="'unmeasured' was not measured"):
        trace.plot()


@pytest.mark.parametrize(
    ("trace_id", "policy", "said"),
    [
        ("measure", None, "no trace 'measure'; did you mean measured"),
        ("measured", None, "name one: cut_policy = 'lines' or 'tokens'"),
        ("measured", "line", "did you mean lines"),
        ("unmeasured", "lines", "there are: none"),
    ],
)
def test_a_trace_that_cannot_be_told_is_asked_for(
    hostile: Study, trace_id: str, policy: str | None, said: str
) -> None:
    with pytest.raises(WarehouseError, match=re.escape(said)):
        hostile.trace(trace_id, policy)


def test_a_home_without_results_says_what_makes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WarehouseError, match="cot-assets run"):
        cot_assets.open(str(tmp_path))
    with pytest.raises(HomeError):
        cot_assets.open(tmp_path / "a?b")
    monkeypatch.setenv("COT_ASSETS_HOME", str(tmp_path / "elsewhere"))
    with pytest.raises(WarehouseError, match="elsewhere"):
        cot_assets.open()


def test_the_documented_code_runs(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COT_ASSETS_HOME", str(study.home.root))
    page = (ROOT / "docs" / "notebooks.md").read_text()
    code = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)).replace("demo-strong", "strong")
    known: dict[str, object] = {}
    exec(compile(code, "docs/notebooks.md", "exec"), known)
    assert known["trace"]
