"""Traces without rollouts, to be measured by a model of one's own: a plain table, or a log of Inspect.

Belongs here: from such a file to the rows that are kept. Does not belong here: the columns of a table (:mod:`.table`, which
a table of traces shares but for ``cut`` and what comes with it), and their files in the data home
(:mod:`cot_assets.problems.given`).
"""

from __future__ import annotations

from pathlib import Path

from cot_assets.importing.base import ImportingError, Trace, check_trace, checked_name
from cot_assets.importing.inspect_logs import SUFFIX, read_inspect_traces
from cot_assets.importing.table import REQUIRED, read_rows, refuse_missing, traces_of
from cot_assets.problems.given import SCHEMA, write_given
from cot_assets.study import GIVEN, Config, DataHome, ProblemSetEntry

_ROLLOUTS = ("cut", "n", "n_correct", "sample_index")


def import_traces(
    path: Path, home: DataHome, config: Config, *, problem_set: str, protocol: str = "given"
) -> dict[str, int]:
    """Traces by verdict that were brought in, and ``in all``: those that the problem set has then.

    Args:
        path: JSONL, JSON, CSV or Parquet with a row per trace, or a ``.eval`` file.
        home: Where they are kept.
        config: Whose names may not be taken.
        problem_set: Name that the problems get.
        protocol: What they are measured by.

    Raises:
        ImportingError: A column is missing, or a row is malformed or contradicts another.
        ProblemSetError: See :func:`cot_assets.problems.given.write_given`.
    """
    traces = read_inspect_traces(path) if path.suffix.lower() == SUFFIX else _read_table(path)
    for trace in traces:
        check_trace(trace)
    kinds = sorted({trace.problem.answer_kind for trace in traces})
    if len(kinds) > 1:
        raise ImportingError(
            f"{path}: answers of several kinds ({', '.join(kinds)}); import a file for each kind"
        )
    declared = config.problem_sets.get(checked_name(problem_set, "problem set"))
    if declared is not None and declared.source != GIVEN + problem_set:
        raise ImportingError(
            f"problem set {problem_set!r} comes from {declared.source[:120]!r}; name another one with --problem-set"
        )
    entry = ProblemSetEntry.model_validate(
        {
            "name": problem_set,
            "source": GIVEN + problem_set,
            "protocol": protocol,
            "answer_kind": kinds[0],
        }
    )
    config.model_copy(update={"problem_sets": {problem_set: entry}}).protocol_of(problem_set)  # it is there
    n = write_given(home, entry, [_row(trace) for trace in traces])
    verdicts = [str(trace.verdict) for trace in traces]
    return {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))} | {"in all": n}


def _read_table(path: Path) -> list[Trace]:
    rows = read_rows(path)
    columns = {name for _, row in rows for name in row}
    refuse_missing([name for name in REQUIRED if name not in columns], columns, path)
    if found := [name for name in _ROLLOUTS if any(row.get(name) is not None for _, row in rows)]:
        raise ImportingError(
            f"{path}: has the column {found[0]!r}, so it holds rollouts; `cot-assets import rollouts` takes them"
        )
    return traces_of(rows, path)


def _row(trace: Trace) -> dict[str, str | None]:
    known = {**vars(trace.problem), **vars(trace)}
    return {name: known[name] for name in SCHEMA}
