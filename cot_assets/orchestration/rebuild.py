"""Making the warehouse again from the shards, with nothing sampled.

Belongs here: what can be rebuilt, an engine that refuses to sample, the steps and their order. Does not
belong here: the files (:mod:`cot_assets.warehouse.aside`) and the runs (:mod:`cot_assets.orchestration.runs`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import dagster as dg
import polars as pl

from cot_assets.engines.base import Block, BlockResult, CannotScoreError, Engine, Sampling
from cot_assets.orchestration.assets.resources import Engines
from cot_assets.orchestration.imports import Imports, lost_imports
from cot_assets.orchestration.presence import lose
from cot_assets.orchestration.processes import at_work, end_abandoned
from cot_assets.orchestration.runs import Outcome, PipelineError, bring_up_to_date
from cot_assets.orchestration.staleness import MODEL_JOBS, Unit, Wanted
from cot_assets.orchestration.state import read_state
from cot_assets.sampling.plan import Purpose
from cot_assets.sampling.shards import ShardStore
from cot_assets.statistics.surprise import Evidence
from cot_assets.study import Config, DataHome, ModelEntry
from cot_assets.warehouse.aside import Old, aside_path, put_back, start_anew
from cot_assets.warehouse.imported import imported_pairs
from cot_assets.warehouse.store import Warehouse

Announce = Callable[[str], None]
_NO_MODEL = "a rebuild opens no model"
_NO_SAMPLES = "a rebuild samples nothing"


class RebuildError(RuntimeError):
    """The warehouse cannot be rebuilt; the message says what is missing and whether anything changed."""


class MissingBlocksError(RebuildError):
    """Blocks are in no shard, and a rebuild does not sample."""


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild did.

    ``pairs`` and ``imported``: (model, problem set) made again. ``kept``: the old file, None if there was
    none. ``carried``: rows by table that no shard holds. ``lost``: sentences on what could not be carried
    over or made again.
    """

    pairs: tuple[tuple[str, str], ...]
    imported: tuple[tuple[str, str], ...]
    kept: Path | None
    carried: Mapping[str, int]
    lost: tuple[str, ...]


class _ShardsOnly:
    """An engine that refuses to sample; all else, such as tokenizer and identity, is that of another."""

    def __init__(self, engine: Engine, model: str) -> None:
        self._engine, self._model = engine, model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def sample(self, blocks: Iterable[Block], sampling: Sampling) -> Iterator[BlockResult]:  # noqa: ARG002
        missing = [block.n for block in blocks]
        raise MissingBlocksError(_missing(self._model, len(missing), sum(missing)))

    def score(self, *_: object) -> Iterator[Evidence]:
        raise CannotScoreError(f"{self._model}: {_NO_MODEL}; `cot-assets run` audits what is left")


def shards_only(kind: type[Engines] = Engines) -> Engines:
    """The ``engines`` resource of a rebuild: that of ``kind``, whose engines refuse to sample."""

    class ShardsOnlyEngines(kind):
        def load(self, entry: ModelEntry) -> Engine:
            # An older version kept nothing of its models: there the model itself must say who it is.
            known = self.remembered(entry, is_any=True) or super().load(entry)
            return cast("Engine", _ShardsOnly(known, entry.name))

    return ShardsOnlyEngines()


def _missing(model: str, n_blocks: int, n_rollouts: int) -> str:
    return (
        f"{n_blocks:,} blocks ({n_rollouts:,} completions) of {model!r} are in no shard, and {_NO_SAMPLES}; "
        "`cot-assets run` samples what is missing"
    )


def rebuild(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    config: Config,
    home: DataHome,
    *,
    announce: Announce = lambda _: None,
) -> Rebuilt:
    """Set the warehouse aside and make it again from shards and problem sets.

    Rebuilt is what was evaluated to the end, according to the old warehouse and to Dagster, under the
    present configuration. Imported rollouts and the cost ledger are carried over from the old file.

    Args:
        definitions: With :func:`shards_only` engines.
        instance: Where runs show.
        config: What files declare.
        home: The data home.
        announce: Takes a line before each step.

    Raises:
        RebuildError: A run is at work, there is nothing to rebuild from, or blocks are missing.
        Exception: Of a run. Where the old warehouse could be read it is back in place then; a note of the error says so.
        ShardsInUseError: A process is sampling.
        WarehouseLockedError: A process uses the warehouse.
    """
    _require_idle(instance, home)

    def is_own(made_by: str, model: str) -> bool:
        """Whether a job or asset says that a model was measured: of one that only reads, transfer does."""
        is_reader = model in config.models and config.model(model).reads_only
        return made_by in (
            ("measure_transfer", "transfer_completions") if is_reader else ("evaluate_model", "completions")
        )

    measured = {
        (unit.model, unit.problem_set) for unit in read_state(instance).done if is_own(unit.job, unit.model)
    }
    pairs: list[tuple[str, str]] = []
    gone: list[tuple[str, str]] = []

    def check(old: Old) -> None:
        finished = old.blocks.select("asset", "model", "problem_set").unique().iter_rows()
        blocks = {(model, problem_set) for asset, model, problem_set in finished if is_own(asset, model)}
        for model, problem_set in sorted(measured | blocks):
            is_declared = model in config.models and problem_set in config.problem_sets
            (pairs if is_declared else gone).append((model, problem_set))
        if not pairs and not old.frames:
            raise RebuildError(
                f"nothing in {home.root} says what was evaluated: neither a warehouse nor Dagster's records. "
                "`cot-assets run --model NAME --problem-set NAME` finds in the shards what was sampled"
            )
        _require_blocks(old, config, home, pairs)

    unread: list[tuple[str, str]] = []

    def is_unread(want: Wanted, error: PipelineError) -> bool:
        """Whether a reader lacks texts of others only: they were written after it was measured, and no row was made of them."""
        found = error.step == "transfer_completions" and _NO_SAMPLES in str(error)
        if found:
            unread.append((want.unit.model, want.unit.problem_set))
        return found

    old = start_anew(home, check)
    is_old_readable = old.path == home.warehouse and not old.problem
    warehouse = Warehouse(home)
    try:
        outcome = bring_up_to_date(
            definitions,
            instance,
            config,
            pairs,
            announce=lambda want: announce(f"{want.unit.job} {want.unit.model} {want.unit.problem_set}"),
            leaves=is_unread,
        )
        open_audits = _open_audits(old, outcome, pairs)
        for model, problem_set in open_audits:  # and what shows them
            units = [Unit(job, problem_set, model) for job in MODEL_JOBS]
            lose(home, [*units, Unit("compare_models", problem_set)])
        imported = imported_pairs(warehouse)
        if imported:
            Imports(definitions, instance, warehouse, config, announce).analyze(imported)
    except BaseException as error:
        if is_old_readable:
            put_back(home)
        error.add_note(
            f"{'The old warehouse is back in place' if is_old_readable else 'What was rebuilt is kept'}."
        )
        raise
    kept, still_gone = aside_path(home), [pair for pair in gone if pair not in imported]
    return Rebuilt(
        tuple(pairs),
        tuple(imported),
        kept if kept.exists() else None,
        {table: frame.height for table, frame in old.frames.items()},
        tuple(
            _lost(
                old, still_gone, open_audits, list(dict.fromkeys(unread)), lost_imports(instance, warehouse)
            )
        ),
    )


def _open_audits(old: Old, outcome: Outcome, pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The pairs whose audit is lost, since a new one takes the model; one that had none before lost nothing."""
    said = [remark for remark in outcome.remarks if _NO_MODEL in remark]
    is_known = old.path is not None and not old.problem and "audits" not in old.left
    audits = old.frames.get("audits")
    had = set() if audits is None else set(audits.select("model", "problem_set").iter_rows())
    return [
        (model, problem_set)
        for model, problem_set in pairs
        if any(f" of {model}|{problem_set}, " in remark for remark in said)
        and (not is_known or (model, problem_set) in had)
    ]


def _require_idle(instance: dg.DagsterInstance, home: DataHome) -> None:
    """Raise where a process is sampling or concludes: it would write into the new warehouse half of what it found."""
    end_abandoned(instance, home)
    if (what := at_work(instance)) is not None:
        raise RebuildError(
            f"{what} is being run: wait for it to finish or stop it, then rebuild. Nothing was changed"
        )
    for purpose in get_args(Purpose):
        for folder in sorted((home.shards / f"{purpose}s").glob("*")):
            with ShardStore(home.shards, purpose, folder.name).writing():
                pass


def _require_blocks(old: Old, config: Config, home: DataHome, pairs: Iterable[tuple[str, str]]) -> None:
    """Raise where shards lack blocks that the old warehouse was made from, before anything is changed."""
    for model, problem_set in pairs:
        sampling_hash = config.protocol_of(problem_set).sampling_hash
        wanted = old.blocks.filter(
            (pl.col("model") == model)
            & (pl.col("problem_set") == problem_set)
            & (pl.col("sampling_hash") == sampling_hash)
        ).unique("block_key")
        if wanted.height:
            stores = (ShardStore(home.shards, purpose, model) for purpose in get_args(Purpose))
            known = [key for store in stores for key in store.index()]
            missing = wanted.filter(~pl.col("block_key").is_in(known))
            if missing.height:
                text = _missing(model, missing.height, int(missing["n"].sum()))
                raise MissingBlocksError(f"{problem_set!r}: {text}. Nothing was changed")


def _lost(
    old: Old,
    gone: Sequence[tuple[str, str]],
    open_audits: Sequence[tuple[str, str]],
    unread: Sequence[tuple[str, str]],
    commands: Sequence[str],
) -> Iterator[str]:
    """Sentences on what is not in the new warehouse."""
    if old.problem:
        yield f"the old warehouse could not be read ({old.problem}): the cost ledger is gone with it"
    elif old.path is None:
        yield "there was no old warehouse: the cost ledger is gone, since shards do not say what sampling took"
    for table, problem in old.left.items():
        yield f"table {table} could not be carried over: {problem}"
    for model, problem_set in gone:
        yield (
            f"{model} on {problem_set}: no longer in models.toml or problem_sets.toml; declare it again and "
            "`cot-assets run` finds its rollouts in the shards"
        )
    for model, problem_set in open_audits:
        yield (
            f"the audit of {model} on {problem_set}: {_NO_MODEL}; `cot-assets run --model {model} --problem-set "
            f"{problem_set}` makes it"
        )
    for model, problem_set in unread:
        yield (
            f"the transfer to {model} on {problem_set}: it has not read all that others wrote, and {_NO_SAMPLES}; "
            f"`cot-assets run --model {model} --problem-set {problem_set}` measures it"
        )
    for command in commands:
        yield f"published rollouts must be imported again: {command}"
