"""Lets the property tests build frames as the unit tests do."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "unit" / "potential"))
