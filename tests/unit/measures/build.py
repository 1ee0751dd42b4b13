"""Small frames for tests of :mod:`cot_assets.measures`."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from cot_assets.measures.frames import CURVES
from cot_assets.statistics.estimates import add_potential
from cot_assets.study import Protocol

PROTOCOL = Protocol(name="test", n=64, cut_policy="lines")


def curve(
    counts: Sequence[tuple[int | None, int | None]],
    *,
    trace_id: str = "t",
    problem_id: str = "p",
    verdict: str = "correct",
    states_from: int | None = None,
    model: str = "m",
    has_end: bool = True,
    text: str | None = None,
) -> pl.DataFrame:
    """Curve of one trace from (n_correct, n) per cut; line i of the text stands before cut i + 1.

    ``states_from``: first cut at which ``states_answer`` is true; default: the end.
    """
    lines = [f"line {i} ü\n" for i in range(len(counts))]
    text = "".join(lines) if text is None else text
    last = len(counts)
    stated = last if states_from is None else states_from
    rows = []
    for i in range(last + has_end):
        is_end = i == last
        chars = len(text) if is_end else sum(len(line) for line in lines[:i])
        k, n = (None, None) if is_end else counts[i]
        rows.append(
            {
                "problem_set": "set",
                "model": model,
                "problem_id": problem_id,
                "trace_id": trace_id,
                "cut_policy": "lines",
                "cut_index": i,
                "prefix_id": None if is_end else f"{trace_id}:{i}" if i else f"{problem_id}:0",
                "token_end": 3 * i,
                "char_end": chars,
                "fraction": i / last if last else 1.0,
                "is_end": is_end,
                "states_answer": i >= stated,
                "leaks_answer": False,
                "protocol": PROTOCOL.name,
                "protocol_hash": PROTOCOL.protocol_hash,
                "n": n,
                "n_correct": k,
                "text": text,
                "verdict": verdict,
            }
        )
    schema = {name: kind for name, kind in CURVES.items() if name not in ("potential", "ci_low", "ci_high")}
    return add_potential(pl.DataFrame(rows, schema=schema)).select(list(CURVES))
