"""What the assets that call an engine share: run a plan, audit it, keep the books.

Belongs here: the steps around :func:`cot_assets.sampling.run.sample_missing`. Does not belong here:
counting what came back (:mod:`.counting`), and any one asset.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

import polars as pl

from cot_assets.engines.base import CannotScoreError, Engine, EngineInfo
from cot_assets.orchestration.assets.check_rules import Check, Finding
from cot_assets.orchestration.assets.materializing import Scope, Task
from cot_assets.sampling.audit import Audit, audit
from cot_assets.sampling.plan import Plan, PlannedBlock, Purpose, cut_by_context, sampling_of
from cot_assets.sampling.run import SamplingStatus, sample_missing
from cot_assets.sampling.shards import ShardStore
from cot_assets.sampling.tables import blocks_frame
from cot_assets.warehouse.schema import polars_schema

_T = TypeVar("_T")

#: The check of assets that sample, and what it says where there was nothing to sample.
AUDIT = {
    "audit": Check(
        True,
        "Sampled texts, scored again by another pass, are what the model writes: level 1e-6. Tried with planted faults it "
        "found all texts of other prefixes, and a temperature off by a quarter: docs/decisions/audit.md.",
    ),
}
_AT_ONCE = 20_000  #: blocks of which rows are made at a time
NOT_SAMPLED = Finding(True, "the protocol asks for no rollouts here")


def open_engine(scope: Task) -> Engine:
    """The run's engine for the scope's model, noted in ``models`` when its revision is new."""
    entry = scope.entry
    engine = scope.engines.get(entry)
    named = {"model": entry.name, "revision": engine.describe().model_revision}
    if scope.warehouse.read_table("models", **named, series=entry.series, step=entry.step).is_empty():
        columns = ("engine", "path", "template", "series", "step")
        row = {**named, **{name: getattr(entry, name) for name in columns}}
        row["endpoint"] = ", ".join(entry.endpoints) or None
        row["first_seen_at"] = datetime.now(UTC).replace(tzinfo=None)
        scope.warehouse.merge("models", pl.DataFrame([row], schema=polars_schema("models")))
    return engine


class EngineRun:
    """Plans that one asset samples one after the other: one line of progress, one row in the cost ledger.

    A context manager: the ledger is kept even where sampling breaks off, since what was sampled was paid for.
    """

    def __init__(self, scope: Task, engine: Engine, *, name: str | None = None) -> None:
        self.engine, self._scope, self._log = engine, scope, scope.context.log
        self._key = scope.context.asset_key.to_user_string()
        self._asset = name or self._key
        self._track = scope.progress.track(f"{self._asset} {scope.model} {scope.problem_set}", self._log.info)
        self._stores: dict[Purpose, ShardStore] = {}
        self._latest = SamplingStatus(n_before=0, n_total=0)
        self._cut: set[str] = set()  # prefixes that the context leaves less than their budget

    def sample(self, plan: Sequence[PlannedBlock], purpose: Purpose, *, is_last: bool = True) -> ShardStore:
        """Sample what is missing of a plan; returns the store that then holds all of it."""
        store, before = self.store(purpose), self._latest
        self._cut |= cut_by_context(plan, self.engine.describe())

        def report(status: SamplingStatus) -> None:
            self._latest = before.followed_by(status, is_last=is_last)
            self._track(self._latest)

        sample_missing(self.engine, plan, sampling_of(self._scope.protocol), store, report)
        return store

    def store(self, purpose: Purpose) -> ShardStore:
        """The model's store of a purpose."""
        if purpose not in self._stores:
            shards = self._scope.warehouse.home.shards
            self._stores[purpose] = ShardStore(shards, purpose, self._scope.model)
        return self._stores[purpose]

    def audited(
        self,
        search: Callable[[], tuple[_T, Sequence[PlannedBlock]]],
        purpose: Purpose,
        is_sampling: bool = True,
    ) -> tuple[_T, Sequence[PlannedBlock], Finding]:
        """What a search came to, all its blocks, and what an audit of a share of them found.

        Blocks that are not what the model writes are set aside and sampled again. Then the search is repeated, since
        what it asks for next may depend on them: what is sound it finds in the shards.

        Args:
            search: Samples with :meth:`sample`; returns its result and all blocks that it asked for.
            purpose: Of these blocks.
            is_sampling: Else blocks that no run has audited are audited only where this one sampled some.
        """
        while True:
            result, plan = search()
            try:
                found = self._audit(plan, purpose, is_sampling or self._latest.n_done > 0)
            except CannotScoreError as error:
                return result, plan, Finding(False, str(error), can_block=False)
            if not found.n_redrawn or not found.is_passed:
                return result, plan, Finding(found.is_passed, found.message, found.figures)

    def _audit(self, plan: Sequence[PlannedBlock], purpose: Purpose, is_new: bool) -> Audit:
        """Audit blocks that are in shards, and keep what was found in ``audits``."""
        protocol, where = self._scope.protocol, {**self._scope.where, "asset": self._key}
        stamp = {"protocol": protocol.name, "protocol_hash": protocol.protocol_hash}

        def keep(rows: pl.DataFrame) -> None:
            if not plan:
                return  # a reader whose writers are still to come: what is known of their blocks is needed then
            stamped = rows.with_columns(pl.lit(value).alias(name) for name, value in stamp.items())
            self._scope.warehouse.write_partition("audits", stamped, where)

        found = audit(
            self.engine,
            plan,
            sampling_of(protocol),
            self.store(purpose),
            protocol.sampling.audit_share,
            self._scope.warehouse.read_table("audits", **where),
            lambda again: self.sample(again, purpose),
            is_new=is_new,
            report=self._scope.progress.track(f"audit of {self._asset} {self._scope.model}", self._log.info),
            keep=keep,
        )
        keep(found.rows)
        return found

    @property
    def cost(self) -> dict[str, Any]:
        """What the run has taken, as metadata."""
        status, info = self._latest, self.engine.describe()
        return {
            "rollouts_sampled": status.n_done,
            "rollouts_found_in_shards": status.n_before,
            "generated_tokens": status.generated_tokens,
            "sampling_seconds": round(status.seconds, 1),
            "engine": f"{info.engine} {info.version}, {info.dtype} on {info.device}",
            "model_revision": info.model_revision,
        }

    def __enter__(self) -> EngineRun:
        return self

    def __exit__(self, *_: object) -> None:
        info = self.engine.describe()
        notes = [info.note] if info.note else []
        if self._cut:
            notes.append(
                f"{len(self._cut):,} prefixes reach the model's context of {info.context:,} tokens before their budget "
                "ends: their rollouts are cut there, and count as truncated"
            )
            self._log.warning(f"{self._asset} {self._scope.model}: {notes[-1]}")
        if self._latest.n_blocks:
            _enter(self._scope, info, self._asset, self._latest, "; ".join(notes) or None)


def sample_audited(
    scope: Task, engine: Engine, plan: Sequence[PlannedBlock], purpose: Purpose
) -> tuple[ShardStore, dict[str, Any], Finding]:
    """Sample what is missing of the one plan of an asset, and audit it; returns the store, metadata, what was found."""
    with EngineRun(scope, engine) as run:
        store = run.sample(plan, purpose)
        _, _, finding = run.audited(lambda: (None, plan), purpose)
        return store, run.cost, finding


def _enter(scope: Scope, info: EngineInfo, asset: str, status: SamplingStatus, note: str | None) -> None:
    row = {
        "sampling_run_id": uuid.uuid4().hex,
        "asset": asset,
        "problem_set": scope.problem_set,
        "model": scope.model,
        "model_revision": info.model_revision,
        "engine": f"{info.engine} {info.version}",
        "device": f"{info.device} {info.dtype}",
        "started_at": status.started_at.replace(tzinfo=None),
        "seconds": status.seconds,
        "n_blocks": status.n_blocks,
        "n_rollouts": status.n_done,
        "prompt_tokens": status.prompt_tokens,
        "cached_tokens": status.cached_tokens,
        "generated_tokens": status.generated_tokens,
        "tokens_per_second": status.generated_tokens / status.seconds if status.seconds else 0.0,
        "is_reproducible": info.is_reproducible,
        "is_retokenized": info.is_retokenized,
        "note": note,
    }
    types = {"cached_tokens": pl.Int64, "note": pl.String}  # both may be NULL
    scope.warehouse.merge("sampling_runs", pl.DataFrame([row], schema_overrides=types))


def write_blocks(
    scope: Scope, asset: str, plan: Sequence[PlannedBlock], engine: Engine | None, store: ShardStore | None
) -> int:
    """Record which blocks a plan consists of and what they were sampled with; returns their number.

    Engine and store may be None where there was nothing to sample.
    """
    where = {**scope.where, "asset": asset}

    def parts() -> Iterator[pl.DataFrame]:
        if engine is not None and store is not None:
            # Problems of one statement share their traces' blocks.
            distinct = plan if isinstance(plan, Plan) else {p.key: p for p in plan}.values()
            shards, said, rest = store.index(), store.origin, iter(distinct)

            def origin(key: str) -> str | None:
                return said(shards[key])

            while (rows := blocks_frame(islice(rest, _AT_ONCE), scope.protocol, engine, origin)).height:
                yield rows

    return scope.warehouse.write_partition("blocks", parts(), where)
