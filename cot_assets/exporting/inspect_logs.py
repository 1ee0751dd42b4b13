"""Logs as Inspect writes them: one ``.eval`` file per model and problem set, one sample per trace.

Belongs here: the layout of such a log, version 2. Does not belong here: reading logs of others
(:mod:`cot_assets.importing`).

A log is a zip file: ``samples/ID_epoch_N.json``, ``summaries.json`` (samples without what they wrote) and ``header.json``
(everything else). Samples are written as they arrive.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from cot_assets import __version__
from cot_assets.exporting.folder import SECONDS, new_folder, partitions
from cot_assets.study.home import DataHome
from cot_assets.warehouse.queries import ask
from cot_assets.warehouse.reading import stream

#: Values of Inspect's scores. A trace that could not be graded has no score.
_VALUES = {"correct": "C", "incorrect": "I", "truncated": "I", "no_answer": "N"}
_STOPS = {"stop": "stop", "length": "max_tokens", "content_filter": "content_filter"}
_SCORER = "verdict"
#: A row per trace, with what ``trace_curves`` says of its cuts.
_TRACES = """
WITH curves AS (
    SELECT trace_id, list(struct_pack(cut_policy, cut_index, char_end, potential, ci_low, ci_high, n)
        ORDER BY cut_policy, cut_index) AS curve
    FROM trace_curves WHERE NOT is_end AND model = $model AND problem_set = $problem_set GROUP BY trace_id
)
SELECT traces.* EXCLUDE (prompt_token_ids, token_ids, char_ends), level, subject, prompt, gold_answer, coalesce(curve, []) AS curve
FROM traces JOIN problems USING (problem_set, problem_id) LEFT JOIN curves USING (trace_id)
WHERE model = $model AND problem_set = $problem_set ORDER BY problem_id, sample_index
"""


def write_inspect_logs(
    home: DataHome, folder: Path, model: str | None, problem_set: str | None
) -> dict[str, int]:
    """Samples by name of the log that was written to a new folder; arguments and errors as of ``write_dataset``."""
    written: dict[str, int] = {}
    with new_folder(folder) as fresh:
        for name, of_set in partitions(home, model, problem_set):
            file = f"{of_set}_{name}.eval"
            written[file] = _write_log(home, fresh / file, name, of_set)
    return written


def _write_log(home: DataHome, path: Path, model: str, problem_set: str) -> int:
    summaries: list[dict[str, Any]] = []
    with ZipFile(path, "w", ZIP_DEFLATED) as log:

        def write(name: str, value: object) -> None:
            log.writestr(name, json.dumps(value, allow_nan=False))

        def add(row: dict[str, Any]) -> None:
            sample = _sample(row)
            write(f"samples/{sample['id']}_epoch_{sample['epoch']}.json", sample)
            shown = ("id", "epoch", "input", "target", "scores")
            summaries.append({name: sample[name] for name in shown} | {"completed": True})

        ask(home, _TRACES, {"model": model, "problem_set": problem_set}, partial(stream, use=add), SECONDS)
        write("summaries.json", summaries)
        write("header.json", _header(model, problem_set, summaries))
    return len(summaries)


def _sample(row: dict[str, Any]) -> dict[str, Any]:
    value = _VALUES.get(row["verdict"])
    written = {"role": "assistant", "content": row["text"], "source": "generate", "model": row["model"]}
    stop = _STOPS.get(row["finish_reason"], "unknown")
    facts = ("trace_id", "level", "subject", "verdict", "n_tokens", "model_revision", "curve")
    return {
        "id": row["problem_id"],
        "epoch": row["sample_index"] + 1,
        "input": row["prompt"],
        "target": row["gold_answer"],
        "messages": [{"role": "user", "content": row["prompt"], "source": "input"}, written],
        "output": {"model": row["model"], "choices": [{"message": written, "stop_reason": stop}]},
        "scores": {_SCORER: {"value": value, "answer": row["answer"]}} if value else {},
        "metadata": {name: row[name] for name in facts},
    }


def _header(model: str, problem_set: str, summaries: list[dict[str, Any]]) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    ids = list(dict.fromkeys(sample["id"] for sample in summaries))
    epochs = max((sample["epoch"] for sample in summaries), default=1)
    values = [sample["scores"][_SCORER]["value"] for sample in summaries if sample["scores"]]
    accuracy = {"name": "accuracy", "value": values.count("C") / len(values)} if values else None
    score = {"name": _SCORER, "scorer": _SCORER, "metrics": {"accuracy": accuracy} if accuracy else {}}
    return {
        "version": 2,
        "status": "success",
        "eval": {
            "created": now,
            "task": problem_set,
            "dataset": {"name": problem_set, "samples": len(ids), "sample_ids": ids},
            "model": model,
            "config": {"epochs": epochs},
            "packages": {"cot_assets": __version__},
        },
        "results": {"total_samples": len(summaries), "completed_samples": len(summaries), "scores": [score]},
        "stats": {"started_at": now, "completed_at": now},
    }
