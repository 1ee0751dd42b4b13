"""``python running_child.py ROOT MODEL``: bring a scripted model of a study up to date, in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from support.lab import Lab

if __name__ == "__main__":
    Lab(Path(sys.argv[1])).bring_up_to_date([(sys.argv[2], "sums")])
