"""How numbers are written in reports.

Belongs here: formatting, with ``unknown`` for what is not known. Does not belong here: calculation.
"""

from __future__ import annotations

UNKNOWN = "unknown"


def potential(value: float | None) -> str:
    """A probability with two decimals; ``<0.01`` and ``>0.99`` rather than a rounded 0 or 1."""
    if value is None:
        return UNKNOWN
    if 0 < value < 0.005:
        return "<0.01"
    if 0.995 <= value < 1:
        return ">0.99"
    return f"{value:.2f}"


def short(value: float | None) -> str:
    """A probability in as little room as possible: ``.42``, ``0``, ``1`` or ``?``."""
    if value is None:
        return "?"
    text = potential(value)
    return {"0.00": "0", "1.00": "1"}.get(text, text.replace("0.", ".", 1))


def change(value: float | None) -> str:
    """A difference of probabilities with its sign: ``+0.55``."""
    return UNKNOWN if value is None else f"{value:+.2f}".replace("-", "−")


def interval(low: float | None, high: float | None) -> str:
    """The ends of an interval of probabilities: ``0.31–0.54``."""
    return UNKNOWN if low is None or high is None else f"{low:.2f}–{high:.2f}"


def change_interval(low: float | None, high: float | None) -> str:
    """The ends of an interval of differences: ``−0.86 to −0.55``."""
    return UNKNOWN if low is None or high is None else f"{change(low)} to {change(high)}"


def percent(value: float | None) -> str:
    """A share as a whole percentage; one decimal below 10%."""
    if value is None:
        return UNKNOWN
    return f"{100 * value:.0f}%" if value == 0 or value >= 0.0995 else f"{100 * value:.1f}%"


def percent_interval(low: float | None, high: float | None) -> str:
    """The ends of an interval of shares: ``30–62%``."""
    return UNKNOWN if low is None or high is None else f"{100 * low:.0f}–{100 * high:.0f}%"


def count(value: float | None) -> str:
    """A whole number with thousands separators."""
    return UNKNOWN if value is None else f"{round(value):,}"


def duration(seconds: float | None) -> str:
    """Wall-clock time: ``12.3 s``, ``4 min 10 s`` or ``2 h 05 min``."""
    if seconds is None:
        return UNKNOWN
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60:,} h {minutes % 60:02d} min"


FILTERS = {
    "interval": lambda ends: interval(*ends),
    "potential": potential,
    "short": short,
    "change": change,
    "percent": percent,
    "count": count,
    "duration": duration,
}
