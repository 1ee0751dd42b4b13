"""The map from potential to color can be read, by eye and in numbers."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from pathlib import Path

import pytest

import cot_assets.report
from cot_assets.report.numbers import STEPS, step_class

_SHEET = Path(cot_assets.report.__file__).with_name("templates") / "colors.css"
_SCHEMES = ("light", "dark")


def _colors(name: str, scheme: str) -> str:
    """A color of the sheet, as ``#rrggbb``."""
    (found,) = re.findall(
        rf"--{name}:light-dark\((#\w{{6}}),(#\w{{6}})\)", _SHEET.read_text(encoding="utf-8")
    )
    return found[_SCHEMES.index(scheme)]


def _oklab(color: str) -> tuple[float, float, float]:
    """Oklab of ``#rrggbb`` by Ottosson's matrices in the other direction than the code's."""
    rgb = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb)
    long = math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    medium = math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    short = math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def luminance(color: str) -> float:
    """Relative luminance of ``#rrggbb`` (WCAG 2.2)."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two colors, 1 to 21 (WCAG 2.2)."""
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", _SCHEMES)
def test_text_on_every_step_keeps_the_contrast_of_wcag_aa(scheme: str) -> None:
    assert contrast(_colors("ink", scheme), _colors("page", scheme)) >= 7
    for step in range(STEPS + 1):
        assert contrast(_colors("ink", scheme), _colors(f"p{step}", scheme)) >= 4.5


@pytest.mark.parametrize("scheme", _SCHEMES)
def test_equal_steps_of_potential_look_equally_far_apart(scheme: str) -> None:
    colors = [_oklab(_colors(f"p{step}", scheme)) for step in range(STEPS + 1)]
    steps = [math.dist(a, b) for a, b in pairwise(colors)]
    assert max(steps) / min(steps) < 1.25  # rounding to 8 bits moves a step by up to a tenth
    assert math.dist(colors[0], colors[-1]) > 0.2


def test_black_and_white_have_the_contrast_that_the_standard_states() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


def test_classes_cover_the_map_and_unknown_is_no_step() -> None:
    assert [step_class(v) for v in (0.0, 0.024, 0.026, 0.5, 1.0)] == ["p0", "p0", "p1", "p10", "p20"]
    assert step_class(None) == "pu"
