"""The generated pages of ``docs/`` are those of the SQL files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from reference import pages

from cot_assets.warehouse.schema import tables

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("file", ["tables.md", "queries.md"])
def test_a_generated_page_is_current(file: str) -> None:
    assert (DOCS / file).read_text(encoding="utf-8") == pages()[file], "run `uv run python docs/reference.py`"


def test_every_table_is_on_the_map() -> None:
    text = (DOCS / "map.md").read_text(encoding="utf-8")
    missing = [name for name in tables() if not re.search(rf"\b{name}\b", text)]
    assert not missing
