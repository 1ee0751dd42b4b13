"""What the rooms' pictures have in common: figures of their own, panels, lines with bands, and PNGs.

Nothing here touches pyplot or leaves a changed rcParam behind, so assets may draw in several threads of one process.
A picture is drawn once, on a transparent page: pages in dark colors invert it. Text from models and data sets is shown
as it is, never parsed as mathtext.
"""

from __future__ import annotations

import base64
import io
import textwrap
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import Formatter
from PIL import Image

from cot_assets.report.numbers import counted
from cot_assets.report.text import natural, visible

MOST_PNG_BYTES = 60_000
_POINTS, _CHARACTER = 72, 0.66  #: points per inch; width of a wide character as a share of the font size
_BESIDE = 0.5  #: inches next to the axes, for labels
FIRST, SECOND, THIRD = "#1f5f99", "#b4540a", "#5b6470"
INKED, MUTED, GRID = "#1b1e22", "#59616b", "#d9dce1"


#: What belongs to one panel, by what it is titled after.
Parts = Mapping[tuple[Any, ...], pl.DataFrame]
#: Of a line: what the legend calls it, its color and its mark.
Look = tuple[str, str, str]


def parts(rows: pl.DataFrame, *by: str, most: int = 12) -> Parts:
    """The rows by the values of columns, in natural order; of many values the first."""
    found = rows.partition_by(by, as_dict=True, maintain_order=True)
    keys = sorted(found, key=lambda key: [natural(value or "") for value in key])
    return {key: found[key] for key in keys[:most]}


def facets(
    given: Parts,
    draw: Callable[[Axes, pl.DataFrame], Mapping[str, Any] | None],
    titled: Callable[..., str] | None = None,
    *,
    columns: int = 3,
    size: tuple[float, float] = (3.8, 2.7),
    formats: Mapping[str, str | Formatter] | None = None,
    **settings: Any,
) -> Figure | None:
    """A figure with a panel per part and one legend for all; None where there is no part.

    Args:
        given: Rows by key, a panel each.
        draw: Draws rows on axes; returns what the legend calls what it drew.
        titled: The title of a panel from its rows and each value of its key.
        columns: Panels next to one another.
        size: Inches of a panel.
        formats: How numbers along the axes ``xaxis`` and ``yaxis`` are written.
        settings: What all axes have in common, such as ``xlabel`` and ``ylim``.
    """
    if not given:
        return None
    figure, grid = panels(len(given), columns=columns, width=size[0], height=size[1])
    handles: dict[str, Any] = {}
    for axes, (key, rows) in zip(grid, given.items(), strict=True):
        axes.set(**settings)
        for name, form in (formats or {}).items():
            getattr(axes, name).set_major_formatter(form)
        handles |= draw(axes, rows) or {}
        if titled:
            title(axes, titled(rows, *key))
    if handles:
        legend(figure, handles)
    return figure


def panels(n: int, *, columns: int = 3, width: float = 3.8, height: float = 2.7) -> tuple[Figure, list[Axes]]:
    """A figure that pyplot does not know of, and ``n`` axes on it that share their scales."""
    columns = min(columns, n)
    rows = -(-n // columns)
    size = (max(4.8, width * columns), 0.7 + height * rows)
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes in grid[:n]:
        dress(axes)
    for at in range(n, len(grid)):
        grid[at].set_visible(False)
        grid[at - columns].tick_params(labelbottom=True)  # what is above it is the lowest
    return figure, list(grid[:n])


def dress(axes: Axes) -> None:
    """Give axes the report's grid, ticks and colors."""
    axes.set_facecolor("none")
    axes.set_axisbelow(True)
    axes.grid(visible=True, axis="y", color=GRID, linewidth=0.7)
    axes.tick_params(colors=MUTED, labelsize=8, length=0)
    axes.spines[["left", "top", "right"]].set_visible(False)
    axes.spines["bottom"].set_color(GRID)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=MUTED, fontsize=8.5)


def wrapped(text: str, inches: float, size: float) -> str:
    """The text in lines that fit a width at a font size, its own lines kept; words longer than a line are parted."""
    most = max(8, int(inches * _POINTS / (_CHARACTER * size)))
    return "\n".join(line for own in text.split("\n") for line in textwrap.wrap(own, most) or [""])


def title(axes: Axes, text: str) -> None:
    """Title axes with text that is shown as it is, in as many lines as it takes."""
    figure, place = axes.get_figure(root=True), axes.get_subplotspec()
    assert figure is not None  # noqa: S101 - it is on one
    inches = figure.get_figwidth() / (place.get_gridspec().ncols if place else 1) - _BESIDE
    axes.set_title(
        wrapped(visible(text, 150), inches, 9), color=INKED, parse_math=False, fontsize=9, loc="left"
    )


def headline(figure: Figure, text: str) -> None:
    """Title a whole figure, as :func:`title` does axes."""
    lines = wrapped(text, figure.get_figwidth() - _BESIDE, 11)
    figure.suptitle(lines, color=INKED, fontsize=11, parse_math=False)


def line(axes: Axes, rows: pl.DataFrame, x: str, y: str, color: str, **look: Any) -> Any:
    """Draw a column over another with its 95% band, gaps where it is unknown; returns the line."""
    at, mean, low, high = (rows[n].cast(pl.Float64).to_numpy() for n in (x, y, "ci_low", "ci_high"))
    axes.fill_between(at, low, high, color=color, alpha=0.18, linewidth=0)
    if np.isfinite(mean).sum() == 1:
        axes.vlines(at, low, high, color=color, linewidth=1.6)
    return axes.plot(at, mean, color=color, markersize=4.5, markeredgewidth=0, linewidth=1.5, **look)[0]


def most_of(rows: pl.DataFrame, noun: str) -> str:
    """How many traces or problems the rows of a panel rest on."""
    return counted(rows.select(pl.max(f"n_{noun}s")).item() or 0, noun)


def lines(
    axes: Axes, rows: pl.DataFrame, x: str, y: str, of: str, looks: Mapping[Any, Look]
) -> dict[str, Any]:
    """Draw a line for each value of a column that has rows; returns them by what the legend calls them."""
    return {
        label: line(axes, own.sort(x), x, y, color, marker=marker)
        for value, (label, color, marker) in looks.items()
        if (own := rows.filter(pl.col(of) == value)).height
    }


def dots(
    axes: Axes, several: Sequence[tuple[str, pl.DataFrame]], value: str, at: str, names: Mapping[str, str]
) -> dict[str, Any]:
    """Draw shares with their 95% intervals on named rows, the first at the top; returns the dots by name.

    Args:
        axes: Where they are drawn.
        several: What the legend calls rows, and the rows; they are drawn next to one another, in colors of their own.
        value: Column of the shares.
        at: Column whose value says which of the named rows it is.
        names: What each row is called, in order.
    """
    found: dict[str, Any] = {}
    order = list(names)
    for number, ((label, rows), color) in enumerate(zip(several, palette(len(several)), strict=False)):
        beside = (number - (len(several) - 1) / 2) * 0.7 / len(several)
        place = [order.index(name) + beside for name in rows[at]]
        axes.hlines(place, rows["ci_low"], rows["ci_high"], color=color, linewidth=1.8, alpha=0.75)
        found[label] = axes.scatter(rows[value], place, color=[color], s=26, zorder=3)
    axes.set_yticks(range(len(names)), names.values())
    axes.grid(visible=True, axis="x", color=GRID, linewidth=0.7)
    axes.set_ylim(len(names) - 0.45, -0.55)
    return found


def palette(n: int) -> Sequence[Any]:
    """Colors that tell ``n`` things apart."""
    if n <= 2:
        return [FIRST, SECOND]
    import seaborn as sns  # with pandas, which takes longer to load than a small report to draw

    return sns.color_palette("colorblind", n)


def legend(figure: Figure, handles: Mapping[str, Any]) -> None:
    """One legend below the whole figure, in as many rows as it takes."""
    room = int(13 * figure.get_figwidth())  # characters that fit next to one another
    columns = max(1, room // (8 + max(map(len, handles), default=0)))
    labels = [wrapped(label, figure.get_figwidth() - 2 * _BESIDE, 8.5) for label in handles]
    box = figure.legend(
        list(handles.values()), labels, loc="outside lower center", ncols=min(columns, len(handles) or 1),
        frameon=False, fontsize=8.5,
    )  # fmt: skip
    for text in box.get_texts():
        text.set(color=MUTED, parse_math=False)


def to_png(figure: Figure, dpi: int = 110, page: str = "none") -> bytes:
    """The figure as a PNG of at most :data:`MOST_PNG_BYTES` bytes, on a page of that color or a transparent one.

    Colors are reduced to a palette of 64; where that is not enough the resolution is lowered, to no
    less than 40 dots per inch.
    """
    while True:
        raw = io.BytesIO()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from")
            figure.savefig(raw, format="png", dpi=dpi, facecolor=page)
        figure.set_layout_engine("none")  # the layout is found; smaller copies keep it
        image = Image.open(raw).quantize(64, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        small = io.BytesIO()
        image.save(small, format="png", optimize=True)
        if small.tell() <= MOST_PNG_BYTES or dpi <= 40:
            return small.getvalue()
        dpi = max(40, min(dpi - 1, int(0.95 * dpi * (MOST_PNG_BYTES / small.tell()) ** 0.5)))


def data_uri(figure: Figure, dpi: int, page: str = "none") -> str:
    """The figure as :func:`to_png` draws it, in a URI that HTML and Markdown show."""
    return f"data:image/png;base64,{base64.b64encode(to_png(figure, dpi, page)).decode()}"
