"""Cutting traces: at which tokens, and how many characters come before them.

Belongs here: cut policies and the mapping between tokens and characters. Does not belong here: what a
prefix is worth, and whether it states the answer (:mod:`cot_assets.grading`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from os.path import commonprefix
from typing import Any

from cot_assets.sampling.sentences import sentence_ends
from cot_assets.study import CutPolicy

Decode = Callable[[Sequence[int]], str]
_WINDOW = 8  #: tokens of context: tokenizers may drop a blank at the start of what they decode
_LONGEST = 64  #: tokens of a window after which it may also begin with bytes that are not a character
_BYTES = 4  #: of a character, at most
REPLACEMENT = "\ufffd"  #: what decoders write for bytes that are not a character, or not yet
_LINE_END = re.compile(r"(?<=\S)[^\S\n]*\n")  #: of lines that are not blank


def char_ends(decode: Decode, token_ids: Sequence[int]) -> list[int]:
    """For every token, the characters of the decoded text that are complete after it.

    A character whose bytes are spread over tokens belongs to the last of them. Tokens are decoded in a
    short window, as streaming servers do, and each prefix in full only where that does not add up.
    """
    ends: list[int] = []
    start, base = 0, 0  # a window over tokens, and the characters before it
    for position in range(1, len(token_ids) + 1):
        piece = decode(token_ids[start:position])
        whole = piece.rstrip(REPLACEMENT)  # what is cut off may become a character with the next token
        before = ends[-1] if ends else 0
        ends.append(max(base + len(whole), before) if whole else before)
        length = position - start
        if length < 2 * _WINDOW or (whole != piece and length < _LONGEST):
            continue
        reached = ends[-1] if whole == piece else base + len(piece)
        for first in range(position - _WINDOW, position - _WINDOW - _BYTES, -1):
            kept = decode(token_ids[first:position])
            is_clean = whole == piece and not kept.startswith(REPLACEMENT)
            if is_clean or (length >= _LONGEST and piece.endswith(kept)):
                start, base = first, reached - len(kept)
                break
    if not ends:
        return []
    text = decode(token_ids)
    if ends[-1] != len(text.rstrip(REPLACEMENT)):
        agreed = (
            len(commonprefix([text, decode(token_ids[:position]).rstrip(REPLACEMENT)]))  # noqa: RUF071
            for position in range(1, len(token_ids) + 1)
        )
        ends = list(accumulate(agreed, max))
    ends[-1] = len(text)
    return ends


def complete_text(decode: Decode, token_ids: Sequence[int]) -> str:
    """The text of token ids without a character that they end within.

    Some decoders spoil the characters before it as well, so that the longest text of the last few
    lengths counts: a character has at most four bytes.
    """
    lengths = range(len(token_ids), max(len(token_ids) - 4, -1), -1)
    return max((decode(token_ids[:n]).rstrip(REPLACEMENT) for n in lengths), key=len)


def ends_within(decode: Decode, token_ids: Sequence[int]) -> bool:
    """Whether token ids end within a character, whose bytes lie in several tokens.

    Such a prefix cannot travel as text, and what comes next is not a choice.
    """
    parts = (token_ids[max(0, len(token_ids) - size) :] for size in range(_WINDOW, _WINDOW + _BYTES))
    return all(decode(part).endswith(REPLACEMENT) for part in parts)


def cut_positions(
    policy: CutPolicy,
    text: str,
    ends: Sequence[int],
    max_cuts: int,
    is_within: Callable[[int], bool] = lambda _: False,
) -> list[int]:
    """Token positions of the cuts of a trace: 0 first, ascending, distinct, before the trace's end.

    Args:
        policy: ``tokens``: ``max_cuts`` chunks of equal token length, up to a character; ``lines``, ``sentences``: after
            the token that completes each line or sentence.
        text: The decoded trace.
        ends: Characters that are complete after each token, from :func:`char_ends`.
        max_cuts: The most positions. Where a trace has more lines or sentences, the first half
            of the cuts stay at the first ends (cut k is the k-th end, a stopping time) and the others
            are spread evenly over the rest.
        is_within: Whether a position is one within a character; a cut there moves to the character's end.
    """
    n_tokens = len(ends)

    def whole(position: int) -> int:
        for end in range(position, position + _BYTES):
            if end >= n_tokens or not is_within(end):
                return end
        return position  # bytes that are not a character

    if policy == "tokens":
        wanted = {whole(round(i * n_tokens / max_cuts)) for i in range(max_cuts)}
        return sorted(wanted - {n_tokens}) or [0]
    stops = [line.end() for line in _LINE_END.finditer(text)] if policy == "lines" else sentence_ends(text)
    positions, token = [0], 0
    for stop in stops:
        while token < n_tokens and ends[token] < stop:
            token += 1
        position = whole(token + 1)
        if positions[-1] < position < n_tokens:
            positions.append(position)
    if len(positions) <= max_cuts:
        return positions
    first = absolute_cuts(max_cuts)
    rest = positions[first:]
    left = max_cuts - first
    spread = [rest[round((i + 1) * len(rest) / left) - 1] for i in range(left)]
    return positions[:first] + spread


def absolute_cuts(max_cuts: int) -> int:
    """How many cuts of a long trace stay where they are at any length (see :func:`cut_positions`)."""
    return (max_cuts + 1) // 2


def positions_in(trace: Mapping[str, Any], policy: CutPolicy, most: int, decode: Decode) -> list[int]:
    """The :func:`cut_positions` of a row of ``traces``."""
    ids = trace["token_ids"]
    return cut_positions(
        policy, trace["text"], trace["char_ends"], most, lambda position: ends_within(decode, ids[:position])
    )
