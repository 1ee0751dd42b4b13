"""The state of every partition: from what Dagster remembers to a state of units, and to words for a person.

Belongs here: what records are evidence of. Does not belong here: reading them (:mod:`.records`), and what should be there
(:mod:`cot_assets.orchestration.staleness`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from cot_assets.orchestration.staleness import (
    MAX_ATTEMPTS,
    MODEL_JOBS,
    Decision,
    Launch,
    Part,
    State,
    Unit,
    Wanted,
    decide,
    wanted,
    watched_pairs,
)
from cot_assets.orchestration.status.living import is_alive
from cot_assets.orchestration.status.marks import differences
from cot_assets.orchestration.status.records import ASSET_JOB, Records, Run
from cot_assets.orchestration.status.remembered import Evidence, Since, is_ahead
from cot_assets.study import Config
from cot_assets.study.home import DataHome

_KILLED = "its process was killed; what it sampled is kept, and `cot-assets run` goes on where it was"
Word = Literal["fresh", "stale", "running", "failed", "never run", "vanished"]


@dataclass(frozen=True)
class Standing:
    """The state of one partition, and why; ``model`` is empty for what is partitioned by problem set only."""

    model: str
    problem_set: str
    state: Word
    reason: str = ""

    @property
    def key(self) -> str:
        """Its partition key."""
        return Unit("", self.problem_set, self.model).key


def state_of(records: Records, evidence: Evidence, since: Since = lambda _: 0.0) -> State:
    """The state of all units whose partitions are known."""
    units = list(known_units(records))
    by_key = {(unit.job, unit.key): unit for unit in units}
    done: dict[Unit, dict[Part, str]] = {}
    for unit in units:
        for part, assets in evidence[unit.job].items():
            if mark := mark_of(records, assets, unit, since):
                done.setdefault(unit, {})[part] = mark
    in_flight: set[Launch] = set()
    failures: Counter[Launch] = Counter()
    attempts: dict[Launch, int] = {}
    materializing = {run.partition for run in records.runs if run.job == ASSET_JOB and run.is_in_flight}
    for run in records.runs:
        unit = by_key.get((run.job, run.partition))
        if unit is None or run.fingerprint is None:
            continue
        launch = (unit, run.fingerprint)
        if run.is_in_flight:
            in_flight.add(launch)
        if run.status == "FAILURE":
            failures[launch] += MAX_ATTEMPTS if run.is_final else 1
        if run.number is not None:
            attempts[launch] = max(attempts.get(launch, 0), run.number + 1)
    return State(done, frozenset(in_flight), failures, attempts, frozenset(materializing))


def known_units(records: Records) -> Iterator[Unit]:
    """Every unit that the partitions could have."""
    models = records.partitions.get("models", ())
    for name in records.partitions.get("problem_sets", ()):
        yield from (Unit(job, name) for job in ("load_problems", "compare_models"))
        yield from (Unit(job, name, model) for job in MODEL_JOBS for model in models)


def mark_of(records: Records, assets: Iterable[str], unit: Unit, since: Since) -> str | None:
    """The mark that the latest materializations of all these assets carry, or None."""
    key, start, mark = unit.key, None, None
    for asset in assets:
        moment, version = records.made.get((asset, key), (0.0, None))
        if version is None or mark not in (None, version):
            return None
        start = since(unit) if start is None else start
        if moment < start or is_ahead(moment):
            return None
        mark = version
    return mark


# --- in words --------------------------------------------------------------------------------------


def standings(
    config: Config,
    records: Records,
    evidence: Evidence,
    since: Since,
    home: DataHome,
    failure: Callable[[Run], str],
) -> list[Standing]:
    """The state of every partition that automation keeps up to date, that was ever made, or that a person had run.

    Args:
        config: What is declared now.
        records: What Dagster remembers.
        evidence: Which assets show what.
        since: From when on it counts.
        home: Where it is kept what marks are made of.
        failure: What ended a failed run.
    """
    state = state_of(records, evidence, since)
    ever = state_of(records, evidence)  # also what was lost since
    launched = [(unit.model, unit.problem_set) for unit, _ in (*state.in_flight, *state.failures)]
    known = [pair for pair in launched if pair[0] in config.models and pair[1] in config.problem_sets]
    pairs = dict.fromkeys([*watched_pairs(config, ever), *known])
    wants = wanted(config, pairs, state.done, state.given_up())
    decision = decide(wants, state)
    last = {run.partition: run for run in records.runs}
    groups: dict[tuple[str, str], list[Wanted]] = {}
    for want in wants:
        groups.setdefault((want.unit.model, want.unit.problem_set), []).append(want)
    told = _Telling(state, ever, decision, last, home, failure)
    rows = [told.standing(model, name, group) for (model, name), group in groups.items()]
    rows += [
        Standing(*(("", name) if kind == "problem set" else (name, "")), "failed", reason)
        for (kind, name), reason in config.broken.items()
        if kind != "protocol"  # told of the problem sets that are bound to it
    ]
    rows += _vanished(config, ever, {(row.model, row.problem_set) for row in rows})
    return sorted(rows, key=lambda row: (row.problem_set, row.model))


def _vanished(config: Config, state: State, shown: set[tuple[str, str]]) -> Iterator[Standing]:
    """Models that were measured and are declared no more; what was imported needs no entry."""
    sampled = (unit for unit, marks in state.done.items() if unit.job in MODEL_JOBS and "sampling" in marks)
    for model, name in dict.fromkeys((unit.model, unit.problem_set) for unit in sampled):
        is_known = model in config.models or ("model", model) in config.broken or (model, name) in shown
        if not is_known:
            unread = [why for (_, source), why in config.broken.items() if model.startswith(f"{source}.")]
            reason = (
                f"no entry declares it any more; its results stay until `cot-assets models forget {model}`"
            )
            yield Standing(model, name, "vanished", unread[0] if unread else reason)


@dataclass(frozen=True)
class _Telling:
    """What the words for one partition are drawn from."""

    state: State
    ever: State
    decision: Decision
    last: Mapping[str, Run]
    home: DataHome
    failure: Callable[[Run], str]

    def standing(self, model: str, problem_set: str, wants: Sequence[Wanted]) -> Standing:
        """The state of the partition for which ``wants`` should be made."""
        units = [want.unit for want in wants]
        found = self.decision
        stale = [
            want
            for group in (found.requests, found.running, found.waiting, found.given_up)
            for want in group
            if want.unit in units
        ]
        run = self.last.get(units[0].key)
        word, reason = self._word(run, wants, stale)
        return Standing(model, problem_set, word, reason)

    def _word(self, run: Run | None, wants: Sequence[Wanted], stale: Sequence[Wanted]) -> tuple[Word, str]:
        if run is not None and run.is_in_flight:
            is_there = run.process is None or is_alive(self.home, run.process)
            return ("running", "") if is_there else ("failed", _KILLED)
        if not stale:
            return "fresh", ""
        is_own = run is not None and run.fingerprint in (None, *(want.fingerprint for want in wants))
        if run is not None and is_own and run.status == "FAILURE":
            return "failed", self.failure(run)
        if not any(self.ever.done.get(want.unit) for want in wants):
            return "never run", ""
        return "stale", "; ".join(dict.fromkeys(each for want in stale for each in self._reasons(want)))

    def _reasons(self, want: Wanted) -> Iterator[str]:
        """What has changed since a unit was made."""
        there = self.state.done.get(want.unit, {})
        what = want.unit.job.replace("_", " ")
        if not there:
            is_lost = want.unit in self.ever.done
            yield (
                f"{what}: what was made is lost, or the warehouse is new"
                if is_lost
                else f"{what}: not made yet"
            )
            return
        for part in want.parts:
            if part not in there:
                yield f"{what}: {part} is not complete, or was lost"
            elif there[part] != want.marks[part]:
                with suppress(RecursionError):
                    yield from list(differences(self.home, there[part], want.marks[part])) or [
                        f"{what}: {part} changed"
                    ]
