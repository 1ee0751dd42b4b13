"""All that is found on the curves of a partition, in one pass: each curve is read, paired and fitted once.

Belongs here: putting the judgements together as the rows of the tables. Does not belong here: the judgements
(:mod:`.steps`, :mod:`.text_signs`, :mod:`.whole_traces`).
"""

from __future__ import annotations

import polars as pl

from cot_assets.measures.frames import checked_curves, measured_cuts, neighboring_pairs, stamped
from cot_assets.measures.patterns.steps import judge_steps
from cot_assets.measures.patterns.text_signs import find_signs
from cot_assets.measures.patterns.whole_traces import judge_traces
from cot_assets.study import Protocol


def judge_curves(curves: pl.DataFrame, problems: pl.DataFrame, protocol: Protocol) -> dict[str, pl.DataFrame]:
    """Rows of the tables ``steps``, ``change_priors`` and ``trace_patterns``, by name.

    Args:
        curves: see :mod:`cot_assets.measures.frames`.
        problems: columns problem_id, gold_answer and answer_kind.
        protocol: thresholds and the seed.

    Raises:
        ValueError: ``curves`` has a cut twice.
    """
    checked = checked_curves(curves)
    cuts, pairs = measured_cuts(checked), neighboring_pairs(checked)
    steps, laws = judge_steps(pairs, cuts, protocol)
    found = {
        "steps": steps.hstack(find_signs(pairs, checked, problems)),
        "change_priors": laws,
        "trace_patterns": judge_traces(checked, cuts, pairs, protocol),
    }
    return {table: stamped(frame, table, protocol) for table, frame in found.items()}
