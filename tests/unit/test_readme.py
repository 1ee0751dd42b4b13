"""The README's lists are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

from cot_assets.warehouse.queries import named_queries
from cot_assets.warehouse.schema import TABLES, sql_folder

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_every_named_query_is_listed_with_its_question():
    listed = re.findall(r"^\| `(\w+)` \| (.+) \|$", README, re.MULTILINE)
    assert listed == [(name, query.question) for name, query in sorted(named_queries().items())]


def test_every_table_is_listed():
    section = README.split("## Tables\n")[1].split("\n## ")[0]
    listed = re.findall(r"^- `(\w+)`: (.+)$", section, re.MULTILINE)
    comments = sorted((name, table.comment) for name, table in TABLES.items())
    assert listed == [(name, comment[0].lower() + comment[1:]) for name, comment in comments]
    views = re.findall(r"`(\w+)`", section.split("Views:")[1])
    assert sorted(views) == sorted(file.stem for file in (sql_folder() / "views").glob("*.sql"))
