"""Figures are small, say what is unknown by leaving it out, and leave pyplot alone."""

from __future__ import annotations

import io

import matplotlib as mpl
import numpy as np
import polars as pl
import pytest
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from PIL import Image
from synthetic_report import Rows, imported_tables, source_of

from cot_assets.measures.curves import report as curves_report
from cot_assets.measures.curves.report import curves_figure
from cot_assets.measures.rates.report import (
    difference_figure,
    pattern_figure,
    sensitivity_figure,
    training_figure,
)
from cot_assets.measures.search.report import search_figure
from cot_assets.measures.transfer.report import transfer_figure
from cot_assets.report import plots
from cot_assets.report.plots import MOST_PNG_BYTES, to_png


@pytest.fixture(scope="module")
def drawn(small: dict[str, Rows]) -> dict[str, Figure]:
    """Every picture, on lifelike rows and with long names."""
    source = source_of(small)
    own = source.view("trace_curves", order="trace_id, cut_index").filter(pl.col("model") == "demo-strong")
    long = "-with-a-name-that-goes-on-and-on-as-those-of-checkpoints-do-step-1000000"
    rates = source.view("pattern_rates").with_columns(pl.col("model") + long)
    transfer = source.view("transfer_curve").with_columns(pl.col("reader", "writer") + long)
    sensitivity = pl.DataFrame(
        [{"model": model, "cut_policy": "lines", "pattern": pattern, "n": n, "threshold": t / 20, "is_in_use": t == 8,
          "n_traces": 24, "rate": 1 - t / 20, "ci_low": 0.9 - t / 20, "ci_high": 1.0, "noise_flat": 0.1,
          "noise_monotone": 0.05}
         for model in ("a" + long, "b" + long) for pattern in ("insight", "tangent", "monotone") for n in (16, 32, 64)
         for t in range(1, 17)]
    )  # fmt: skip
    searched = pl.DataFrame(
        [{"model": "a" + long, "arm": arm, "position": 40 * i, "mean": i / 5, "ci_low": i / 6, "ci_high": i / 4, "n_problems": 3}
         for arm in ("searched", "sampled") for i in range(4)]
    )  # fmt: skip
    figures = {
        "curves": curves_figure(own, "demo-strong" + long),
        "one curve": curves_figure(own.filter(trace_id=own["trace_id"][0]), "demo-strong" + long),
        "patterns": pattern_figure(rates),
        "transfer": transfer_figure(transfer),
        "sensitivity": sensitivity_figure(sensitivity),
        "searched": search_figure(searched),
        "training": training_figure(_training("a" + long, "b" + long)),
    }
    return {name: figure for name, figure in figures.items() if figure is not None}


NAMES = ["curves", "one curve", "patterns", "transfer", "sensitivity", "searched", "training"]


def _training(*series: str | None) -> pl.DataFrame:
    return pl.DataFrame(
        [{"series": name, "step": step, "model": f"{name}-{step}", "measure": measure, "estimate": at / 4, "ci_low": at / 5,
          "ci_high": at / 3}
         for name in series for at, step in enumerate((1_000, 2_000, 1_000_000, None))
         for measure in ("v0", "accuracy", "gain_over_v0")]
    )  # fmt: skip


def _panels(figure: Figure) -> list[mpl.axes.Axes]:
    return [axes for axes in figure.axes if axes.get_visible()]


def _titles(figure: Figure) -> list[str]:
    return [axes.get_title(loc="left") for axes in _panels(figure)]


def test_the_lowest_panel_of_each_column_has_its_numbers() -> None:
    figure, grid = plots.panels(3, columns=2)
    figure.draw_without_rendering()
    assert [any(t.get_visible() for t in axes.get_xticklabels()) for axes in grid] == [False, True, True]


@pytest.mark.parametrize("name", NAMES)
def test_no_text_is_cut_at_the_edge(drawn: dict[str, Figure], name: str) -> None:
    figure = drawn[name]
    figure.draw_without_rendering()
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert (box.x0, box.y0) > (-0.01, -0.01), "something leaves the picture"
    assert (box.x1, box.y1) < (width + 0.01, height + 0.01), "something leaves the picture"


@pytest.mark.parametrize("name", NAMES)
def test_pngs_stay_below_the_bound_and_legible_on_any_page(drawn: dict[str, Figure], name: str) -> None:
    png = to_png(drawn[name], dpi=100)
    assert len(png) <= MOST_PNG_BYTES
    image = Image.open(io.BytesIO(png)).convert("RGBA")
    assert image.width >= 400
    assert image.getpixel((2, 2))[3] == 0, "the page is transparent"
    on_white = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("L")
    darkest, brightest = on_white.getextrema()
    assert brightest - darkest > 150


def test_small_multiples_have_a_panel_per_trace_in_natural_order(drawn: dict[str, Figure]) -> None:
    titles = _titles(drawn["curves"])
    assert titles == sorted(titles)
    assert len(titles) == 8


def test_every_known_potential_is_drawn_and_no_other() -> None:
    curves = source_of(imported_tables(60), "imported").view("trace_curves", order="trace_id, cut_index")
    figure = curves_figure(curves.filter(pl.col("cut_policy") == "sentences"), "imported")
    assert figure is not None
    line = _panels(figure)[0].get_lines()[0]
    y = np.asarray(line.get_ydata(), dtype=float)
    known = curves.filter((pl.col("cut_policy") == "sentences") & ~pl.col("is_end"))["potential"].to_numpy()
    assert np.isnan(known).any(), "a gap must break the line"
    assert np.array_equal(y, known, equal_nan=True)


def test_more_traces_than_panels_are_said_to_be_there(
    small: dict[str, Rows], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curves_report, "MOST_PANELS", 3)
    figure = curves_figure(source_of(small).view("trace_curves", order="trace_id, cut_index"), "many")
    assert figure is not None
    assert len(_panels(figure)) == 3
    assert "first 3 of 16 traces" in figure.get_suptitle()


def test_a_figure_that_is_too_large_is_shrunk(
    drawn: dict[str, Figure], monkeypatch: pytest.MonkeyPatch
) -> None:
    full = to_png(drawn["curves"], dpi=110)
    monkeypatch.setattr(plots, "MOST_PNG_BYTES", len(full) // 2)
    shrunk = to_png(drawn["curves"], dpi=110)
    assert len(shrunk) <= len(full) // 2
    assert Image.open(io.BytesIO(shrunk)).width < Image.open(io.BytesIO(full)).width


def test_nothing_of_pyplot_changes(small: dict[str, Rows]) -> None:
    import matplotlib.pyplot as plt

    before, numbers = dict(mpl.rcParams), plt.get_fignums()
    figure = pattern_figure(source_of(small).view("pattern_rates"))
    assert figure is not None
    to_png(figure)
    assert plt.get_fignums() == numbers
    assert dict(mpl.rcParams) == before


def test_text_of_others_is_not_parsed_as_mathtext(small: dict[str, Rows]) -> None:
    rows = [{**row, "problem_id": r"$\frac{1}{0$ \u202e"} for row in small["trace_curves"][:4]]
    curves = source_of({"trace_curves": rows}).view("trace_curves", order="trace_id, cut_index")
    figure = curves_figure(curves, r"$\bad{$")
    assert figure is not None
    assert to_png(figure)


def test_rates_show_every_rule_and_the_papers_filter(small: dict[str, Rows]) -> None:
    rates = source_of(small).view("pattern_rates")
    figure = pattern_figure(rates)
    assert figure is not None
    assert _titles(figure) == [
        "fitted rule · paper traces · lines",
        "threshold rule · paper traces · lines",
        "confirmed rule · paper traces · lines",
    ]
    shown = rates.filter((pl.col("trace_filter") == "paper") & (pl.col("rule") == "threshold"))
    dots = [c.get_offsets()[:, 0] for c in _panels(figure)[0].collections if len(c.get_offsets()) > 1]
    assert np.allclose(np.sort(np.concatenate(dots)), np.sort(shown["rate"].to_numpy()))


def test_transfer_shows_a_panel_per_pair_with_its_controls(drawn: dict[str, Figure]) -> None:
    figure = drawn["transfer"]
    assert [title[:29] for title in _titles(figure)] == ["demo-weak-with-a-name-that-go"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "writer's own text",
        "control: shuffled",
    ]


def test_a_training_has_a_line_for_chance_and_accuracy_over_its_steps() -> None:
    figure = training_figure(_training("first", None))
    assert figure is not None
    assert sorted(_titles(figure)) == ["", "first"]
    for axes in _panels(figure):
        assert [list(drawn.get_xdata()) for drawn in axes.lines] == [[1_000, 2_000, 1_000_000]] * 2
    assert training_figure(_training("first").filter(step=1_000)) is None


def test_nothing_to_draw_is_no_figure() -> None:
    source = source_of({})
    assert curves_figure(source.view("trace_curves", order="trace_id"), "x") is None
    assert pattern_figure(source.view("pattern_rates")) is None
    assert transfer_figure(source.view("transfer_curve")) is None
    assert sensitivity_figure(source.view("sensitivity")) is None


def test_models_of_one_shortened_name_are_all_drawn() -> None:
    """As those of a training may be, whose steps stand last."""
    models = [f"{'x' * 60}-step-{step}" for step in (1, 2)]
    rates = pl.DataFrame(
        [{"model": model, "cut_policy": "lines", "trace_filter": "all", "rule": "fitted", "pattern": "insight",
          "rate": 0.5, "ci_low": 0.4, "ci_high": 0.6}
         for model in models]
    )  # fmt: skip
    pairs = pl.DataFrame(
        [{"model_a": model, "model_b": "y", "cut_policy": "any", "measure": "v0", "difference": 0.1, "ci_low": 0.0,
          "ci_high": 0.2}
         for model in models]
    )  # fmt: skip
    for figure in (pattern_figure(rates), difference_figure(pairs)):
        assert figure is not None
        dots = [drawn for drawn in figure.axes[0].collections if isinstance(drawn, PathCollection)]
        assert len(dots) == len(models)
