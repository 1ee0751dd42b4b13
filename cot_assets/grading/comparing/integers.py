"""Residues and numerals in a base: what stands for integers without being one of them.

Belongs here: whether two of them are the same. Does not belong here: how they are read (:mod:`..reading.residues`,
:mod:`..reading.numbers`).
"""

from __future__ import annotations

from fractions import Fraction

from cot_assets.grading.reading.kinds import Reading


def is_same_residue(given: Reading, residue: Reading) -> bool:
    """Whether a residue, or a number, is a residue: a number is the value that stands there, or the least one."""
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
