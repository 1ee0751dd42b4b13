"""What is measured of the text of a step: signs found once in the trace, in the step in which they end."""

import time

import polars as pl
import pytest
from build import PROTOCOL, curve
from support.judged import measure_jumps

from cot_assets.grading.text.statements import statement_ends
from cot_assets.measures.patterns.text_signs import calculation_ends, self_check_ends

CALCULATIONS = [
    ("37 = 3 * 11 + 4.", True),
    ("12*12=144", True),
    (r"\frac{1}{2} + 1 \approx 1.5", True),
    ("5! = 120", True),
    (r"2 \cdot 3 \equiv 1", True),
    ("2^10 ≡ 4 (mod 5)", True),
    ("x = 4", False),
    ("f(4) = 7", False),
    ("3 * 4 and 5 = five", False),
    ("3 * 4\n= 12", False),  # the left side stands on another line
    ("if (a == 3 * 4) 12", False),
    ("1 <= 2 + 3", False),
    ("a + b = b + a", False),
    ("see page 12 - it = nothing", False),
    ("", False),
]
CHECKS = [
    ("Wait, check that again.", 2),
    ("WAIT", 1),
    ("Hmm, hold on. Let me re-think.", 3),
    ("Double-checking; verified. A mistake?", 3),
    ("awaits a waiter in the checkout", 0),
    ("Is that right?", 1),
    ("wаit", 0),  # a Cyrillic letter
    ("", 0),
]


@pytest.mark.parametrize(("text", "is_one"), CALCULATIONS)
def test_a_calculation_is_an_equality_of_numbers_with_an_operation(text: str, is_one: bool) -> None:
    assert bool(calculation_ends(text)) == is_one


def test_a_calculation_ends_with_the_first_digit_of_its_result() -> None:
    assert calculation_ends("12 * 12 = 144.") == [len("12 * 12 = 1")]


@pytest.mark.parametrize(("text", "n"), CHECKS)
def test_words_of_doubt_are_whole_words(text: str, n: int) -> None:
    assert len(self_check_ends(text)) == n


def test_statements_are_all_mentions_not_only_the_first() -> None:
    text = r"x = 144. So 144 it is: \boxed{144}."
    assert [text[:end][-3:] for end in statement_ends(text, "144", "integer")] == ["144"] * 3
    assert statement_ends(text, "14", "integer") == []


def steps(text: str, pieces: list[str], gold: str = "144", states_from: int | None = None) -> pl.DataFrame:
    """The table for one trace that is cut after each of the pieces."""
    assert "".join(pieces) == text
    ends = [0]
    for piece in pieces:
        ends.append(ends[-1] + len(piece))
    frame = curve([(8, 64)] * len(pieces), states_from=states_from, text=text).with_columns(
        pl.Series("char_end", ends, dtype=pl.Int32)
    )
    problems = pl.DataFrame({"problem_id": ["p"], "gold_answer": [gold], "answer_kind": ["integer"]})
    return measure_jumps(frame, problems, PROTOCOL)


def test_every_step_is_measured() -> None:
    pieces = ["First.\n", "12 * 12 = 144.\n", "Wait 🙂.\n", "The answer is \\boxed{144}.", "x"]
    table = steps("".join(pieces), pieces, states_from=4)
    assert table["cut_index"].to_list() == [0, 1, 2, 3]  # the end takes no part
    assert table["n_characters"].to_list() == [len(piece) for piece in pieces[:4]]
    assert table["n_tokens"].to_list() == [3] * 4
    assert table["is_calculation"].to_list() == [False, True, False, False]
    assert table["is_self_check"].to_list() == [False, False, True, False]
    assert table["has_gold_answer"].to_list() == [False, True, False, True]
    assert table["has_first_answer"].to_list() == [False, False, False, True]


def test_a_cut_within_a_sign_neither_hides_nor_invents_it() -> None:
    pieces = ["aw", "aits 12 * 12 = 1", "44 wa", "it", "."]
    table = steps("".join(pieces), pieces)
    assert table["is_calculation"].to_list() == [False, True, False, False]
    assert table["has_gold_answer"].to_list() == [False, False, True, False]
    assert table["is_self_check"].to_list() == [False, False, False, True]


def test_a_step_with_an_unknown_end_is_left_out_and_nothing_is_evaluated() -> None:
    frame = curve([(8, 64), (0, 0), (8, 64), (9, 64)], text="__import__('os').abort() = 1 + 1\n" * 4)
    problems = pl.DataFrame({"problem_id": ["p"], "gold_answer": ["9**9**9"], "answer_kind": ["expression"]})
    assert measure_jumps(frame, problems, PROTOCOL)["cut_index"].to_list() == [2]


def test_without_a_known_problem_no_answer_is_found() -> None:
    frame = curve([(8, 64), (9, 64)])
    problems = pl.DataFrame(schema=dict.fromkeys(("problem_id", "gold_answer", "answer_kind"), pl.String))
    assert measure_jumps(frame, problems, PROTOCOL)["has_gold_answer"].to_list() == [False]
    assert measure_jumps(frame.clear(), problems, PROTOCOL).is_empty()


@pytest.mark.parametrize(
    "text",
    ["=" * 200_000, "1 + 1 = " * 30_000, "wait" * 50_000, "1" * 200_000, "\\boxed{" * 30_000, "(" * 200_000,
     "h" + "m" * 200_000 + "x", "re-" * 70_000, "\x00\ud7ff\u202e=1" * 40_000],
    ids=["signs", "sums", "waits", "digits", "boxes", "brackets", "hmms", "re", "control"],
)  # fmt: skip
def test_hostile_text_takes_linear_time(text: str) -> None:
    started = time.process_time()
    steps(text, [text[:9], text[9:99], text[99:], ""], gold="1")
    assert time.process_time() - started < 2.0
