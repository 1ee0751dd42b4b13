"""What all entries of the configuration have in common: names, strictness, the one error."""

from __future__ import annotations

import re
from typing import cast

from pydantic import BaseModel, ConfigDict

#: Names become partition keys, folder names and SQL literals. No ``|`` (it joins partition dimensions).
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
RECORDED = "recorded:"  #: how the source of a problem set begins whose rollouts others published


class ConfigError(ValueError):
    """A configuration entry is missing or wrong; the message names file, entry, value and way out."""


class Entry(BaseModel):
    """Fields that are typed, unknown ones refused, none changed afterwards; ``inf`` and ``nan`` are no numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def as_tuple(value: object) -> object:
    """A list as the tuple that a frozen entry holds."""
    return tuple(cast("list[object]", value)) if isinstance(value, list) else value
