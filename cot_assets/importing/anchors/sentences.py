"""The sentences of "Thought Anchors": where they lie in the text, and which the source's prefixes lack.

Belongs here: published sentences against a text. Does not belong here: files
(:mod:`cot_assets.importing.thought_anchors`).
"""

from __future__ import annotations

from collections.abc import Sequence

from cot_assets.importing.base import ImportingError


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
    """Sentences whose text also stands earlier, and so was removed there as well.

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
