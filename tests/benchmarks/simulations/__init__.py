"""Simulations behind the figures of docs/methods.md, a generator of table rows each, and how rows are printed.

Belongs here: what is simulated; every simulation takes its number of repeats and starts from :data:`SEED`.
Does not belong here: commands (statistics_simulations.py, adaptive_sampling.py) and assertions
(tests/unit/measures).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

SEED = 20260

Row = dict[str, object]


def print_rows(rows: Iterator[Row], what: str) -> None:
    """Print rows as a table in Markdown, each as it comes; what was run and how long it took on stderr."""
    start, has_header = time.monotonic(), False
    for row in rows:
        if not has_header:
            print(f"| {' | '.join(row)} |\n|{'---|' * len(row)}")
            has_header = True
        cells = (f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values())
        print(f"| {' | '.join(cells)} |", flush=True)
    print(f"\n{what}, {time.monotonic() - start:.0f} s", file=sys.stderr)
