"""What a person reads of a materialization in Dagster: pictures, figures, rows, and of a failure its sentence.

Belongs here: metadata values and their order. Does not belong here: which figures an asset has.
"""

from __future__ import annotations

import math
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

from cot_assets.engines.base import CannotOpenError
from cot_assets.orchestration.status.records import FINAL_TAG
from cot_assets.warehouse.errors import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PREVIEW_ROWS, _PREVIEW_CHARACTERS = 8, 60
_SHOWN_AT_ONCE, _FEWEST_LINES = 1_000, 4  #: characters of Markdown from which Dagster shows a link to it
LOOKED_AT = 1_000  #: rows by which a column is the same everywhere
_IDENTITIES = ("_hash", "_key", "prefix_id", "trace_id")
_MARKUP = frozenset("&<>|`*_[]!\\~$#")  #: characters that Markdown or HTML could take for more than text
_DIGITS = 3
_PICTURE = "picture"  #: under this name first: see :func:`shown`


def preview(frame: pl.DataFrame, rows: int | None = None) -> dg.MetadataValue:
    """The first rows as a Markdown table; list columns and text that is the same everywhere left out, identities last.

    Text is escaped and bounded. Without ``rows``, so few that Dagster shows them at once, and not only on a click.
    """
    is_short, rows = rows is None, rows or _PREVIEW_ROWS
    plain = frame.select(pl.exclude(pl.List)).head(LOOKED_AT)
    has_several = plain.height > 1
    telling = [
        each.name for each in plain if not has_several or each.dtype != pl.String or each.n_unique() > 1
    ]
    plain = plain.select(sorted(telling or plain.columns, key=lambda name: name.endswith(_IDENTITIES))).head(
        rows
    )

    digits = [0 if _are_counts(column) else _DIGITS for column in plain]

    def cell(value: object, digits: int) -> str:
        if value is None:
            return ""
        text = f"{value:z.{digits}f}" if isinstance(value, float) else _words(value)
        text = printable(text[:_PREVIEW_CHARACTERS].replace("\n", " ⏎ "))
        return "".join(f"&#{ord(c)};" if c in _MARKUP else c for c in text)

    lines = ["| " + " | ".join(plain.columns) + " |", "|" + " --- |" * plain.width]
    lines += ["| " + " | ".join(map(cell, row, digits)) + " |" for row in plain.iter_rows()]
    while is_short and len(lines) > _FEWEST_LINES and len("\n".join(lines)) >= _SHOWN_AT_ONCE:
        lines.pop()
    return dg.MetadataValue.md("\n".join(lines))


def _are_counts(column: pl.Series) -> bool:
    """Whether numbers of a column are whole, and not all shares that happen to be 0 or 1."""
    return column.dtype.is_float() and bool((column == column.round()).all() and (column.abs() > 1).any())


def picture(figure: Figure | None) -> dg.MetadataValue:
    """A PNG of a figure, embedded as a data URI that Dagster's Markdown shows; words where there is none."""
    if figure is None:
        return dg.MetadataValue.text("nothing to draw yet")
    from cot_assets.report.plots import data_uri  # plotting loads slowly

    return dg.MetadataValue.md(f"![picture]({data_uri(figure, dpi=100, page='white')})")


def shown(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata as people read it: the picture first, then figures in few digits, then rows."""

    def place(item: tuple[str, Any]) -> int:
        name, value = item
        return 0 if name == _PICTURE else 2 if isinstance(value, dg.MarkdownMetadataValue) else 1

    return {name: _readable(value) for name, value in sorted(metadata.items(), key=place)}


def _readable(value: Any) -> Any:
    if isinstance(value, float):
        return rounded(value)
    return _words(value) if value is None or isinstance(value, bool) else value


def rounded(value: float) -> float | str:
    """A number in three digits, or all of those before the point; words where it is none."""
    if not math.isfinite(value):
        return "unknown"
    return float(round(value)) if abs(value) >= 10**_DIGITS else float(f"{value:z.{_DIGITS}g}")


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "unknown" if value is None else str(value)


@contextmanager
def telling(context: dg.AssetExecutionContext) -> Iterator[None]:
    """Have foreseen failures of an asset in the block be one sentence: what is wrong, and the way out.

    Errors of this package become the failure of the step itself. It is not tried again: the same would happen. Their
    traceback goes to the log, at level debug; what nobody foresaw keeps it. Where a model cannot be opened, the run is
    marked as final: automation waits until the entry or its weights have changed.
    """
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith("cot_assets."):
            raise
        if isinstance(error, CannotOpenError):
            context.instance.add_run_tags(context.run_id, {FINAL_TAG: "true"})
        dg.get_dagster_logger().debug(traceback.format_exc())
        raise dg.Failure(description=printable(str(error)), allow_retries=False) from None
