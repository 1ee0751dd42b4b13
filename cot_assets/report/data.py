"""The frames that a report is made of.

Belongs here: which tables and columns the report reads, reading them through a function that runs SQL,
the one summary that no table holds, and refusing frames that lack a column. Does not belong here:
opening a database, how anything is estimated (:mod:`cot_assets.measures`), layout.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

import polars as pl

from cot_assets.measures.frames import (
    CHANGE_PRIORS,
    CHANGES,
    DRAWDOWNS,
    MATCHED_RATES,
    MODEL_DIFFERENCES,
    MONOTONE_TESTS,
    SENSITIVITY,
    SHORTEST_UNLOCKS,
    STEP_CORRELATIONS,
    SUMMARIES,
    TRANSFER_CURVE,
    TRANSFER_DIFFERENCES,
    UNLOCK_RATES,
)
from cot_assets.measures.patterns.text_signs import JUMPS
from cot_assets.measures.search.effects import mean_curves
from cot_assets.study import Protocol

Read = Callable[[str, Sequence[Any]], pl.DataFrame]


class ReportError(ValueError):
    """A report cannot be made from what it was given; the message names the thing and the way out."""


_TEXT, _COUNT, _NUMBER, _FLAG = pl.String, pl.Int64, pl.Float64, pl.Boolean
_TRACE = {"model": _TEXT, "problem_id": _TEXT, "trace_id": _TEXT}
_TRACE_POLICY = {**_TRACE, "cut_policy": _TEXT}
_INTERVAL = {"ci_low": _NUMBER, "ci_high": _NUMBER}
_EVENT = {
    **_TRACE_POLICY,
    "cut_index": _COUNT,
    "n_before": _COUNT,
    "n_after": _COUNT,
    "potential_before": _NUMBER,
    "potential_after": _NUMBER,
    "delta": _NUMBER,
    "delta_low": _NUMBER,
    "delta_high": _NUMBER,
    "threshold": _NUMBER,
    "by_threshold": _FLAG,
    "probability": _NUMBER,
    "is_confirmed": _FLAG,
}
#: Columns that the report needs of each frame. More columns do no harm.
COLUMNS: dict[str, dict[str, Any]] = {
    "problems": {
        "problem_id": _TEXT,
        "statement": _TEXT,
        "gold_answer": _TEXT,
        "level": _TEXT,
        "subject": _TEXT,
        "source": _TEXT,
        "revision": _TEXT,
    },
    "traces": {
        **_TRACE,
        "sample_index": _COUNT,
        "text": _TEXT,
        "answer": _TEXT,
        "verdict": _TEXT,
        "finish_reason": _TEXT,
        "n_tokens": _COUNT,
        "model_revision": _TEXT,
        "protocol": _TEXT,
        "protocol_hash": _TEXT,
    },
    "curves": {
        **_TRACE_POLICY,
        "cut_index": _COUNT,
        "token_end": _COUNT,
        "char_end": _COUNT,
        "fraction": _NUMBER,
        "is_end": _FLAG,
        "states_answer": _FLAG,
        "leaks_answer": _FLAG,
        "n": _COUNT,
        "n_correct": _COUNT,
        "potential": _NUMBER,
        **_INTERVAL,
    },
    "tangents": {**_EVENT, "is_recovered": _FLAG, "recovery_tokens": _COUNT},
    "spikes": _EVENT,
    "lucky_guesses": {
        **_TRACE_POLICY,
        "rule": _TEXT,
        "cut_index": _COUNT,
        "n": _COUNT,
        "potential": _NUMBER,
        **_INTERVAL,
        "threshold": _NUMBER,
        "by_threshold": _FLAG,
        "probability": _NUMBER,
        "is_confirmed": _FLAG,
        "v0": _NUMBER,
        "v0_bin": _TEXT,
        "guess_bound": _NUMBER,
    },
    "monotonicity": {
        **_TRACE_POLICY,
        "n_cuts": _COUNT,
        "n_pairs": _COUNT,
        "v0": _NUMBER,
        "is_solved_without_cot": _FLAG,
        "max_drop": _NUMBER,
        "max_rise": _NUMBER,
        "tolerance": _NUMBER,
        "by_threshold": _FLAG,
        "probability": _NUMBER,
        "is_confirmed": _FLAG,
    },
    "pattern_rates": {
        "model": _TEXT,
        "pattern": _TEXT,
        "rule": _TEXT,
        "cut_policy": _TEXT,
        "trace_filter": _TEXT,
        "n_traces": _COUNT,
        "n_with": _COUNT,
        "n_problems": _COUNT,
        "rate": _NUMBER,
        **_INTERVAL,
        "n_eff": _NUMBER,
    },
    "transfer_potentials": {
        "reader": _TEXT,
        "writer": _TEXT,
        "problem_id": _TEXT,
        "trace_id": _TEXT,
        "fraction": _NUMBER,
        "control": _TEXT,
        "trace_verdict": _TEXT,
        "leaks_answer": _FLAG,
        "n": _COUNT,
        "n_correct": _COUNT,
        "potential": _NUMBER,
        **_INTERVAL,
    },
    "unlocks": {
        "reader": _TEXT,
        "writer": _TEXT,
        "problem_id": _TEXT,
        "trace_id": _TEXT,
        "fraction": _NUMBER,
        "control": _TEXT,
        "trace_verdict": _TEXT,
        "leaks_answer": _FLAG,
        "n0": _COUNT,
        "v0": _NUMBER,
        "n": _COUNT,
        "potential": _NUMBER,
        "probability_unsolved": _NUMBER,
        "probability_lifted": _NUMBER,
        "is_solved": _FLAG,
        "status": _TEXT,
    },
    "pass_at_k": {
        "model": _TEXT,
        "cut_policy": _TEXT,
        "k": _COUNT,
        "guesses": _TEXT,
        "pass_at_k": _NUMBER,
        **_INTERVAL,
        "n_problems": _COUNT,
        "n_traces": _COUNT,
        "n_guesses": _COUNT,
    },
    "optimized_traces": {
        **_TRACE,
        "arm": _TEXT,
        "verdict": _TEXT,
        "is_complete": _FLAG,
        **dict.fromkeys(("n_tokens", "n_chunks", "tokens_spent", "n0"), _COUNT),
        **dict.fromkeys(("v0", "v0_low", "v0_high", "mean_potential", "max_drop", "p_value"), _NUMBER),
        **dict.fromkeys(("is_monotone_by_tolerance", "is_monotone_by_test"), _FLAG),
    },
    "optimized_effects": {
        "model": _TEXT,
        "measure": _TEXT,
        **{
            f"{name}{end}": _NUMBER
            for name in ("value", "reference", "difference")
            for end in ("", "_low", "_high")
        },
        "n": _COUNT,
        "n_problems": _COUNT,
    },
    "optimized_curves": {
        "model": _TEXT,
        "arm": _TEXT,
        "position": _COUNT,
        "mean": _NUMBER,
        **_INTERVAL,
        "n_problems": _COUNT,
    },
    "sampling_runs": {
        "asset": _TEXT,
        "model": _TEXT,
        "model_revision": _TEXT,
        "engine": _TEXT,
        "device": _TEXT,
        "seconds": _NUMBER,
        "n_blocks": _COUNT,
        "n_rollouts": _COUNT,
        "prompt_tokens": _COUNT,
        "cached_tokens": _COUNT,
        "generated_tokens": _COUNT,
        "is_reproducible": _FLAG,
        "is_retokenized": _FLAG,
    },
}
#: Tables that are shown with all they hold.
_WHOLE = {
    "changes": CHANGES, "change_priors": CHANGE_PRIORS, "monotone_tests": MONOTONE_TESTS,
    "drawdowns": DRAWDOWNS, "sensitivity": SENSITIVITY, "jumps": JUMPS, "matched_rates": MATCHED_RATES,
    "model_differences": MODEL_DIFFERENCES, "transfer_differences": TRANSFER_DIFFERENCES,
    "shortest_unlocks": SHORTEST_UNLOCKS, "step_correlations": STEP_CORRELATIONS, "summaries": SUMMARIES,
    "transfer_curve": TRANSFER_CURVE, "unlock_rates": UNLOCK_RATES,
}  # fmt: skip
COLUMNS |= {name: dict(schema) for name, schema in _WHOLE.items()}
#: Columns of ``curves`` that are shown where they exist; filled with NULL where they do not.
OPTIONAL_CURVE_COLUMNS: dict[str, Any] = {
    "n_truncated": _COUNT,
    "n_no_answer": _COUNT,
    "n_unscored": _COUNT,
    "is_n_approximate": _FLAG,
}


def empty_frame(name: str) -> pl.DataFrame:
    """A frame without rows and with the columns that the report needs of table ``name``."""
    return pl.DataFrame(schema=COLUMNS[name])


def _filled(frame: pl.DataFrame, columns: dict[str, Any]) -> pl.DataFrame:
    """The frame with NULL in those of the columns that it does not have."""
    absent = {name: kind for name, kind in columns.items() if name not in frame.columns}
    return frame.with_columns(pl.lit(None, kind).alias(name) for name, kind in absent.items())


@dataclass(frozen=True)
class ReportData:
    """All that a report of one problem set shows; frames are named after the tables that they hold.

    ``curves`` holds the columns of ``trace_cuts`` and, joined by prefix, ``n``, ``n_correct``,
    ``potential``, ``ci_low`` and ``ci_high`` of ``potentials`` (all NULL at the end of a trace), and
    perhaps those of :data:`OPTIONAL_CURVE_COLUMNS`. ``traces`` may have ``is_in_words``: lengths count
    words, since the source has no tokens. ``optimized_curves`` has one row per model, arm
    and token position. ``protocol`` is None where it is not known, as for rollouts that others published.
    Frames that are left out are empty.

    Raises:
        ReportError: A frame lacks columns; the message names both.
    """

    problem_set: str
    problems: pl.DataFrame = field(default_factory=partial(empty_frame, "problems"))
    traces: pl.DataFrame = field(default_factory=partial(empty_frame, "traces"))
    curves: pl.DataFrame = field(default_factory=partial(empty_frame, "curves"))
    tangents: pl.DataFrame = field(default_factory=partial(empty_frame, "tangents"))
    spikes: pl.DataFrame = field(default_factory=partial(empty_frame, "spikes"))
    lucky_guesses: pl.DataFrame = field(default_factory=partial(empty_frame, "lucky_guesses"))
    monotonicity: pl.DataFrame = field(default_factory=partial(empty_frame, "monotonicity"))
    pattern_rates: pl.DataFrame = field(default_factory=partial(empty_frame, "pattern_rates"))
    transfer_potentials: pl.DataFrame = field(default_factory=partial(empty_frame, "transfer_potentials"))
    transfer_curve: pl.DataFrame = field(default_factory=partial(empty_frame, "transfer_curve"))
    unlock_rates: pl.DataFrame = field(default_factory=partial(empty_frame, "unlock_rates"))
    unlocks: pl.DataFrame = field(default_factory=partial(empty_frame, "unlocks"))
    pass_at_k: pl.DataFrame = field(default_factory=partial(empty_frame, "pass_at_k"))
    optimized_traces: pl.DataFrame = field(default_factory=partial(empty_frame, "optimized_traces"))
    optimized_effects: pl.DataFrame = field(default_factory=partial(empty_frame, "optimized_effects"))
    optimized_curves: pl.DataFrame = field(default_factory=partial(empty_frame, "optimized_curves"))
    changes: pl.DataFrame = field(default_factory=partial(empty_frame, "changes"))
    change_priors: pl.DataFrame = field(default_factory=partial(empty_frame, "change_priors"))
    monotone_tests: pl.DataFrame = field(default_factory=partial(empty_frame, "monotone_tests"))
    drawdowns: pl.DataFrame = field(default_factory=partial(empty_frame, "drawdowns"))
    sensitivity: pl.DataFrame = field(default_factory=partial(empty_frame, "sensitivity"))
    jumps: pl.DataFrame = field(default_factory=partial(empty_frame, "jumps"))
    matched_rates: pl.DataFrame = field(default_factory=partial(empty_frame, "matched_rates"))
    model_differences: pl.DataFrame = field(default_factory=partial(empty_frame, "model_differences"))
    transfer_differences: pl.DataFrame = field(default_factory=partial(empty_frame, "transfer_differences"))
    shortest_unlocks: pl.DataFrame = field(default_factory=partial(empty_frame, "shortest_unlocks"))
    step_correlations: pl.DataFrame = field(default_factory=partial(empty_frame, "step_correlations"))
    summaries: pl.DataFrame = field(default_factory=partial(empty_frame, "summaries"))
    sampling_runs: pl.DataFrame = field(default_factory=partial(empty_frame, "sampling_runs"))
    protocol: Protocol | None = None

    def __post_init__(self) -> None:
        for item in fields(self):
            if item.name not in COLUMNS:
                continue
            frame: pl.DataFrame = getattr(self, item.name)
            missing = [column for column in COLUMNS[item.name] if column not in frame.columns]
            if missing:
                raise ReportError(
                    f"report of {self.problem_set!r}: the frame {item.name!r} lacks {', '.join(missing)}; "
                    f"it has {', '.join(frame.columns) or 'no columns'}"
                )
        object.__setattr__(self, "curves", _filled(self.curves, OPTIONAL_CURVE_COLUMNS))
        object.__setattr__(self, "traces", _filled(self.traces, {"is_in_words": _FLAG}))


_CURVES = """
SELECT c.*, p.n, p.n_correct, p.n_truncated, p.n_no_answer, p.n_unscored,
       p.potential, p.ci_low, p.ci_high, p.is_n_approximate
FROM trace_cuts AS c
LEFT JOIN potentials AS p
  ON p.problem_set = c.problem_set AND p.model = c.model AND p.prefix_id = c.prefix_id
WHERE c.problem_set = ?
ORDER BY c.model, c.problem_id, c.trace_id, c.cut_policy, c.cut_index
"""
#: Token ids stay in the database: the report shows text. Imported traces without token ids count words.
_TRACES = """
SELECT * EXCLUDE (prompt_token_ids, token_ids, char_ends), len(token_ids) = 0 AS is_in_words
FROM traces
WHERE problem_set = ?
ORDER BY model, problem_id, sample_index, trace_id
"""
_OPTIMIZED = "SELECT * EXCLUDE (token_ids, text) FROM optimized_traces WHERE problem_set = ?"
_PLAIN = (
    "problems",
    "tangents",
    "spikes",
    "lucky_guesses",
    "monotonicity",
    "pattern_rates",
    "transfer_potentials",
    "unlocks",
    "pass_at_k",
    "optimized_effects",
    "sampling_runs",
    *_WHOLE,
)


def load_report_data(read: Read, problem_set: str, *, protocol: Protocol | None = None) -> ReportData:
    """Read what the report of ``problem_set`` shows, and summarize what no table holds.

    Args:
        read: Runs one SQL statement with bound parameters and returns its rows.
        problem_set: Name of the problem set.
        protocol: The protocol that it is bound to, if known.
    """
    frames = {name: read(f"SELECT * FROM {name} WHERE problem_set = ?", [problem_set]) for name in _PLAIN}  # noqa: S608
    optimized = read(_OPTIMIZED, [problem_set])
    steps = read("SELECT * FROM optimized_steps WHERE problem_set = ?", [problem_set])
    return ReportData(
        problem_set=problem_set,
        optimized_traces=optimized,
        optimized_curves=empty_frame("optimized_curves")
        if protocol is None or optimized.is_empty()
        else mean_curves(optimized, steps, protocol),
        traces=read(_TRACES, [problem_set]),
        curves=read(_CURVES, [problem_set]),
        protocol=protocol,
        **frames,
    )
