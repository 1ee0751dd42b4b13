"""Problems that the package ``reasoning-gym`` generates, one set per task.

Belongs here: which items of a task are taken, and what of them is level and subject. Does not belong here: how
their answers are judged (:mod:`cot_assets.grading.tasks`).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from cot_assets.grading.tasks import REFUSED, ItemError, packed
from cot_assets.problems.sources import Mapped, ProblemSetError
from cot_assets.study import ProblemSetEntry

PREFIX = "reasoning-gym:"
_DRAWS = 4  #: items drawn for each problem wanted; those that repeat a statement are passed over
_MAX_SIZE = 100_000


def reasoning_gym_problems(entry: ProblemSetEntry) -> list[Mapped]:
    """Distinct problems of the task that the entry names, in the order in which the task has them.

    The same entry gives the same problems. Ids hold the item's index in the task.

    Raises:
        ProblemSetError: The package is absent, the task or its configuration is wrong, or it has too few
            distinct items.
    """
    task, size = entry.source.removeprefix(PREFIX), entry.size
    where = _where(entry)
    if size is None or size > _MAX_SIZE:
        raise ProblemSetError(f"{where}: size = {size}; say how many problems to make, at most {_MAX_SIZE:,}")
    found: dict[str, Mapped] = {}
    for n_items in (size, _DRAWS * size):
        found = _distinct(entry, task, size, _dataset(entry, task, n_items))
        if len(found) == size:
            return list(found.values())
    raise ProblemSetError(
        f"{where}: only {len(found)} distinct problems in {_DRAWS * size} items; lower size = {size}, or widen config"
    )


def _distinct(entry: ProblemSetEntry, task: str, size: int, dataset: Any) -> dict[str, Mapped]:
    """The first problems with different statements, at most ``size``, by statement."""
    found: dict[str, Mapped] = {}
    for index in range(len(dataset)):
        try:
            item = dataset[index]
        except Exception as error:
            raise ProblemSetError(
                f"{_where(entry)}: the task fails at item {index} ({_described(error)}); change config or seed"
            ) from error
        problem = _mapped(entry, task, index, item)
        found.setdefault(problem.statement, problem)
        if len(found) == size:
            break
    return found


def _dataset(entry: ProblemSetEntry, task: str, n_items: int) -> Any:
    """The task's data set."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # of its code, which tells a user nothing
            from reasoning_gym import create_dataset
            from reasoning_gym.factory import DATASETS
    except ImportError as error:
        raise ProblemSetError(
            f"{_where(entry)} needs the package reasoning-gym: install cot-assets[reasoning-gym] ({error})"
        ) from error
    if entry.answer_kind == "verifier" and task in REFUSED:
        raise ProblemSetError(
            f"{_where(entry)}: {REFUSED[task]}; set another answer_kind, or choose another task"
        )
    if task not in DATASETS:
        raise ProblemSetError(f"{_where(entry)}: no such task; there are {', '.join(sorted(DATASETS))}")
    try:
        return create_dataset(task, **{**entry.config, "seed": entry.seed, "size": n_items})
    except (TypeError, ValueError, AssertionError) as error:
        fields = ", ".join(DATASETS[task][1].__dataclass_fields__)
        raise ProblemSetError(
            f"{_where(entry)}: config is refused ({_described(error)}); its fields are {fields}"
        ) from error


def _mapped(entry: ProblemSetEntry, task: str, index: int, item: Mapping[str, Any]) -> Mapped:
    metadata = item["metadata"]
    if not isinstance(item["answer"], str):
        raise ProblemSetError(f"{_where(entry)}: the task makes no answers of its own; choose another")
    for column in (entry.level, entry.subject):
        if column is not None and column not in metadata:
            raise ProblemSetError(
                f"{_where(entry)}: no {column!r} in an item's metadata; there are {', '.join(metadata)}"
            )
    judged_by = None
    if entry.answer_kind == "verifier":
        try:
            judged_by = packed(task, entry.config, item, entry.threshold)
        except ItemError as error:
            raise ProblemSetError(
                f"{_where(entry)}: the task has no verifier to use, since {error}"
            ) from error
    return Mapped(
        problem_id=f"{task}-{index}",
        statement=str(item["question"]).strip(),
        answer=item["answer"].strip(),
        level=_level(metadata) if entry.level is None else str(metadata[entry.level]),
        subject=str(
            metadata.get("source_dataset", task) if entry.subject is None else metadata[entry.subject]
        ),
        judged_by=judged_by,
    )


def _level(metadata: Mapping[str, Any]) -> str | None:
    """The difficulty of an item: the one that it states, or its own values of what the task varies.

    Most tasks state the ranges that items are drawn from; the item's value has the same name where there is one.
    """
    stated = metadata.get("difficulty")
    if not isinstance(stated, Mapping):
        return None if stated is None else str(stated)
    values = {name: metadata.get(name, value) for name, value in stated.items()}
    own = {name: value for name, value in values.items() if isinstance(value, (int, float, str))}
    return ", ".join(f"{name} {value}" for name, value in own.items()) or None


def _where(entry: ProblemSetEntry) -> str:
    return f"[{entry.name}] source = {entry.source!r}"


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}".rstrip(": ")
