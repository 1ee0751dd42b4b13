"""Logs of Inspect (``.eval``, or its ``.json``): what a model wrote for every sample, and the verdict of a scorer.

Belongs here: the layout of such logs, read without Inspect. Does not belong here: writing them
(:mod:`cot_assets.exporting.inspect_logs`), identity and tables (:mod:`cot_assets.importing.frames`).

A ``.eval`` file is a zip of JSON: ``header.json`` and ``samples/ID_epoch_N.json``, packed by deflate or zstd. A sample becomes
a trace: the reasoning and the answer of its last output. There are no rollouts, so no prefix has a potential.
"""

from __future__ import annotations

import json
import re
import struct
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from cot_assets.importing.base import (
    TRACES_SAMPLED,
    Counts,
    Cut,
    Imported,
    ImportingError,
    Problem,
    Source,
    Trace,
    Verdict,
    add_once,
    check_one_model,
)
from cot_assets.importing.files import Record, Words, checked_text, files_in, read_json, unpacked
from cot_assets.importing.frames import build

NAME = "inspect"
SUFFIX = ".eval"
MAX_SAMPLES, MAX_SAMPLE_BYTES = 200_000, 64 * 2**20
_ATTACHMENT = "attachment://"
_VERDICTS: Mapping[str, Verdict] = {
    "C": "correct",
    "I": "incorrect",
    "N": "no_answer",
    "1": "correct",
    "0": "incorrect",
}


@dataclass
class _Log:
    """What a log says: the traces of its model on its task, by sample, and how many samples told nothing."""

    model: str
    task: str
    traces: dict[str, Trace] = field(default_factory=dict)
    n_empty: int = 0
    is_whole: bool = True


def import_inspect(
    *paths: Path,
    problem_set: str | None = None,
    model: str | None = None,
    scorer: str | None = None,
) -> list[Imported]:
    """Read logs, and every ``.eval`` file below folders, as traces with verdicts.

    Args:
        *paths: Logs and folders; a sample that a log repeats of another, as a retry does, counts once.
        problem_set: Name that the problems get; default: the task.
        model: Name of the model; default: as the log says.
        scorer: Whose scores are the verdicts; default: the first of a sample.

    Returns:
        One result per model and task, by name.

    Raises:
        ImportingError: A file is not such a log, or it is malformed or too large.
    """
    by_name: defaultdict[tuple[str, str], list[_Log]] = defaultdict(list)
    for file in files_in(paths, f"*{SUFFIX}", f"log (*{SUFFIX})"):
        log = _read_log(file, scorer)
        by_name[model or _name(log.model), problem_set or _name(log.task)].append(log)
    check_one_model(model, (log.model for logs in by_name.values() for log in logs))
    results: list[Imported] = []
    for (name, of_set), logs in sorted(by_name.items()):
        n_empty = sum(log.n_empty for log in logs)
        notes = [TRACES_SAMPLED] if not n_empty and all(log.is_whole for log in logs) else []
        notes += [f"{n_empty} samples without a text or with an error were left out"] * bool(n_empty)
        notes += ["A log is of an evaluation that did not end: its traces may be a choice"] * any(
            not log.is_whole for log in logs
        )
        traces: dict[str, Trace] = {}
        for log in logs:
            for sample, trace in log.traces.items():
                add_once(traces, sample, trace, f"sample {sample:.80}")
        results.append(build(Source(NAME, "sentences", {}), name, of_set, [*traces.values()], notes=notes))
    return results


def read_inspect_traces(path: Path, scorer: str | None = None) -> list[Trace]:
    """The traces of one log. Raises :class:`ImportingError` where it is none."""
    return list(_read_log(path, scorer).traces.values())


def _name(said: str) -> str:
    """The last part of a name such as ``openai/gpt-4``, in the characters that names here may have."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", said.rpartition("/")[2]).strip("-._")[:100] or "unnamed"


def _read_log(path: Path, scorer: str | None) -> _Log:
    header, samples = _packed(path) if path.suffix.lower() == SUFFIX else _plain(path)
    spec = header.part("eval")
    status = header.optional_text("status")
    log = _Log(spec.text("model"), spec.text("task"), is_whole=status in (None, "success"))
    for sample in samples:
        trace = _trace(sample, scorer)
        if trace is None:
            log.n_empty += 1
        else:
            add_once(log.traces, sample.optional_text("uuid") or sample.where, trace, sample.where)
    if not log.traces:
        raise ImportingError(f"{path}: none of its {log.n_empty} samples has a text; name another log")
    return log


def _plain(path: Path) -> tuple[Record, Iterator[Record]]:
    """Header and samples of a log in one piece of JSON."""
    log = Record(read_json(path), str(path))
    if not log.has("eval"):
        fields = ", ".join(map(str, list(log.value)[:20]))
        raise ImportingError(f"{path}: no log of Inspect, which has a field 'eval'; found: {fields}")
    samples = log.items("samples")
    return log, (Record(each, f"{path}: samples[{i}]") for i, each in enumerate(samples))


def _packed(path: Path) -> tuple[Record, Iterator[Record]]:
    """Header and samples of a ``.eval`` file; a sample is unpacked when it is asked for."""
    try:
        with zipfile.ZipFile(path) as packed:
            entries = {entry.filename: entry for entry in packed.infolist()}
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        raise ImportingError(f"{path}: no log of Inspect, which is a zip file ({error})") from error
    names = sorted(name for name in entries if name.startswith("samples/") and name.endswith(".json"))
    if len(names) > MAX_SAMPLES:
        raise ImportingError(f"{path}: {len(names):,} samples; at most {MAX_SAMPLES:,} are read")
    # An evaluation that was interrupted has only what it began with.
    header = next((name for name in ("header.json", "_journal/start.json") if name in entries), None)
    if header is None:
        raise ImportingError(
            f"{path}: no log of Inspect: it lacks header.json; found: {', '.join(list(entries)[:8])}"
        )
    record = _entry(path, entries[header])
    if header != "header.json":
        record = Record({**record.value, "status": "started"}, record.where)
    return record, (_entry(path, entries[name]) for name in names)


def _entry(path: Path, entry: zipfile.ZipInfo) -> Record:
    where = f"{path}: {entry.filename[:200]}"
    try:
        return Record(json.loads(unpacked(path, entry, MAX_SAMPLE_BYTES)), where)
    except (ValueError, RecursionError, OSError, zlib.error, struct.error) as error:
        if isinstance(error, ImportingError):
            raise
        raise ImportingError(f"{where}: cannot be read ({str(error)[:200]})") from error


def _trace(sample: Record, scorer: str | None) -> Trace | None:
    """The trace of a sample; None where it has no text or ended in an error."""
    attached = sample.value.get("attachments")
    texts = _Texts(attached if isinstance(attached, dict) else {}, sample.where)
    written = texts.of(_output(sample))
    if not written.strip() or sample.has("error"):
        return None
    problem = _problem(sample, texts)
    score = _score(sample, scorer)
    answer = score.optional_text("answer") if score else None
    cuts = (Cut(0, 0, Counts(n=0, n_correct=0)),)
    return Trace(problem, written, Words(written).count, answer, _verdict(score), cuts)


def _problem(sample: Record, texts: _Texts) -> Problem:
    problem_id = sample.optional_text("id")
    if problem_id is None:
        raise ImportingError(f"{sample.where}: 'id' is missing; leave the sample out")
    target = sample.value.get("target")
    gold = str(target[0] if isinstance(target, list) and target else target or "").strip()
    if not gold:
        raise ImportingError(
            f"{sample.where}: 'target' is empty: nothing says what is correct; leave the sample out"
        )
    statement, kind = texts.of(sample.value.get("input")), "expression"
    choices = sample.value.get("choices")
    if isinstance(choices, list) and choices and gold in ascii_uppercase[: len(choices)]:
        listed = zip(ascii_uppercase, choices, strict=False)
        statement = "\n".join([statement, *(f"{letter}) {texts.of(choice)}" for letter, choice in listed)])
        kind = "multiple_choice"
    if not statement.strip():
        raise ImportingError(f"{sample.where}: 'input' has no text; leave the sample out")
    return Problem(problem_id, statement, checked_text(gold, f"{sample.where}: 'target'"), kind)


def _output(sample: Record) -> object:
    """The last thing that the model wrote: a text, or a list of parts."""
    output = sample.value.get("output")
    choices = output.get("choices") if isinstance(output, dict) else None
    if not isinstance(choices, list) or not choices:
        return ""
    message = choices[0].get("message") if isinstance(choices[0], dict) else None
    return message.get("content") if isinstance(message, dict) else ""


def _score(sample: Record, scorer: str | None) -> Record | None:
    """The score that decides; None where the sample has none."""
    if not sample.has("scores"):
        return None
    scores = sample.part("scores").value
    if scorer is not None and scorer not in scores:
        raise ImportingError(
            f"{sample.where}: no scorer {scorer!r:.80}; there are: {', '.join(map(str, list(scores)[:20])) or 'none'}"
        )
    name = scorer or next(iter(scores), None)
    return None if name is None else Record(scores[name], f"{sample.where}: scores: {name!s:.80}")


def _verdict(score: Record | None) -> Verdict:
    """What a score says; ``unscored`` where it is neither correct nor incorrect, such as a part of the points."""
    value = score.value.get("value") if score else None
    said = str(int(value)) if isinstance(value, bool | int | float) and value in (0, 1) else str(value)
    return _VERDICTS.get(said, "unscored")


class _Texts:
    """Reads texts of a sample, which keeps long ones apart."""

    def __init__(self, attached: Mapping[str, Any], where: str) -> None:
        self._attached, self._where = attached, where

    def of(self, content: object) -> str:
        """The text of a content: itself, its parts one after the other, or the messages that a model was given."""
        if isinstance(content, list):
            parts = [part for each in content[:10_000] if (part := self._part(each))]
            return "\n\n".join(parts)
        if not isinstance(content, str):
            return ""
        if content.startswith(_ATTACHMENT):
            content = str(self._attached.get(content.removeprefix(_ATTACHMENT), ""))
        return checked_text(content, self._where)

    def _part(self, part: object) -> str:
        if not isinstance(part, dict):
            return self.of(part) if isinstance(part, str) else ""
        if "role" in part:
            return self.of(part.get("content"))
        if part.get("type") == "reasoning":
            thought = self.of(part.get("reasoning"))
            return f"<think>\n{thought}\n</think>" if thought else ""
        return self.of(part.get("text"))
