"""Ends of sentences are exact offsets that hold when they are reached. Guards the policy ``sentences`` of cuts."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cot_assets.sampling.sentences import AHEAD, sentence_ends

_PIECES = [
    "So x = 1.", " Then", " 3.14", "\n", "\n\n", " ", "“好。”", "对吗？", "यह है।", " Dr.", " e.g.", "$", "\\(", "\\)", "$$",
    "\\[", "\\]", " 1.", "!", "... ", "\\begin{align}", "\\end{align}", "🙂", "答えは5です。", " etc.", "5! = 120",
]  # fmt: skip
texts = st.one_of(st.text(max_size=80), st.lists(st.sampled_from(_PIECES), max_size=40).map("".join))


@given(text=texts)
def test_sentences_cover_the_text_and_none_is_empty(text: str) -> None:
    ends = sentence_ends(text)
    bounds = [0, *ends, len(text)]
    assert all(a < b for a, b in pairwise([0, *ends]))
    assert all(end <= len(text) for end in ends)
    pieces = [text[a:b] for a, b in pairwise(bounds)]
    assert "".join(pieces) == text
    assert all(piece.strip() for piece in pieces[:-1])


@given(text=texts, share=st.floats(0, 1))
def test_an_end_is_known_a_few_characters_later_whatever_follows(text: str, share: float) -> None:
    cut = round(share * len(text))
    known = [end for end in sentence_ends(text[:cut]) if end + AHEAD < cut]
    assert [end for end in sentence_ends(text) if end + AHEAD < cut] == known


def test_a_hostile_text_is_read_in_time_that_grows_with_its_length() -> None:
    for piece in ("!", "…?", '!"', "e.g. ", "\n", "1. ", "$. ", "\\[", " .", "a" * 50 + "\n \n", "$1,1"):
        text = piece * (200_000 // len(piece))
        assert len(sentence_ends(text)) <= len(text)
