"""Where a text states an answer: contexts, whole expressions, spellings, offsets."""

import time

import pytest

from cot_assets.grading.text.extract import extract_answer
from cot_assets.grading.text.statements import first_leak, states_answer_at

# text, answer, the statement (None: there is none)
STATED = [
    (r"Therefore \boxed{4}.", "4", r"Therefore \boxed{4"),
    (r"\boxed{x = 4}", "4", r"\boxed{x = 4"),
    (r"\boxed{4 \text{ cm}}", "4", r"\boxed{4"),
    (r"\boxed{\text{(C)}}", r"\text{(C)}", r"\boxed{\text{(C)"),
    ("x = 4.", "4", "x = 4"),
    ("so $x = 4$, which", "4", "so $x = 4"),
    ("x = 4 = y", "4", "x = 4"),
    ("x &= 4 \\\\ y &= 5", "5", "x &= 4 \\\\ y &= 5"),
    ("= 4 (mod 7)", "4", "= 4"),
    ("= 4 - so it is", "4", "= 4"),
    ("= (4)", "4", "= (4"),
    ("the answer is **4**", "4", "the answer is **4"),
    ("The final answer to this is: 4", "4", "The final answer to this is: 4"),
    (r"= \dfrac{1}{2}$", r"\frac12", r"= \dfrac{1}{2}"),
    ("= 1/2.", r"\frac{1}{2}", "= 1/2"),
    ("= -1/2.", r"-\frac{1}{2}", "= -1/2"),
    (r"= \frac{-1}{2}.", r"-\frac{1}{2}", r"= \frac{-1}{2}"),
    ("= 1,234,567.", "1234567", "= 1,234,567"),
    (r"= 1\,234\,567.", "1,234,567", r"= 1\,234\,567"),
    ("= 025.", "25", "= 025"),
    (r"= 48^\circ", "48", "= 48"),
    (r"= \left( 3, \frac{\pi}{2} \right)$", r"(3,\frac{\pi}{2})", r"= \left( 3, \frac{\pi}{2} \right)"),
    (r"= 2\sqrt{3}.", r"2 \sqrt 3", r"= 2\sqrt{3}"),
    (r"= 4:30 \text{ p.m.}", r"\text{4:30 p.m.}", r"= 4:30 \text{ p.m."),
    ("= −4.", "-4", "= −4"),
    ("= 0.50.", "0.5", "= 0.50"),
    # Not stated: the answer is part of something larger, or merely occurs.
    ("x = 42.", "4", None),
    ("x = 4.5.", "4", None),
    ("x = 4,500.", "4", None),
    ("x = -4.", "4", None),
    ("37 = 3 * 11 + 4.", "4", None),
    ("x = 4 + 3", "4", None),
    ("x = 4 - 3", "4", None),
    ("x = 4y", "4", None),
    (r"x = 4\pi", "4", None),
    ("x = 4^2", "4", None),
    ("x = 4! / 3", "4", None),
    ("x = 4 mod 3", "4", None),
    ("x = 4 times 3", "4", None),
    ("x = 52_8", "52", None),
    ("x != 4.", "4", None),
    ("x <= 4.", "4", None),
    (r"\sum_{k=1}^{10} k", "1", None),
    ("we have 4 apples", "4", None),
    ("", "4", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "answer", "statement"), STATED)
def test_states_answer_at(text: str, answer: str, statement: str | None) -> None:
    assert states_answer_at(text, answer) == (None if statement is None else len(statement))


LEAKED = [
    ("we find 420 apples", "420", "we find 420"),
    ("(420)", "420", "(420"),
    ("so 1/2 of it", r"\frac12", "so 1/2"),
    ("the value 2.5 appears", "2.5", "the value 2.5"),
    ("we get x+1 here", "x+1", "we get x+1"),
    (r"the set \{1,2\} is", r"\{1,2\}", r"the set \{1,2\}"),
    ("N < 420", "420", "N < 420"),
    ("420 + 3", "420", None),
    ("3 * 420", "420", None),
    (r"\frac{420}{3}", "420", None),
    ("f(420)", "420", None),
    ("(420)^2", "420", None),
    ("1420 and 4200", "420", None),
    ("3,420", "420", None),
    ("2(x+1)", "x+1", None),
    # By chance: small integers, letters and words.
    ("we find 42 apples", "42", None),
    ("we find x apples", "x", None),
    ("Evelyn ran", r"\text{Evelyn}", None),
    ("the answer is Evelyn.", r"\text{Evelyn}", "the answer is Evelyn"),
]


@pytest.mark.parametrize(("text", "gold", "statement"), LEAKED)
def test_first_leak(text: str, gold: str, statement: str | None) -> None:
    assert first_leak(text, gold, "expression") == (None if statement is None else len(statement))
    if statement is not None and "answer" not in text:
        assert states_answer_at(text, gold) is None  # a leak by its mere presence is not a statement


@pytest.mark.parametrize("answer", ["", " ", r"\text{}", r"\text{ }", "$$", "{", "."])
def test_nothing_is_not_stated_everywhere(answer: str) -> None:
    assert first_leak("= 4. The answer is 5.", answer, "expression") is None


def test_multiple_choice_counts_boxes_and_answers_only() -> None:
    text = r"A is wrong, x = B, the answer is (B), \boxed{B}"
    assert first_leak(text, "B", "multiple_choice") == text.index("(B)") + 2
    assert first_leak(r"\boxed{\text{(B)}}", "B", "multiple_choice") is not None
    assert first_leak("A is wrong and so is B.", "B", "multiple_choice") is None


def test_one_scan_decides_every_cut() -> None:
    text = "So 3 * 14 = 42. Then 42 * 10 = 420. Wait. The answer is \\boxed{420}."
    leak = first_leak(text, "420", "integer")
    assert leak == text.index("420.") + 3
    assert [leak <= cut for cut in (0, 16, leak - 1, leak, len(text))] == [False, False, False, True, True]


def test_an_unusual_answer_is_found_in_its_own_box() -> None:
    answer = r"\begin{cases} 1 & x > 0 \\ 0 & \text{otherwise} \end{cases}"
    text = rf"Thus \boxed{{{answer}}}."
    assert extract_answer(text, "expression").answer == answer
    assert states_answer_at(text, answer) == len(text) - 2


@pytest.mark.parametrize(
    "text", ["4 " * 300_000, "= 4 + 4 " * 100_000, "{" * 10**6, "= 420" * 200_000, " " * 10**6]
)
@pytest.mark.parametrize("gold", ["4", "420", r"x^2+\frac{1}{2}"])
def test_a_megabyte_is_scanned_in_bounded_time(text: str, gold: str) -> None:
    start = time.process_time()
    first_leak(text, gold, "expression")
    assert time.process_time() - start < 5
