"""From imported traces to the frames of the tables.

Belongs here: identity of imported traces and prefixes, the rows of every table, and the 21-point grid of a fine curve.
Does not belong here: layouts of sources.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import polars as pl

from cot_assets.grading.gold import read_gold
from cot_assets.grading.reading.kinds import UnreadableError
from cot_assets.importing.base import (
    GRID_POLICY,
    UNKNOWN_FINISH,
    Counts,
    Cut,
    Imported,
    ImportingError,
    Problem,
    Rollout,
    Source,
    Trace,
    check_trace,
    checked_name,
    digest,
)
from cot_assets.sampling.tables import cut_rows, first_statements
from cot_assets.statistics.estimates import add_potential
from cot_assets.study import PUBLISHED
from cot_assets.warehouse.imported import PROTOCOL, TABLES
from cot_assets.warehouse.schema import polars_schema

GRID_STEPS = 20  #: the grid has a point at every 1/20 of a trace: 0, 5%, ..., 95%, and the end


def build(
    source: Source,
    model: str,
    problem_set: str,
    traces: Sequence[Trace],
    *,
    notes: Iterable[str] = (),
    sum_shared: bool = True,
) -> Imported:
    """Make the frames of one imported model.

    Args:
        source: Where the traces come from.
        model: Name that the model gets in the registry.
        problem_set: Name that the problems get.
        traces: In a stable order: it numbers the traces of a problem.
        notes: What a reader has to know; those of the traces are added.
        sum_shared: A prefix of several traces was sampled for each of them, so that their counts add up. Else
            they repeat one measurement: it counts once, and has to be the same everywhere.

    Returns:
        The frames of :data:`cot_assets.warehouse.imported.TABLES`. A prefix that several traces share (the empty one of a
        problem) has one row.

    Raises:
        ImportingError: The traces contradict one another or are too many.
    """
    builder = _Builder(
        source, checked_name(model, "model"), checked_name(problem_set, "problem set"), sum_shared=sum_shared
    )
    builder.add_notes("", notes)
    for trace in traces:
        builder.add(trace)
        builder.add_notes(trace.problem.problem_id, trace.notes)
    return Imported(model, problem_set, builder.frames())


class _Builder:
    def __init__(self, source: Source, model: str, problem_set: str, *, sum_shared: bool) -> None:
        self.source, self.model, self.problem_set = source, model, problem_set
        self.sum_shared = sum_shared
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
        self.problems: dict[str, Problem] = {}
        self.prefixes: dict[str, str] = {}  # problem of each
        self.counts: dict[str, Counts] = {}
        self.measured: dict[str, str] = {}  # the row that counts of a prefix come from
        self.rollouts: defaultdict[str, list[Rollout]] = defaultdict(list)  # by prefix
        self.traces: Counter[str] = Counter()  # traces per problem
        self.trace_ids: Counter[str] = Counter()
        self.noted: set[tuple[str, str]] = set()

    def add(self, trace: Trace) -> None:
        """Add the rows of a trace."""
        check_trace(trace)
        self._add_problem(trace.problem)
        named = (trace.name,) if trace.name else ()
        identity = digest(
            self.source.name, self.problem_set, self.model, trace.problem.problem_id, trace.text, *named
        )
        self.trace_ids[identity] += 1
        trace_id = digest(identity, str(self.trace_ids[identity]))[:32]
        prefix_ids = self._prefix_ids(trace)
        for cut, prefix_id in zip(trace.cuts, prefix_ids, strict=True):
            self.prefixes[prefix_id] = trace.problem.problem_id
            self._count(prefix_id, cut, trace.problem.problem_id)
        self._add_cuts(trace, trace_id, prefix_ids)
        self.rows["traces"].append(
            {
                "trace_id": trace_id,
                "problem_id": trace.problem.problem_id,
                "sample_index": self.traces[trace.problem.problem_id],
                "prompt_token_ids": [],
                "token_ids": list(trace.token_ids),
                "char_ends": list(trace.char_ends) if trace.token_ids else None,
                "text": trace.text,
                "answer": trace.answer,
                "verdict": trace.verdict,
                "finish_reason": UNKNOWN_FINISH,
                "n_tokens": trace.n_tokens,
                "model_revision": self.source.revision,
                "grader_version": trace.grader or self._grader,
            }
        )
        self.traces[trace.problem.problem_id] += 1

    def add_notes(self, problem_id: str, notes: Iterable[str]) -> None:
        """Add notes on a problem, or on all of them where the id is empty, each once."""
        for note in notes:
            if (problem_id, note) not in self.noted:
                self.noted.add((problem_id, note))
                row = {"problem_id": problem_id, "note": note, "source": self.source.name}
                self.rows["import_notes"].append(row)

    @property
    def _grader(self) -> str:
        return f"source:{self.source.name}"

    def _add_problem(self, problem: Problem) -> None:
        known = self.problems.setdefault(problem.problem_id, problem)
        if (known.statement, known.gold_answer) != (problem.statement, problem.gold_answer):
            raise ImportingError(
                f"problem {problem.problem_id!r} occurs twice, with different statements or gold answers; "
                "import the folders as different problem sets"
            )

    def _prefix_ids(self, trace: Trace) -> list[str]:
        """Ids of the prefixes: a hash over model, statement and the text (or tokens) before each cut.

        One running hash per trace: a fine curve has thousands of prefixes that each extend the last.
        """
        problem = trace.problem
        named = (self.source.name, self.problem_set, self.model, problem.problem_id, problem.statement)
        state = hashlib.sha256(digest(*named, "tokens" if trace.token_ids else "text").encode())
        ids: list[str] = []
        for last, cut in pairwise((trace.cuts[0], *trace.cuts)):
            added = "".join(f"{token}," for token in trace.token_ids[last.token_end : cut.token_end])
            state.update((added if trace.token_ids else trace.text[last.char_end : cut.char_end]).encode())
            ids.append(state.hexdigest()[:32])
        return ids

    def _count(self, prefix_id: str, cut: Cut, problem_id: str) -> None:
        """Add what was measured at a cut to what is known of its prefix."""
        known, there = self.counts.get(prefix_id, Counts()), self.rollouts[prefix_id]
        new, counts = list(cut.rollouts), cut.counts
        if not self.sum_shared and cut.rollouts:
            before = {rollout.index: rollout for rollout in there}
            for rollout in cut.rollouts:
                if before.get(rollout.index, rollout) != rollout:
                    where = before[rollout.index].where
                    raise _differing(problem_id, f"sample_index {rollout.index}", where, rollout.where)
            new = [rollout for rollout in cut.rollouts if rollout.index not in before]
            counts = Counts.of(tuple(new))
        elif not self.sum_shared and known.n and counts.n:
            if counts != known:
                what = "what was counted at a prefix"
                raise _differing(problem_id, what, self.measured[prefix_id], cut.where)
            return
        self.counts[prefix_id] = known + counts if prefix_id in self.counts else counts
        if counts.n:
            self.measured.setdefault(prefix_id, cut.where)
        for index, rollout in enumerate(new, len(there)):
            self.rows["rollouts"].append(
                {
                    "problem_id": problem_id,
                    "prefix_id": prefix_id,
                    "sample_index": index,
                    "block_key": self.source.revision,
                    "answer": rollout.answer,
                    "verdict": rollout.verdict,
                    "finish_reason": UNKNOWN_FINISH,
                    "n_tokens": rollout.n_tokens,
                    "shard": rollout.shard,
                    "grader_version": rollout.grader or self._grader,
                }
            )
        there.extend(new)

    def _add_cuts(self, trace: Trace, trace_id: str, prefix_ids: Sequence[str]) -> None:
        problem, end = trace.problem, (trace.n_tokens, len(trace.text))
        statements = first_statements(trace.text, trace.answer, problem.gold_answer, problem.answer_kind)
        grid = grid_cuts(trace.cuts, trace.n_tokens)
        for policy, chosen in ((self.source.cut_policy, range(len(trace.cuts))), (GRID_POLICY, grid)):
            places = [(trace.cuts[i].token_end, trace.cuts[i].char_end, prefix_ids[i]) for i in chosen]
            named = {"problem_id": problem.problem_id, "trace_id": trace_id, "cut_policy": policy}
            self.rows["trace_cuts"] += ({**named, **row} for row in cut_rows(places, end, statements))

    def frames(self) -> dict[str, pl.DataFrame]:
        """The frames, in the order of ``TABLES``."""
        self.rows["problems"] = [
            {
                **vars(problem),
                "prompt": problem.statement,
                "gold_reading": _gold_reading(problem),
                "source": f"{PUBLISHED}{self.source.name}",
                "revision": self.source.sampling_hash,
                "chosen": None,
            }
            for problem in self.problems.values()
        ]
        model = {"revision": self.source.revision, "engine": "imported", "template": self.source.template}
        self.rows["models"] = [{**model, "first_seen_at": datetime.now(UTC).replace(tzinfo=None)}]
        return {name: self._potentials() if name == "potentials" else self._frame(name) for name in TABLES}

    def _frame(self, name: str) -> pl.DataFrame:
        schema = polars_schema(name)
        own = {"problem_set": self.problem_set, "model": self.model, "origin": "own"}
        own |= {"protocol": PROTOCOL, "sampling_hash": self.source.sampling_hash}
        frame = pl.DataFrame(self.rows[name], polars_schema(name, without=own), strict=True)
        stamps = [pl.lit(value, pl.String).alias(c) for c, value in own.items() if c in schema]
        return frame.with_columns(stamps).select(list(schema))

    def _potentials(self) -> pl.DataFrame:
        self.rows["potentials"] = [
            {"problem_id": self.prefixes[prefix_id], "prefix_id": prefix_id, **vars(counts)}
            for prefix_id, counts in self.counts.items()
        ]
        counts = self._frame("potentials").drop("ci_low", "ci_high")
        weighted = pl.coalesce(pl.col("potential") * pl.col("n_effective"), "n_correct")
        told = counts.with_columns(n=pl.coalesce("n_effective", "n"), n_correct=weighted)
        frame = add_potential(told).with_columns(counts["n"], counts["n_correct"])
        return frame.select([pl.col(c).cast(kind) for c, kind in polars_schema("potentials").items()])


def grid_cuts(cuts: Sequence[Cut], n_tokens: int) -> list[int]:
    """Indices of the cuts nearest to 0, 5%, ..., 95% of a trace, distinct and ascending.

    The first is always the empty prefix. Elsewhere the nearest cut with a known potential is taken if it
    lies within half a step of the grid; else the nearest cut, so that a gap stays a gap.
    """
    chosen = [0]
    step = n_tokens / GRID_STEPS
    known = [i for i, cut in enumerate(cuts) if (cut.counts.n or 0) > 0]
    for point in range(1, GRID_STEPS):
        away = [abs(cut.token_end - point * step) for cut in cuts]
        nearest = min(known, key=away.__getitem__, default=None)
        if nearest is None or away[nearest] > step / 2:
            nearest = min(range(len(cuts)), key=away.__getitem__)
        if nearest > chosen[-1]:
            chosen.append(nearest)
    return chosen


def _differing(problem_id: str, what: str, before: str, now: str) -> ImportingError:
    return ImportingError(
        f"{now}: {what} of problem {problem_id!r:.220} differs from {before}, where another trace begins in the same "
        "way. If each trace's own rollouts were counted, --sum-shared adds them up"
    )


def _gold_reading(problem: Problem) -> str | None:
    """How the gold answer reads; None where it does not, for the source's own verdicts may do without."""
    try:
        return str(read_gold(problem.gold_answer, problem.answer_kind))
    except UnreadableError:
        return None
