"""The reference pages of ``docs/``: every table, view and named query from their SQL, every setting from its model.

Belongs here: Markdown from schemas, query headers and fields. Does not belong here: these themselves.
After a change of ``sql/`` or of a setting: ``uv run python docs/reference.py``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cot_assets.study import ModelEntry, ProblemSetEntry
from cot_assets.study.models import RayActors
from cot_assets.study.protocols import Adaptive, AnalysisRules, SamplingRules
from cot_assets.warehouse.queries import NamedQuery, named_queries
from cot_assets.warehouse.reading import sql_folder
from cot_assets.warehouse.schema import TableSchema, tables, views

_NOTE = "<!-- Written by `uv run python docs/reference.py`; edit the files in sql/ instead. -->"
_SETTINGS: tuple[tuple[str, str, type[BaseModel]], ...] = (
    ("models.toml", "`[NAME]`: a model ([how](own-models.md)).", ModelEntry),
    ("models.toml: Ray", "`ray = { … }`: actors of a Ray cluster ([how](deployment.md)).", RayActors),
    ("problem_sets.toml", "`[NAME]`: a problem set ([where problems come from](problems.md)).", ProblemSetEntry),
    ("protocols.toml: sampling", "`[NAME.sampling]`: what is sampled. A change asks for new rollouts.", SamplingRules),
    ("protocols.toml: adaptive sampling", "`[NAME.sampling.adaptive]`: [what it does](methods-sampling.md#adaptive-sampling).", Adaptive),
    ("protocols.toml: analysis", "`[NAME.analysis]`: what is concluded. A change samples nothing.", AnalysisRules),
)  # fmt: skip


def pages() -> dict[str, str]:
    """File name in ``docs/`` to its Markdown."""
    return {
        "tables.md": tables_page(tables(), views()),
        "queries.md": queries_page(named_queries()),
        "settings.md": settings_page(),
    }


def tables_page(tables: Mapping[str, TableSchema], views: Mapping[str, TableSchema]) -> str:
    """A line per table and view with what its rows are, then the columns of each."""
    parts = ["# Tables and views", _NOTE]
    for title, group in (("Tables", tables), ("Views", views)):
        lines = [
            f"- [`{name}`](#{name}): {said[:1].lower()}{said[1:]}"
            for name, said in sorted((name, each.comment) for name, each in group.items())
        ]
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
    table = "\n".join(["| query | question | parameters |", "|---|---|---|", *rows])
    return "\n\n".join(["# Named queries", _NOTE, how, table]) + "\n"


def settings_page() -> str:
    """Every field of the three configuration files: its default and what it means."""
    how = (
        'The files lie in the folder that `COT_ASSETS_CONFIG` names. Every entry may say `extends = "OTHER"` and change '
        "what differs. A field without a default has to be given."
    )
    parts = ["# Settings", _NOTE.replace("files in sql/", "descriptions in cot_assets/study"), how]
    for title, what, kind in _SETTINGS:
        rows = [
            f"| `{name}` | {_default(field)} | {_cell(field.description or '')} |"
            for name, field in kind.model_fields.items()
            if name != "name"
        ]
        parts += [f"## {title}", what, "\n".join(["| field | default | meaning |", "|---|---|---|", *rows])]
    return "\n\n".join(parts) + "\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return ""
    value = field.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, BaseModel):
        return "below"
    if value is None or value in ((), {}):
        return "none"
    return f"`{_cell(json.dumps(value))}`"


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    folder = sql_folder().parent / "docs"
    folder.mkdir(exist_ok=True)
    for file, text in pages().items():
        Path(folder / file).write_text(text, encoding="utf-8")
