"""What holds for every text and every number."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cot_assets.grading.comparing.evaluating import contexts
from cot_assets.grading.reading.numbers import read_number
from cot_assets.grading.text.extract import extract_answer
from cot_assets.grading.text.spelling import MAX_ANSWER_CHARS, canonical, clean
from cot_assets.grading.text.statements import first_leak, states_answer_at
from cot_assets.grading.verify import FAILED, quick_verdict
from cot_assets.study import ANSWER_RULES, AnswerRule

KINDS = st.sampled_from(["integer", "expression", "multiple_choice"])
PIECES = st.lists(
    st.sampled_from(
        [
            "\\boxed", "\\fbox", "{", "}", "\\{", "\\}", "\\\\", "</think>", "<think>", "answer is ", "= ", " ", "\n",
            "42", "B", "(B)", "\\text{", "$", "\\(", "\\)", ".", "-", "x", "\\frac{1}{2}", "1/2", "\x00", "\u200b",
            "٤", "\\", "[1,2]", "\\cup ", "(", ",", "<", "|", "\\pm ", " cm", "!", "^", ":", "_", "\\frac", " million",
        ]
    ),
    max_size=30,
).map("".join)  # fmt: skip
TEXTS = PIECES | st.text(max_size=200)
PLAIN = st.text(st.characters(exclude_characters="\\{}<", exclude_categories=["Cs"]), max_size=40)
FRACTIONS = st.fractions(min_value=-(10**6), max_value=10**6, max_denominator=10**4)


@pytest.fixture(autouse=True, scope="module")
def _arithmetic_is_loaded() -> None:
    """The first value that is evaluated loads mpmath, which takes seconds where a machine is busy."""
    contexts()


@given(TEXTS, KINDS, st.lists(st.sampled_from(ANSWER_RULES), min_size=1))
def test_extraction_never_fails(text: str, kind: str, rules: list[AnswerRule]) -> None:
    answer, rule = extract_answer(text, kind, rules)
    assert (answer is None) == (rule is None)
    assert answer is None or 0 < len(answer) <= MAX_ANSWER_CHARS
    if answer is not None:
        assert answer == clean(answer)
        if kind == "multiple_choice":
            assert len(answer) == 1
            assert answer.isupper()


@given(PLAIN, PLAIN, PLAIN)
def test_a_boxed_answer_comes_back(before: str, content: str, after: str) -> None:
    text = f"{before}\\boxed{{{content}}}{after}"
    assert extract_answer(text, "expression").answer == (clean(content) or None)


@given(PLAIN, st.integers(0, 999), st.integers(0, 999), PLAIN)
def test_the_last_box_counts(between: str, first: int, last: int, after: str) -> None:
    # With nothing but a comma, "and" or the like between them they would be one list.
    text = f"\\boxed{{{first}}}. {between}\\boxed{{{last}}}{after}"
    assert extract_answer(text, "integer").answer == str(last)
    assert extract_answer(text + "\\boxed{", "integer").answer is None


@given(TEXTS, TEXTS, KINDS)
def test_statements_lie_in_the_text(text: str, answer: str, kind: str) -> None:
    stated, leak = states_answer_at(text, answer, kind), first_leak(text, answer, kind)
    assert stated is None or 0 < stated <= len(text)
    if stated is not None:  # every statement leaks, and a leak may come earlier
        assert leak is not None
        assert leak <= stated


@given(TEXTS)
def test_an_extracted_answer_is_stated(text: str) -> None:
    answer = extract_answer(text, "expression").answer
    if answer is not None and canonical(answer) and "</think>" not in text:
        assert states_answer_at(text, answer) is not None


@given(PLAIN, st.integers(-(10**9), 10**9))
def test_a_statement_is_found_and_ends_there(before: str, value: int) -> None:
    text = f"{before}\nx = {value}"
    leak = first_leak(text + ", so", str(value), "integer")
    assert leak is not None
    assert leak <= len(text)
    if str(abs(value)) not in before:
        assert leak == len(text)


@given(st.text(max_size=60) | PIECES)
def test_canonical_form_is_short_and_clean(text: str) -> None:
    form = canonical(text)
    assert form == clean(form)
    assert len(form) <= 20 * len(text) + 20


@given(st.integers(), st.integers())
def test_integers_are_compared_exactly(a: int, b: int) -> None:
    for answer in (str(a), f"{a:,}", f"${a}$", f" {a}.", f"{a}.0", f"x = {a}"):
        judgement = quick_verdict(answer, str(b), "integer")
        assert judgement is not None
        assert judgement.verdict == ("correct" if a == b else "incorrect")
        again = quick_verdict(answer, str(a), "integer")
        assert again is not None
        assert again.verdict == "correct"


@given(FRACTIONS, FRACTIONS)
def test_fractions_are_compared_exactly(a: Fraction, b: Fraction) -> None:
    sign = "-" if a < 0 else ""
    p, q = abs(a.numerator), a.denominator
    for answer in (
        f"{a.numerator}/{q}",
        rf"{sign}\frac{{{p}}}{{{q}}}",
        rf"\dfrac{{{a.numerator}}}{{{q}}}",
        rf"\frac{{{3 * a.numerator}}}{{{3 * q}}}",
    ):
        number = read_number(canonical(answer))
        assert number is not None
        assert number.value == a
        judgement = quick_verdict(answer, str(b), "expression")
        assert judgement is not None
        assert judgement.verdict == ("correct" if a == b else "incorrect")


@given(TEXTS, TEXTS, KINDS)
def test_quick_verdicts_never_fail(answer: str, gold: str, kind: str) -> None:
    judgement = quick_verdict(answer, gold, kind)
    assert judgement is None or judgement.verdict in ("correct", "incorrect", "unscored")
    assert judgement is None or (judgement.reason and not judgement.reason.startswith(FAILED))


@given(TEXTS)
def test_every_text_equals_itself(text: str) -> None:
    judgement = quick_verdict(text, text, "expression")
    assert judgement is not None
    assert judgement.verdict == "correct" or judgement.reason.startswith("the gold answer:")
