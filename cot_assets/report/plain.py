"""A table of text, as the index shows it.

Belongs here: its form. Does not belong here: what stands in it (:mod:`.evidence`, :mod:`.transfer_evidence`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST_ROWS = 200  #: of one table; a note says how many more there are
NONE = "–"  #: where there is nothing that a number could be about


@dataclass(frozen=True)
class PlainTable:
    """A table of text: ``head`` names the columns, ``words`` of them are left-aligned, ``query`` shows more."""

    title: str
    note: str
    head: Sequence[str]
    rows: list[list[str]]
    words: int
    query: str
