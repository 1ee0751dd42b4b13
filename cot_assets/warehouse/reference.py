"""The reference pages of ``docs/``: every table, view and named query, written from their SQL.

Belongs here: Markdown from schemas and query headers. Does not belong here: the schemas and queries themselves.
After a change of ``sql/``: ``uv run python -m cot_assets.warehouse.reference``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from cot_assets.warehouse.queries import NamedQuery, named_queries
from cot_assets.warehouse.reading import sql_folder
from cot_assets.warehouse.schema import TableSchema, tables, views

_NOTE = (
    "<!-- Written by `uv run python -m cot_assets.warehouse.reference`; edit the files in sql/ instead. -->"
)


def pages() -> dict[str, str]:
    """File name in ``docs/`` to its Markdown."""
    return {"tables.md": tables_page(tables(), views()), "queries.md": queries_page(named_queries())}


def tables_page(tables: Mapping[str, TableSchema], views: Mapping[str, TableSchema]) -> str:
    """A line per table and view with what its rows are, then the columns of each."""
    parts = ["# Tables and views", _NOTE]
    for title, group in (("Tables", tables), ("Views", views)):
        lines = [f"- [`{name}`](#{name}): {_first_lower(group[name].comment)}" for name in sorted(group)]
        parts += [f"## {title} ({len(group)})", "\n".join(lines)]
    for name, table in sorted({**tables, **views}.items()):
        rows = [f"| `{c.name}` | {c.type} | {_cell(c.comment)} |" for c in table.columns]
        key = f"\n\nKey: {', '.join(f'`{c}`' for c in table.primary_key)}." if table.primary_key else ""
        parts.append(f"### {name}\n\n{table.comment}{key}")
        parts.append("\n".join(["| column | type | meaning |", "|---|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def queries_page(queries: Mapping[str, NamedQuery]) -> str:
    """A table of queries with the question that each answers and its parameters."""
    rows = [
        f"| `{q.name}` | {_cell(q.question)} | {_cell(', '.join(f'`{p.name}`' for p in q.parameters))} |"
        for q in queries.values()
    ]
    how = (
        "`cot-assets sql NAME` runs a query, `-p NAME=VALUE` sets a parameter, `--format csv` or `json` prints it for "
        "programs. The SQL is in `sql/queries`."
    )
    return (
        "\n\n".join(
            [
                "# Named queries",
                _NOTE,
                how,
                "\n".join(["| query | question | parameters |", "|---|---|---|", *rows]),
            ]
        )
        + "\n"
    )


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")


def _first_lower(text: str) -> str:
    return text[:1].lower() + text[1:]


if __name__ == "__main__":
    folder = sql_folder().parent / "docs"
    folder.mkdir(exist_ok=True)
    for file, text in pages().items():
        Path(folder / file).write_text(text, encoding="utf-8")
