"""What both layouts of "Thought Anchors" say: where sentences lie in the text, and the rollouts at each.

Belongs here: sentences against a text, counts and rollouts by sentence. Does not belong here: the trace
(:mod:`cot_assets.importing.thought_anchors`, which says what is worth knowing of the numbers).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from cot_assets.importing.base import Counts, ImportingError, Rollout
from cot_assets.importing.files import Record, Words, count_of, read_json, records

SITE_FILE = "chunks_resampled.json"
MAX_RESAMPLED = 10_000  #: rollouts per prefix

Measured = Iterator[tuple[Counts, tuple[Rollout, ...]]]


def site_counts(path: Path, labels: Sequence[Record]) -> Measured:
    """Counts at each sentence in the layout of the site."""
    file = path / SITE_FILE
    resampled = Record(read_json(file), str(file))
    unknown = set(resampled.value) - {str(i) for i in range(len(labels))}
    if unknown:
        raise ImportingError(
            f"{file}: holds rollouts of sentence {min(unknown)[:40]!r}, but there are {len(labels)} sentences"
        )
    for index, label in enumerate(labels):
        count = len(resampled.items(str(index))) if resampled.has(str(index)) else 0
        if count > MAX_RESAMPLED:
            raise ImportingError(
                f"{file}: sentence {index} has {count:,} rollouts; at most {MAX_RESAMPLED:,}"
            )
        if count == 0:
            yield Counts(n=0, n_correct=0), ()
            continue
        accuracy = label.share("accuracy")
        n = implied_n(accuracy, count)
        yield Counts(n=n, n_correct=round(accuracy * n), is_n_approximate=True), ()


def implied_n(accuracy: float, count: int) -> int:
    """The number of answered rollouts behind a published accuracy.

    The largest n in [count / 2, count] for which accuracy * n is whole, so that n_correct / n is the
    published figure; ``count`` itself if there is none (n_correct / n is then off by up to 1 / (2 count)).
    """
    return next((n for n in range(count, count // 2, -1) if count_of(accuracy, n) is not None), count)


def full_counts(path: Path, labels: Sequence[Record]) -> Measured:
    """Counts and rollouts at each sentence in the layout of the full data set."""
    for index in range(len(labels)):
        file = path / f"chunk_{index}" / "solutions.json"
        if not file.is_file():
            yield Counts(n=0, n_correct=0), ()
            continue
        values = read_json(file)
        if not isinstance(values, list):
            raise ImportingError(f"{file}: expected a list of rollouts, found {type(values).__name__}")
        if len(values) > MAX_RESAMPLED:
            raise ImportingError(f"{file}: {len(values):,} rollouts; at most {MAX_RESAMPLED:,} are read")
        shard = f"{path.parent.name}/{path.name}/chunk_{index}/solutions.json"
        rollouts = tuple(
            _rollout(record, shard) for record in records(values, str(file)) if not record.has("error")
        )
        yield Counts.of(rollouts), rollouts


def _rollout(record: Record, shard: str) -> Rollout:
    answer = record.optional_text("answer")
    n_tokens = Words(record.text("rollout")).count if record.has("rollout") else 0
    if answer is None:
        return Rollout(None, "no_answer", n_tokens, shard)
    if not record.has("is_correct"):
        return Rollout(answer, "unscored", n_tokens, shard)
    return Rollout(answer, "correct" if record.flag("is_correct") else "incorrect", n_tokens, shard)


# --- sentences ----------------------------------------------------------------------------------


def locate(text: str, chunks: Sequence[str], where: str) -> tuple[list[int], list[int]]:
    """Where each chunk lies in the text: offsets of its first character, and after its last.

    Chunks are the text in order up to white space (sentences that were merged are joined by a blank, where
    the text has an empty line), so both are compared without white space. A chunk of white space alone gets
    an empty range. The text may go on after the last chunk.

    Raises:
        ImportingError: A chunk is not what follows in the text.
    """
    places = [i for i, character in enumerate(text) if not character.isspace()]
    dense = "".join(text[i] for i in places)
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for index, chunk in enumerate(chunks):
        sought = "".join(chunk.split())
        if not dense.startswith(sought, at):
            here = text[places[at] :] if at < len(places) else ""
            raise ImportingError(
                f"{where}: sentence {index} is {chunk[:80]!r}, but the solution goes on with {here[:80]!r}; the "
                "files do not belong together"
            )
        if sought:
            starts.append(places[at])
            at += len(sought)
            ends.append(places[at - 1] + 1)
        else:
            starts.append(ends[-1] if ends else 0)
            ends.append(ends[-1] if ends else 0)
    return starts, ends


def lacking_repeats(chunks: Sequence[str]) -> list[int]:
    """Sentences whose text is also found earlier, and so was removed there as well.

    The source builds the prefix of sentence i by deleting every occurrence of its text from the sentences
    up to i, joined by blanks (``generate_rollouts.py``: ``full_cot_prefix.replace(chunk_text, "")``).
    """
    lacking: list[int] = []
    before = ""
    for index, chunk in enumerate(chunks):
        upto = f"{before} {chunk}".strip()
        if chunk and "".join(upto.replace(chunk, "").split()) != "".join(before.split()):
            lacking.append(index)
        before = upto
    return lacking
