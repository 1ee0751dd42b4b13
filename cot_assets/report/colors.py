"""The colors of the report and the map from potential to color.

Belongs here: color arithmetic and the style sheet's generated part. Does not belong here: which
element gets which class (the templates).

The map is diverging: 0 is orange, 0.5 neutral, 1 blue, a pair that people with the common color
vision deficiencies tell apart. Each half is a straight line of equal length in Oklab (Björn Ottosson,
"A perceptual color space for image processing", 2020), so equal steps of potential look equally far
apart. Lightness stays close enough to the page's that text on any step keeps a contrast ratio of 4.5
(WCAG 2.2, level AA).
"""

from __future__ import annotations

import math

STEPS = 20  #: potential is shown in steps of 1/20: classes p0 ... p20
INK = {"light": "#1b1e22", "dark": "#eceef0"}
PAGE = {"light": "#ffffff", "dark": "#14161a"}
#: (lightness, chroma, hue in degrees) of potential 0, 0.5 and 1 in Oklch.
_ENDS = {
    "light": ((0.790, 0.118, 55.0), (0.975, 0.0, 0.0), (0.790, 0.118, 245.0)),
    "dark": ((0.460, 0.105, 50.0), (0.270, 0.0, 0.0), (0.460, 0.105, 250.0)),
}


def _oklab(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    angle = math.radians(hue)
    return lightness, chroma * math.cos(angle), chroma * math.sin(angle)


def _hex(lab: tuple[float, float, float]) -> str:
    """SRGB of an Oklab color, clipped to the gamut; the matrices are Ottosson's."""
    lightness, a, b = lab
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )

    def channel(value: float) -> int:
        value = min(1.0, max(0.0, value))
        return round(255 * (12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055))

    return "#" + "".join(f"{channel(value):02x}" for value in linear)


def color_of(potential: float, scheme: str) -> str:
    """Background color, as ``#rrggbb``, of a potential in [0, 1] in the ``light`` or ``dark`` scheme."""
    low, middle, high = (_oklab(*end) for end in _ENDS[scheme])
    end, share = (low, 1 - 2 * potential) if potential < 0.5 else (high, 2 * potential - 1)
    lightness, a, b = (at + share * (to - at) for at, to in zip(middle, end, strict=True))
    return _hex((lightness, a, b))


def step_class(potential: float | None) -> str:
    """CSS class of a potential: ``p0`` ... ``p20``, or ``pu`` for unknown."""
    return "pu" if potential is None else f"p{round(STEPS * potential)}"


def change_class(change: float | None) -> str:
    """CSS class of a change of potential: ``q0`` (drop by 0.6 or more), ``q10`` (none) ... ``q20``, or ``qu``."""
    return "qu" if change is None else f"q{round(STEPS / 2 * (1 + max(-1.0, min(1.0, change / 0.6))))}"


def map_css() -> str:
    """Custom properties ``--p0`` ... ``--p20`` that follow the color scheme, and the classes that use them."""

    def both(name: str, light: str, dark: str) -> str:
        return f"--{name}:light-dark({light},{dark})"

    steps = [
        both(f"p{i}", color_of(i / STEPS, "light"), color_of(i / STEPS, "dark")) for i in range(STEPS + 1)
    ]
    properties = [both("ink", *INK.values()), both("page", *PAGE.values()), *steps]
    classes = [f".p{i}{{--c:var(--p{i})}}.q{i}{{--d:var(--p{i})}}" for i in range(STEPS + 1)]
    return f":root{{{';'.join(properties)}}}{''.join(classes)}"
