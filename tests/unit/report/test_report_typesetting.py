"""Formulas and emphasis of foreign text: what is found, what is left as written, and what cannot pass."""

from __future__ import annotations

import re

import pytest

from cot_assets.report.text import typeset


def found(text: str) -> list[str]:
    return [piece for piece, math in typeset(text) if math is not None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"So \(x^2\) is even.", [r"\(x^2\)"]),
        ("\\[\n\\frac{1}{2}\n\\]", ["\\[\n\\frac{1}{2}\n\\]"]),
        ("$$a + b$$ and $n$", ["$$a + b$$", "$n$"]),
        ("It costs $5 to $7, or $3 each.", []),
        ("It costs $5 and he pays in $", []),
        ("The $n$th term is $2^n$.", ["$n$", "$2^n$"]),
        (r"US\$5 and \$x^2$", []),
        (r"\(\frac{1\) is cut off", []),
        (r"\(\unheardof{x}\)", []),
        (r"\(\left( x \)", []),
        ("**Answer** and 2**3**4\n### Step 1\n#hash", ["**Answer**", "### Step 1"]),
        (r"\(\sqrt[3]{y} \le \text{at most five}\)", [r"\(\sqrt[3]{y} \le \text{at most five}\)"]),
    ],
)
def test_pieces_are_found_between_their_delimiters(text: str, expected: list[str]) -> None:
    assert found(text) == expected
    assert "".join(piece for piece, _ in typeset(text)) == text


@pytest.mark.parametrize(
    "formula",
    [
        r"\text{<script>alert(1)</script>}",
        r"\text{&lt;img src=x onerror=alert(1)&gt;}",
        r"\text{&#60;b&#62;}",
        r"\href{javascript:alert(1)}{x}",
        r"\color{white}{x}",
        r"\style{position:fixed}{x}",
        r"\phantom{x}",
        r'\text{" onmouseover="alert(1)}',
        r"\hspace{9999em} x",
    ],
)
def test_nothing_but_listed_elements_and_attributes_gets_through(formula: str) -> None:
    for _, math in typeset(rf"\({formula}\)"):
        for tag, attributes in re.findall(r"<(/?[^\s>]+)([^>]*)>", str(math or "")):
            assert re.fullmatch(r"/?m[a-z]+", tag)
            assert not re.search(r"\b(?:href|style|on\w+|class|id|mathcolor|src)\b", attributes)
            assert "9999" not in attributes


@pytest.mark.parametrize(
    "text", ["\\(" * 30_000, "$a" * 30_000, "\\(" + "{" * 500 + "}" * 500 + "\\)", "$" * 60_000]
)
def test_text_made_to_be_slow_stays_as_it_is_written(text: str) -> None:
    assert "".join(piece for piece, _ in typeset(text)) == text
    assert len(found(text)) <= 2000


def test_the_formula_says_what_was_written() -> None:
    ((_, math),) = typeset(r"\(x_1 \le \frac{a}{2}\)")
    assert str(math) == (
        '<math display="inline"><mrow><msub><mi>x</mi><mn>1</mn></msub><mo>≤</mo>'
        "<mfrac><mrow><mi>a</mi></mrow><mrow><mn>2</mn></mrow></mfrac></mrow></math>"
    )


def test_emphasis_is_escaped() -> None:
    ((_, strong),) = typeset("**<img src=x onerror=alert(1)>**")
    assert str(strong) == "<b>&lt;img src=x onerror=alert(1)&gt;</b>"
