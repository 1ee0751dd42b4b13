"""What all entries of the configuration have in common: names, strictness, the one error."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import cast

from pydantic import BaseModel, ConfigDict

#: Names become partition keys, folder names and SQL literals. No ``|`` (it joins partition dimensions).
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
PUBLISHED = "published:"  #: how the source of a problem set begins whose rollouts others published
GIVEN = "imported:"  #: and of one that came with traces, to be measured by a model of one's own


_SHOWN = 120  #: most characters of a value in a message
#: Where a key is put, and what keys look like: a known beginning, or a long run of letters and digits.
_SECRET_PLACE = re.compile(
    r"endpoint|key|secret|passw|credential|authori|header|(^|[._])token$", re.IGNORECASE
)
_SECRET = re.compile(
    r"\b(sk|pk|rk|hf|gsk|xai|ghp|gho|glpat|key|bearer|basic)[-_ ][\w-]{8,}|\bAKIA\w{12}|\bAIza\w{20}|"
    r"(?=[\w-]*\d)(?=[\w-]*[a-z])[\w-]{24,}",
    re.IGNORECASE,
)


class ConfigError(ValueError):
    """A configuration entry is missing or wrong; the message names file, entry, value and way out."""


class Entry(BaseModel):
    """Fields that are typed, unknown ones refused, none changed afterwards; ``inf`` and ``nan`` are no numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def given(place: str, value: object) -> str:
    """The value that stands at a place of an entry, for a message; nothing where it is or may hold a key."""
    told = f" (got {short(value)})"
    return "" if isinstance(value, dict) or _SECRET_PLACE.search(place) or is_secret(repr(value)) else told


def near(name: str, known: Iterable[str]) -> str:
    """The known name that was probably meant, for the end of a message; nothing where none is close."""
    return "".join(f"; did you mean {each!r}?" for each in get_close_matches(name[:_SHOWN], [*known], n=1))


def is_secret(text: str) -> bool:
    """Whether a text looks as if it held a key."""
    return bool(_SECRET.search(text))


def as_tuple(value: object) -> object:
    """A list as the tuple that a frozen entry holds."""
    return tuple(cast("list[object]", value)) if isinstance(value, list) else value


def short(value: object) -> str:
    """A value as a message shows it."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
