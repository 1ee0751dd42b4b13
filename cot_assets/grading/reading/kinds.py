"""What a reading is: a kind and its parts.

Belongs here: the type that reading makes and comparison takes. Does not belong here: either of them.

The kinds: number, quantity (a number or an expression with a unit), expression, numeral (in a base), relation,
region (an interval or a union of them), pair (``(1,2)``: an open interval or a tuple, which only the answer to
compare with can tell), tuple, list, set, matrix, ratio, residue (values modulo a number), letter, date, time, text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from cot_assets.grading.reading.numbers import Number
from cot_assets.grading.reading.units import Unit

Kind = Literal[
    "number", "quantity", "expression", "numeral", "relation", "region", "pair", "tuple", "list", "set", "matrix", "ratio",
    "residue", "letter", "date", "time", "text",
]  # fmt: skip


class UnreadableError(ValueError):
    """A text is not an answer of the kind that is asked for; the message says why."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A kind and what belongs to it.

    ``form`` is the canonical LaTeX form (of text: the words, folded). ``items`` are the parts of a collection, the
    ends of a region's intervals, the sides of a relation, or the values of a residue (``number`` is its modulus). ``signs`` are brackets of a tuple or of the
    intervals of a region, the relation's signs, or how the items of a list are joined.
    ``name`` is what a collection is said to be: ``A`` of ``A = (1, 2)``.
    """

    kind: Kind
    form: str
    number: Number | None = None
    unit: Unit | None = None
    items: tuple[Reading, ...] = ()
    signs: tuple[str, ...] = ()
    name: str = field(default="", compare=False)

    def __str__(self) -> str:
        """Kind and value, for people: ``number 8/3``, ``list [number 12; number 144]``."""
        if self.kind == "region":
            ends = [
                f"{a}{x.form}, {y.form}{b}"
                for (a, b), x, y in zip(self.signs, self.items[::2], self.items[1::2], strict=True)
            ]
            return "region " + " ∪ ".join(ends or ["∅"])
        if self.kind == "relation":
            sides = zip(self.items, (*self.signs, ""), strict=False)
            return "relation " + "".join(f"{side.form} {sign} " for side, sign in sides).strip()
        if self.items:
            modulus = f" modulo {self.number}" if self.kind == "residue" else ""
            return f"{self.kind} [{'; '.join(map(str, self.items))}]{modulus}"
        value = str(self.number) if self.number else self.form
        return f"{self.kind} {value}" + (f" {self.unit.name}" if self.unit else "")
