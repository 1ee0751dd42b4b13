"""A folder that the library ``datasets`` of Hugging Face loads, and its hub takes: Parquet files and a card.

Belongs here: which tables it has, their files and the card. Does not belong here: columns and what they mean (``sql``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined

from cot_assets.exporting.folder import SECONDS, new_folder, partitions
from cot_assets.study.files import write_parquet
from cot_assets.study.home import DataHome
from cot_assets.warehouse.queries import TEXTS, ask, find_query, run_query
from cot_assets.warehouse.reading import select_rows

_CARD = "README.md"
#: What a table or view holds, under the empty name, and its columns: as they were published.
_COMMENTS = """
SELECT '' AS name, comment FROM duckdb_tables() WHERE table_name = $name
UNION ALL SELECT '', comment FROM duckdb_views() WHERE view_name = $name AND NOT internal
UNION ALL SELECT column_name, comment FROM duckdb_columns() WHERE table_name = $name AND NOT internal
"""


@dataclass(frozen=True)
class _Part:
    """A config of the data set: a table or view, or a named query; ``without``: columns that are left out."""

    name: str
    source: str
    without: tuple[str, ...] = ()
    is_query: bool = False
    by_model: bool = True

    @property
    def sql(self) -> str:
        if self.is_query:
            return self.source
        names = f"* EXCLUDE ({', '.join(self.without)})" if self.without else "*"
        own = "problem_set = $problem_set" + (" AND model = $model" if self.by_model else "")
        return f"SELECT {names} FROM {self.source} WHERE {own} ORDER BY ALL"  # noqa: S608 - names of this file


#: Token ids go with one tokenizer and are most of the bytes; they stay in the data home.
_PARTS = (
    _Part("traces", "traces", ("prompt_token_ids", "token_ids", "char_ends")),
    _Part("problems", "problems", by_model=False),
    _Part("curves", "trace_curves"),
    _Part("rollouts", TEXTS, ("token_ids", "shard")),
    _Part("events", "events"),
    _Part("steps", "step_labels", is_query=True),
    _Part("preferences", "preference_pairs", is_query=True),
)


@dataclass
class _Written:
    """What was written of a config: rows so far, files, names of columns."""

    n_rows: int = 0
    n_files: int = 0
    columns: list[str] = field(default_factory=list)


def write_dataset(home: DataHome, folder: Path, model: str | None, problem_set: str | None) -> dict[str, int]:
    """Rows by config of the data set that was written to a new folder.

    Args:
        home: Whose published results are read.
        folder: Where to; it must not hold anything yet.
        model: Only what this model wrote and sampled; None: all.
        problem_set: Only this problem set; None: all.

    Raises:
        ExportError: The folder is in use, or there is nothing to export.
        WarehouseError: Nothing was published yet, or a partition needs too much time or memory.
    """
    pairs = partitions(home, model, problem_set)
    sets = list(dict.fromkeys(of_set for _, of_set in pairs))
    with new_folder(folder) as fresh:
        done = {part.name: _Written() for part in _PARTS}
        for part in _PARTS:
            for name, of_set in pairs if part.by_model else [(None, of_set) for of_set in sets]:
                given = {"problem_set": of_set} | ({"model": name} if part.by_model else {})
                _write(fresh / part.name, run_query(home, part.sql, given, SECONDS), done[part.name])
        there = {name: written for name, written in done.items() if written.n_rows}
        (fresh / _CARD).write_text(_card(home, there, pairs), encoding="utf-8")
    return {name: written.n_rows for name, written in there.items()}


def _write(folder: Path, frame: pl.DataFrame, written: _Written) -> None:
    """One file per partition, so that one partition is in memory at a time; none without rows."""
    if frame.is_empty():
        return
    folder.mkdir(exist_ok=True)
    write_parquet(folder / f"{written.n_files:05}.parquet", frame)
    written.n_files += 1
    written.n_rows += frame.height
    written.columns = frame.columns


def _card(home: DataHome, done: Mapping[str, _Written], pairs: Sequence[tuple[str, str]]) -> str:
    """The text of the card: configs for the library, and what every column means for a person."""
    parts = [(part, done[part.name]) for part in _PARTS if part.name in done]
    models, sets = (sorted(set(column)) for column in zip(*pairs, strict=True))
    comments = {
        part.name: dict(ask(home, _COMMENTS, {"name": part.source}, select_rows).values)
        for part, _ in parts
        if not part.is_query
    }
    environment = Environment(  # noqa: S701 - Markdown
        loader=PackageLoader("cot_assets.exporting"), undefined=StrictUndefined, trim_blocks=True
    )
    card = environment.get_template("card.md.j2")
    return card.render(parts=parts, models=models, sets=sets, comments=comments, query=find_query)
