"""Text from models is shown as it is: nothing hidden, nothing endless, no two names in one file."""

from __future__ import annotations

import pytest

from cot_assets.report.text import bounded, file_stem, one_line, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("a\x00b\x1b[31m", "a␀b␛[31m"),
        ("\x7f", "␡"),
        ("\x85", "⟨U+0085⟩"),
        ("\u202eabc\u202c", "⟨U+202E⟩abc⟨U+202C⟩"),
        ("\u2066x\u2069", "⟨U+2066⟩x⟨U+2069⟩"),
        ("zero\u200bwidth\ufeff", "zero⟨U+200B⟩width⟨U+FEFF⟩"),
        ("line\u2028separator", "line⟨U+2028⟩separator"),
        ("\U000e0041", "⟨U+E0041⟩"),
        ("lone \ud800 surrogate", "lone ⟨U+D800⟩ surrogate"),
        ("\ue000", "⟨U+E000⟩"),
        ("x² ≤ π, é, 数", "x² ≤ π, é, 数"),
        ("<script>", "<script>"),
    ],
)
def test_invisible_characters_become_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_piled_up_marks_are_cut_and_counted() -> None:
    assert visible("e" + "\u0301" * 3) == "e" + "\u0301" * 3
    assert visible("e" + "\u0301" * 300 + "f") == "e" + "\u0301" * 4 + "⟨+296 marks⟩f"


def test_bounded_keeps_both_ends_and_says_what_is_gone() -> None:
    text = "a" * 500 + "z" * 500
    short = bounded(text, 90)
    assert short.startswith("a" * 60)
    assert short.endswith("z" * 30)
    assert "910 characters not shown" in short
    assert bounded(text, 1000) == text


def test_one_line_is_one_line_of_at_most_so_many_characters() -> None:
    assert one_line("a \n\n b\tc", 20) == "a b c"
    assert len(one_line("x" * 10**6, 20)) == 20


def test_file_stems_are_plain_and_never_meet() -> None:
    names = [
        ("../../etc/passwd",), ("..", "..", "etc", "passwd"), ("A",), ("a",), ("a b",), ("a-b",), ("a", "b"),
        ("a\0b",), ("",), ("con",), ("x" * 5000,), ("x" * 5001,), ("<script>",), ("日本",), ("\ud800",),
    ]  # fmt: skip
    stems = [file_stem(*name) for name in names]
    assert len({stem.lower() for stem in stems}) == len(names)
    assert file_stem("a", unseen="1") != file_stem("a", unseen="2")
    for stem in stems:
        assert len(stem) < 150
        assert set(stem) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")
        assert not stem.startswith(("-", "."))
