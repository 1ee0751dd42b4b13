"""Sentences in many scripts, and stops that end none. Guards against cuts within a formula or a name."""

from __future__ import annotations

from itertools import pairwise

import pytest

from cot_assets.sampling.sentences import _PLACES, sentence_ends


def sentences(text: str) -> list[str]:
    """The pieces that the ends make, without the blanks around them."""
    ends = [0, *sentence_ends(text), len(text)]
    return [piece for a, b in pairwise(ends) if (piece := text[a:b].strip())]


@pytest.mark.parametrize(
    "text",
    [
        "我们先算第一步。|然后得到3.14。|对吗？|对！|好。",
        "計算します。|答えは5です。|「はい。」|と言う。",
        "यह पहला है।| दूसरा 2.5 है।| अंत",
        "لماذا؟| نعم.| یہ ہے۔| پھر۔",
        "那么“好。”|他说。|（对。）|结束",
        "值是３．１４。|完",
        "So x = 1.| Then y = 2.5.| Is it?| Yes!| Done",
        'He said "Stop."| Then he left.| Ok',
        "**Then it is.**| So be it.| Ok",
        "Compute the sum.| **Step 2.** Done.| *Now* go.| Ok",
        "So x ≈ 0.333... and y is 1.| Ok",
        "A line\n|Another\n|\nA paragraph",
        "Wait...| No.| Ok",
    ],
)
def test_a_sentence_ends_at_the_stops_of_its_script(text: str) -> None:
    assert sentences(text.replace("|", "")) == [piece.strip() for piece in text.split("|")]


@pytest.mark.parametrize(
    "text",
    [
        "1. First we add", "**2.** Then we go", "- 4. Item", "a. Option", "(iv). Option",
        "Step 3. Add them", "CASE 2. Assume", "Dr. Smith adds", "Ask Prof. Lee and Mrs. Ray", "J. R. Smith adds",
        "Take a prime, e.g. 7, i.e. an odd one", "see Fig. 3 and Eqs. 4", "it is No. 5 of them", "as in p. 7", "born on Sept. 4 or Jan. 5", "see Ex. 3", "Lt. Lee asks", "f s.t. F is odd",
        "z.B. drei oder d.h. vier bzw. fünf", "см. рис. 3", "apples etc. are sold", "at 5 p.m. he left", "It is w.l.o.g. odd",
        "Vgl. z. B. Kap. 3 und Abb. 4", "Т. е. x = 2, т. к. рис. 4", "डॉ. शर्मा आए", "about 3.14 and .5 or 1.000.000", "$x = 1. y = 2$ holds", "\\(a. b? c\\) holds", "\\[\na = 1. \\\\\nb\n\\] holds",
        "$$x.\ny.\n$$ holds", "\\begin{align*}\na. \nb\n\\end{align*} holds", "so 5! = 120", "n! / 2! * 3", "$\\boxed{3. 4}$ holds",
    ],
)  # fmt: skip
def test_no_sentence_ends_at(text: str) -> None:
    assert sentences(text) == [text.strip()]


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("It costs $5. Then $6.50. So $11.50 in all. Ok", 4),
        ("He buys apples etc. Then he goes. Ok", 3),
        ("At 5 p.m. We left. Ok", 3),
        ("The answer is no. Then we go. Ok", 3),
        ("A formula $x = 1. and no end\nThen. Ok", 3),
        ("A formula \\[x = 1. \n\nThen. Ok", 3),
        ("5! is large. Ok", 2),
        ("It ends in Sept. Then it begins. Ok", 3),
    ],
)
def test_a_sentence_ends_although(text: str, n: int) -> None:
    assert len(sentences(text)) == n


def test_a_text_without_an_end_is_one_sentence() -> None:
    assert (
        sentence_ends("")
        == sentence_ends(" \n\n ")
        == sentence_ends("no stop")
        == sentence_ends("one.")
        == []
    )


@pytest.mark.parametrize("stops", ["!!!!!!", "......", "?!…?!…"])
def test_a_row_of_stops_is_read_from_its_first_only(stops: str) -> None:
    """From each of them, a long row without a blank after it would be read to its end."""
    assert [at for at in range(len(stops)) if _PLACES.match(f"{stops} x", at)] == [0]
