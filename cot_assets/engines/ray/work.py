"""Items that are given out one by one, and again where who had them died.

Belongs here: the order, and how often an item may come back. Does not belong here: Ray.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Generic, TypeVar

from cot_assets.engines.base import EngineError
from cot_assets.study import ModelEntry

T = TypeVar("T")
MOST_DEATHS = 3  #: of actors one after the other, in one place or with the same item


class Work(Generic[T]):
    """What is to be given to actors, each item once, and again where the actor died that had it."""

    def __init__(self, entry: ModelEntry, items: Iterable[T], key: Callable[[T], str]) -> None:
        self._entry, self._items, self._key = entry, iter(items), key
        self._again: deque[T] = deque()
        self._deaths: Counter[str] = Counter()

    def take(self, most: int = 1) -> list[T]:
        """At most ``most`` items, none where nothing is left."""
        found = [self._again.popleft() for _ in range(min(most, len(self._again)))]
        return [*found, *islice(self._items, most - len(found))]

    @property
    def is_left(self) -> bool:
        """Whether there is something to take."""
        if not self._again:
            self._again.extend(islice(self._items, 1))
        return bool(self._again)

    def give_back(self, items: Iterable[T]) -> None:
        """Have items of a dead actor taken again, before the others.

        Raises:
            EngineError: One of them was with too many that died.
        """
        for item in items:
            self._again.append(item)
            self._deaths[self._key(item)] += 1
            if self._deaths[self._key(item)] >= MOST_DEATHS:
                raise EngineError(
                    f"model {self._entry.name!r}: {MOST_DEATHS} actors died one after the other while they had block "
                    f"{self._key(item)}; Ray's logs on their machines say more. Memory is the usual reason: lower what "
                    "engine_args ask for. What was sampled is kept"
                )
