r"""The table of units.

Belongs here: names, dimensions and sizes, as ``units.toml`` has them. Does not belong here: reading a unit after a number
(:mod:`.quantities`).

A table of our own rather than a library of units: it loads in a few milliseconds, it knows the counting words
and currencies of word problems, and a unit that it does not list is not guessed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Unit:
    """A product of units: its size in base units, their powers, and the words for it."""

    size: Fraction
    dimension: tuple[tuple[str, int], ...]
    name: str
    is_listed: bool = True  #: False: a word that no table has, a unit only where the statement has it

    def times(self, other: Unit, power: int = 1) -> Unit:
        """The product with a power of another unit."""
        powers = dict(self.dimension)
        for base, exponent in other.dimension:
            powers[base] = powers.get(base, 0) + power * exponent
        dimension = tuple(sorted((base, exponent) for base, exponent in powers.items() if exponent))
        return Unit(self.size * other.size**power, dimension, self.name, self.is_listed and other.is_listed)


ONE = Unit(Fraction(1), (), "")


@lru_cache(maxsize=1)
def units() -> dict[str, Unit]:
    """Every name, prefixed ones too, to its unit."""
    tables = written()
    table: dict[str, Unit] = {}
    for dimension, entries in tables["sizes"].items():
        for entry in entries.split(";"):
            names, _, size = entry.partition(" = ")
            unit = Unit(_size(size), ((dimension, 1),), names.split()[0].strip("*"))
            table |= dict(_prefixed(names.split(), unit, tables["prefixes"]))
    # Volumes and lengths meet: a liter is a cubic decimeter.
    for name, unit in list(table.items()):
        if unit.dimension == (("volume", 1),):
            table[name] = Unit(unit.size / 1000, (("length", 3),), unit.name)
    for entry in tables["products"]["names"].replace("\n", " ").split(";"):
        names, _, product = entry.partition(" = ")
        unit = _derived(product, table, names.split()[0].strip("*"))
        table |= dict(_prefixed(names.split(), unit, tables["prefixes"]))
    for word in tables["words"]["counted"].split():
        table.setdefault(word, Unit(Fraction(1), ((f"#{word}", 1),), word))
    table["unit"] = table["units"] = Unit(Fraction(1), (("unit", 1),), "unit")
    return table


@lru_cache(maxsize=1)
def factors() -> dict[str, int]:
    """Every word that multiplies, to what it multiplies by."""
    return {word: int(factor) for factor, words in written()["factors"].items() for word in words.split()}


@lru_cache(maxsize=1)
def written() -> dict[str, Any]:
    """The tables of ``units.toml``."""
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def _prefixed(names: Sequence[str], unit: Unit, prefixes: Mapping[str, Any]) -> Iterator[tuple[str, Unit]]:
    for name in names:
        bare = name.removeprefix("*")
        yield bare, Unit(unit.size, unit.dimension, unit.name)
        if name != bare:
            for prefix, power in prefixes["short" if len(bare) <= 3 else "long"].items():
                size = unit.size * Fraction(10) ** power
                yield prefix + bare, Unit(size, unit.dimension, prefix + unit.name)


def _derived(product: str, table: dict[str, Unit], name: str) -> Unit:
    unit = ONE
    sides = product.split("/") if " / " in product or product.startswith("/") else [product]
    for index, side in enumerate(sides):
        for word in side.split():
            base, _, power = word.partition("^")
            part = table.get(base) or Unit(Fraction(base), (), "")
            unit = unit.times(part, int(power or 1) * (-1 if index else 1))
    return Unit(unit.size, unit.dimension, name)


def _size(text: str) -> Fraction:
    top, _, bottom = text.strip().partition("/")
    value = Fraction(1)
    for part in top.split("*"):
        value *= Fraction(part)
    return value / Fraction(bottom or 1)
