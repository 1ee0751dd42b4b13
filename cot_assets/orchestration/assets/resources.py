"""Dagster resources: thin wrappers around configuration, warehouse, engines and progress.

Belongs here: what assets share in a run, and its life time. Does not belong here: any logic of the
things wrapped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import dagster as dg
from dagster._core.storage.tags import GRPC_INFO_TAG
from pydantic import PrivateAttr

from cot_assets.engines.base import AwayNowError, CannotOpenError, Engine, EngineError, Tokens
from cot_assets.engines.opening import open_engine
from cot_assets.engines.remembered import RememberedEngine, forget, recall, remember, told
from cot_assets.engines.revision import entry_revision
from cot_assets.engines.weights.prepared import model_folder
from cot_assets.orchestration.processes import held
from cot_assets.orchestration.status.records import PROCESS_TAG
from cot_assets.sampling.run import SamplingStatus
from cot_assets.sampling.shards import ShardStore
from cot_assets.study import Config, DataHome, ModelEntry, load_config
from cot_assets.warehouse.imported import with_imported
from cot_assets.warehouse.store import Warehouse


class Study(dg.ConfigurableResource):  # type: ignore[type-arg]
    """What is configured and where its data are; read once in every run."""

    _config: Config | None = PrivateAttr(None)
    _warehouse: Warehouse | None = PrivateAttr(None)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Forget what an earlier run read, and tag the run with its model and problem set, however it was launched.

        Where a server of code launched it, with its process as well: that may be killed together with the server.
        """
        self._config = self._warehouse = None
        if context.run is None or context.instance is None:
            return
        tags = _short_tags(context.run.tags)
        if GRPC_INFO_TAG in context.run.tags:
            tags[PROCESS_TAG] = held(self.home())
        if tags:
            context.instance.add_run_tags(context.run.run_id, tags)

    def config(self) -> Config:
        """The package's TOML files, those of COT_ASSETS_CONFIG, and what was imported without an entry."""
        if self._config is None:
            self._config = with_imported(load_config(), self.warehouse())
        return self._config

    def home(self) -> DataHome:
        """COT_ASSETS_HOME, its folders made."""
        return DataHome.from_environment().create()

    def warehouse(self) -> Warehouse:
        """The DuckDB file of the data home, or what takes its place; see :func:`working_on`."""
        if self._warehouse is None:
            self._warehouse = _WORK.get().warehouse or Warehouse(self.home())
        return self._warehouse

    @property
    def has_pictures(self) -> bool:
        """Whether materializations are told with pictures."""
        return _WORK.get().has_pictures


@dataclass(frozen=True)
class _Work:
    warehouse: Warehouse | None = None
    has_pictures: bool = True


_DEFAULT = _Work()
_WORK = ContextVar("work", default=_DEFAULT)


@contextmanager
def working_on(warehouse: Warehouse, *, has_pictures: bool = True) -> Iterator[None]:
    """Let the runs that this thread executes in the block read and write another warehouse."""
    token = _WORK.set(_Work(warehouse, has_pictures))
    try:
        yield
    finally:
        _WORK.reset(token)


def _short_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """``model`` and ``problem_set`` of a run, by the tags of its partition."""
    of_set = {"problem_set": tags["dagster/partition"]} if "dagster/partition" in tags else {}
    names = {name: tags.get(f"dagster/partition/{name}") for name in ("model", "problem_set")}
    return {name: value for name, value in names.items() if value} or of_set


class Engines(dg.ConfigurableResource):  # type: ignore[type-arg]
    """At most one engine per run, its weights loaded when a block is missing, closed when the run ends."""

    _loaded: dict[str, Engine] = PrivateAttr(default_factory=dict)

    def open(self, entry: ModelEntry) -> Engine:
        """Load an engine; tests override this to put a scripted engine in its place."""
        return open_engine(entry)

    def tokens(self, entry: ModelEntry, folder: Path) -> Tokens:
        """The tokenizer of a model that is not loaded; tests override this as well."""
        from cot_assets.engines.tokenizer import ModelTokenizer

        return ModelTokenizer.of(entry, folder)

    def remembered(self, entry: ModelEntry, *, is_any: bool = False) -> Engine | None:
        """The engine without its weights, where the model was opened before, and what was kept of it is whole."""
        found = recall(DataHome.from_environment().models, entry, is_any=is_any)
        if found is None:
            return None
        info, folder = found
        with suppress(EngineError):
            tokens = self.tokens(entry, folder)
            if info.tokenizer in ("", tokens.revision):
                return RememberedEngine(info, tokens, lambda: self._open(entry))
        if not is_any:
            forget(folder)  # it would make other tokens
        return None

    def load(self, entry: ModelEntry) -> Engine:
        """The engine of a model, whose weights are loaded at once only where nothing is known of them.

        Where they cannot be loaded, what an earlier release knew of the same weights will do, or what shards of them say:
        a machine without the engine analyzes what another one sampled.
        """
        if (engine := self.remembered(entry)) is not None:
            return engine
        try:
            return self._open(entry)
        except EngineError:
            known = self.remembered(entry, is_any=True)
            if known is not None and known.describe().model_revision == entry_revision(entry):
                return known
            if (known := self._told(entry)) is None:
                raise
            return known

    def _told(self, entry: ModelEntry) -> Engine | None:
        """The engine that sampled the shards of these weights, where one did."""
        shards, revision = DataHome.from_environment().shards, entry_revision(entry)
        for purpose in ("rollout", "trace"):
            for said in ShardStore(shards, purpose, entry.name).origins():
                # Of another release, or without a tokenizer.
                with suppress(EngineError, LookupError, TypeError, ValueError):
                    info, tokens = told(said), self.tokens(entry, model_folder(entry))
                    if (info.model_revision, info.tokenizer) == (revision, tokens.revision):
                        return RememberedEngine(info, tokens, lambda: self._open(entry))
        return None

    def _open(self, entry: ModelEntry) -> Engine:
        try:
            engine = self.open(entry)
        except EngineError as error:
            if entry.engine == "openai" or isinstance(error, AwayNowError):  # a server may come back
                raise
            raise CannotOpenError(str(error)) from error
        remember(DataHome.from_environment().models, entry, engine)
        return engine

    def get(self, entry: ModelEntry) -> Engine:
        """The engine of a model; another model's is closed first, to free the device."""
        if entry.name not in self._loaded:
            self._close()
            self._loaded[entry.name] = self.load(entry)
        return self._loaded[entry.name]

    def _close(self) -> None:
        for engine in self._loaded.values():
            engine.close()
        self._loaded.clear()

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Engines]:  # noqa: ARG002
        """Close the engine however the run ends."""
        try:
            yield self
        finally:
            self._close()


class Progress(Protocol):
    """How long work is reported: one call of :meth:`track` per engine run."""

    def track(self, label: str, log: Callable[[str], Any]) -> Callable[[SamplingStatus], None]:
        """A function that takes each new status; ``log`` writes to the run's log."""
        ...


class LoggedProgress(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Progress as lines in the run's log, so that the Dagster UI shows rollouts/s and time left."""

    every_seconds: float = 15.0

    def track(self, label: str, log: Callable[[str], Any]) -> Callable[[SamplingStatus], None]:
        """Log the first status, then at most one every ``every_seconds``, what is waited for, and the last."""
        last, said = -self.every_seconds, None

        def report(status: SamplingStatus) -> None:
            nonlocal last, said
            is_news = status.waiting_for not in (None, said)
            if time.monotonic() - last < self.every_seconds and not (status.is_finished or is_news):
                return
            last, said = time.monotonic(), status.waiting_for or said
            waiting = f"; {status.waiting_for}" if status.waiting_for else ""
            log(f"{status.line(label)}{waiting}")

        return report
