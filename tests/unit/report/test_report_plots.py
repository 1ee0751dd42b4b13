"""Figures are small, say what is unknown by leaving it out, and leave pyplot alone."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ElementTree

import matplotlib as mpl
import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure
from PIL import Image
from synthetic_report import recorded_data

from cot_assets.report import (
    ReportData,
    curves_figure,
    pattern_figure,
    plots,
    to_png,
    to_svg,
    transfer_figure,
)
from cot_assets.report.plots import MOST_PNG_BYTES


@pytest.fixture(scope="module")
def curves(small: ReportData) -> pl.DataFrame:
    verdicts = small.traces.select("trace_id", "verdict")
    return small.curves.filter(pl.col("model") == "demo-strong").join(verdicts, on="trace_id")


def _panels(figure: Figure) -> list[mpl.axes.Axes]:
    return [axes for axes in figure.axes if axes.get_visible()]


def _titles(figure: Figure) -> list[str]:
    return [axes.get_title(loc="left") for axes in _panels(figure)]


def test_small_multiples_have_a_panel_per_trace_in_natural_order(curves: pl.DataFrame) -> None:
    figure = curves_figure(curves, "demo-strong")
    assert _titles(figure) == sorted(set(curves["problem_id"].to_list()))
    assert curves_figure(curves.filter(pl.col("problem_id") == "none"), "x").axes == []


def test_every_known_potential_is_drawn_and_no_other() -> None:
    data = recorded_data(60)
    curves = data.curves.filter(pl.col("cut_policy") == "sentences")
    figure = curves_figure(curves, "recorded")
    lines = _panels(figure)[0].get_lines()
    drawn = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in lines])
    known = curves.filter(pl.col("potential").is_not_null())["potential"].to_numpy()
    assert len(lines) > 1, "a gap must break the line"
    assert np.array_equal(np.sort(drawn), np.sort(known))


def test_more_traces_than_panels_are_said_to_be_there(
    curves: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plots, "MOST_PANELS", 3)
    figure = curves_figure(curves, "many")
    assert len(_panels(figure)) == 3
    assert "first 3 of 8 traces" in figure.get_suptitle()


@pytest.mark.parametrize("dark", [False, True])
def test_pngs_stay_below_the_bound_and_legible(small: ReportData, curves: pl.DataFrame, dark: bool) -> None:
    for figure in (
        curves_figure(curves, "demo-strong", dark=dark),
        transfer_figure(small.transfer_curve, dark=dark),
        pattern_figure(small.pattern_rates, dark=dark),
    ):
        png = to_png(figure, dpi=150)
        assert len(png) <= MOST_PNG_BYTES
        image = Image.open(io.BytesIO(png)).convert("L")
        assert image.width >= 400
        darkest, brightest = image.getextrema()
        assert brightest - darkest > 150
        assert (image.getpixel((2, 2)) < 60) is dark


def test_a_figure_that_is_too_large_is_shrunk(curves: pl.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    figure = curves_figure(curves, "demo-strong")
    full = to_png(figure, dpi=110)
    monkeypatch.setattr(plots, "MOST_PNG_BYTES", len(full) // 2)
    shrunk = to_png(figure, dpi=110)
    assert len(shrunk) <= len(full) // 2
    assert Image.open(io.BytesIO(shrunk)).width < Image.open(io.BytesIO(full)).width


def test_nothing_of_pyplot_changes(small: ReportData, curves: pl.DataFrame) -> None:
    import matplotlib.pyplot as plt

    before = dict(mpl.rcParams)
    numbers = plt.get_fignums()
    to_svg(curves_figure(curves, "x"))
    to_png(pattern_figure(small.pattern_rates))
    to_png(transfer_figure(small.transfer_curve))
    assert plt.get_fignums() == numbers
    assert dict(mpl.rcParams) == before


def test_text_of_others_is_not_parsed_as_mathtext(curves: pl.DataFrame) -> None:
    hostile = curves.with_columns(pl.lit(r"$\frac{1}{0$ \u202e").alias("problem_id"))
    assert to_png(curves_figure(hostile, r"$\bad{$"))


def test_svg_is_the_same_twice_and_well_formed(small: ReportData) -> None:
    first, second = (to_svg(pattern_figure(small.pattern_rates)) for _ in range(2))
    assert first == second
    assert ElementTree.fromstring(first).tag.endswith("svg")


def test_rates_show_both_rules_and_the_papers_filter(small: ReportData) -> None:
    figure = pattern_figure(small.pattern_rates)
    assert _titles(figure) == [
        "threshold rule · paper traces · lines",
        "confirmed rule · paper traces · lines",
    ]
    rates = small.pattern_rates.filter((pl.col("trace_filter") == "paper") & (pl.col("rule") == "threshold"))
    drawn = np.concatenate(
        [dots.get_offsets()[:, 0] for dots in _panels(figure)[0].collections if len(dots.get_offsets()) > 1]
    )
    assert np.allclose(np.sort(drawn), np.sort(rates["rate"].to_numpy()))


def test_transfer_shows_a_panel_per_pair_with_its_controls(small: ReportData) -> None:
    figure = transfer_figure(small.transfer_curve)
    assert [title.split("\n")[0] for title in _titles(figure)] == [
        "demo-strong reads demo-weak",
        "demo-weak reads demo-strong",
    ]
    assert all(len(axes.get_lines()) == 4 for axes in _panels(figure))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "writer's own text",
        "control: shuffled",
        "control: wrong trace",
        "control: reader's own",
    ]


def test_empty_frames_draw_a_sentence(small: ReportData) -> None:
    for figure in (
        transfer_figure(small.transfer_curve.clear()),
        pattern_figure(small.pattern_rates.clear()),
    ):
        assert figure.axes == []
        assert figure.texts[0].get_text().startswith("no ")
