"""A small study in a temporary folder: configuration, data home and Dagster instance.

Belongs here: writing configuration, running the pipeline on it, reading tables back. Does not belong
here: assertions.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unittest import mock

import dagster as dg
import polars as pl

from cot_assets.definitions import build_defs
from cot_assets.orchestration.assets.resources import Engines
from cot_assets.orchestration.instance import open_instance
from cot_assets.orchestration.runs import bring_up_to_date
from cot_assets.orchestration.staleness import Wanted
from cot_assets.study import Config, DataHome, ModelEntry, load_config
from cot_assets.study.protocols import nested
from cot_assets.warehouse.store import Warehouse
from support.configuration import Sections, write_sections
from support.scripted import ScriptedEngine, scripted_folder, statement

#: As small as a protocol can be: one block per prefix, two fractions.
TINY: dict[str, Any] = {
    "n": 16, "max_tokens": 200, "temperature": 1.0, "top_p": 1.0, "cut_policy": "lines", "max_cuts": 6,
    "traces_per_problem": 2, "transfer_fractions": [0.0, 0.5], "control_fractions": [0.5],
    "headline_fraction": 0.5,
}  # fmt: skip


TEXT = "Add the two. That gives 7. So the answer is \\boxed{7}."


def write_counts(
    file: Path,
    counts: Mapping[int, int] = MappingProxyType({0: 2, 13: 8, 26: 1}),
    n: int = 10,
    problem: str = "sum",
) -> Path:
    """A file to import: one trace, and of n rollouts at each cut so many correct ones."""
    rows = [
        {"problem_id": problem, "statement": f"{problem}: 3 + 4?", "gold_answer": "7", "trace": TEXT, "cut": cut, "n": n, "n_correct": k}
        for cut, k in counts.items()
    ]  # fmt: skip
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


class ScriptedEngines(Engines):
    """The resource ``engines`` with scripts in the place of models."""

    def open(self, entry: ModelEntry) -> ScriptedEngine:
        return ScriptedEngine(entry)

    def tokens(self, entry: ModelEntry, folder: Path) -> ScriptedEngine:
        return ScriptedEngine(entry.model_copy(update={"path": str(folder)}))


class Lab:
    """Everything of one study below ``root``; nothing outside it is read or written."""

    def __init__(self, root: Path) -> None:
        self.root, self.folder, self.home = root, root / "config", DataHome(root / "home")
        self._written: dict[str, dict[str, Mapping[str, Any]]] = {}
        self.folder.mkdir(parents=True, exist_ok=True)

    def write(
        self,
        *,
        models: Sections | None = None,
        problem_sets: Sections | None = None,
        protocols: Sections | None = None,
    ) -> None:
        """Add or replace entries of the configuration."""
        given = {"models": models, "problem_sets": problem_sets, "protocols": protocols}
        for name, sections in given.items():
            if sections:
                self._written.setdefault(name, {}).update(sections)
                write_sections(self.folder / f"{name}.toml", self._written[name])

    def write_sums(
        self, name: str = "sums", *, n: int = 3, protocol: Mapping[str, Any] | None = None
    ) -> None:
        """A problem set that scripts understand, with a protocol of the same name."""
        file = self.root / f"{name}.jsonl"
        rows = [{"problem": statement(10 * i + 2, i + 30), "answer": 11 * i + 32} for i in range(1, n + 1)]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        entry = {"source": str(file), "protocol": name, "answer_kind": "integer"}
        parts, _ = nested({**TINY, **(protocol or {})})
        self.write(problem_sets={name: entry}, protocols={name: parts})

    def write_script(
        self,
        name: str,
        *,
        weights: str = "",
        tokenizer: str = "bytes",
        problem_sets: Iterable[str] = (),
        **args: Any,
    ) -> None:
        """A scripted model; ``args`` are those of :class:`~support.scripted.ScriptedEngine`."""
        folder = scripted_folder(self.root / "models" / name, weights=weights or name, tokenizer=tokenizer)
        (folder / "openvino_model.xml").write_text("<none/>")  # else it would have to be converted
        entry = {"engine": "openvino", "path": str(folder), "template": "{statement}"}
        self.write(models={name: {**entry, "problem_sets": list(problem_sets), "engine_args": args}})

    def entry(self, model: str) -> dict[str, Any]:
        """What was written of a model."""
        return dict(self._written["models"][model])

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables that point to this study."""
        return {
            "COT_ASSETS_HOME": str(self.home.root),
            "COT_ASSETS_CONFIG": str(self.folder),
            "COT_ASSETS_REPORTS": "",
            "DAGSTER_HOME": str(self.home.dagster),
        }

    @contextmanager
    def environment(self) -> Iterator[None]:
        """The process environment of the study, put back afterwards."""
        with mock.patch.dict(os.environ, self.variables):
            yield

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        """Environment and Dagster instance."""
        with self.environment(), open_instance(self.home) as instance:
            yield instance

    def config(self) -> Config:
        """What is written now, with the package's own entries."""
        return load_config(self.folder)

    def bring_up_to_date(
        self,
        pairs: Iterable[tuple[str, str]],
        *,
        is_scripted: bool = True,
        overrides: Mapping[str, Any] | None = None,
        said: list[str] | None = None,
        is_thorough: bool = False,
    ) -> list[Wanted]:
        """Run the pipeline in this process; returns what it ran. ``said`` takes lines on what was not there."""
        announced: list[Wanted] = []
        resources = {**({"engines": ScriptedEngines()} if is_scripted else {}), **(overrides or {})}
        with self.instance() as instance:
            bring_up_to_date(
                build_defs(resource_overrides=resources),
                instance,
                self.config(),
                pairs,
                announce=announced.append,
                say=(said if said is not None else []).append,
                is_thorough=is_thorough,
            )
        return announced

    def table(self, name: str, **equals: object) -> pl.DataFrame:
        """Rows of a table of the warehouse."""
        return Warehouse(self.home).read_table(name, **equals)
