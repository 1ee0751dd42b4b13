"""An engine made of engines: the actors of a Ray cluster, among which blocks are spread.

Belongs here: blocks and what is given to whom. Does not belong here: the life of actors
(:mod:`cot_assets.engines.ray.crew`) and the engine in each (:mod:`cot_assets.engines.ray.actor`).

Which actor sampled a block, and that it was one, does not belong to the block: keys, seeds and texts are those of the plain
engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count, islice
from typing import cast

from cot_assets.engines.base import (
    Block,
    BlockResult,
    EngineDiedError,
    EngineError,
    News,
    Sampling,
    TokenizedEngine,
    Waiting,
    Working,
    Written,
)
from cot_assets.engines.ray.actor import Event, Word
from cot_assets.engines.ray.crew import LOST, Crew, Member
from cot_assets.engines.ray.work import Work
from cot_assets.engines.tokenizer import ModelTokenizer
from cot_assets.engines.weights.prepared import model_folder
from cot_assets.statistics.surprise import Evidence
from cot_assets.study import ModelEntry
from cot_assets.study.models import RayActors

_STOCK = 2  #: blocks that an actor has beyond those at work, so that it need not wait for the driver
_SCORED = 8  #: blocks that an actor scores in one call


class RayEngine(TokenizedEngine[ModelTokenizer]):
    """One model in several actors; its identity is that of the engine in each."""

    def __init__(self, entry: ModelEntry, ways: RayActors) -> None:
        """Start the actors; raises :class:`EngineError` where none of them can open the model."""
        self._entry = entry
        self._tokenizer = ModelTokenizer.of(entry, model_folder(entry))
        self._crew = Crew(entry, ways)
        info = self._crew.info
        assert info is not None  # noqa: S101 - a crew has one that is open
        self._info = info

    def sample(self, blocks: Iterable[Block], sampling: Sampling) -> Iterator[News]:
        """Sample every block; results come as they finish, and word of actors that died.

        An actor's error is raised when the others have finished what they have.
        """
        shift = _Shift(self._entry, self._crew, blocks)
        try:
            while shift.goes_on(sampling):
                for member, answer in self._crew.answers():
                    yield from shift.heard(member, answer)
                yield from map(Waiting, self._crew.news())
        finally:
            self._crew.stop(shift.members)
        if shift.error is not None:
            raise shift.error

    def score(self, written: Iterable[Written], sampling: Sampling) -> Iterator[Evidence]:
        """Evidence on each block, in the blocks' order; the actors share them."""
        rest = iter(written)
        groups = iter(lambda: tuple(islice(rest, _SCORED)), ())
        work = Work(self._entry, enumerate(groups), lambda item: item[1][0][0].key)
        given: dict[Member, tuple[int, tuple[Written, ...]]] = {}
        found: dict[int, list[Evidence]] = {}
        places = count()
        place = next(places)
        while given or work.is_left:
            for member in self._crew.idle():
                for given[member] in work.take():
                    self._crew.ask(member, "score", given[member][1], sampling)
            for member, answer in self._crew.answers():
                item = given.pop(member)
                if answer is LOST:
                    work.give_back([item])
                else:
                    found[item[0]] = answer
            while place in found:
                yield from found.pop(place)
                place = next(places)

    def close(self) -> None:
        """End the actors, and the cluster where it was started for them."""
        self._crew.close()


class _Shift:
    """Blocks on their way through the actors: which of them has which."""

    def __init__(self, entry: ModelEntry, crew: Crew, blocks: Iterable[Block]) -> None:
        self._crew = crew
        self._work = Work(entry, blocks, lambda block: block.key)
        self._has: dict[Member, dict[str, Block]] = {}
        self._n_tokens: dict[Member, int] = {}
        self._ending: set[Member] = set()  # told that there is no more: their engines ask, but take nothing
        self.error: EngineError | None = None

    @property
    def members(self) -> list[Member]:
        """Those that are at work."""
        return [*self._has]

    def goes_on(self, sampling: Sampling) -> bool:
        """Give blocks to those that have nothing to do; whether there is something to wait for."""
        for member in self._crew.idle():
            if blocks := self._take(_STOCK):
                self._has[member] = {block.key: block for block in blocks}
                self._crew.ask(member, "begin", blocks, sampling)
        return bool(self._has) or (self.error is None and self._work.is_left)

    def heard(self, member: Member, answer: object) -> list[News]:
        """What an actor's answer means to the caller; the actor has its answer by then."""
        if answer is LOST:
            self._lose(member)
            return []
        said: list[News] = []
        given: list[Block | None] = []
        for event in cast("list[Event]", answer):
            if event is Word.WANTED:
                given.extend(self._more(member))
            elif event is Word.DONE:
                self._leave(member)
            elif isinstance(event, EngineDiedError):
                self._crew.lose(member, str(event))
                self._lose(member)
            elif isinstance(event, EngineError):
                self._leave(member)
                self.error = self.error or event
            else:
                if isinstance(event, BlockResult):
                    self._has[member].pop(event.block.key)
                elif isinstance(event, Working):
                    self._n_tokens[member] = event.n_tokens
                    event = Working(sum(self._n_tokens.values()))
                said.append(event)
        if member in self._has:
            self._crew.ask(member, "turn", given)
        return said

    def _take(self, most: int) -> list[Block]:
        return [] if self.error is not None else self._work.take(most)

    def _more(self, member: Member) -> list[Block | None]:
        blocks = [] if member in self._ending else self._take(1)
        if not blocks:
            self._ending.add(member)
        self._has[member].update((block.key, block) for block in blocks)
        return [*blocks] or [None]

    def _leave(self, member: Member) -> dict[str, Block]:
        self._ending.discard(member)
        self._n_tokens.pop(member, None)
        return self._has.pop(member)

    def _lose(self, member: Member) -> None:
        self._work.give_back(self._leave(member).values())
