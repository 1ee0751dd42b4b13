"""What every asset does around its own work: find its partition, write its table, describe the result.

Belongs here: metadata, checks and fingerprints common to all assets. Does not belong here: any one
asset, and the rules of the checks (:mod:`cot_assets.orchestration.assets.check_rules`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import dagster as dg
import polars as pl

from cot_assets.grading.judge import judge_rollouts
from cot_assets.grading.pool import GraderPool
from cot_assets.grading.verify import GRADER_VERSION
from cot_assets.orchestration.assets.check_rules import Check, Checks, Finding, found
from cot_assets.orchestration.assets.resources import Engines, Progress, Study
from cot_assets.orchestration.assets.showing import preview, shown
from cot_assets.orchestration.jobs import job_of, part_of
from cot_assets.orchestration.presence import validity
from cot_assets.orchestration.staleness import (
    Part,
    comparison_fingerprint,
    concluded_fingerprint,
    problem_set_fingerprint,
    sampled_fingerprint,
    transfer_fingerprint,
)
from cot_assets.orchestration.state import done_models
from cot_assets.orchestration.status.marks import remember
from cot_assets.sampling.tables import measured_traces
from cot_assets.study import Config, DataHome, ModelEntry, Protocol
from cot_assets.warehouse.schema import polars_schema
from cot_assets.warehouse.store import Warehouse

#: Imports may have counts only, and while a model is evaluated there are no counts yet.
_HAS_ROLLOUTS = """
SELECT 1 FROM rollouts WHERE problem_set = $problem_set AND model = $model
UNION ALL SELECT 1 FROM potentials WHERE problem_set = $problem_set AND model = $model LIMIT 1
"""
_PAIR = ("answer", "gold_answer", "answer_kind")


@dataclass(frozen=True)
class Scope:
    """The partition that an asset works on; ``model`` is empty for assets by problem set only.

    ``fingerprint``: what the partition's contents depend on, as it was before the asset read anything. What arrives
    while it works, a writer that another process samples say, makes it stale, and is not taken for what it read.
    """

    config: Config
    warehouse: Warehouse
    problem_set: str
    model: str = ""
    fingerprint: str = ""

    @property
    def entry(self) -> ModelEntry:
        """The model's registry entry."""
        return self.config.model(self.model)

    @property
    def protocol(self) -> Protocol:
        """The protocol that the problem set is bound to."""
        return self.config.protocol_of(self.problem_set)

    @property
    def where(self) -> dict[str, str]:
        """Columns that identify the partition's rows."""
        return {"problem_set": self.problem_set, **({"model": self.model} if self.model else {})}

    def curves(self) -> pl.DataFrame:
        """One row per measured trace and cut, with potential, text and verdict of the trace."""
        return self.warehouse.read_transform("curves", self.where)

    def own(self, table: str) -> dict[str, str]:
        """:attr:`where`, as the table names it: tables of transfer name the model as the reader."""
        is_reader = self.model and "reader" in polars_schema(table)
        return {"problem_set": self.problem_set, "reader": self.model} if is_reader else self.where

    def read(self, table: str, **more: str) -> pl.DataFrame:
        """The partition's rows of a table or view."""
        return self.warehouse.read_table(table, **self.own(table), **more)

    def stored(self, table: str, rows: pl.DataFrame) -> pl.DataFrame:
        """The partition's rows of a table as they are stored, once these have taken their place."""
        with self.warehouse.together(f"write {table}"):
            self.warehouse.write_partition(table, rows, self.own(table))
            return self.read(table)

    def estimated(self, view: str, rows: pl.DataFrame, questions: Iterable[str] = ()) -> pl.DataFrame:
        """The same of a view of ``estimates``: what was said to its questions, by default its own name, is replaced."""
        for question in questions or (view,):
            own = rows.filter(question=question)
            self.warehouse.write_partition("estimates", own, {**self.where, "question": question})
        return self.read(view)

    def problems(self) -> pl.DataFrame:
        """The problems of the set; raises :class:`dagster.Failure` where there are none."""
        problems = self.warehouse.read_table("problems", problem_set=self.problem_set)
        if problems.is_empty():
            raise dg.Failure(
                f"problem set {self.problem_set!r} has no problems yet: materialize `problems` for it",
                allow_retries=False,
            )
        return problems

    def is_sampled(self) -> bool:
        """Whether there are rollouts, or traces of which the protocol measures none."""
        if self.warehouse.read(_HAS_ROLLOUTS, self.where).height:
            return True
        traces = self.read("traces")
        return traces.height > 0 and measured_traces(traces, self.protocol).is_empty()

    def judge(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add ``answer``, ``answer_rule``, ``verdict`` and ``grader_version`` to rollouts with text and gold answer.

        Grades are remembered: a distinct pair of answers is compared once per grader version.
        """
        with self.judging() as judge:
            return judge(frame)

    @contextmanager
    def judging(self) -> Iterator[Callable[[pl.DataFrame], pl.DataFrame]]:
        """:meth:`judge` for several frames: one pool of graders, and what is new is written at the end."""
        known = self.warehouse.read_table("grades", grader_version=GRADER_VERSION)
        new: list[pl.DataFrame] = []
        rules = self.config.problem_set(self.problem_set).answer_rules
        with GraderPool() as pool:

            def judge(frame: pl.DataFrame) -> pl.DataFrame:
                # What was graded last goes last, and counts where a pair is there twice.
                verdicts, made = judge_rollouts(frame, known=pl.concat([known, *new]), pool=pool, rules=rules)
                if made.height:
                    new.append(made)
                return frame.hstack(verdicts).with_columns(grader_version=pl.lit(GRADER_VERSION))

            try:
                yield judge
            finally:
                if new:
                    grades = pl.concat(new).unique(_PAIR, keep="last", maintain_order=True)
                    self.warehouse.merge("grades", grades)


@dataclass(frozen=True, kw_only=True)
class Task(Scope):
    """The scope of an asset that runs, with what it samples by; ``engines`` and ``progress`` only where it declares a need."""

    context: dg.AssetExecutionContext
    engines: Engines
    progress: Progress


def scope_of(context: dg.AssetExecutionContext, study: Study) -> Scope:
    """The scope of the partition that runs."""
    key = context.partition_key
    config, warehouse = study.config(), study.warehouse()
    # A computation that fills several assets is of one job, and has one part.
    spec = context.assets_def.specs_by_key[min(context.selected_asset_keys)]
    names = key.keys_by_dimension if isinstance(key, dg.MultiPartitionKey) else {"problem_set": key}
    scope = Scope(config, warehouse, names["problem_set"], names.get("model", ""))
    if scope.model and part_of(spec) == "analysis" and not scope.is_sampled():
        way_out = f"materialize `rollouts` first, or run `cot-assets run --model {scope.model} --problem-set {scope.problem_set}`"
        if config.model(scope.model).reads_only:
            way_out = (
                "it only reads on from others' traces, and there are none; run a model that writes some first"
            )
        raise dg.Failure(
            f"{scope.model!r} has no rollouts on {scope.problem_set!r} to conclude anything from: {way_out}",
            allow_retries=False,
        )
    return replace(scope, fingerprint=_fingerprint(context.instance, scope, spec))


def _fingerprint(instance: dg.DagsterInstance, scope: Scope, spec: dg.AssetSpec) -> str:
    """What an asset of the scope depends on: what is declared, and of other models what is done by now."""
    config, problem_set, job = scope.config, scope.problem_set, job_of(spec)

    def others(job: str, part: Part) -> dict[str, str]:
        return done_models(instance, job, part, problem_set, validity(scope.warehouse))

    if job == "load_problems":
        return problem_set_fingerprint(config, problem_set)
    if job == "compare_models":
        return comparison_fingerprint(others("measure_transfer", "analysis"))
    sampled = sampled_fingerprint(config, scope.model, problem_set)
    if job == "measure_transfer":
        writers = others("evaluate_model", "sampling")
        writers.pop(scope.model, None)
        sampled = transfer_fingerprint(sampled, writers)
    return sampled if part_of(spec) == "sampling" else concluded_fingerprint(config, problem_set, sampled)


@dataclass(frozen=True)
class Made:
    """What an asset has made: its rows, what its checks without a rule came to, and what else is told of it."""

    frame: pl.DataFrame
    findings: Mapping[str, Finding] = field(default_factory=dict[str, Finding])
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])


def _check_result(name: str, check: Check, finding: Finding) -> dg.AssetCheckResult:
    blocks = check.is_blocking and finding.can_block
    severity = dg.AssetCheckSeverity.ERROR if blocks else dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(
        passed=finding.is_passed,
        check_name=name,
        severity=severity,
        description=finding.message,
        metadata=shown(finding.figures),
    )


def finished(
    scope: Scope, made: Made, checks: Checks | None = None, asset: str | None = None
) -> dg.MaterializeResult:
    """The materialization of a table: row count, preview, check results, fingerprint as data version.

    ``asset`` names it where a computation fills several.
    """
    frame, fingerprint, checks = made.frame, scope.fingerprint, checks or {}
    remember(DataHome.from_environment(), fingerprint)
    findings = {**found(checks, frame), **made.findings}
    return dg.MaterializeResult(
        asset_key=asset,
        metadata=shown(
            {
                "dagster/partition_row_count": frame.height,
                **({} if frame.is_empty() else {"preview": preview(frame)}),
                **made.metadata,
                "fingerprint": fingerprint,
            }
        ),
        check_results=[_check_result(name, checks[name], each) for name, each in findings.items()],
        data_version=dg.DataVersion(fingerprint),
    )
