"""Bringing imports in and taking them back: rows, what is concluded from them, and the report.

Belongs here: the order of the steps, so that a failure leaves every table as it was. Does not belong here: rows
(:mod:`cot_assets.warehouse.imported`) and what Dagster is told (:mod:`.telling`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import dagster as dg
import polars as pl

from cot_assets.importing import Imported
from cot_assets.orchestration.assets.publishing import publish_results
from cot_assets.orchestration.assets.resources import working_on
from cot_assets.orchestration.imports.telling import report_tables, report_taken_back, was_taken_back
from cot_assets.orchestration.jobs import assets_of
from cot_assets.orchestration.presence import RESULTS, withdraw
from cot_assets.orchestration.runs import execute
from cot_assets.orchestration.staleness import Unit
from cot_assets.orchestration.state import ensure_partitions
from cot_assets.study import Config
from cot_assets.warehouse.errors import shown
from cot_assets.warehouse.imported import (
    ImportedError,
    Stored,
    check_names,
    imported_pairs,
    remove,
    store,
)
from cot_assets.warehouse.staging import staging
from cot_assets.warehouse.store import Warehouse

Announce = Callable[[str], None]


@dataclass(frozen=True)
class Summary:
    """An imported model on a problem set after its import, with all that was imported before.

    ``by_policy`` has a row per cut policy: ``cut_policy``, ``n_cuts``, ``n_unknown``; ``insight`` and
    ``tangent`` (events by threshold) and ``insight_confirmed``, ``tangent_confirmed``; ``late_spike``,
    ``lucky_guess`` and ``monotone`` (traces by threshold).
    """

    model: str
    problem_set: str
    stored: Stored
    notes: tuple[str, ...]
    n_correct: int
    n_unknown: int
    by_policy: pl.DataFrame


@dataclass(frozen=True)
class Imports:
    """What brings imports in and takes them back.

    Args:
        definitions: What is run on the imported rows.
        instance: Where runs, materializations and partitions show.
        warehouse: Where rows go.
        config: What files declare; to bring in, with :func:`cot_assets.warehouse.imported.with_imported`.
        announce: Takes a line before each step that takes time.
    """

    definitions: dg.Definitions
    instance: dg.DagsterInstance
    warehouse: Warehouse
    config: Config
    announce: Announce = lambda _: None

    def bring_in(
        self, imported: Sequence[Imported], *, command: str, has_report: bool = True
    ) -> list[Summary]:
        """Write imports, report them to Dagster, and run everything on them that runs on sampled rollouts.

        The warehouse takes the rows when analysis and report went through: where one fails, no row has changed.

        Args:
            imported: What an importer returned.
            command: What to type to import the same again; kept with the materializations.
            has_report: Whether the report is made too.

        Raises:
            ImportedError: See :func:`cot_assets.warehouse.imported.store`.
            PipelineError: A run failed.
        """
        warehouse, config, instance = self.warehouse, self.config, self.instance
        for each in imported:  # before anything is copied
            check_names(warehouse, config, each.model, each.problem_set)
        pairs = [(each.model, each.problem_set) for each in imported]
        models, sets = (list(dict.fromkeys(names)) for names in zip(*pairs, strict=True))
        with staging(warehouse, models, sets) as staged, _new_partitions(instance, models, sets):
            stored: list[Stored] = []
            for each in imported:
                self.announce(f"import {each.model} on {each.problem_set}")
                stored.append(store(staged, config, each.model, each.problem_set, each.frames))
            with working_on(staged, has_pictures=has_report):
                self._analyze(pairs, has_report=has_report)
            staged.take_in()
            for each in imported:
                report_tables(instance, staged, each.model, each.problem_set, command)
            summaries = [_summary(staged, *pair, done) for pair, done in zip(pairs, stored, strict=True)]
        self._publish(sets)
        return summaries

    def take_back(self, model: str, problem_set: str) -> bool:
        """Delete what was imported as a model on a problem set, with all that followed; files that were read stay.

        Other models of the set are compared and reported anew. Where one of the runs fails, no row has changed.

        Returns:
            Whether anything was there; False where it was taken back before.

        Raises:
            ImportedError: Nothing was ever imported under these names.
            PipelineError: A run failed.
        """
        warehouse, config, instance = self.warehouse, self.config, self.instance
        there = imported_pairs(warehouse)
        if (model, problem_set) not in there:
            if was_taken_back(instance, model, problem_set):
                return False
            known = ", ".join(f"{name} on {of_set}" for name, of_set in there) or "none"
            raise ImportedError(
                f"nothing was imported as model {shown(model)} on problem set {shown(problem_set)}; imports: {known}"
            )
        there.remove((model, problem_set))
        self.announce(f"take back {model} on {problem_set}")
        with staging(warehouse, [model], [problem_set]) as staged:
            is_elsewhere = any(name == model for name, _ in there)
            is_shared = remove(staged, model, problem_set, is_elsewhere=is_elsewhere)
            if is_shared:
                unit = Unit("compare_models", problem_set)
                assets = _concluding(unit, has_report=(warehouse.home.reports / problem_set).is_dir())
                with working_on(staged):
                    execute(self.definitions, instance, unit, assets=assets)
            staged.take_in()
        report_taken_back(instance, model, problem_set, is_shared=is_shared)
        if not is_shared:
            withdraw(warehouse.home, problem_set)
        self._publish([problem_set])
        for definition, name, which in (("models", model, 0), ("problem_sets", problem_set, 1)):
            declared = (config.models, config.problem_sets)[which].keys()
            if name not in {pair[which] for pair in there} | declared:
                instance.delete_dynamic_partition(definition, name)
        return True

    def analyze(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Run the analysis on imported (model, problem set) pairs, then comparison, report and results of their sets."""
        ensure_partitions(self.instance, [m for m, _ in pairs], [p for _, p in pairs])
        self._analyze(pairs)
        self._publish(list(dict.fromkeys(p for _, p in pairs)))

    def _analyze(self, pairs: Sequence[tuple[str, str]], *, has_report: bool = True) -> None:
        units = [Unit("evaluate_model", problem_set, model) for model, problem_set in pairs]
        units += [Unit("compare_models", problem_set) for problem_set in dict.fromkeys(p for _, p in pairs)]
        for unit in units:
            assets = _concluding(unit, has_report=has_report)
            self.announce(f"{', '.join(assets)}: {unit.key}")
            execute(self.definitions, self.instance, unit, assets=assets)

    def _publish(self, sets: Sequence[str]) -> None:
        """Publish the warehouse, without a run of its own: its rows are in, and nothing is computed."""
        self.announce(f"{RESULTS}: {', '.join(sets)}")
        metadata = publish_results(self.warehouse)
        for problem_set in sets:
            told = dg.AssetMaterialization(RESULTS, partition=problem_set, metadata=metadata)
            self.instance.report_runless_asset_event(told)


def _concluding(unit: Unit, *, has_report: bool) -> list[str]:
    """What is concluded for a unit; the results are published afterwards, from the warehouse."""
    left_out = {RESULTS} if has_report else {RESULTS, "report"}
    return [name for name in assets_of(unit.job, ("analysis",)) if name not in left_out]


@contextmanager
def _new_partitions(
    instance: dg.DagsterInstance, models: Sequence[str], problem_sets: Sequence[str]
) -> Iterator[None]:
    """Partitions of these names; where the block fails, those that it brought go again."""
    wanted = (("models", models), ("problem_sets", problem_sets))
    new = [
        (definition, name)
        for definition, names in wanted
        for name in set(names) - set(instance.get_dynamic_partitions(definition))
    ]
    ensure_partitions(instance, list(models), list(problem_sets))
    try:
        yield
    except BaseException:
        for definition, name in new:
            instance.delete_dynamic_partition(definition, name)
        raise


def _summary(warehouse: Warehouse, model: str, problem_set: str, stored: Stored) -> Summary:
    own = {"model": model, "problem_set": problem_set}
    notes = warehouse.read_table("import_notes", **own)
    traces, potentials = (warehouse.read_table(name, **own) for name in ("traces", "potentials"))
    return Summary(
        model,
        problem_set,
        stored,
        tuple(notes["note"]),
        traces.filter(pl.col("verdict") == "correct").height,
        potentials["potential"].null_count(),
        warehouse.read_transform("imported_summary", own),
    )
