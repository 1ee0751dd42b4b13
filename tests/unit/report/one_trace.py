"""Data of a report on one trace: part of others, or made around a text."""

from __future__ import annotations

import polars as pl
from synthetic_report import PROTOCOL, assemble

from cot_assets.report import ReportData


def only_trace(data: ReportData, trace_id: str) -> ReportData:
    """One trace of the data and all that belongs to it."""
    names = ("traces", "curves", "spikes", "tangents", "lucky_guesses", "monotonicity")
    frames = {name: getattr(data, name).filter(pl.col("trace_id") == trace_id) for name in names}
    return ReportData(data.problem_set, problems=data.problems, **frames)


def data_around(text: str, **columns: str) -> ReportData:
    """One trace of two stretches whose every text is hostile."""
    names = {
        "problem_id": "../../<p>",
        "model": "m",
        "trace_id": 't/../\\"><b>',
        "verdict": "correct",
        **columns,
    }
    stamp = {"problem_set": "demo", "protocol": "p", "protocol_hash": "h"}
    problems = pl.DataFrame(
        [{**stamp, "problem_id": names["problem_id"], "statement": text, "gold_answer": text, "level": text,
          "subject": text, "source": text, "revision": text}]
    )  # fmt: skip
    traces = pl.DataFrame(
        [{**stamp, **names, "sample_index": 0, "text": text, "answer": text, "finish_reason": "stop", "n_tokens": 9,
          "model_revision": text}]
    )  # fmt: skip
    ends = [0, len(text) // 2, len(text)]
    rows = [
        {**stamp, **{k: names[k] for k in ("problem_id", "model", "trace_id")}, "cut_policy": "lines", "cut_index": i,
         "prefix_id": None if i == 2 else f"x{i}", "token_end": 4 * i, "char_end": end, "fraction": i / 2,
         "is_end": i == 2, "states_answer": False, "leaks_answer": False, "n": None if i == 2 else 64,
         "n_correct": None if i == 2 else 60 * i, "potential": (None, 0.9375)[i] if i < 2 else None,
         "ci_low": None, "ci_high": None}
        for i, end in enumerate(ends)
    ]  # fmt: skip
    rows[0]["potential"] = 0.0
    curves = pl.DataFrame(rows, infer_schema_length=None)
    return assemble(text[:60], problems, traces, curves, PROTOCOL)
