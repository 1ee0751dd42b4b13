"""The pure pieces of the importers: places of sentences and tokens, counts, the grid."""

from __future__ import annotations

import pytest

from cot_assets.importing import ImportingError
from cot_assets.importing.anchors import implied_n, lacking_repeats, locate
from cot_assets.importing.base import Counts, Cut, Rollout, Source, digest
from cot_assets.importing.cliff_token import token_ends
from cot_assets.importing.files import Words
from cot_assets.importing.frames import grid_cuts


class TestLocate:
    """Sentences in a text whose white space differs."""

    def test_offsets_are_exact(self):
        text = "  One.\n\nTwo is 5.8 cm?\n\nBut no. \n End"
        starts, ends = locate(text, ["One.", "Two is 5.8 cm? But no."], "x")
        assert [text[a:b] for a, b in zip(starts, ends, strict=True)] == ["One.", "Two is 5.8 cm?\n\nBut no."]

    def test_repeated_sentences_are_told_apart(self):
        text = "Wait. Wait. Wait."
        assert locate(text, ["Wait."] * 3, "x") == ([0, 6, 12], [5, 11, 17])

    def test_blank_sentences_are_empty_ranges(self):
        assert locate("a b", [" ", "a", "\n", "b"], "x") == ([0, 0, 1, 2], [0, 1, 1, 3])

    @pytest.mark.parametrize("chunks", [["b"], ["a", "c"], ["a b c d"], ["a", "b", "c", "d"]])
    def test_another_text_is_refused(self, chunks):
        with pytest.raises(ImportingError, match=r"sentence . is .*the solution goes on with"):
            locate("a b c", chunks, "x")


@pytest.mark.parametrize(
    ("accuracy", "count", "n"),
    [
        (0.0, 99, 99),
        (1.0, 7, 7),
        (1 / 96, 97, 96),  # 1.01 of 97 is impossible
        (43 / 49, 99, 98),  # 86 of 98, not 43 of 49
        (0.5, 97, 96),
        (0.123456789, 90, 90),  # fits nothing: the count itself
        (1 / 3, 1, 1),
    ],
)
def test_implied_n(accuracy, count, n):
    assert implied_n(accuracy, count) == n


def test_implied_n_gives_back_every_share_of_up_to_a_hundred():
    for answered in range(60, 101):
        for k in range(answered + 1):
            n = implied_n(k / answered, 100)
            assert round(k / answered * n) / n == k / answered
            assert answered <= n <= 100


def test_sentences_that_were_said_before_lack_their_repeat():
    assert lacking_repeats(["So x.", "Wait.", "So y.", "Wait.", "End."]) == [3]
    assert lacking_repeats(["A b.", "b."]) == [1], "also as a part of an earlier sentence"
    assert lacking_repeats(["A.", "B."]) == []


class TestTokenEnds:
    """Characters that are complete after each token."""

    def test_whole_tokens(self):
        assert token_ends("ab cd", ["a", "b", " cd"]) == [1, 2, 5]

    def test_a_character_over_several_tokens(self):
        assert token_ends("a ✅ b", ["a", " \ufffd", "\ufffd", " b"]) == [1, 2, 3, 5]
        assert token_ends("🧮", ["\ufffd", "\ufffd", "\ufffd"]) == [0, 0, 1]

    def test_several_broken_characters_in_a_row(self):
        assert token_ends("é√x", ["\ufffd", "\ufffd\ufffd", "\ufffd", "x"])[-2:] == [2, 3]

    def test_a_replacement_character_in_the_text_itself(self):
        assert token_ends("a\ufffdb", ["a", "\ufffd", "b"]) == [1, 2, 3]

    def test_a_blank_that_the_tokenizer_drops(self):
        assert token_ends("a b", ["a", "b"]) == [1, 3]

    @pytest.mark.parametrize(
        ("text", "tokens"),
        [
            ("abc", ["a", "c"]),
            ("abc", ["abc", "d"]),
            ("abc", ["ab"]),
            ("abc", ["a", "\ufffd", "c"]),  # an ASCII character is never broken
            ("a✅c", ["a", "\ufffd", "d"]),
            ("a✅✅✅", ["a", "\ufffd"]),
            ("", ["a"]),
        ],
    )
    def test_tokens_of_another_text_are_refused(self, text, tokens):
        with pytest.raises(ImportingError, match=r"token|text"):
            token_ends(text, tokens)


def cuts(ends, n=8):
    return [Cut(e, e, Counts(n=n if known else 0, n_correct=0)) for e, known in ends]


class TestGrid:
    """Nearest cuts to every 5% of a trace."""

    def test_a_fine_curve_gives_twenty_points(self):
        fine = cuts([(i, True) for i in range(400)])
        assert grid_cuts(fine, 400) == list(range(0, 400, 20))

    def test_a_coarse_curve_gives_each_cut_once(self):
        coarse = cuts([(0, True), (30, True), (70, True)])
        assert grid_cuts(coarse, 100) == [0, 1, 2]

    def test_a_known_cut_nearby_is_preferred(self):
        some = cuts([(0, True), *((i, i % 5 == 1) for i in range(1, 200))])
        chosen = grid_cuts(some, 200)
        assert all(some[i].counts.n for i in chosen)

    def test_a_gap_stays_a_gap(self):
        """Half of the trace is unknown: the grid must not jump over it to the next known cut."""
        gap = cuts([(i, not 50 <= i < 90) for i in range(100)])
        chosen = grid_cuts(gap, 100)
        assert [i for i in chosen if not gap[i].counts.n] == [55, 60, 65, 70, 75, 80, 85]

    def test_the_empty_prefix_is_always_the_first(self):
        unknown_start = cuts([(0, False), (1, True), (2, True), (90, True)])
        assert grid_cuts(unknown_start, 100)[0] == 0


def test_words():
    words = Words("  one two\n\nthree ")
    assert words.count == 3
    assert [words.before(i) for i in (0, 2, 3, 5, 6, 9, 11, 12, 17)] == [0, 0, 1, 1, 1, 2, 2, 3, 3]


def test_counts_of_rollouts_keep_every_scored_one():
    verdicts = ["correct", "incorrect", "no_answer", "unscored", "no_answer"]
    counted = Counts.of(tuple(Rollout(None, v, 0, "") for v in verdicts))
    assert counted == Counts(n=4, n_correct=1, n_truncated=None, n_no_answer=2, n_unscored=1)
    assert Counts.of((Rollout(None, "truncated", 0, ""),)).n_truncated == 1


def test_counts_add_and_unknown_stays_unknown():
    assert Counts(n=4, n_correct=1) + Counts() == Counts(n=4, n_correct=1)
    total = Counts(n=4, n_correct=1, is_n_approximate=True) + Counts(n=2, n_correct=2, n_no_answer=0)
    assert total == Counts(n=6, n_correct=3, n_no_answer=0, is_n_approximate=True)


def test_digests_keep_their_parts_apart():
    assert digest("ab", "c") != digest("a", "bc")
    assert Source("s", "lines", {"n": 64}).sampling_hash != Source("s", "lines", {"n": 65}).sampling_hash
    assert len(Source("s", "lines", {"n": 64}).sampling_hash) == 12
