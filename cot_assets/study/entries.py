"""What all entries of the configuration have in common: names, strictness, the one error, and taking over by ``extends``.

Does not belong here: files (:mod:`.reading`), and whether an entry is right.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, cast

from pydantic import BaseModel, ConfigDict

from cot_assets.study.files import DAMAGED

#: Names become partition keys, folder names and SQL literals. No ``|`` (it joins partition dimensions), and not what
#: damaged files are called.
NAME = re.compile(rf"(?!.*{re.escape(DAMAGED)}$)[A-Za-z0-9][A-Za-z0-9._-]{{0,99}}")
PUBLISHED = "published:"  #: how the source of a problem set begins whose rollouts others published
GIVEN = "imported:"  #: and of one that came with traces, to be measured by a model of one's own


_SHOWN = 120  #: most characters of a value in a message
#: Where a key is put, and what keys look like: a known beginning, or a long run of letters and digits.
_SECRET_PLACE = re.compile(
    r"endpoint|key|secret|passw|credential|authori|header|(^|[._])token$", re.IGNORECASE
)
_SECRET = re.compile(
    r"\b(sk|pk|rk|hf|gsk|xai|ghp|gho|glpat|key|bearer|basic)[-_ ][\w-]{8,}|\bAKIA\w{12}|\bAIza\w{20}|"
    r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[a-z])[\w-]{24,}",
    re.IGNORECASE,
)


class ConfigError(ValueError):
    """A configuration entry is missing or wrong; the message names file, entry, value and way out."""


class Entry(BaseModel):
    """Fields that are typed, unknown ones refused, none changed afterwards; ``inf`` and ``nan`` are not numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


def given(place: str, value: object) -> str:
    """The value at a place of an entry, for a message; nothing where it is or may hold a key."""
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


Raw = dict[str, Any]  #: an entry as its file has it


def filled(kind: type[Entry], path: str, entries: Mapping[str, Raw], wrong: dict[str, str]) -> dict[str, Raw]:
    """All entries with what they take over from those that they ``extend``, chains of any length."""
    done: dict[str, Raw] = {}
    for name in entries:
        if name in wrong:
            continue
        chain: dict[str, None] = {}  # an ordered set
        each: object = name
        while each is not None and not (isinstance(each, str) and each in done):
            if problem := _no_base(chain, each, entries, wrong):
                # Of all that led there: each would lead there again.
                wrong.update(dict.fromkeys((name, *chain), f"{path}: {problem}"))
                break
            chain[str(each)] = None
            each = entries[str(each)].get("extends")
        if name in wrong:
            continue
        base = done.get(str(each), {})
        for link in reversed(chain):
            own = {field: value for field, value in entries[link].items() if field != "extends"}
            base = done[link] = _merged(kind, base, own)
    return done


def _no_base(
    chain: dict[str, None], each: object, entries: Mapping[str, Raw], wrong: Mapping[str, str]
) -> str:
    """Why a chain of entries cannot go on with another, empty if it can."""
    last = next(reversed(chain), "")
    if not isinstance(each, str):
        return f"[{last}] extends = {short(each)}; name one entry, in quotes"
    if each in wrong and chain:
        return f"{last!r} extends {short(each)}, which is broken ({wrong[each]})"
    if each not in entries:
        return f"{last!r} extends {short(each)}, which does not exist{near(each, entries)}"
    if each in chain:
        return f"{short(' -> '.join((*chain, each)))} extend one another"
    return ""


def part_of(kind: type[BaseModel], name: str) -> type[BaseModel] | None:
    """The kind of entry that a field holds, None where it holds plain values."""
    field = kind.model_fields.get(name)
    annotation = None if field is None else field.annotation
    return annotation if isinstance(annotation, type) and issubclass(annotation, Entry) else None


def _merged(kind: type[BaseModel], base: Raw, own: Raw) -> Raw:
    """``own`` over ``base``; parts that are entries themselves are merged field by field."""
    result = {**base, **own}
    for name, after in own.items():
        part, before = part_of(kind, name), base.get(name)
        if part is not None and isinstance(before, dict) and isinstance(after, dict):
            result[name] = _merged(part, cast("Raw", before), cast("Raw", after))
    return result
