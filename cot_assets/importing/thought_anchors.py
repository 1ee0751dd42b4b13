r"""The rollouts of "Thought Anchors: Which LLM Reasoning Steps Matter?" (arXiv 2506.19143).

Belongs here: their two public layouts. Does not belong here: identity and tables
(:mod:`cot_assets.importing.frames`).

Both have one folder per trace, ``<model>/[temperature_…/]<correct|incorrect>_base_solution/problem_<id>/``:

* the *site's* (interp-reasoning/thought-anchors.com): ``problem.json``, ``base_solution.json``,
  ``chunks_labeled.json`` with the ``accuracy`` before each sentence, ``chunks_resampled.json`` with the
  first sentences of the rollouts;
* the *full data set's* (uzaymacar/math-rollouts on the Hugging Face hub): ``chunk_<i>/solutions.json``
  with every rollout instead of the last.

What is worth knowing of the numbers:

* A sentence without rollouts has accuracy 0.0 in the site's files. It is unknown here: n = 0.
* Their accuracy leaves rollouts without an answer out of the denominator, and n is nowhere stated. The
  largest n up to the number of resampled sentences for which accuracy * n is whole is taken, marked as
  approximate: n_correct / n is then exactly the published accuracy, and n the number of *answered*
  rollouts. In the full data set every rollout counts, as everywhere in this project, so potentials are
  lower than the accuracies there.
* Their rollouts start from the sentences joined by single blanks, not from the text as written; and the
  sentence that is resampled was taken out of the prefix by string replacement, so an earlier repeat of it
  is missing too. Both are kept as published; the notes count the prefixes that lack a repeated sentence.
* Token ids are not published; lengths are counted in words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cot_assets.importing.anchors import SITE_FILE, full_counts, lacking_repeats, locate, site_counts
from cot_assets.importing.base import (
    Cut,
    Imported,
    ImportingError,
    Problem,
    Source,
    Trace,
    Verdict,
    check_one_model,
)
from cot_assets.importing.files import Record, Words, find, found_in, read_json, records
from cot_assets.importing.frames import build

NAME = "thought-anchors"
PROBLEM_FILE = "problem.json"
FULL_FOLDER = "chunk_*"
_SOLUTIONS = {"correct_base_solution": True, "incorrect_base_solution": False}
#: Folders of other experiments in the full data set: answers forced without further thought.
_OTHER_FOLDERS = re.compile(r"(?:in)?correct_base_solution_(?:forced_answer|sanity)")
_TEMPERATURE = re.compile(r"temperature_([0-9.]+)_top_p_([0-9.]+)")
_PROMPT = (
    "Solve this math problem step by step. You MUST put your final answer in \\boxed{}. "
    "Problem: {statement} Solution: \n<think>\n"
)


def import_thought_anchors(
    path: Path,
    *,
    problem_set: str = NAME,
    model: str | None = None,
) -> list[Imported]:
    """Read one trace's folder, or every such folder below a folder.

    Args:
        path: The folder of a trace, or any folder above.
        problem_set: Name that the problems get.
        model: Name of the model; default: the folder's. Needed where the folders do not tell.

    Returns:
        One result per model, by name.

    Raises:
        ImportingError: The layout is another one, or a file is malformed, too large or contradicts itself.
    """
    models: dict[str, list[_Folder]] = {}
    skipped = 0
    for folder in _trace_folders(path):
        if _OTHER_FOLDERS.fullmatch(folder.parent.name):
            skipped += 1
            continue
        described = _Folder.of(folder, model)
        models.setdefault(described.model, []).append(described)
    if not models:
        raise ImportingError(
            f"{path}: holds only folders of forced answers, which do not continue a chain of thought; name a "
            "folder with (in)correct_base_solution"
        )
    check_one_model(model, (folder.told for folders in models.values() for folder in folders))
    notes = [f"{skipped} folders of other experiments (forced answers, sanity) were left out"] * bool(skipped)
    return [_import_model(name, folders, problem_set, notes) for name, folders in sorted(models.items())]


@dataclass(frozen=True)
class _Folder:
    """Where a trace lies and what the names of the folders say about it."""

    path: Path
    model: str
    told: str | None
    is_correct: bool | None
    sampling: tuple[float, float] | None
    is_full: bool

    @classmethod
    def of(cls, path: Path, model: str | None) -> _Folder:
        solution = path.parent.name
        above, sampling = path.parent.parent, None
        if match := _TEMPERATURE.fullmatch(above.name):
            sampling, above = (float(match[1]), float(match[2])), above.parent
        told = above.name if solution in _SOLUTIONS else None
        model = told if model is None else model
        if model is None:
            raise ImportingError(
                f"{path}: lies in {solution!r}, not in correct_base_solution or incorrect_base_solution below "
                "a folder named after the model; give the model's name"
            )
        is_full = any(_chunk_folders(path))
        if not is_full and not (path / SITE_FILE).is_file():
            raise ImportingError(
                f"{path}: has neither {SITE_FILE} (layout of the site) nor chunk_<i>/solutions.json (layout of "
                f"the full data set); found: {found_in(path)}"
            )
        return cls(path, model, told, _SOLUTIONS.get(solution), sampling, is_full)


def _trace_folders(path: Path) -> list[Path]:
    if not path.is_dir():
        raise ImportingError(f"{path}: is not a folder; name the folder of a trace or one above it")
    path = path.resolve()  # so that the folders above a trace can be read off
    folders = [file.parent for file in find(path, PROBLEM_FILE)]
    if not folders:
        raise ImportingError(
            f"{path}: no {PROBLEM_FILE} in it or below; expected "
            f"<model>/<correct|incorrect>_base_solution/problem_<id>/, found: {found_in(path)}"
        )
    return folders


def _chunk_folders(path: Path) -> Iterator[Path]:
    return (folder for folder in path.glob(FULL_FOLDER) if (folder / "solutions.json").is_file())


def _import_model(
    model: str,
    folders: Sequence[_Folder],
    problem_set: str,
    notes: Sequence[str],
) -> Imported:
    kinds = {(folder.sampling, folder.is_full) for folder in folders}
    if len(kinds) > 1:
        raise ImportingError(
            f"model {model!r}: folders of different sampling or layout were found ({', '.join(map(str, kinds))}); "
            "import them as different problem sets"
        )
    (sampling, is_full) = kinds.pop()
    temperature, top_p = sampling or (0.6, 0.95)  # as the data set's card says
    source = Source(
        NAME,
        "sentences",
        {
            "n": 100,
            "temperature": temperature,
            "top_p": top_p,
            "denominator": "all rollouts" if is_full else "rollouts with an answer",
        },
        _PROMPT,
    )
    traces = [_read_trace(folder) for folder in folders]
    if not is_full:
        notes = [
            *notes,
            "n is approximate and counts rollouts with an answer: potentials are too high where rollouts gave none",
        ]
    return build(source, model, problem_set, traces, notes=notes)


# --- one trace ----------------------------------------------------------------------------------


def _read_trace(folder: _Folder) -> Trace:
    path = folder.path
    record = Record(read_json(path / PROBLEM_FILE), str(path / PROBLEM_FILE))
    problem = Problem(
        problem_id=path.name,
        statement=record.text("problem"),
        gold_answer=_gold(record),
        level=record.optional_text("level"),
        subject=record.optional_text("type"),
    )
    labels = _labels(path)
    chunks = [label.text("chunk") for label in labels]
    text, answer, verdict = _base_solution(folder, chunks)
    starts, ends = locate(text, chunks, str(path))
    words = Words(text)
    read = full_counts if folder.is_full else site_counts
    cuts: list[Cut] = []
    for index, (counts, rollouts) in enumerate(read(path, labels)):
        if index and starts[index] == ends[index]:
            continue  # a chunk of white space: its prefix is the one before
        char_end = ends[index - 1] if index else 0
        cuts.append(Cut(char_end, words.before(char_end), counts, rollouts))
    return Trace(
        problem, text, words.count, answer, verdict, tuple(cuts), notes=_notes(path.name, chunks, cuts)
    )


def _gold(record: Record) -> str:
    gold = record.optional_text("gt_answer")
    if gold is None:
        raise ImportingError(f"{record.where}: 'gt_answer' is missing or empty; leave the folder out")
    return gold


def _labels(path: Path) -> list[Record]:
    """The sentences: ``chunks_labeled.json``, or ``chunks.json`` of an unlabeled full data set."""
    labeled, plain = path / "chunks_labeled.json", path / "chunks.json"
    if labeled.is_file():
        values = read_json(labeled)
        where = labeled
    elif plain.is_file():
        values = [{"chunk": chunk} for chunk in Record(read_json(plain), str(plain)).items("chunks")]
        where = plain
    else:
        raise ImportingError(f"{path}: has no chunks_labeled.json; found: {found_in(path)}")
    if not isinstance(values, list) or not values:
        raise ImportingError(f"{where}: expected a list of sentences, found {type(values).__name__}")
    return list(records(values, str(where)))


def _base_solution(folder: _Folder, chunks: Sequence[str]) -> tuple[str, str | None, Verdict]:
    """Text, answer and verdict of the trace; without its file, the sentences joined by blanks."""
    file = folder.path / "base_solution.json"
    if file.is_file():
        record = Record(read_json(file), str(file))
        answer = record.optional_text("answer")
        incorrect: Verdict = "incorrect" if answer else "no_answer"
        return record.text("solution"), answer, "correct" if record.flag("is_correct") else incorrect
    if folder.is_correct is None or not folder.is_full:
        raise ImportingError(
            f"{folder.path}: has no base_solution.json, so the trace and its verdict are unknown; found: "
            f"{found_in(folder.path)}"
        )
    return " ".join(chunks), None, "correct" if folder.is_correct else "incorrect"


def _notes(name: str, chunks: Sequence[str], cuts: Sequence[Cut]) -> tuple[str, ...]:
    notes: list[str] = []
    if unknown := sum(cut.counts.n == 0 for cut in cuts):
        notes.append(
            f"{name}: {unknown} of {len(cuts)} prefixes have no rollouts; their potential is unknown"
        )
    if lacking := lacking_repeats(chunks):
        places = f"{len(lacking)} sentence{'s' * (len(lacking) > 1)}"
        notes.append(
            f"{name}: at {places} the source's prefix lacks an earlier repeat of the sentence (first at "
            f"{', '.join(map(str, lacking[:5]))}), so those potentials belong to a shorter text"
        )
    return tuple(notes)
