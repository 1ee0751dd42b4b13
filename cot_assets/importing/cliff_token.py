"""The potentials after every token of "Cliff Tokens" (beaver-22/Cliff-token), N = 64.

Belongs here: their JSON files, and the place of tokens in a text. Does not belong
here: identity and tables (:mod:`cot_assets.importing.frames`), this project's own events
(:mod:`cot_assets.measures.patterns.steps`).

A file holds one trace, or a list of them: ``question``, ``golden_answer`` (list), ``response``,
``is_correct``, ``response_tokens``, ``response_token_ids``, ``all_position_scores`` (item i is the
potential after token i + 1; null where it was not measured).

What is worth knowing of the numbers:

* The empty prefix was never sampled: cut 0 is unknown.
* Their sampler stops after 20 zeros in a row and publishes 0.0 for every later token
  (``EARLY_TERMINATION_K`` in ``src/config.py``; "fill terminated positions with 0.0" in
  ``src/analysis/generator.py``). A run of zeros that lasts to the end of a trace is therefore kept for 20
  positions and unknown after that.
* Rollouts without an answer, cut off, or too slow to grade count as incorrect; how many is not published.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from cot_assets.grading.text.extract import extract_answer
from cot_assets.importing.base import (
    Counts,
    Cut,
    Imported,
    ImportingError,
    Problem,
    Source,
    Trace,
    add_once,
    check_one_model,
)
from cot_assets.importing.files import (
    Record,
    checked_share,
    checked_text,
    count_of,
    find,
    found_in,
    read_json,
)
from cot_assets.importing.frames import build

NAME = "cliff-token"
ROLLOUTS = 64
EARLY_STOP = 20  #: zeros in a row after which the source samples no further
MAX_TOKENS = 100_000  #: tokens of one trace
_REPLACEMENT = "\ufffd"
_FIELDS = ("question", "golden_answer", "response", "response_token_ids", "all_position_scores")


def import_cliff_token(
    *paths: Path,
    problem_set: str = NAME,
    model: str | None = None,
    n: int = ROLLOUTS,
    early_stop: int | None = EARLY_STOP,
) -> list[Imported]:
    """Read files, and every such file below folders.

    Args:
        *paths: JSON files and folders; a file that is named twice is read once, and a trace in two files counts once.
        problem_set: Name that the problems get.
        model: Name of the model; default: the field ``_model``. Needed where the files do not tell.
        n: Rollouts per position; every score must be a multiple of 1 / n.
        early_stop: Length of a run of zeros after which scores up to the end are fill-ins; None: the source
            sampled every position.

    Returns:
        One result per model, by name.

    Raises:
        ImportingError: The layout is another one, or a file is malformed, too large or contradicts itself.
    """
    models: defaultdict[str, dict[tuple[object, ...], Trace]] = defaultdict(dict)
    told: set[str | None] = set()
    for file, is_named in _files(paths).items():
        for record in _records(file, others_are_skipped=not is_named):
            told.add(record.optional_text("_model"))
            name = model or record.optional_text("_model")
            if name is None:
                raise ImportingError(f"{record.where}: does not name its model; give the model's name")
            trace = _read_trace(record, n, early_stop)
            add_once(
                models[name], (trace.problem.problem_id, trace.text, trace.token_ids), trace, record.where
            )
    if not models:
        where = ", ".join(map(str, paths))
        found = found_in(paths[0]) if paths else "nothing"
        raise ImportingError(f"{where}: no JSON file with {', '.join(_FIELDS)} in it; found: {found}")
    check_one_model(model, told)
    source = Source(NAME, "tokens", {"n": n})
    return [
        build(source, name, problem_set, list(traces.values())) for name, traces in sorted(models.items())
    ]


def token_ends(text: str, tokens: Sequence[str], where: str = "response") -> list[int]:
    """Characters of the text that are complete after each token.

    Tokens that hold a part of a character were published as U+FFFD; the characters that they spell together
    are those up to where the next whole token is found, and are complete after the last of them. A blank
    before a token may be missing from it (tokenizers of the SentencePiece kind drop it).

    Raises:
        ImportingError: The tokens do not spell the text.
    """
    ends: list[int] = []
    at = index = 0
    while index < len(tokens):
        token = tokens[index]
        run = index
        while run < len(tokens) and _REPLACEMENT in tokens[run]:
            run += 1
        if text.startswith(token, at):
            first = after = at + len(token)
            run = index + 1
        elif run > index:
            first, after = _after_parts(text, at, "".join(tokens[index:run]), tokens[run : run + 1])
        else:
            first = after = at + 1 + len(token) if text.startswith(f" {token}", at) else -1
            run = index + 1
        if after < 0:
            raise ImportingError(
                f"{where}: token {index + 1} is {token[:40]!r}, but the text goes on with "
                f"{text[at : at + 40]!r}; tokens and text do not belong together"
            )
        ends += [first] * (run - index - 1) + [after]
        at, index = after, run
    if at != len(text):
        raise ImportingError(f"{where}: the tokens end before the text does, at {text[at : at + 40]!r}")
    return ends


def _after_parts(text: str, at: int, parts: str, following: Sequence[str]) -> tuple[int, int]:
    """Where the broken characters of a run of tokens begin, and where the run ends; (-1, -1) if nowhere.

    Whole characters before the first and after the last U+FFFD must be in the text. Between them lie at
    most as many characters as the run was published with; the outer ones have more than one byte.
    """
    head, tail = parts[: parts.index(_REPLACEMENT)], parts[parts.rindex(_REPLACEMENT) + 1 :]
    first = at + len(head)
    if not text.startswith(head, at) or text[first : first + 1].isascii():
        return -1, -1
    for end in range(first + 1, min(first + len(parts), len(text)) + 1):
        after = end + len(tail)
        goes_on = text.startswith(following[0], after) if following else after == len(text)
        if not text[end - 1].isascii() and text.startswith(tail, end) and goes_on:
            return first, after
    return -1, -1


def _files(paths: Sequence[Path]) -> dict[Path, bool]:
    """Files to read, sorted so that the order of arguments means nothing, and whether each was named itself."""
    files: dict[Path, bool] = {}
    for path in paths:
        if not path.exists():
            raise ImportingError(f"{path}: does not exist; name a JSON file or a folder with such files")
        for file in find(path, "*.json") if path.is_dir() else [path]:
            files[file.resolve()] = files.get(file.resolve(), False) or not path.is_dir()
    return dict(sorted(files.items()))


def _records(file: Path, *, others_are_skipped: bool) -> list[Record]:
    """The traces in a file; none if it is JSON of another kind and lies among such files."""
    values = read_json(file)
    values = values if isinstance(values, list) else [values]
    if others_are_skipped and not any(isinstance(v, dict) and set(_FIELDS) & set(v) for v in values):
        return []
    found = [Record(v, f"{file}[{i}]" if len(values) > 1 else str(file)) for i, v in enumerate(values)]
    for record in found:
        missing = [name for name in (*_FIELDS, "response_tokens", "is_correct") if name not in record.value]
        if missing:
            there = ", ".join(map(str, list(record.value)[:20]))
            raise ImportingError(f"{record.where}: lacks {', '.join(missing)}; found the fields {there}")
    return found


def _read_trace(record: Record, n: int, early_stop: int | None) -> Trace:
    text, where = record.text("response"), record.where
    golds = [
        checked_text(str(gold), f"{where}: 'golden_answer'").strip() for gold in record.items("golden_answer")
    ]
    if not golds or not golds[0]:
        raise ImportingError(f"{where}: 'golden_answer' is empty; leave the trace out")
    problem_id = record.optional_text("problem_id") or record.optional_text("id")
    if problem_id is None:
        raise ImportingError(f"{where}: has neither 'problem_id' nor 'id'; add one")
    problem = Problem(
        problem_id=problem_id,
        statement=record.text("question"),
        gold_answer=golds[0],
        subject=record.optional_text("_dataset"),
    )
    token_ids = record.token_ids("response_token_ids")
    tokens = record.items("response_tokens")
    scores = record.items("all_position_scores")
    if len(token_ids) > MAX_TOKENS:
        raise ImportingError(f"{where}: {len(token_ids):,} tokens; at most {MAX_TOKENS:,} are read")
    if len(tokens) != len(token_ids) or len(scores) > len(token_ids):
        raise ImportingError(
            f"{where}: {len(tokens)} tokens, {len(token_ids)} token ids and {len(scores)} scores do not fit together"
        )
    ends = token_ends(text, [str(token) for token in tokens], where)
    counts, filled = _counts(scores[: len(token_ids) - 1], n, early_stop, where)
    cuts = [Cut(0, 0, Counts(n=0, n_correct=0))]
    cuts += [Cut(ends[i], i + 1, known) for i, known in enumerate(counts)]
    answer = extract_answer(text, problem.answer_kind).answer
    verdict = "correct" if record.flag("is_correct") else "incorrect" if answer else "no_answer"
    notes = [f"{problem.problem_id}: other accepted answers {', '.join(golds[1:])[:200]} are not kept"] * (
        len(golds) > 1
    )
    if filled:
        notes.append(
            f"{problem.problem_id}: {filled} zeros at the end are fill-ins after {early_stop} measured zeros; their "
            "potential is unknown"
        )
    return Trace(
        problem,
        text,
        len(token_ids),
        answer,
        verdict,
        tuple(cuts),
        token_ids=token_ids,
        char_ends=tuple(ends),
        notes=tuple(notes),
    )


def _counts(scores: Sequence[object], n: int, early_stop: int | None, where: str) -> tuple[list[Counts], int]:
    """Counts per position, and how many of them are fill-ins."""
    potentials = [
        None if score is None else checked_share(score, f"{where}: score {i + 1}")
        for i, score in enumerate(scores)
    ]
    filled = 0
    if early_stop is not None:
        zeros = 0
        while zeros < len(potentials) and potentials[-1 - zeros] == 0:
            zeros += 1
        filled = max(0, zeros - early_stop)
    counts: list[Counts] = []
    for i, potential in enumerate(potentials):
        if potential is None or i >= len(potentials) - filled:
            counts.append(Counts())
            continue
        if (k := count_of(potential, n, 1e-6)) is None:
            raise ImportingError(
                f"{where}: score {i + 1} is {potential}, no multiple of 1/{n}; give the number of rollouts"
            )
        counts.append(Counts(n=n, n_correct=k))
    return counts, filled
