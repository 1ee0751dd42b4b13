"""The searches of all traces of a partition, round by round.

Belongs here: counts by prefix, the prefixes of the next round, the log of the rounds, the cuts that come out.
Does not belong here: the decision on one trace (:mod:`cot_assets.measures.exploration.adaptive`), sampling and grading.

Traces of a problem share its empty prefix, and may share more: counts belong to prefixes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import polars as pl

from cot_assets.measures.exploration.adaptive import Search
from cot_assets.sampling.cuts import Decode, positions_in
from cot_assets.sampling.plan import Prefix, prefix_ids
from cot_assets.sampling.tables import characters_before, cuts_at, prefix_at
from cot_assets.study import ADAPTIVE, Protocol

_SCORED = ("correct", "incorrect", "no_answer", "truncated")


@dataclass(frozen=True)
class _Trace:
    """A trace under search: its row, and tokens, prefix id and search by position."""

    row: dict[str, Any]
    tokens: list[int]
    prefix_ids: list[str]
    search: Search


class Exploration:
    """Where to look next on the measured traces, given the verdicts so far.

    Args:
        traces: Rows of ``traces`` that are measured.
        problems: The table.
        protocol: With the settings of the search.
        decode: Text of the model's tokens.
    """

    def __init__(
        self, traces: pl.DataFrame, problems: pl.DataFrame, protocol: Protocol, decode: Decode
    ) -> None:
        self._frame, self._problems, self._protocol, self._decode = traces, problems, protocol, decode
        self._places: dict[str, tuple[dict[str, Any], int]] = {}  #: trace and tokens of a prefix
        self._traces = [self._opened(row) for row in traces.iter_rows(named=True)]
        self._asked: Counter[str] = Counter()
        self._scored: Counter[str] = Counter()
        self._correct: Counter[str] = Counter()
        self._rounds = 0
        self._log: list[dict[str, object]] = []

    def _opened(self, row: dict[str, Any]) -> _Trace:
        protocol, rules = self._protocol, self._protocol.sampling
        coarse = positions_in(row, rules.cut_policy, rules.max_cuts, self._decode)
        fine = positions_in(row, rules.adaptive.resolution, len(row["token_ids"]), self._decode)
        tokens = sorted({*coarse, *fine})
        ids = prefix_ids(row["prompt_token_ids"], row["token_ids"], tokens)
        self._places |= {prefix: (row, position) for prefix, position in zip(ids, tokens, strict=True)}
        return _Trace(row, tokens, ids, Search(len(tokens), [tokens.index(c) for c in coarse], protocol))

    def _counts(self, trace: _Trace) -> tuple[list[int], list[int], list[int]]:
        counters = self._asked, self._scored, self._correct
        asked, scored, correct = ([counter[i] for i in trace.prefix_ids] for counter in counters)
        return asked, scored, correct

    def next_round(self) -> dict[str, tuple[int, int]]:
        """Rollouts drawn so far and to be reached by prefix_id; empty when every search is over."""
        wanted: dict[str, int] = {}
        for trace in self._traces:
            for position, more in trace.search.wanted(*self._counts(trace)).items():
                prefix = trace.prefix_ids[position]
                wanted[prefix] = max(more, wanted.get(prefix, 0))
        return {prefix: (self._asked[prefix], self._asked[prefix] + more) for prefix, more in wanted.items()}

    def prefixes(self, ids: dict[str, tuple[int, int]]) -> list[Prefix]:
        """The prefixes of a round."""
        return [prefix_at(*self._places[i]) for i in ids]

    def texts(self, ids: dict[str, tuple[int, int]]) -> pl.DataFrame:
        """problem_id, prefix_id and prefix_text of a round's prefixes."""
        rows = [
            (row["problem_id"], i, row["text"][: characters_before(row, position)])
            for i, (row, position) in ((i, self._places[i]) for i in ids)
        ]
        return pl.DataFrame(rows, ["problem_id", "prefix_id", "prefix_text"], orient="row")

    def add(self, asked: dict[str, tuple[int, int]], graded: pl.DataFrame) -> None:
        """Enter a round: ``graded`` has prefix_id, verdict and grader_version of the new rollouts."""
        self._rounds += 1
        for prefix, (_, after) in asked.items():
            self._asked[prefix] = after
        for prefix, verdict in graded.select("prefix_id", "verdict").iter_rows():
            self._scored[prefix] += verdict in _SCORED
            self._correct[prefix] += verdict == "correct"
        versions = dict(graded.select("prefix_id", "grader_version").unique("prefix_id").iter_rows())
        for trace in self._traces:
            for tokens, prefix in zip(trace.tokens, trace.prefix_ids, strict=True):
                if prefix in asked:
                    self._note(trace, "explore", tokens, prefix, versions[prefix])

    def _note(self, trace: _Trace, step: str, tokens: int, prefix: str, grader: str) -> None:
        row = {name: trace.row[name] for name in ("problem_set", "model", "problem_id", "trace_id")}
        self._log.append(
            {
                **row,
                "round": self._rounds,
                "step": step,
                "token_end": tokens,
                "prefix_id": prefix,
                "n_asked": self._asked[prefix],
                "n": self._scored[prefix],
                "n_correct": self._correct[prefix],
                "grader_version": grader,
                "protocol": self._protocol.name,
                "sampling_hash": self._protocol.sampling_hash,
            }
        )

    def finish(self, grader_version: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        """What is to be confirmed, the protocol's own cuts included: rows of ``trace_cuts`` and ``explorations``."""
        self._rounds += 1
        chosen: dict[str, list[int]] = {}
        for trace in self._traces:
            positions = trace.search.to_confirm(*self._counts(trace))
            chosen[trace.row["trace_id"]] = [trace.tokens[i] for i in positions]
            for i in positions:
                self._note(trace, "confirm", trace.tokens[i], trace.prefix_ids[i], grader_version)
        cuts = cuts_at(chosen, ADAPTIVE, self._frame, self._problems, self._protocol)
        return cuts, pl.DataFrame(self._log, infer_schema_length=None)
