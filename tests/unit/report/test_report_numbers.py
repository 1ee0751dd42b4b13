"""Numbers are written so that nothing unknown looks known and nothing possible looks certain."""

from __future__ import annotations

import pytest

from cot_assets.report import numbers


@pytest.mark.parametrize(
    ("value", "long", "short"),
    [
        (None, "unknown", "?"),
        (0.0, "0.00", "0"),
        (0.001, "<0.01", "<.01"),
        (0.42, "0.42", ".42"),
        (0.997, ">0.99", ">.99"),
        (1.0, "1.00", "1"),
    ],
)
def test_potentials(value: float | None, long: str, short: str) -> None:
    assert (numbers.potential(value), numbers.short(value)) == (long, short)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "unknown"), (0.0, "0%"), (0.045, "4.5%"), (0.0996, "10%"), (0.625, "62%"), (1, "100%")],
)
def test_shares(value: float | None, text: str) -> None:
    assert numbers.percent(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "unknown"), (0.64, "0.6 s"), (99.96, "1 min 40 s"), (3599.6, "1 h 00 min"), (7500, "2 h 05 min")],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert numbers.duration(seconds) == text


def test_intervals_and_changes() -> None:
    assert numbers.interval(0.311, 0.5449) == "0.31–0.54"
    assert numbers.interval(None, 0.5) == "unknown"
    assert numbers.change_interval(-0.86, 0.05) == "−0.86 to +0.05"
    assert numbers.percent_interval(0.3, 0.62) == "30–62%"
    assert numbers.count(1234567) == "1,234,567"
