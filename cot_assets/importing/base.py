"""What every importer produces, and what it hands over on the way there.

Belongs here: the result, and the source-neutral description of imported problems, traces, cuts and rollouts. Does not belong here: any one layout, reading files
(:mod:`cot_assets.importing.files`), building frames (:mod:`cot_assets.importing.frames`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import polars as pl

from cot_assets.study import NAME, CutPolicy

GRID_POLICY = "grid21"
MAX_N = 1_000_000  #: rollouts of a prefix: more say nothing new, and their law takes minutes to compute
MAX_ID = 200  #: characters in a problem's id
Verdict = Literal["correct", "incorrect", "no_answer", "truncated", "unscored"]
#: Published rollouts do not say whether the model stopped or the budget ended.
UNKNOWN_FINISH = "unknown"

#: The note by which an import says that accuracy and pass@k may be told from its traces.
TRACES_SAMPLED = "The traces are as they were sampled: none was chosen by its verdict"


class ImportingError(ValueError):
    """Published rollouts cannot be read; the message names the file, what was found and the way out."""


@dataclass(frozen=True)
class Imported:
    """One imported model on one problem set.

    ``frames`` holds the tables of :data:`cot_assets.warehouse.imported.TABLES`; ``rollouts`` is empty where the source
    has only counts.
    """

    model: str
    problem_set: str
    frames: dict[str, pl.DataFrame]

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader has to know before using the numbers, in words."""
        return tuple(self.frames["import_notes"]["note"])


@dataclass(frozen=True)
class Source:
    """A published collection.

    ``numbers`` are what it was sampled with, as far as it says; their hash is the sampling_hash.
    ``template`` is the text around a statement, with ``{statement}``, or 'chat'.
    """

    name: str
    cut_policy: CutPolicy
    numbers: Mapping[str, object]
    template: str = "chat"

    @property
    def sampling_hash(self) -> str:
        """First 12 hex digits of a SHA-256 over name and numbers."""
        return digest(self.name, json.dumps(self.numbers, sort_keys=True))[:12]

    @property
    def revision(self) -> str:
        """Stands for the weights, which no source identifies."""
        return f"recorded-{self.name}"


@dataclass(frozen=True)
class Problem:
    """A problem as the source has it."""

    problem_id: str
    statement: str
    gold_answer: str
    answer_kind: str = "expression"
    level: str | None = None
    subject: str | None = None


@dataclass(frozen=True)
class Rollout:
    """One published rollout; ``n_tokens`` in the unit of the trace, ``shard`` where it came from.

    ``grader``: version of this project's grader if the verdict is its own, empty if it is the source's.
    ``index``: its number at its prefix where the source gives one; the same number again is the same rollout.
    ``where`` names its row in messages.
    """

    answer: str | None
    verdict: Verdict
    n_tokens: int
    shard: str
    grader: str = ""
    index: int | None = None
    where: str = field(default="", compare=False)


@dataclass(frozen=True)
class Counts:
    """What is known of a prefix. n counts scored rollouts; None means that the source does not say.

    Where rollouts have weights, ``potential`` is the weighted share of correct ones, and ``n_effective`` says how many
    rollouts of equal weights tell as much.
    """

    n: int | None = None
    n_correct: int | None = None
    n_truncated: int | None = None
    n_no_answer: int | None = None
    n_unscored: int | None = None
    is_n_approximate: bool = False
    n_effective: float | None = None
    potential: float | None = None

    @classmethod
    def of(cls, rollouts: tuple[Rollout, ...]) -> Counts:
        """Exact counts of rollouts that are all published.

        ``n_truncated`` is None where no verdict says so: most sources do not tell a rollout that was cut
        off from one that ended without an answer, and both are then ``no_answer``.
        """
        verdicts = [rollout.verdict for rollout in rollouts]
        return cls(
            n=len(verdicts) - verdicts.count("unscored"),
            n_correct=verdicts.count("correct"),
            n_truncated=verdicts.count("truncated") or None,
            n_no_answer=verdicts.count("no_answer"),
            n_unscored=verdicts.count("unscored"),
        )

    def __add__(self, other: Counts) -> Counts:
        """Counts of one prefix that was sampled twice; what neither source says stays unknown."""
        if self.n_effective is not None or other.n_effective is not None:
            raise ImportingError(
                "traces share a prefix whose rollouts have weights, which do not add up; import one of the traces"
            )
        ours, theirs = vars(self), vars(other)
        known = {
            n: (ours[n] or 0) + (theirs[n] or 0) for n in _COUNTS if (ours[n], theirs[n]) != (None, None)
        }
        if (most := max(known.values(), default=0)) > MAX_N:
            raise ImportingError(f"traces share a prefix of {most:,} rollouts; at most {MAX_N:,} are taken")
        return Counts(**known, is_n_approximate=self.is_n_approximate or other.is_n_approximate)


_COUNTS = ("n", "n_correct", "n_truncated", "n_no_answer", "n_unscored")


@dataclass(frozen=True)
class Cut:
    """A position of a trace: ``text[:char_end]`` is the prefix, ``token_end`` counts its tokens.

    ``where`` names the row of its counts in messages.
    """

    char_end: int
    token_end: int
    counts: Counts
    rollouts: tuple[Rollout, ...] = ()
    where: str = ""


@dataclass(frozen=True)
class Trace:
    """A published trace. ``cuts`` ascend, the first is the empty prefix, none is the end of the text.

    ``token_ids`` are empty where the source has only text; ``n_tokens`` and ``token_end`` then count words
    (:class:`cot_assets.importing.files.Words`). ``char_ends`` are the characters that are complete after
    each token.
    """

    problem: Problem
    text: str
    n_tokens: int
    answer: str | None
    verdict: Verdict
    cuts: tuple[Cut, ...]
    token_ids: tuple[int, ...] = ()
    char_ends: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    grader: str = ""
    name: str = ""


def add_once(traces: dict[Any, Trace], key: object, trace: Trace, where: str) -> None:
    """Add a trace; one that is there already, as it is, counts once.

    Raises:
        ImportingError: What is there differs.
    """
    if traces.setdefault(key, trace) != trace:
        raise ImportingError(
            f"{where}: the trace of problem {trace.problem.problem_id!r:.220} differs from what was read of it before; "
            "name only one of the files that hold it"
        )


def digest(*parts: str) -> str:
    """SHA-256 in hex of strings, kept apart by their lengths."""
    state = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        state.update(f"{len(encoded)}:".encode() + encoded)
    return state.hexdigest()


def checked_name(name: str, what: str) -> str:
    """The name of a model or problem set, which becomes a partition key."""
    if not NAME.fullmatch(name):
        raise ImportingError(
            f"the {what} {name[:120]!r} may hold only letters, digits, '.', '_' and '-', at most 100, and not end in '.damaged'; "
            f"name it with the {what} option"
        )
    return name


def check_one_model(given: str | None, told: Iterable[str | None]) -> None:
    """Raise ImportingError where one name is given to what several models wrote."""
    known = sorted({name for name in told if name})
    if given is not None and len(known) > 1:
        raise ImportingError(
            f"the name {given[:120]!r} is for one model, but these are of {len(known)}: {', '.join(known[:5])[:300]}; import "
            "them one by one, or without a name"
        )


def check_trace(trace: Trace) -> None:
    """Raise ImportingError where a trace breaks what :class:`Trace` promises."""
    problem_id = trace.problem.problem_id
    name = f"problem {problem_id!r:.220}"
    if len(problem_id) > MAX_ID or not problem_id.isprintable():
        raise ImportingError(f"{name}: its id is not at most {MAX_ID} printable characters; rename it")
    ends = [cut.char_end for cut in trace.cuts]
    tokens = [cut.token_end for cut in trace.cuts]
    if trace.n_tokens < 1:
        raise ImportingError(f"{name}: its trace is empty; leave it out")
    if not ends or ends[0] != 0 or tokens[0] != 0:
        raise ImportingError(f"{name}: the first cut is not the empty prefix")
    if ends != sorted(ends) or tokens != sorted(tokens) or ends[-1] > len(trace.text):
        raise ImportingError(f"{name}: its cuts do not ascend within the trace")
