"""Simulations behind the figures of METHODS.md, a generator of table rows each.

Belongs here: what is simulated; every simulation takes its number of repeats and starts from :data:`SEED`.
Does not belong here: printing (statistics_simulations.py) and assertions (tests/unit/potential).
"""

from __future__ import annotations

SEED = 20260

Row = dict[str, object]
