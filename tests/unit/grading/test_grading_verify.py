"""The canonical form, numerals, letters, units, and what a verdict says when it is none of right and wrong."""

import time
from fractions import Fraction

import pytest

from cot_assets.grading.gold import read_gold
from cot_assets.grading.reading.kinds import UnreadableError
from cot_assets.grading.reading.numbers import read_number
from cot_assets.grading.reading.quantities import split_unit
from cot_assets.grading.text.letters import choice_letter
from cot_assets.grading.text.spelling import canonical
from cot_assets.grading.verify import GRADER_VERSION, explain, quick_verdict, settled

SAME_FORM = [
    (r"\dfrac{1}{2}", r"\frac12"),
    (r"\frac 59", r"\frac{5}{9}"),
    (r"\frac9{19}", r"\frac{9}{19}"),
    (r"\left( 3, \frac{\pi}{2} \right)", r"(3,\frac{\pi}{2})"),
    (r"11,\! 111,\! 111,\! 100", "11,111,111,100"),
    (r"$\sqrt2$", r"\sqrt{2}"),
    ("√2", r"\sqrt{2}"),
    ("-1 + sqrt(3)", r"-1+\sqrt{3}"),
    ("2**(1/4)", "2^{1/4}"),
    ("74°", "74^\\circ"),
    (r"\\frac{1}{2}", r"\frac{1}{2}"),
    (r"2 \times x", r"2\cdot x"),
    (r"\boxed{5}", "5"),
    ("4２", "42"),
    ("10 000", "10000"),
    ("((x+1))", "x+1"),
    ("33.5%", r"33.5\%"),
    (".5", "0.5"),
]


@pytest.mark.parametrize(("a", "b"), SAME_FORM)
def test_canonical_form(a: str, b: str) -> None:
    assert canonical(a) == canonical(b)


@pytest.mark.parametrize(
    ("a", "b"), [("1 2", "12"), ("(1,2)", "1,2"), ("[1,2]", "(1,2)"), ("x+1", "x-1"), (r"\cot x", r"\cotx")]
)
def test_different_forms(a: str, b: str) -> None:
    assert canonical(a) != canonical(b)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("42", 42), ("-0042", -42), ("1,234.50", Fraction(2469, 2)), (r"\$18.90", Fraction(189, 10)),
        (r"-\frac{3}{8}", Fraction(-3, 8)), (r"\frac{-3}{8}", Fraction(-3, 8)), (r"12\frac{3}{5}", Fraction(63, 5)),
        ("3/4", Fraction(3, 4)), (r"1.5 \times 10^3", 1500), (r"2 \cdot 10^{-2}", Fraction(1, 50)),
        (r"0.1\overline{6}", Fraction(1, 6)), ("5.", 5), ("+7", 7),
    ],
)  # fmt: skip
def test_number(text: str, value: Fraction | int) -> None:
    number = read_number(canonical(text))
    assert number is not None
    assert number.value == value


@pytest.mark.parametrize(
    "text",
    [r"\frac{1}{0}", "1/0", "1,23", "x", "1.2.3", "", "--1", r"10^{10^{10}}", r"2\cdot 10^{99999}"],
)
def test_not_read_number(text: str) -> None:
    assert read_number(canonical(text)) is None


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        (r"864 \mbox{ inches}^2", "864"), (r"5.4 \text{ cents}", "5.4"), ("10 square units", "10"),
        (r"100\text{ square units}", "100"), (r"3 \text{ in}", "3"), (r"4:30 \text{ p.m.}", r"4:30\text{p.m.}"),
        (r"x \text{ is even}", r"x\text{is even}"), ("5 pi", r"5\pi"), (r"\text{cm}", r"\text{cm}"),
    ],
)  # fmt: skip
def test_unit_split_off(text: str, bare: str) -> None:
    assert split_unit(canonical(text))[0] == bare


def test_a_decimal_is_no_integer() -> None:
    near = quick_verdict("41.9999999", "42", "integer")
    assert near is not None
    assert near.verdict == "incorrect"


@pytest.mark.parametrize(
    ("answer", "verdict"), [("B", "correct"), ("(b)", "correct"), ("C", "incorrect"), ("42", "incorrect")]
)
def test_multiple_choice(answer: str, verdict: str) -> None:
    judgement = quick_verdict(answer, "B", "multiple_choice")
    assert judgement is not None
    assert judgement.verdict == verdict


def test_what_needs_algebra_is_left_open() -> None:
    assert quick_verdict(r"\sum_{k=1}^{n} k", r"\frac{n(n+1)}{2}", "expression") is None
    assert quick_verdict("100000000!", "1024", "integer") is None


@pytest.mark.parametrize("answer", ["1" * 5000, "(" * 30 + "1" + ")" * 30 + "+x", "{" * 1000 + "x"])
def test_what_is_too_long_or_deep_is_unscored(answer: str) -> None:
    judgement = quick_verdict(answer, "7", "expression")
    assert judgement is not None
    assert judgement.verdict == "unscored"


@pytest.mark.parametrize("piece", [r"\text{a}", "5 cm ", "Ca2", "1,", "A-", "5'"])
def test_what_repeats_takes_no_time_out_of_proportion(piece: str) -> None:
    text = (piece * 2000)[:4000]
    start = time.process_time()
    quick_verdict(text, text[:-9] + "1", "expression")
    assert time.process_time() - start < 1


def test_unknown_kind_and_empty_gold() -> None:
    with pytest.raises(ValueError, match="'essay' is not known"):
        quick_verdict("1", "1", "essay")
    empty = quick_verdict("1", " ", "expression")
    assert empty is not None
    assert empty.verdict == "unscored"


def test_letters() -> None:
    assert [
        choice_letter(text) for text in (r"a) \text{foo}", "(b) f(x)", "(a) or (c)", "(a), (c)", "B\\ ")
    ] == ["A", "B", None, None, "B"]
    assert choice_letter(r"\textbf{(D)}\ 12") == "D"
    assert choice_letter("option c") == "C"
    assert choice_letter("dog") is None


def test_version_names_what_decides() -> None:
    assert all(name in GRADER_VERSION for name in ("cot-assets", "math-verify-", "sympy-", "latex2sympy2-"))


@pytest.mark.parametrize(
    ("gold", "kind", "why"),
    [
        (".", "expression", "nothing in it"), (r"\text{}", "expression", "nothing in it"), ("NaN", "expression", "missing"),
        ("  ", "integer", "missing"), ("null", "number", "missing"), ("N/A", "expression", "missing"), ("$$", "expression", "nothing"),
        ("Half of 48 is 24.\nSo 72.\n#### 72", "expression", "gold_rules"), ("1/2", "integer", "not an integer"), ("x+1", "number", "reads as expression"),
        ("5", "date", "reads as number"), ("A or B", "multiple_choice", "several"), ("1/0", "expression", "no value"), (r"\frac{x}{1-1}", "expression", "no value"),
        ("2^{", "expression", "without an end"), ("3, 1/0", "expression", "no value"), ("x=", "expression", "without an end"), ("(1,2", "expression", "end"),
        ("1,,2", "expression", "end"), (r"\ln 0", "expression", "no value"), ("...", "expression", "end"), ("#N/A", "expression", "missing"), ("1/0 m", "expression", "no value"),
    ],
)  # fmt: skip
def test_golds_that_nothing_can_equal(gold: str, kind: str, why: str) -> None:
    with pytest.raises(UnreadableError, match=why):
        read_gold(gold, kind)


def test_words_that_look_like_a_missing_value() -> None:
    assert [str(read_gold(gold, "expression")) for gold in ("Na", "nat", "none")] == [
        "text na",
        "text nat",
        "region ∅",
    ]


@pytest.mark.parametrize(
    ("answer", "gold", "kind", "verdict"),
    [
        ("1/2", "1,2", "list", "incorrect"), ("200, 100", "100,200", "list", "correct"), ("100200", "100,200", "list", "incorrect"),
        ("x=2", "2", "number", "correct"), ("IX", "ix", "text", "correct"), ("1+2", "2+1", "text", "incorrect"), ("(2,1)", "(1,2)", "tuple", "incorrect"),
        ("1<x<2", "(1,2)", "interval", "correct"), ("2,1", r"\{1,2\}", "set", "correct"), ("5", "5", "set", "correct"), ("May 1, 2024", "2024-05-01", "date", "correct"),
    ],
)  # fmt: skip
def test_a_declared_kind_decides(answer: str, gold: str, kind: str, verdict: str) -> None:
    judgement = quick_verdict(answer, gold, kind)
    assert judgement is not None
    assert judgement.verdict == verdict, judgement.reason


@pytest.mark.parametrize(
    ("answer", "gold", "statement", "verdict"),
    [
        ("10 cm", "10", "How many centimeters long is it?", "correct"), ("10", "10 cm", "Its length in cm?", "correct"),
        ("10 cm", "10", "How many inches?", "incorrect"), ("10", "10 cm", "How many inches?", "incorrect"), ("10 cm", "10", None, "correct"),
        ("12 glorps", "12", "How many glorps are there?", "correct"), ("12 glorps", "12", "How many?", "incorrect"), ("12 glorps", "12", None, "incorrect"),
        (r"50\%", "50", "What percentage is it?", "correct"), (r"50\%", "50", "What part is it?", "incorrect"), (r"50\%", "0.5", "What part is it?", "correct"),
        (r"90^\circ", "90", "Find the angle.", "correct"), (r"\$5", "5", "How many dollars?", "correct"), ("5", r"\$5", "It costs $3 more.", "correct"),
        ("15 cm^2", "15", "A side is 3 cm long.", "correct"), ("11 cm", "10", "How many cm?", "incorrect"), ("5 m", "5", "Tom has 5 more.", "incorrect"),
        ("5 m/s^2", "5", "How many meters?", "incorrect"), ("$5 per hour", "5", "What does she earn an hour?", "correct"), ("5 m/s", "5", "How many meters per second?", "correct"),
    ],
)  # fmt: skip
def test_a_unit_of_one_side_must_be_named(
    answer: str, gold: str, statement: str | None, verdict: str
) -> None:
    judgement = quick_verdict(answer, gold, "expression")
    assert judgement is not None
    assert settled(judgement, statement) == verdict


def test_both_readings_are_told() -> None:
    told = explain("2 2/3", "12, 144", "expression")
    assert told == {"answer_reading": "number 8/3", "gold_reading": "list [number 12; number 144]"}
    assert explain("anything", ".", "expression")["gold_reading"] == "nothing in it"
