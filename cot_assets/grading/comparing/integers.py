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
    return given.number.value in _least(residue) | {
        item.number.value for item in residue.items if item.number
    }


def _least(residue: Reading) -> set[Fraction]:
    """The least number of every class, from 0 on."""
    return {i.number.value % residue.number.value for i in residue.items if i.number and residue.number}


def is_same_numeral(given: Reading, gold: Reading) -> bool:
    """Whether an answer is a numeral in a stated base; one that leaves the base out is read in it."""
    digits, _, base = gold.form.partition("_")
    form = given.form.lower() if given.kind == "numeral" else f"{given.form.lower()}_{base}"
    return given.kind in ("numeral", "number", "text", "expression") and form == f"{digits}_{base}"
