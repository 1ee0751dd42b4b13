"""Sentences that have signs in them.

Belongs here: whether a form is one. Does not belong here: which of its letters are words (:mod:`..text.words`).
"""

from __future__ import annotations

from cot_assets.grading.reading.measured import read_quantity
from cot_assets.grading.text.splitting import RELATIONS, is_name, parts_of, split
from cot_assets.grading.text.words import words_in


def is_prose(form: str) -> bool:
    """Whether a form has so many words that its signs are those of a sentence."""
    parts = [split(part, RELATIONS)[0] for part in parts_of(form)[0] or [form]]
    inner = [
        side for sides in parts for side in (sides[1:] if len(sides) > 1 and is_name(sides[0]) else sides)
    ]
    words = [word for side in inner if read_quantity(side, side, None) is None for word in words_in(side)]
    is_related = any(len(sides) > 1 for sides in parts)
    return (bool(words) and (is_related or len(parts) < 2)) or len(words) > 2 * len(parts)
