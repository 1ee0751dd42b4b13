"""Verdicts that need computer algebra, in real workers."""

import pytest

from cot_assets.grading.pool import GraderPool

EQUAL = [
    (r"2.5\pi", r"\frac{5\pi}{2}"), ("0.5x", r"\frac{x}{2}"), (r"\frac{\sqrt{2}}{2}", r"\frac{1}{\sqrt{2}}"),
    ("[-2,7]", r"x \in [-2,7]"), (r"x\in[-2,7]", "[-2,7]"), ("-2,1", r"\{1,-2\}"),
    (r"x=-2 \text{ or } x=1", "-2,1"), ("(x+1)^2", "x^2+2x+1"), (r"1+\sqrt{19},1-\sqrt{19}", r"1 \pm \sqrt{19}"),
    ("x>5", r"(5,\infty)"), (r"-\sqrt{3}<x<\sqrt{3}", r"(-\sqrt{3}, \sqrt{3})"), (r"2(\pi+9)", r"18+2\pi"),
    (r"\frac{1}{2}+\frac{\sqrt{3}}{2}i", r"\frac{1+i\sqrt{3}}{2}"), ("(1+i)^2", "2i"), (r"e^{i\pi}", "-1"),
    (r"\begin{bmatrix} -1/3 \\ 2/3 \end{bmatrix}", r"\begin{pmatrix} -1/3 \\ 2/3 \end{pmatrix}"),
    ("2^{10}", "1024"), (r"\log_2 8", "3"), (r"\binom{5}{2}", "10"), ("5!", "120"), ("3.141593", r"\pi"),
    (r"\cot x", r"\frac{\cos x}{\sin x}"), (r"\sin 30^\circ", r"\frac12"), ("2x+3", "y = 2x + 3"),
    ("y = 3 + 2x", "y = 2x + 3"), ("10x-14y+22z+8=0", "5x - 7y + 11z + 4 = 0"), (r"4\pi\text{ cm}^2", r"4\pi"),
    (r"\angle APC = 74^\circ", r"74^\circ"), ("7, 5, 3", "3, 5, 7"), (r"\text{C}", r"\text{(C)}"),
    (r"1+2+\ldots+n", r"\frac{n(n+1)}{2}"), (r"1+3+5+\cdots+(2n-1)", "n^2"), ("2^n-1", r"1+2+4+\ldots+2^{n-1}"), (r"\frac{n(n+1)}{2}", r"\sum_{i=1}^{n} i"), (r"\prod_{i=1}^n i", "n!"),
]  # fmt: skip
UNEQUAL = [
    ("(2,1)", "(1,2)"), ("[1,2]", "(1,2)"), (r"\{1,2,3\}", r"\{1,2\}"), ("3.14", r"\pi"), ("1,2", "12"),
    ("12", "1,2"), ("x+1", "x-1"), ("2x+4", "y=2x+3"), (r"\sqrt{3}", r"\sqrt{2}"), ("2^{2025}", "3^{2025}"),
    (r"x \text{ is even}", r"x \text{ is odd}"), ("1 2", "12"), ("nan", "5"), (r"\frac{1}{0}", "5"),
    (r"\infty", "5"), ("x", "y"), (r"\text{none}", "0"), ("5 or 6", "5"), ("10^{-10}", "0"), ("4:30", r"\text{4:30 p.m.}"),
    (r"1+2+\ldots+(n-1)", r"\frac{n(n+1)}{2}"), (r"1+2+\ldots", r"\frac{n(n+1)}{2}"), (r"1+\ldots+n", r"\frac{n(n+1)}{2}"), (r"1+4+\ldots+n", r"\frac{n(n+1)}{2}"), (r"1+2+4+\ldots+2^n", "2^n-1"), (r"\sum_{i=1}^n i^2", r"\frac{n(n+1)}{2}"),
    ("no idea what this is", r"\frac{\pi}{2}"), (r"\frac{", r"\sqrt{2}"),
    (r"\frac{3}{7}'", r"\frac37"), ("-50_2", "-50"), ("2k+2_2", "2k+2"), ("x^2^3", "x^2"), (r"\max\{a,b\}", r"a+b"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("pairs", "verdict"), [(EQUAL, "correct"), (UNEQUAL, "incorrect")], ids=["equal", "unequal"]
)
def test_verdicts(pairs: list[tuple[str, str]], verdict: str, grader_pool: GraderPool) -> None:
    judged = grader_pool.grade([(answer, gold, "expression") for answer, gold in pairs])
    assert [(pair, found.reason) for pair, found in judged.items() if found.verdict != verdict] == []


def test_an_integer_may_be_given_as_an_expression(grader_pool: GraderPool) -> None:
    grades = [*grader_pool.grade([("2^{10}", "1024", "integer"), ("2^{10}+1", "1024", "integer")]).values()]
    assert [g.verdict for g in grades] == ["correct", "incorrect"]
