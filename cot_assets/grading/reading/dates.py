"""Calendar dates and times of day.

Belongs here: the spellings of both, in a form that is equal for equal ones. Does not belong here: durations
(:mod:`.quantities`).
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from cot_assets.grading.reading.numbers import read_number

_MONTHS = [
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
]  # fmt: skip
_MONTH = "|".join(
    f"{name[:3]}(?:{name[3:]})?" if name != "september" else "sept?(?:ember)?" for name in _MONTHS
)
_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?,? )?"
_DATES = tuple(
    re.compile(_WEEKDAY + pattern, re.IGNORECASE)
    for pattern in (
        r"(?P<y>\d{4})(?P<s>[-/.])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})",
        r"(?:(?P<y>\d{4}) ?[年년] ?)?(?P<m>\d{1,2}) ?[月월] ?(?P<d>\d{1,2}) ?[日일]?",
        rf"(?:the )?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?: of)?[ -](?P<month>{_MONTH})\.?(?:,? ?-?(?P<y>\d{{4}}))?",
        rf"(?P<month>{_MONTH})\.? (?:the )?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?:,? (?P<y>\d{{4}}))?",
        r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})",
    )
)
_ERA = re.compile(
    r"(AD )?(\d{1,4})(?: (BCE?|B\.\s?C\.?(?:\s?E\.?)?)|(?(1)| (?:CE|AD|A\.\s?D\.?|C\.\s?E\.?)))"
)
_MONTH_OF = re.compile(rf"(?P<month>{_MONTH})\.?,?(?: of)? (?P<y>\d{{4}})", re.IGNORECASE)
_TABLE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
_MONTHS_ABROAD = {name: i for line in _TABLE["months"].splitlines() for i, name in enumerate(line.split(), 1)}
_DATE_ABROAD = re.compile(
    rf"(?:le |am |el )?(?P<d>\d{{1,2}})(?:\.|º|er)? (?:de )?(?P<month>{'|'.join(_MONTHS_ABROAD)})(?: (?:de )?(?P<y>\d{{4}})(?: ?г(?:ода)?\.?)?)?",
    re.IGNORECASE,
)
_SLASHED = re.compile(r"(?P<a>\d{1,2})(?P<s>[-/])(?P<b>\d{1,2})(?P=s)(?P<y>\d{4})")
_CLOCKS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?P<h>\d{1,2})(?:[:.](?P<m>[0-5]\d)(?::(?P<s>[0-5]\d))?)? ?(?P<half>[ap])\.? ?m\b\.?",
        r"(?P<h>\d{1,2}):(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d))?(?: ?(?:h|hrs|hours|o.?clock))?(?P<half>)",
        r"(?P<h>\d{1,2}) o.?clock(?: ?(?P<half>[ap])\.?m\.?)?(?P<m>)(?P<s>)",
    )
)


#: Half past three, ten minutes to five, 下午3点半.
_PAST = re.compile(
    r"(?:an? )?(?P<part>half|quarter|[a-z0-9-]+(?P<minutes> min(?:utes?)?)?) (?P<side>past|after|to|before) (?P<hour>[a-z]+|\d{1,2})(?: ?o.?clock)?(?P<half> ?[ap]\.?m\.?)?",
    re.IGNORECASE,
)
_HAN = re.compile(r"(上午|早上|午前|下午|晚上|午後)?(\d{1,2})[点點时時](?:(\d{1,2})分?|(半)|整)?")
_TIME_OF_DAY = re.compile(r" (?:in the (?:(morning)|afternoon|evening)|at night)$", re.IGNORECASE)


def read_date(text: str) -> str | None:
    """``YYYY-MM-DD`` (``--MM-DD`` without a year, ``YYYY-MM`` without a day, ``44 BC``) of a plain text that is a date; else None.

    Days and months in figures, parted by strokes, are told apart where one exceeds 12 or they are the same; else both are kept
    as they are written, and equal only a date in the same order.
    """
    for pattern in _DATES:
        if match := pattern.fullmatch(text):
            found = match.groupdict()
            month = _number_of(found["month"]) if found.get("month") else int(found["m"])
            return _date(found["y"], month, int(found["d"]))
    if match := _DATE_ABROAD.fullmatch(text):
        return _date(match["y"], _MONTHS_ABROAD[match["month"].lower()], int(match["d"]))
    if match := _MONTH_OF.fullmatch(text):
        return f"{match['y']}-{_number_of(match['month']):02}"
    if match := _ERA.fullmatch(text):
        return f"{match[2]} {'BC' if match[3] else 'AD'}"
    if match := _SLASHED.fullmatch(text):
        a, b = int(match["a"]), int(match["b"])
        if a != b and (a > 12) == (b > 12):
            return f"{a:02}/{b:02}/{match['y']}" if 0 < a <= 12 and b > 0 else None
        return _date(match["y"], min(a, b), max(a, b))
    return None


def _number_of(month: str) -> int:
    return next(i for i, name in enumerate(_MONTHS, 1) if name.startswith(month.lower()[:3]))


def _date(year: str | None, month: int, day: int) -> str | None:
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    return f"{year or '-'}-{month:02}-{day:02}"


def read_clock(text: str) -> str | None:
    """A time of day, ``HH:MM:SS`` on the 24-hour clock.

    With ``?`` where the half of the day is open, with ``~`` where only a leading zero says that it is the first.
    """
    text = _TIME_OF_DAY.sub(lambda m: " am" if m[1] else " pm", text)
    if (named := _TABLE["times"].get(text.lower())) is not None:
        return named
    text = _in_figures(text)
    match = next((found for clock in _CLOCKS if (found := clock.fullmatch(text))), None)
    if match is None:
        return None
    written, minute, second, half = match.group("h", "m", "s", "half")
    hour = int(written)
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half.lower() == "p" else 0)
    elif hour > 24:
        return None
    is_open = not half and 1 <= hour < 12
    return (
        f"{hour:02}:{minute or '00'}:{second or '00'}" + ("~" if written.startswith("0") else "?") * is_open
    )


def _in_figures(text: str) -> str:
    """A time of day in words, or in Chinese, as 3:30 pm; others as they are."""
    if match := _HAN.fullmatch(text):
        half = "" if match[1] is None else " am" if match[1] in ("上午", "早上", "午前") else " pm"
        return f"{match[2]}:{30 if match[4] else int(match[3] or 0):02}{half}"
    match = _PAST.fullmatch(text)
    if match is None:
        return text
    part, hour = match["part"].lower(), read_number(match["hour"].lower())
    is_before = match["side"].lower() in ("to", "before")
    count = {"half": 30, "quarter": 15}.get(part)
    if count is None and (match["minutes"] or not is_before):  # five to ten may be a range
        number = read_number(part.removesuffix(match["minutes"] or ""))
        count = int(number.value) if number and number.is_integer and 0 < number.value < 60 else None
    if count is None or hour is None or not (hour.is_integer and 1 <= hour.value <= 12):
        return text
    of_day = int(hour.value) * 60 + (-count if is_before else count)
    return f"{(of_day // 60 - 1) % 12 + 1}:{of_day % 60:02}{match['half'] or ''}"
