"""What runs on the cluster: one engine in an actor, which the driver talks to in turns.

Belongs here: the actor's side. Does not belong here: Ray, and the driver's side
(:mod:`cot_assets.engines.ray.engine`).

An engine takes a block when it has room for it, so the actor asks the driver for one then. What is at stake in an actor is
thereby what would be at stake in an engine of this process, and a fast actor takes more blocks than a slow one.
"""

from __future__ import annotations

import os
import socket
import threading
import traceback
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from enum import Enum
from queue import Empty, SimpleQueue
from typing import cast

from cot_assets.engines.base import Block, Engine, EngineError, EngineInfo, News, Sampling, Written
from cot_assets.statistics.surprise import Evidence
from cot_assets.study import ModelEntry

_TURN = 1.0  #: seconds after which a turn ends without news
_STOP = 10.0  #: seconds that an engine has to end what is canceled


class Word(Enum):
    """What an actor says besides results: it has room for one more block, or has finished all that it was given."""

    WANTED = 1
    DONE = 2


Event = News | Word | EngineError


class EngineActor:
    """An engine and the thread that it samples in. No method takes longer than a turn but ``open`` and ``score``."""

    def where(self) -> str:
        """The machine and the process."""
        return f"{socket.gethostname()} (process {os.getpid()})"

    def open(self, entry: ModelEntry, home: str) -> EngineInfo:
        """Load the model; ``home`` is the data home, which all machines see."""
        from cot_assets.engines.opening import open_engine

        os.environ["COT_ASSETS_HOME"] = home
        self._name = entry.name
        self._engine: Engine = open_engine(entry)
        return self._engine.describe()

    def begin(self, blocks: Sequence[Block], sampling: Sampling) -> list[Event]:
        """Start to sample, with these blocks to begin with; returns the first turn's news."""
        self._given: SimpleQueue[Block | None] = SimpleQueue()
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._is_over = False
        self._thread = threading.Thread(target=self._work, args=(sampling,), daemon=True)
        self._thread.start()
        return self.turn(blocks)

    def turn(self, given: Sequence[Block | None]) -> list[Event]:
        """What has happened since the last turn; ``given`` has an answer to each :attr:`Word.WANTED`, None for no more."""
        for block in given:
            self._given.put(block)
        events: list[Event] = []
        try:
            events.append(self._events.get(timeout=_TURN))
            while True:
                events.append(self._events.get_nowait())
        except Empty:
            return events

    def stop(self) -> bool:
        """Cancel what is running; False where the engine does not let go of it."""
        self._is_over = True
        self._given.put(None)
        self._thread.join(_STOP)
        return not self._thread.is_alive()

    def score(self, written: Sequence[Written], sampling: Sampling) -> list[Evidence]:
        """The engine's evidence on each block's completions."""
        return list(self._engine.score(written, sampling))

    def _feed(self) -> Iterator[Block]:
        while True:
            self._events.put(Word.WANTED)
            block = self._given.get()
            if block is None or self._is_over:
                return
            yield block

    def _work(self, sampling: Sampling) -> None:
        try:
            results = cast("Generator[News, None, None]", self._engine.sample(self._feed(), sampling))
            with closing(results):
                for event in results:
                    self._events.put(event)
                    if self._is_over:
                        break
            self._events.put(Word.DONE)
        except EngineError as error:
            self._events.put(error)
        except Exception as error:  # noqa: BLE001 - told to the driver, which raises it
            traceback.print_exc()  # into Ray's log of this actor
            self._events.put(EngineError(f"model {self._name!r}: {type(error).__name__}: {error}"))
