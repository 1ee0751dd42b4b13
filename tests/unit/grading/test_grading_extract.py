"""Extraction: the last box, matched braces, thinking models, letters, unboxed statements."""

import time

import pytest

from cot_assets.grading.text import extract
from cot_assets.study import AnswerRule


def extract_answer(text: str, kind: str, *rules: AnswerRule) -> str | None:
    return extract.extract_answer(text, kind, rules or extract.DEFAULT_RULES).answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"so \boxed{42}.", "42"),
        (r"\boxed{1} and then \boxed{2}", "2"),
        (r"\boxed {\frac{1}{2}}", r"\frac{1}{2}"),
        ("\\boxed\n{7}", "7"),
        (r"\fbox{7}", "7"),
        (r"\boxed{3} \fbox{4}", "4"),
        (r"\boxed{\boxed{5}}", "5"),
        (r"\boxed{\{1,2\}}", r"\{1,2\}"),
        (r"\boxed{\left\{ x : x > 1 \right.}", r"\left\{ x : x > 1 \right."),
        (r"\boxed{ 8 }", "8"),
        (r"\boxedfoo{9} \boxed{8}", "8"),
        (r"\boxed{8} \boxedfoo{9}", "8"),
        ("no answer here", None),
        ("", None),
        (r"\boxed{}", None),
        (r"\boxed{  }", None),
        # A malformed last box is never repaired from an earlier one.
        (r"\boxed{1} ... \boxed{2", None),
        (r"\boxed{1} ... \boxed", None),
        (r"\boxed{1} ... \boxed 2", "2"),
        (r"\boxed{1} ... \boxed 2x", None),
        (r"\boxed{1} ... \boxed{\{2}", "\\{2"),
        (r"\boxed{1} ... \boxed{2\}", None),
    ],
)
def test_last_box(text: str, answer: str | None) -> None:
    assert extract_answer(text, "expression") == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"so \boxed{1} and \boxed{2}.", "1, 2"),
        (r"$x=\boxed{1}$ or $x=\boxed{2}$, or $x = \boxed{3}$", "1, 2, 3"),
        (r"$x=\boxed{1}$ and $y=\boxed{2}$", "2"),
        (r"$\boxed{5}$, $\boxed{5}$", "5"),
        (r"\boxed{41}. Wait: \boxed{42}", "42"),
    ],
)
def test_neighboring_boxes_are_a_list_unless_they_name_several_things(text: str, answer: str) -> None:
    assert extract_answer(text, "expression") == answer


def test_a_choice_between_boxes_is_no_letter() -> None:
    assert extract_answer(r"\boxed{A} or \boxed{C}", "multiple_choice") is None


@pytest.mark.parametrize(
    "text",
    [
        "答案是42。", "答案应该是 42。", "答えは42です。", "答え：42", "उत्तर: 42", "उत्तर 42 है।", "Правильный ответ: 42.", "الجواب: 42", "الإجابة هي 42", "La respuesta final es 42.",
        "Die Antwort ist 42.", "La réponse est 42.", "A resposta é 42.", "Risposta: 42", "Đáp án: 42", "정답: 42", "답은 42입니다.", "คำตอบคือ 42", "### Answer\n42", "**Final Answer**\n\n$42$",
    ],
)  # fmt: skip
def test_statements_in_other_languages(text: str) -> None:
    assert extract_answer(text, "expression", "statement") == "42"


@pytest.mark.parametrize("text", ["答案不是42", "ответ не 42", "La respuesta no es 42.", "नॉर्थ का अर्थ उत्तर"])
def test_no_statement(text: str) -> None:
    assert extract_answer(text, "expression", "statement") is None


@pytest.mark.parametrize(
    "text", ["选B", "故选：B", "正确答案是（B）。", "正解はBです。", "सही उत्तर B है।", "Ответ: B", "【B】"]
)
def test_letters_in_other_languages(text: str) -> None:
    assert extract_answer(text, "multiple_choice", "statement", "whole") == "B"


def test_the_last_number_may_have_a_counter_behind_it() -> None:
    assert extract_answer("总共是42个。", "expression", "last_number") == "42"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"<think>\boxed{3}</think> It is \boxed{4}.", "4"),
        (r"<think>\boxed{3}</think> It is four.", "3"),
        (r"<think>a</think>\boxed{1}</think>\boxed{2}", "2"),
        (r"<think> still thinking \boxed{3} and", "3"),
        (r"<think>\boxed{3}</think> It is \boxed{4", None),
    ],
)
def test_text_after_thinking_comes_first(text: str, answer: str | None) -> None:
    assert extract_answer(text, "integer") == answer


@pytest.mark.parametrize(
    "content", ["B", "b", "(B)", r"\text{B}", r"\textbf{(B) }", r"\mathrm{B}", "B. 42", "B)", r"(B)\ 4"]
)
def test_letter(content: str) -> None:
    assert extract_answer(rf"\boxed{{{content}}}", "multiple_choice") == "B"


@pytest.mark.parametrize("content", ["42", "A dog", r"\frac{1}{2}", "AB", r"\alpha", ""])
def test_no_letter(content: str) -> None:
    assert extract_answer(rf"\boxed{{{content}}}", "multiple_choice") is None


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answer is 42", "42"),
        ("The answer is 41. No, the answer is 42. Done", "42"),
        ("The answer is $$42$$", "42"),
        ("**Answer:** 3.5\nmore", "3.5"),
        (r"The final answer is \(\frac{1}{2}\).", r"\frac{1}{2}"),
        (r"answer is 1 but \boxed{2}", "2"),
        ("the question was asked", None),
    ],
)
def test_unboxed_only_if_allowed(text: str, answer: str | None) -> None:
    assert extract_answer(text, "expression", "boxed", "statement") == answer
    if "boxed" not in text:
        assert extract_answer(text, "expression") is None


@pytest.mark.parametrize(
    "what", ["A → C", "A ⇒ C", r"A \cup C", "A: not correct", "A (incorrect)", "A ✗", "A as well as C"]
)
def test_a_stated_letter_may_be_taken_back(what: str) -> None:
    assert extract_answer(f"The answer is {what}.", "multiple_choice", "statement") is None


@pytest.mark.parametrize(
    "text",
    [
        "Answer: (C)",
        "the answer is C.",
        "So the answer is **C**",
        "answer is C because",
        "the answer is C because it is larger, not B",
    ],
)
def test_unboxed_letter(text: str) -> None:
    assert extract_answer(text, "multiple_choice", "boxed", "statement") == "C"


def test_control_characters_are_dropped() -> None:
    assert extract_answer("\\boxed{4\x00\x1b2\u200b}", "integer") == "42"


def test_a_box_longer_than_an_answer_is_none() -> None:
    assert extract_answer(r"\boxed{" + "1" * 4096 + "}", "integer") == "1" * 4096
    assert extract_answer(r"\boxed{" + "1" * 5000 + "}", "integer") is None


@pytest.mark.parametrize(
    "text",
    [
        "{" * 10**6,
        "}" * 10**6,
        r"\boxed{" * 150_000,
        r"\boxed " * 150_000,
        "\\boxed" + " " * 10**6,
        "\\boxed{" + "{}" * 500_000,
        "\\" * 10**6,
        "answer " * 150_000,
        "answer is " * 100_000,
        "</think>" * 125_000,
    ],
    ids=lambda text: text[:10],
)
def test_a_megabyte_takes_linear_time(text: str) -> None:
    """Ten times the text may take ten times as long, not a hundred times."""

    def seconds(part: str) -> float:
        start = time.process_time()
        extract_answer(part, "expression", "boxed", "statement")
        return time.process_time() - start

    tenth = text[: len(text) // 10]
    assert seconds(text) < 40 * max(*(seconds(tenth) for _ in range(3)), 0.002)


LETTERS = [
    (r"\boxed{ \text { B }}", "B"), (r"\boxed{（Ｃ）}", "C"), (r"\boxed{\boldsymbol{B}}", "B"), (r"\boxed{E - a mutation}", "E"),
    (r"\boxed{B – the cell}", "B"), (r"\boxed{B: 12}", "B"), (r"\boxed{\textbf{(D)}\ 12}", "D"), (r"the answer is \boxed B.", "B"),
    (r"\boxed{The answer is C}", "C"), (r"\boxed{\text{Option C: } 12}", "C"), (r"\boxed{D) none of A}", "D"), (r"\fbox{A}", "A"),
    (r"\boxed{\langle H\rangle \ll \Delta E}. Hence **Answer: D**", "D"), (r"\boxed{x^2} so the answer is (D).", "D"),
    (r"\boxed{42}. **Answer:** C", "C"), (r"\boxed{(A), (C)}", None), (r"\boxed{(A) or (C)}", None), (r"\boxed{A) B) C) D)}", None),
    (r"\boxed{A) is wrong, so C}", None), (r"\boxed{A, B}", None), (r"\boxed{A/B}", None), (r"\boxed{B, not A}", None),
    (r"\boxed{A? No, B}", None), (r"\boxed{(A), (B), (C), (D)}", None), (r"\boxed{(A), (C)}. Answer: A", None), (r"\boxed{Option A or B}", None),
    (r"\boxed{\underline{C}}", "C"), (r"\boxed{\color{red}{C}}", "C"), (r"\boxed{\textcircled{C}}", "C"), (r"\boxed{Ⓒ}", "C"),
    (r"\boxed{𝐂}", "C"), (r"\boxed{'C'}", "C"), (r"\boxed{\$C\$}", "C"), (r"\boxed{C\text{ is correct}}", "C"),
    (r"\boxed{E=mc^2}. The correct option is C", "C"), (r"\boxed{C is correct, or A}", None), (r"\boxed{C is wrong}", None),
    (r"\boxed{C \text{ (the mitochondrion)}}", "C"), (r"\boxed{\text{选项C}}", "C"), (r"\boxed{\text{C。}}", "C"), (r"\boxed{C, \text{ because } x > 2}", "C"),
    (r"\boxed{\text{C—Paris}}", "C"), (r"\boxed{C\text{ only}}", "C"), (r"\boxed{Answer = C}", "C"), (r"\boxed{\text{C}\ \checkmark}", "C"),
    (r"\boxed{\text{C because A is too large, not B}}", "C"), (r"\boxed{\text{C because A is wrong, wait, actually D}}", None),
    (r"\boxed{\text{C (or D)}}", None), (r"\boxed{C-D}", None), (r"\boxed{X-Ray}. Answer: D", "D"), (r"\boxed{C(10,3)}. Answer: D", None), (r"\boxed{C = 12}. Answer: D", "D"),
    (r"\boxed{none}. Answer: A or B", None), (r"\boxed{A and C}", None), (r"\boxed{Not A}", None), (r"\boxed{(B) is incorrect}", None),
    (r"\boxed{\text{Since all but C fail, the answer is C}}", "C"), (r"\boxed{\text{As B fails, the answer must be D}}", "D"), (r"\boxed{\text{The answer is A. Wait, no, the answer is C}}", "C"), (r"\boxed{\text{Antwort: C}}", "C"),
    (r"\boxed{\text{C. Both A and B}}", "C"), (r"\boxed{\text{(D) All of the above (A, B and C)}}", "D"), (r"\boxed{\text{B. Not enough information}}", "B"), (r"\boxed{\text{D. No, because it is wrong}}", "D"), (r"\boxed{\text{A: False}}", "A"),
    (r"\boxed{\text{C. Incorrect assumption}}", "C"), (r"\boxed{\text{B. A rather large one}}", "B"), (r"\boxed{\text{B, the mitochondria}}", "B"), (r"\boxed{\text{B, as } 3>2}", "B"), (r"\boxed{\text{choose B}}", "B"),
    (r"\boxed{B \quad 12}", "B"), (r"\boxed{\text{B } \$15}", "B"), (r"\boxed{B (12)}", "B"), (r"\boxed{\text{B}\;\frac12}", "B"), (r"\boxed{A \ \text{(1 and 3 only)}}", "A"),
    (r"\boxed{\text{A, then B}}", None), (r"\boxed{\text{A 5\% increase}}", None), (r"\boxed{\text{I, too, agree}}", None), (r"\boxed{\text{C, H and O}}", None), (r"\boxed{\text{Both A and C}}", None), (r"\boxed{\text{D. None of these, so C}}", None),
    (r"\boxed{A (wrong)}", None), (r"\boxed{\text{A) incorrect, C) correct}}", None), (r"\boxed{\text{the answer is not A}}", None), (r"\boxed{\text{the answer is A or B}}", None), (r"\boxed{\text{The answer is A, wait, no, C}}", None),
    (r"\boxed{\text{A: no; C: yes}}", None), (r"\boxed{\text{A. B. C.}}", None), (r"\boxed{\text{A} ✗}", None),
    (r"\boxed{B_{12}}", None), (r"\boxed{A \cdot 5}", None), (r"\boxed{B the cell}", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "letter"), LETTERS)
def test_letters_as_models_write_them(text: str, letter: str | None) -> None:
    assert extract_answer(text, "multiple_choice") == letter


@pytest.mark.parametrize(
    ("text", "rules", "found"),
    [
        ("48 / 2 = 24\n#### 1,200", ("hash",), ("1,200", "hash")),
        ("a #### 3 b\n#### 7\nmore", ("boxed", "hash"), ("7", "hash")),
        (r"\boxed{5} #### 7", ("boxed", "hash"), ("5", "boxed")),
        (r"\boxed{5} #### 7", ("hash", "boxed"), ("7", "hash")),
        (
            "so it costs $1,234.50 in all.",
            ("boxed", "statement", "last_number"),
            ("$1,234.50", "last_number"),
        ),
        ("so 1e5", ("last_number",), ("1e5", "last_number")),
        (r"is \frac{3}{4}.", ("last_number",), (r"\frac{3}{4}", "last_number")),
        ("is 2 1/2 m", ("last_number",), ("2 1/2", "last_number")),
        ("is 1 000 000.", ("last_number",), ("1 000 000", "last_number")),
        ("is 3,14", ("last_number",), ("3,14", "last_number")),
        ("is ２５", ("last_number",), ("２５", "last_number")),
        ("is 3.14.15", ("last_number",), (None, None)),
        ("答案是42。", ("statement",), ("42", "statement")),
        ("The answer is therefore 5.", ("statement",), ("5", "statement")),
        ("The answer is Dr. Smith. Done.", ("statement",), ("Dr. Smith", "statement")),
        ("from 3 to -7/2, done", ("last_number",), ("-7/2", "last_number")),
        ("The final answer is 12.", ("boxed", "statement"), ("12", "statement")),
        ("The answer is 5. Wait, that's wrong. Let me", ("statement",), (None, None)),
        ("The answer is 5. Actually, no, it is 6.", ("statement", "last_number"), ("6", "last_number")),
        ("The answer is 5. Wait, let me verify: yes.", ("statement",), ("5", "statement")),
        ("The right answer must be 7.", ("statement",), ("7", "statement")),
        ("The answer comes out to 7.", ("statement",), ("7", "statement")),
        ("nothing", ("boxed", "statement", "hash", "last_number"), (None, None)),
        (r"\boxed{1} then \boxed{2", ("boxed", "last_number"), (None, None)),
        ("<think> 5 </think> so 6", ("last_number",), ("6", "last_number")),
    ],
)
def test_rules_in_their_order(
    text: str, rules: tuple[AnswerRule, ...], found: tuple[str | None, str | None]
) -> None:
    assert extract.extract_answer(text, "expression", rules) == found
