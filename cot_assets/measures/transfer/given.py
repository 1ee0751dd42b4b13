"""Which text a reader is given of a writer's traces, in the reader's own tokens.

Belongs here: where a writer's trace is cut, re-tokenization, controls. Does not belong here: sampling the
prefixes, and what a transfer is worth (:mod:`cot_assets.measures.transfer.unlocks`).

A fraction stands for the writer's measured cut that is nearest to it, so that both models' potentials are
known at the same place. Same tokenizer: the writer's token ids, untouched. Another tokenizer: the problem
in the reader's own template, then the writer's text cut at the character offset of the cut and encoded once.

Controls have exactly the length of the prefix that they are compared with, in the reader's tokens, and never
end within a character or at the end of their trace. Where there is no such trace there is no control.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from cot_assets.engines.base import Engine
from cot_assets.grading.text.statements import first_leak
from cot_assets.sampling.cuts import ends_within
from cot_assets.sampling.plan import Prefix
from cot_assets.study import Control, Protocol
from cot_assets.warehouse.schema import polars_schema

REAL = "none"  #: what the column ``control`` holds of the writer's own text
Trace = Mapping[str, Any]


class _Given(NamedTuple):
    """The trace that the text is of, its tokens in the reader's vocabulary, and its characters."""

    donor: Trace
    token_ids: tuple[int, ...]
    char_end: int


def nearest_cut(fraction: float, cut_tokens: Sequence[int], n_tokens: int) -> int | None:
    """Index of the measured cut that is nearest to a fraction of a trace; of two the earlier.

    A fraction above 0 stands for a cut after 0: None where there is no such cut.
    """
    later = [i for i, position in enumerate(cut_tokens) if (position > 0) == (fraction > 0)]
    return min(later, key=lambda i: (round(abs(cut_tokens[i] / n_tokens - fraction), 9), i), default=None)


def given_texts(
    traces: pl.DataFrame,
    prompts: Mapping[str, Prefix],
    problems: pl.DataFrame,
    engine: Engine,
    reader: str,
    same_tokenizer: Mapping[str, bool],
    protocol: Protocol,
) -> tuple[pl.DataFrame, list[Prefix]]:
    """The table ``given`` for measured traces of any writers, and the prefix of each row.

    Args:
        traces: Traces of the writers and of the reader, with ``cut_tokens``: tokens before each measured
            cut, NULL for a trace that is not measured and only serves as a control.
        prompts: The reader's prompts by problem id.
        problems: The table.
        engine: The reader's engine, for its tokenizer.
        reader: The reader's name.
        same_tokenizer: For each writer, whether its tokenizer is the reader's.
        protocol: Fractions, controls and the token budget; prefixes that leave no budget are left out.
    """
    gold = {row["problem_id"]: row for row in problems.iter_rows(named=True)}
    texts = _Texts(traces.iter_rows(named=True), engine, reader, same_tokenizer)
    rows: list[dict[str, object]] = []
    prefixes: list[Prefix] = []
    for trace in texts.measured:
        problem, prompt = gold[trace["problem_id"]], prompts[trace["problem_id"]]
        for fraction in sorted({*protocol.sampling.transfer_fractions, *protocol.sampling.control_fractions}):
            if (cut := nearest_cut(fraction, trace["cut_tokens"], trace["n_tokens"])) is None:
                continue
            position: int = trace["cut_tokens"][cut]
            chosen = _chosen(texts, trace, position, fraction, protocol)
            for control, given in chosen.items():
                if given is None or len(given.token_ids) >= protocol.sampling.max_tokens:
                    continue
                prefix = Prefix(trace["problem_id"], (*prompt.token_ids, *given.token_ids), prompt.n_prompt)
                leak = texts.leak(given.donor, problem)
                rows.append(
                    {
                        "problem_set": trace["problem_set"],
                        "reader": reader,
                        "writer": trace["model"],
                        "problem_id": trace["problem_id"],
                        "trace_id": trace["trace_id"],
                        "fraction": fraction,
                        "control": control,
                        "cut_index": cut,
                        "share": position / trace["n_tokens"],
                        "donor_trace_id": given.donor["trace_id"],
                        "char_end": given.char_end,
                        "n_tokens": len(given.token_ids),
                        "encoded_ids": None if texts.is_own(given) else given.token_ids,
                        "prefix_id": prefix.prefix_id,
                        "leaks_answer": leak is not None and leak <= given.char_end,
                        "protocol": protocol.name,
                        "sampling_hash": protocol.sampling_hash,
                    }
                )
                prefixes.append(prefix)
    return pl.DataFrame(rows, schema=polars_schema("given")), prefixes


def _chosen(
    texts: _Texts, trace: Trace, position: int, fraction: float, protocol: Protocol
) -> dict[str, _Given | None]:
    """What the reader is given at a fraction, by control; None where a control has no such text."""
    real, rules = texts.real(trace, position), protocol.sampling
    chosen: dict[str, _Given | None] = {REAL: real} if fraction in rules.transfer_fractions else {}
    if fraction in rules.control_fractions and position:
        length = len(real.token_ids)
        chosen |= {control: texts.control(control, trace, length) for control in rules.controls}
    return chosen


class _Texts:
    """Traces in the reader's tokens, each encoded once and only when it is needed."""

    def __init__(
        self, traces: Iterable[Trace], engine: Engine, reader: str, same_tokenizer: Mapping[str, bool]
    ) -> None:
        self._engine, self._reader = engine, reader
        self._same = {**same_tokenizer, reader: True}
        everything = list(traces)
        self._of_problem: defaultdict[tuple[str, str], list[Trace]] = defaultdict(list)  # model and problem
        for trace in everything:
            self._of_problem[trace["model"], trace["problem_id"]].append(trace)
        self.measured = [t for t in everything if t["cut_tokens"] is not None and t["model"] != reader]
        self._measured_of: defaultdict[str, list[Trace]] = defaultdict(list)
        for trace in self.measured:
            self._measured_of[trace["model"]].append(trace)
        self._donors: dict[Control, tuple[str, list[Trace]]] = {}  # of the last trace
        self._whole: dict[str, tuple[tuple[int, ...], list[int]]] = {}
        self._leaks: dict[tuple[str, str], int | None] = {}

    def real(self, trace: Trace, position: int) -> _Given:
        """The first ``position`` of the writer's tokens, as the reader's."""
        char_end = trace["char_ends"][position - 1] if position else 0
        if self._same[trace["model"]]:
            return _Given(trace, tuple(trace["token_ids"][:position]), char_end)
        return _Given(trace, self._engine.encode(trace["text"][:char_end]).token_ids, char_end)

    def is_own(self, given: _Given) -> bool:
        """Whether the tokens are the donor's own."""
        return self._same[given.donor["model"]]

    def leak(self, donor: Trace, problem: Trace) -> int | None:
        """Where a trace first holds the gold answer of a problem, in characters."""
        key = donor["trace_id"], problem["problem_id"]
        if key not in self._leaks:
            self._leaks[key] = first_leak(donor["text"], problem["gold_answer"], problem["answer_kind"])
        return self._leaks[key]

    def control(self, control: Control, trace: Trace, n_tokens: int) -> _Given | None:
        """The first ``n_tokens`` of the reader's tokens of a trace of the control's kind; None without one.

        Donors are tried in an order that is a hash of both traces, found once for all fractions of a trace.
        """
        of_trace, donors = self._donors.get(control, ("", []))
        if of_trace != trace["trace_id"]:
            donors = sorted(
                self._of_kind(control, trace), key=lambda t: _rank(trace["trace_id"], t["trace_id"])
            )
            self._donors[control] = trace["trace_id"], donors
        for donor in donors:
            tokens, ends = self._whole_of(donor)
            is_long = 0 < n_tokens < len(tokens)
            if is_long and not ends_within(self._engine.decode, tokens[:n_tokens]):
                return _Given(donor, tokens[:n_tokens], ends[n_tokens - 1])
        return None

    def _of_kind(self, control: Control, trace: Trace) -> list[Trace]:
        """The traces that may be a control of a writer's trace."""
        model, problem_id = trace["model"], trace["problem_id"]
        if control == "own":
            return self._of_problem[self._reader, problem_id]
        if control == "shuffled":
            return [t for t in self._measured_of[model] if t["problem_id"] != problem_id]
        same = self._of_problem[model, problem_id]
        return [t for t in same if t["verdict"] == "incorrect" and t["trace_id"] != trace["trace_id"]]

    def _whole_of(self, trace: Trace) -> tuple[tuple[int, ...], list[int]]:
        key = trace["trace_id"]
        if key not in self._whole:
            self._whole[key] = _tokens_with_ends(trace, self._engine, self._same[trace["model"]])
        return self._whole[key]


def _rank(trace_id: str, donor_id: str) -> bytes:
    return hashlib.sha256(f"{trace_id} {donor_id}".encode()).digest()


def _tokens_with_ends(
    trace: Trace, engine: Engine, same_tokenizer: bool
) -> tuple[tuple[int, ...], list[int]]:
    """All of a trace in the reader's tokens, with the characters complete after each."""
    if same_tokenizer:
        return tuple(trace["token_ids"]), trace["char_ends"]
    encoding = engine.encode(trace["text"])
    # Tokens that share a character all span it; it is complete after the last of them.
    starts = [start for start, _ in encoding.offsets[1:]] + [len(trace["text"])]
    ends = [min(end, start) for (_, end), start in zip(encoding.offsets, starts, strict=True)]
    return encoding.token_ids, ends
