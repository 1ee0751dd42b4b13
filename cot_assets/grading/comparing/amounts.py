"""Whether an answer is the number, the quantity, the expression, the residue or the numeral that the gold answer is.

Belongs here: the verdict on single values, with the rules for units: see :mod:`.compare`. Does not belong here: equality of
their values (:mod:`.scalars`), and everything that has parts (:mod:`.compare`).

- Temperatures on different scales compare as temperatures, not as differences of them: 100 °C is 373.15 K.
- A quantity is the bare number that it is in the unit which the statement asks for, if it does not ask for the quantity's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from cot_assets.grading.comparing import recast
from cot_assets.grading.comparing.scalars import Algebra, is_percentage, is_same_value, percent_of
from cot_assets.grading.reading.kinds import Reading

SCALARS = ("number", "quantity", "expression")


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether two readings say the same, by which rule, and which unit only one of them has."""

    is_same: bool
    rule: str
    unit: str | None = None


def decided(what: str, unit: str | None = None, *, is_same: bool) -> Decision:
    """That two readings are the same thing of a kind, or another."""
    return Decision(is_same, f"{'same' if is_same else 'another'} {what}", unit)


def other_kind(given: Reading, gold: Reading) -> Decision:
    """That an answer is of another kind than the gold answer."""
    return Decision(False, f"{given.kind}, not {gold.kind}")


def compare_scalars(given: Reading, gold: Reading, algebra: Algebra) -> Decision:
    """Compare an answer with a gold answer that is a number, a quantity or an expression.

    Raises:
        NeedsAlgebraError: From ``no_algebra``.
        UndecidableError: From other algebra, where it gives up.
    """
    if given.kind == "relation":
        given = recast.rounded_of(given, gold) or recast.value_of(given) or given
    given, gold = recast.in_letters_of(given, gold), recast.in_letters_of(gold, given)
    given = recast.quotient_of(given) or given
    gold = (recast.as_quantity(gold) if given.unit else None) or gold
    if given.kind not in SCALARS:
        return other_kind(given, gold)
    if given.unit and gold.unit:
        given, gold = recast.in_unit_of(given, gold), recast.in_unit_of(gold, given)
    if given.unit and gold.unit:
        if given.unit.dimension != gold.unit.dimension:
            return Decision(False, f"another unit ({given.unit.name}, not {gold.unit.name})")
        scale = given.unit.size / gold.unit.size
        return decided("quantity", is_same=is_same_value(given, gold, algebra, scale))
    named = given.unit or gold.unit
    if named and is_percentage(given) != is_percentage(gold):
        return Decision(False, f"a percentage against {named.name}")
    same = is_same_value(given, gold, algebra)
    if same and named:
        return Decision(True, f"same number; the unit {named.name} is named by the statement", named.name)
    if same:
        return decided("number" if gold.number else "value", is_same=True)
    if percent := percent_of(given, gold):
        return Decision(True, f"same number; {percent} is named by the statement", percent)
    if named and (asked := recast.unit_asked_for(given, gold)):
        return Decision(True, f"same quantity; {asked} is asked for by the statement", asked)
    return decided("number" if gold.number and given.number else "value", is_same=False)


# --- residues and numerals ----------------------------------------------------------------------


def is_same_residue(given: Reading, residue: Reading) -> bool:
    """Whether a residue, or a number, is a residue: a number is the value that is written there, or the least one."""
    if given.kind == "residue":
        return given.number == residue.number and _least(given) == _least(residue)
    if given.number is None or given.unit or len(residue.items) != 1:
        return False
    return given.number.value in _least(residue) | {i.number.value for i in residue.items if i.number}


def _least(residue: Reading) -> set[Fraction]:
    """The least number of every class, from 0 on."""
    return {i.number.value % residue.number.value for i in residue.items if i.number and residue.number}


def is_same_numeral(given: Reading, gold: Reading) -> bool:
    """Whether two numerals have the same figures and base; one that leaves the base out is read in that of the other."""
    base = next(r.form.partition("_")[2] for r in (gold, given) if r.kind == "numeral")
    if not {given.kind, gold.kind} <= {"numeral", "number", "text", "expression"}:
        return False
    ours, theirs = (r.form.lower() + f"_{base}" * (r.kind != "numeral") for r in (given, gold))
    return ours == theirs


def base_left_out(given: Reading, gold: Reading) -> str | None:
    """What the statement has to name where only one of two has a base: ``base 5``, or ``in base 5`` of a gold answer."""
    if given.kind == gold.kind:
        return None
    where, numeral = ("", gold) if gold.kind == "numeral" else ("in ", given)
    return f"{where}base {numeral.form.partition('_')[2]}"
