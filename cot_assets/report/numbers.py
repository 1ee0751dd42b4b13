"""How numbers are written in reports: one function per kind, value and interval in one cell, and classes of colors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

UNKNOWN = "unknown"
TOO_FEW = "[too few]"
NOTHING = "–"
STEPS = 20  #: potential is shown in steps of 1/20: classes p0 ... p20 of ``colors.css``


def rounded(value: float, digits: int = 2, sign: str = "", whole: float = 1) -> str:
    """The value with ``digits`` decimals, and up to two more where they would make 0 or ``whole`` of what is neither.

    A minus is a real one; a zero, or what is too small for the decimals, has no sign. ``sign`` "+" is for changes.
    """
    texts = [f"{value:{sign}.{digits + more}f}" for more in range(3)]
    text = next((text for text in texts if abs(float(text)) not in (0, whole)), texts[0])
    return text.replace("-", "−") if float(text) else text.lstrip("+-")


def potential(value: float | None) -> str:
    """A probability with two decimals; ``<0.01`` and ``>0.99`` rather than a rounded 0 or 1."""
    if value is None:
        return UNKNOWN
    if 0 < value < 0.005:
        return "<0.01"
    if 0.995 <= value < 1:
        return ">0.99"
    return rounded(value)


def short(value: float | None) -> str:
    """A probability in as little room as possible: ``.42``, ``0``, ``1`` or ``?``."""
    if value is None:
        return "?"
    text = potential(value)
    return {"0.00": "0", "1.00": "1"}.get(text, text.replace("0.", ".", 1))


def change(value: float | None) -> str:
    """A difference of probabilities with its sign: ``+0.55``."""
    return UNKNOWN if value is None else rounded(value, sign="+")


def percent(value: float | None) -> str:
    """A share as a whole percentage; one decimal below 10%."""
    if value is None:
        return UNKNOWN
    return f"{rounded(100 * value, int(0 < abs(value) < 0.0995), whole=100)}%"


def count(value: float | None) -> str:
    """A whole number with thousands separators; a decimal where it is small and no whole number."""
    if value is None:
        return UNKNOWN
    is_small = abs(value) < 20 and value != round(value)
    return rounded(value, 1, whole=0) if is_small else f"{round(value):,}".replace("-", "−")


def counted(n: int, noun: str, nouns: str = "") -> str:
    """A count and its noun in the right number: ``1 pair``, ``2 pairs``."""
    return f"{n:,} {noun if n == 1 else nouns or noun + 's'}"


def duration(hours: float | None) -> str:
    """Wall-clock time: ``12 s``, ``4 min`` or ``2 h 05 min``."""
    if hours is None:
        return UNKNOWN
    minutes, seconds = divmod(round(3600 * hours), 60)
    if minutes < 2:
        return f"{60 * minutes + seconds} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60:,} h {minutes % 60:02d} min"


KINDS: Mapping[str, Callable[[float | None], str]] = {
    "value": potential, "share": percent, "change": change, "count": count, "hours": duration,
}  # fmt: skip
#: How ends of intervals are written, where not as the value is.
_ENDS: Mapping[str, Callable[[float], str]] = {
    "value": rounded, "share": lambda x: rounded(100 * x, 0, whole=100),
}  # fmt: skip


def interval(low: float | None, high: float | None, kind: str = "value") -> str:
    """The ends of an interval in brackets, ``[0.31, 0.54]``; empty where there is none."""
    if low is None or high is None:
        return ""
    write = _ENDS.get(kind) or KINDS[kind]
    return f"[{write(low)}, {write(high)}]"


def intervals(columns: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Columns of numbers with the ends of their intervals: ``x_low`` and ``x_high``, or ``ci_low`` behind it; counts have none."""
    found: dict[str, tuple[str, str]] = {}
    before = ""
    for name in columns:
        stem = name.removesuffix("_low")
        if stem == name or f"{stem}_high" not in columns:
            before = before if name.endswith("_high") or re.match(r"n\b|n_", name) else name
            continue
        owner = stem if stem in columns else before
        if owner and owner not in found:
            found[owner] = (name, f"{stem}_high")
    return found


def step_class(potential: float | None) -> str:
    """CSS class of a potential: ``p0`` ... ``p20``, or ``pu`` for unknown."""
    return "pu" if potential is None else f"p{round(STEPS * potential)}"


def change_class(change: float | None) -> str:
    """CSS class of a change of potential: ``q0`` (drop by 0.6 or more), ``q10`` (none) ... ``q20``, or ``qu``."""
    return "qu" if change is None else f"q{round(STEPS / 2 * (1 + max(-1.0, min(1.0, change / 0.6))))}"


FILTERS = {
    "potential": potential, "rounded": rounded, "short": short, "change": change, "percent": percent, "count": count, "counted": counted,
    "interval": lambda ends, kind="value": interval(ends[0], ends[1], kind),
    "written": lambda value, kind: KINDS[kind](value), "step": step_class, "turn": change_class,
}  # fmt: skip
