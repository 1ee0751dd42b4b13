"""Entries that take over what others say, by ``extends``.

Belongs here: chains of entries. Does not belong here: files (:mod:`.reading`), and whether an entry is right.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from pydantic import BaseModel

from cot_assets.study.entries import Entry, near, short

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
