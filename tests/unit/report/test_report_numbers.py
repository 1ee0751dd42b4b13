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
    [
        (None, "unknown"),
        (0.0, "0%"),
        (0.045, "4.5%"),
        (0.0996, "10%"),
        (0.625, "62%"),
        (1, "100%"),
        (-0.274, "−27%"),
        (-0.087, "−8.7%"),
    ],
)
def test_shares(value: float | None, text: str) -> None:
    assert numbers.percent(value) == text


@pytest.mark.parametrize(
    ("hours", "text"),
    [(None, "unknown"), (0.0001, "0 s"), (0.02, "72 s"), (0.1, "6 min"), (7500 / 3600, "2 h 05 min")],
)
def test_durations(hours: float | None, text: str) -> None:
    assert numbers.duration(hours) == text


@pytest.mark.parametrize(
    ("kind", "value", "alone", "as_end"),
    [
        ("change", -0.004, "−0.004", "−0.004"),
        ("change", 0.00042, "+0.0004", "+0.0004"),
        ("change", -0.996, "−0.996", "−0.996"),
        ("change", -0.00004, "0.00", "0.00"),
        ("value", -0.004, "−0.004", "−0.004"),
        ("value", 0.004, "<0.01", "0.004"),
        ("value", 0.9967, ">0.99", "0.997"),
        ("share", 0.004, "0.4%", "0.4"),
        ("share", -0.0004, "−0.04%", "−0.04"),
        ("share", 0.9967, "99.7%", "99.7"),
        ("count", 0.04, "0.04", "0.04"),
        ("count", -1234, "−1,234", "−1,234"),
    ],
)
def test_what_is_not_zero_nor_certain_is_not_rounded_to_it(
    kind: str, value: float, alone: str, as_end: str
) -> None:
    assert numbers.KINDS[kind](value) == alone
    assert numbers.interval(value, 0.25, kind).startswith(f"[{as_end}, ")


@pytest.mark.parametrize("kind", list(numbers.KINDS))
@pytest.mark.parametrize("value", [-0.0, -0.000004, 0.0])
def test_nothing_is_minus_zero(kind: str, value: float) -> None:
    for text in (numbers.KINDS[kind](value), numbers.interval(value, 0.4, kind)):
        assert "−0.00" not in text
        assert "-0" not in text


@pytest.mark.parametrize(("n", "text"), [(0, "0 pairs"), (1, "1 pair"), (1234, "1,234 pairs")])
def test_counts_agree_with_their_nouns(n: int, text: str) -> None:
    assert numbers.counted(n, "pair") == text


def test_intervals_and_changes() -> None:
    assert numbers.interval(0.311, 0.5449) == "[0.31, 0.54]"
    assert numbers.interval(None, 0.5) == ""
    assert numbers.interval(-0.86, 0.05, "change") == "[−0.86, +0.05]"
    assert numbers.interval(0.3, 0.62, "share") == "[30, 62]"
    assert numbers.count(1234567) == "1,234,567"
