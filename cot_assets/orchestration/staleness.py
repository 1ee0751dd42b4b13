"""What should be up to date, and what to run next: pure decisions.

Belongs here: fingerprints (what a partition's contents depend on, as short hashes), the units of work, and the
one decision that sensor, schedules, automation conditions and command line share. Does not belong here: reading
Dagster's state (:mod:`cot_assets.orchestration.state`).

A unit has a mark for each part of it: what was sampled, and what is concluded from that. Where only the second
differs, only the second is made again, without an engine. A launch that failed is asked for again, but at most
``MAX_ATTEMPTS`` times for the same marks: a loop without a bound would fill a run queue with failures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal

from cot_assets.engines.revision import altering, entry_revision
from cot_assets.grading.verify import GRADER_VERSION
from cot_assets.orchestration.status.marks import marked
from cot_assets.study import Config
from cot_assets.study.home import expanded
from cot_assets.study.protocols import digest
from cot_assets.warehouse.reading import sql_folder

#: Raised when a change of the code should make every partition stale; what is in shards is used again.
SAMPLING_VERSION = 2
#: Raised when a change of the code changes conclusions.
ANALYSIS_VERSION = 4
_CODE = {"code version": str(SAMPLING_VERSION)}
MAX_ATTEMPTS = 3
#: Jobs on a model: either says that it was measured on a problem set.
MODEL_JOBS = ("evaluate_model", "measure_transfer")

#: ``search`` concludes as it goes, and may sample what its conclusions ask for.
Part = Literal["sampling", "search", "analysis"]
Marks = Mapping[Part, str]


@dataclass(frozen=True, order=True)
class Unit:
    """One job on one partition; ``model`` is empty for jobs that are partitioned by problem set only."""

    job: str
    problem_set: str
    model: str = ""

    @property
    def key(self) -> str:
        """The key of its Dagster partition."""
        return f"{self.model}|{self.problem_set}" if self.model else self.problem_set


Launch = tuple[Unit, str]  #: a unit and the fingerprint that its run was to give it


@dataclass(frozen=True)
class Wanted:
    """A unit, the marks that it should have, the units that must be up to date before, and what of it to run."""

    unit: Unit
    marks: Marks
    after: tuple[Unit, ...] = ()
    parts: tuple[Part, ...] = ("sampling", "search", "analysis")

    @property
    def fingerprint(self) -> str:
        """All marks as one."""
        return digest(dict(self.marks))

    @property
    def is_analysis(self) -> bool:
        """Whether what was sampled is up to date, and only conclusions are not."""
        return self.parts == ("analysis",)


@dataclass(frozen=True)
class Decision:
    """``requests`` can start now, in this order; ``waiting`` wait for others; ``given_up`` failed too often."""

    requests: tuple[Wanted, ...] = ()
    running: tuple[Wanted, ...] = ()
    waiting: tuple[Wanted, ...] = ()
    given_up: tuple[Wanted, ...] = ()


@dataclass(frozen=True)
class State:
    """What Dagster knows.

    ``done``: the mark of each part of a unit whose assets all carry it. ``in_flight``, ``failures`` and
    ``attempts`` (the number of the next launch: beyond that of every run that is known) are by unit and fingerprint.
    ``materializing``: keys of partitions that a run which names no unit is filling, as those are that a person clicks.
    """

    done: Mapping[Unit, Marks] = field(default_factory=dict)
    in_flight: Collection[Launch] = ()
    failures: Mapping[Launch, int] = field(default_factory=dict)
    attempts: Mapping[Launch, int] = field(default_factory=dict)
    materializing: Collection[str] = ()

    def given_up(self, max_attempts: int = MAX_ATTEMPTS) -> frozenset[Launch]:
        """What has failed so often that it is not asked for again."""
        return frozenset(launch for launch, count in self.failures.items() if count >= max_attempts)


@cache
def _sql_hash() -> str:
    """A hash of all SQL: analysis and report are made again when a table, a view or a query changes."""
    files = sorted(sql_folder().rglob("*.sql"))
    return digest([(file.name, file.read_text(encoding="utf-8")) for file in files])


def problem_set_fingerprint(config: Config, problem_set: str) -> str:
    """Of the problem set's entry and, where it is a local file, that file's contents in place of its path."""
    entry = config.problem_set(problem_set)
    source = expanded(entry.source)
    content = hashlib.sha256(source.read_bytes()).hexdigest() if source.is_file() else None
    unseen = {"protocol"} | ({"source"} if content else set[str]())
    fields = entry.model_dump(mode="json", exclude=unseen)
    return marked(
        [SAMPLING_VERSION, fields, content],
        {"problem set's entry": digest(fields), "problem set's file": str(content), **_CODE},
    )


def sampled_fingerprint(config: Config, model: str, problem_set: str) -> str:
    """Of the model's revision and prompting, the problem set, how it is sampled, and the grader."""
    entry, protocol = config.model(model), config.protocol_of(problem_set)
    prompting = [
        entry.engine, entry.dtype, entry.quantization, entry.template, entry.add_bos, entry.template_args,
        altering(entry),
    ]  # fmt: skip
    problems, revision = problem_set_fingerprint(config, problem_set), entry_revision(entry)
    how = [protocol.name, protocol.sampling_hash, GRADER_VERSION]
    return marked(
        [SAMPLING_VERSION, revision, prompting, problems, how],
        {
            "model revision": revision,
            "engine or template": digest(prompting),
            "problem set": problems,
            "sampling": digest(how[:2]),
            "grader": str(GRADER_VERSION),
            **_CODE,
        },
    )


def transfer_fingerprint(reader: str, writers: Mapping[str, str]) -> str:
    """Of what a reader sampled on its own, and what its writers sampled, by name."""
    parts = {f"writer {name}": mark for name, mark in sorted(writers.items())}
    return marked([reader, dict(writers)], {"reader": reader, **parts})


def concluded_fingerprint(config: Config, problem_set: str, sampled: str) -> str:
    """Of what was sampled, the rules of the analysis, and the code behind them."""
    rules, sql = config.protocol_of(problem_set).analysis_hash, _sql_hash()
    code = digest([ANALYSIS_VERSION, sql])
    return marked(
        [ANALYSIS_VERSION, sql, sampled, rules],
        {"rollouts": sampled, "analysis": rules, "code version": code},
    )


def marks_of(config: Config, problem_set: str, sampled: str, *concluding: Part) -> Marks:
    """The marks of a unit by what it is to be sampled from; ``concluding`` are its other parts."""
    concluded = concluded_fingerprint(config, problem_set, sampled)
    return {"sampling": sampled, **dict.fromkeys(concluding, concluded)}


def comparison_fingerprint(models: Mapping[str, str]) -> str:
    """Of the conclusions on all models that a comparison shows, by name."""
    return marked(dict(models), {f"model {name}": mark for name, mark in sorted(models.items())})


def registered_pairs(config: Config) -> list[tuple[str, str]]:
    """(model, problem set) of every registry entry that lists problem sets, what is imported left out."""
    return [
        (entry.name, problem_set)
        for entry in config.models.values()
        if not entry.is_imported
        for problem_set in entry.problem_sets
        if problem_set in config.problem_sets and not config.problem_sets[problem_set].is_imported
    ]


def watched_pairs(config: Config, state: State) -> list[tuple[str, str]]:
    """What automation keeps up to date: what the registry lists, and what was measured before.

    Entries that are gone from the configuration are left alone.
    """
    measured = [
        (unit.model, unit.problem_set)
        for unit in sorted(state.done)
        if unit.job in MODEL_JOBS and unit.model in config.models and unit.problem_set in config.problem_sets
    ]
    return list(dict.fromkeys([*registered_pairs(config), *measured]))


def wanted(
    config: Config,
    pairs: Iterable[tuple[str, str]],
    done: Mapping[Unit, Marks],
    given_up: Collection[Launch] = (),
) -> list[Wanted]:
    """Everything that should be up to date for the given (model, problem set) pairs.

    Imported models and problem sets are never sampled: they are left out here, whoever asks. A reader's
    writers are the other models of ``pairs`` and those that have been evaluated on the set before. What was
    ``given_up`` counts as far as it is done, if at all: those after it show what there is.
    """
    by_set: dict[str, list[str]] = {}
    for model, problem_set in pairs:
        if not (config.model(model).is_imported or config.problem_set(problem_set).is_imported):
            by_set.setdefault(problem_set, []).append(model)
    return [
        want
        for problem_set, models in by_set.items()
        for want in _wanted_on(config, problem_set, models, done, given_up)
    ]


def _wanted_on(
    config: Config,
    problem_set: str,
    models: Iterable[str],
    done: Mapping[Unit, Marks],
    given_up: Collection[Launch],
) -> list[Wanted]:
    """What is wanted on one problem set, in the order in which it is made."""

    def unit(job: str, model: str = "") -> Unit:
        return Unit(job, problem_set, model)

    def reached(job: str, part: Part, wants: Sequence[Wanted]) -> dict[str, str]:
        """Marks of one part of a job, by model, that are done or can still be reached."""
        there = {
            unit.model: marks[part]
            for unit, marks in done.items()
            if unit.job == job and unit.problem_set == problem_set and part in marks
        }
        lost = {want.unit for want in wants if (want.unit, want.fingerprint) in given_up}
        return there | {want.unit.model: want.marks[part] for want in wants if want.unit not in lost}

    load = Wanted(unit("load_problems"), {"sampling": problem_set_fingerprint(config, problem_set)})
    prints = {model: sampled_fingerprint(config, model, problem_set) for model in models}
    evaluated = [
        Wanted(
            unit("evaluate_model", model),
            marks_of(config, problem_set, own, "search", "analysis"),
            (load.unit,),
        )
        for model, own in prints.items()
        if not config.model(model).reads_only
    ]
    writers = reached("evaluate_model", "sampling", evaluated)
    after = (load.unit, *(want.unit for want in evaluated))
    measured: list[Wanted] = []
    for model, own in prints.items():
        if model not in writers and not config.model(model).reads_only:
            continue  # it was given up and never evaluated: there is no reader to measure
        sampled = transfer_fingerprint(own, {name: mark for name, mark in writers.items() if name != model})
        marks = marks_of(config, problem_set, sampled, "analysis")
        measured.append(Wanted(unit("measure_transfer", model), marks, after))
    shown = comparison_fingerprint(reached("measure_transfer", "analysis", measured))
    compare = Wanted(unit("compare_models"), {"analysis": shown}, tuple(want.unit for want in measured))
    return [load, *evaluated, *measured, compare]


def decide(wants: Iterable[Wanted], state: State, max_attempts: int = MAX_ATTEMPTS) -> Decision:
    """Which wanted units to start now, and which parts of them, given what is done, running and failed.

    A unit that was given up does not hold back those after it: they run on what there is.
    """
    wants = list(wants)
    given_up = state.given_up(max_attempts)

    def stale(want: Wanted) -> tuple[Part, ...]:
        there = state.done.get(want.unit, {})
        parts: tuple[Part, ...] = tuple(part for part, mark in want.marks.items() if there.get(part) != mark)
        return tuple(want.marks) if "sampling" in parts else parts

    settled = {want.unit for want in wants if not stale(want) or (want.unit, want.fingerprint) in given_up}
    lists: dict[str, list[Wanted]] = {"requests": [], "running": [], "waiting": [], "given_up": []}
    for want in wants:
        if not (parts := stale(want)):
            continue
        want = replace(want, parts=parts)
        launch, key = (want.unit, want.fingerprint), want.unit.key
        if launch in given_up:
            lists["given_up"].append(want)
        elif launch in state.in_flight or key in state.materializing:
            lists["running"].append(want)
        elif all(unit in settled for unit in want.after):
            lists["requests"].append(want)
        else:
            lists["waiting"].append(want)
    return Decision(**{name: tuple(items) for name, items in lists.items()})
