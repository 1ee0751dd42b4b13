"""A section of a report: a named query, its title, and how its columns are written; notes are with the queries.

:func:`layout` makes the table of a section: models as columns, value and interval in one cell, constant columns
named above the table, and rows that rest on one case or none folded away and counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from cot_assets.report import numbers
from cot_assets.report.source import Row, Source
from cot_assets.report.text import natural, one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_ROWS = 200  #: rows of one table; a line below says how many more there are
MOST_COLUMNS = 9  #: of a table with models as columns; beyond it models stay rows
FEWEST_ROWS = 3  #: from which on a number that all rows hold is named above the table
_NEVER = ("problem_set", "statistic", "protocol", "protocol_hash", "sampling_hash")
_KEYS = ("fraction", "threshold")  #: numbers that say which rows, not what is found there
_COLUMN = re.compile(r"\{(\w+)\}")
#: Kinds of numbers by the name of a column or measure; the first that fits.
_KINDS = {
    "count": r"(n|k)\d?|n_.*|.*_tokens(_\d+)?|cut_(index|from|to)|chunk|smallest_n|generated.*|prompt.*|.*per_.*|runs|step",
    "hours": r"hours",
    "value": r"v0",
    "share": r".*(share|rate|accuracy|pass_at_k|noise|bound|paper_second_hand).*|problems(_ci)?|fraction|truncated|solved_.*"
    r"|recovered|(ends_)?correct|insight|tangent|late_spike|lucky_guess|monotone.*",
    "change": r".*(difference|lift|change|delta|gain|correlation|corrected|drop|rise|matched).*",
}


@dataclass(frozen=True)
class Section:
    """One question to the results, and how its rows are shown.

    Attributes:
        query: Name of the query; the page shows its rows and nothing else.
        group: The question of the page that it belongs to.
        note: What to know before reading; the query's own note where empty.
        values: Parameters of the query other than the problem set.
        kinds: Kinds of numbers (:data:`numbers.KINDS`) by column or measure, where the name does not tell.
        across: Columns whose values become columns, the first of them alone where all make too many.
        n: Counts written below each value: ``n_with`` of ``n``, or one alone; other counts are left out unless they are
            named. A row whose last is 0 or 1 says nothing.
        names: Headings of columns, where not their names; "" leaves a column out, and ``{column}`` stands for what all rows
            hold there.
        colored: Column of potentials or of their changes whose cells are colored as text is.
        is_open: The page shows it unfolded.
        picture: Draws the rows; None where there is nothing to draw.
    """

    query: str
    group: str
    title: str
    note: str = ""
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    kinds: Mapping[str, str] = field(default_factory=dict[str, str])
    across: tuple[str, ...] = ("model",)
    n: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    colored: str = ""
    is_open: bool = False
    picture: Callable[[Source, pl.DataFrame], Figure | None] | None = None
    caption: str = ""


@dataclass(frozen=True)
class Cell:
    """A value as text, its interval and the counts that it rests on; ``href`` leads to a trace, ``step`` colors it."""

    text: str
    interval: str = ""
    n: str = ""
    href: str = ""
    is_number: bool = False
    step: str = ""


@dataclass(frozen=True)
class Table:
    """What the template shows of a section."""

    head: list[str]
    rows: list[list[Cell]]
    constants: list[tuple[str, str]]
    n_silent: int = 0
    n_more: int = 0

    @property
    def columns(self) -> list[tuple[str, bool]]:
        """Each column's heading, and whether numbers are below it."""
        return [(name, any(row[at].is_number for row in self.rows)) for at, name in enumerate(self.head)]


def layout(frame: pl.DataFrame, section: Section, links: Mapping[str, str] | None = None) -> Table:
    """The table of a section's rows.

    Args:
        frame: Rows of the query.
        section: How they are shown.
        links: Pages by trace; a row with a ``trace_id`` leads to its page.
    """
    left_out = {*_NEVER, *(name for name, title in section.names.items() if not title)}
    if section.n:  # the counts that matter are below each value
        left_out |= {name for name in frame.columns if re.search(r"(^|_)n_", name)} - set(section.names)
    found = numbers.intervals([name for name in frame.columns if frame.schema[name].is_numeric()])
    ends = {name: pair for name, pair in found.items() if left_out.isdisjoint(pair)}
    spent = {name for pair in ends.values() for name in pair} | {*section.n, *left_out, "trace_id"}
    shown = [name for name in frame.columns if name not in spent]
    rows = frame.to_dicts()
    values = [n for n in shown if n in ends or (frame.schema[n].is_float() and n not in _KEYS)]
    kept = [row for row in rows if _says_something(row, section, values)]
    keys = [n for n in shown if n in _KEYS or not (n in values or frame.schema[n].is_numeric())]
    plain = [n for n in shown if n in keys or (n not in ends and len(kept) >= FEWEST_ROWS)]
    constants = [n for n in plain if len({r[n] for r in kept}) == 1 and len(str(kept[0][n])) <= 60]
    blank = [n for n in values if all(r[n] is None for r in kept)]
    shown = [name for name in shown if name not in (*constants, *blank)]
    writer = _Writer(section, ends, links or {})
    writer.same.update((n, writer.plain(kept[0], n)) for n in constants)
    told = set(_COLUMN.findall(" ".join(section.names.values())))
    named = [(writer.heading(n), text) for n, text in writer.same.items() if n not in told]
    across = tuple(name for name in section.across if name in shown)
    for names in dict.fromkeys((across, across[:1])):
        wide = _across(kept, names, shown, values, writer) if names and values else None
        if wide is not None:
            return Table(*wide, named, len(rows) - len(kept))
    if section.n and kept:
        shown.append("")
    head = [writer.heading(name) if name else "n" for name in shown]
    cells = [[writer.cell(row, name) if name else Cell(writer.counts(row).removeprefix("n = "), is_number=True) for name in shown]
             for row in kept[:MOST_ROWS]]  # fmt: skip
    return Table(head, cells, named, len(rows) - len(kept), max(0, len(kept) - MOST_ROWS))


def _across(
    kept: Sequence[Row], across: tuple[str, ...], shown: Sequence[str], values: Sequence[str], writer: _Writer
) -> tuple[list[str], list[list[Cell]]] | None:
    """Head and rows with the values of ``across`` as columns; None where that makes no table."""
    keys = [n for n in shown if n not in values and n not in across]
    values = [n for n in shown if n in values]
    columns = sorted(
        {tuple(writer.plain(row, n) for n in across) for row in kept}, key=lambda c: [*map(natural, c)]
    )
    if len(keys) + len(columns) * len(values) > MOST_COLUMNS:
        return None
    table: dict[tuple[Any, ...], dict[tuple[str, ...], Row]] = {}
    for row in kept:
        line = table.setdefault(tuple(row[n] for n in keys), {})
        column = tuple(writer.plain(row, n) for n in across)
        if column in line:
            return None
        line[column] = row
    if len(table) > MOST_ROWS:
        return None
    head = [writer.heading(n) for n in keys]
    for column in columns:
        said = (f"n = {text}" if name == "n" else text for name, text in zip(across, column, strict=True))
        name = one_line(", ".join(said), 60)
        head += [f"{name}: {writer.heading(n).lower()}" if len(values) > 1 else name for n in values]
    lines = [
        [writer.cell(next(iter(line.values())), n) for n in keys]
        + [writer.cell(line.get(column), n, with_n=True) for column in columns for n in values]
        for line in table.values()
    ]
    return head, lines


def _says_something(row: Row, section: Section, values: Sequence[str]) -> bool:
    """Whether a row has a value, and more than one case that the value is about."""
    if section.n and (row[section.n[-1]] or 0) < 2:
        return False
    return not values or any(row[name] is not None for name in values)


@dataclass(frozen=True)
class _Writer:
    """Writes the cells of a section."""

    section: Section
    ends: Mapping[str, tuple[str, str]]
    links: Mapping[str, str]
    same: dict[str, str] = field(default_factory=dict[str, str])  #: what all rows hold, by column

    def heading(self, name: str) -> str:
        """A column's heading: the section's, or its name."""
        text = name.removeprefix("n_").replace("_", " ")
        named = self.section.names.get(name, name if name in ("n", "k") else text[:1].upper() + text[1:])
        return _COLUMN.sub(lambda found: self.same.get(found[1]) or self.heading(found[1]), named)

    def kind(self, row: Row, name: str) -> str:
        """The kind of number in a cell: that of the measure that the row names, else of the column."""
        for named in (row.get("measure") if name in self.ends else None, name):
            for kind, names in _KINDS.items():
                if named and (named in self.section.kinds or re.fullmatch(names, named)):
                    return self.section.kinds.get(named, kind)
        return "value"

    def plain(self, row: Row, name: str) -> str:
        """One value as text."""
        value = row[name]
        if value is None:
            return numbers.NOTHING
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, int | float):
            return numbers.KINDS[self.kind(row, name)](value)
        text = one_line(str(value), 300)
        if not re.fullmatch(r"[a-z][a-z0-9_]*", text):
            return text
        return re.sub(r"\bv0\b", "V0", text.removeprefix("n_").replace("_", " "))

    def counts(self, row: Row) -> str:
        """The counts that a row rests on: ``8 of 24``."""
        known = [numbers.count(row[name]) for name in self.section.n if row[name] is not None]
        return " of ".join(known) if len(known) != 1 else f"n = {known[0]}"

    def cell(self, row: Row | None, name: str, *, with_n: bool = False) -> Cell:
        """The cell of one column, with its interval if it has one; a dash where there is no row."""
        if row is None:
            return Cell(numbers.NOTHING, is_number=True)
        href = self.links.get(row.get("trace_id", ""), "") if name == "problem_id" else ""
        is_number = isinstance(row[name], int | float) and not isinstance(row[name], bool)
        interval = ""
        if name in self.ends and row[name] is not None:
            low, high = (row[end] for end in self.ends[name])
            interval = numbers.interval(low, high, self.kind(row, name)) or numbers.TOO_FEW
        n = self.counts(row) if with_n and self.section.n and row[name] is not None else ""
        color = numbers.step_class if self.kind(row, name) == "value" else numbers.change_class
        step = color(row[name]) if name == self.section.colored else ""
        return Cell(self.plain(row, name), interval, n, href, is_number, step)
