r"""Numbers modulo another.

Belongs here: reading ``5 \pmod 7``. Does not belong here: which residues are the same (:mod:`..comparing.amounts`).
"""

from __future__ import annotations

import re
from fractions import Fraction

from cot_assets.grading.reading.kinds import Reading
from cot_assets.grading.reading.numbers import Number, read_number
from cot_assets.grading.text.splitting import DENIED, parts_of, split
from cot_assets.grading.text.words import UPRIGHT

_MODULUS = re.compile(
    r"(?P<value>[^()]+?) ?(?P<open>\( ?)?(?:\\[pb]?mod|(?<![A-Za-z\\])mod(?:ulo)?) ?\{?(?P<modulus>[1-9][0-9]{0,17})\}?(?(open)\))"
)

_PROGRESSION = re.compile(r"([1-9][0-9]{0,17})[a-z](?:([+-])([0-9]{1,18}))?")


def progression(form: str) -> Reading | None:
    """``4k+1`` as what is congruent to 1 modulo 4; None for anything else."""
    if not (match := _PROGRESSION.fullmatch(form)):
        return None
    value = int((match[2] or "") + (match[3] or "0"))
    return Reading(
        "residue",
        form,
        Number(Fraction(match[1])),
        items=(Reading("number", str(value), Number(Fraction(value))),),
    )


def read_residue(form: str) -> Reading | None:
    r"""``5 \pmod 7``, ``x \equiv 2, 5 \pmod 7``: what is congruent to one of some integers."""
    if "mod" not in form or not (match := _MODULUS.fullmatch(UPRIGHT.sub(r" \1 ", form))):
        return None
    *names, value = split(match["value"].strip(), (r"\equiv", "="))[0]
    if any(DENIED.search(name) and read_number(name) is None for name in names):
        return None
    numbers = [read_number(part) for part in parts_of(value)[0] or [value]]
    if not all(number and number.is_integer for number in numbers):
        return None
    modulus = int(match["modulus"])
    items = [
        Reading("number", str(n), Number(Fraction(n))) for n in sorted({int(n.value) for n in numbers if n})
    ]
    return Reading("residue", form, Number(Fraction(modulus)), items=tuple(items), name="".join(names[:1]))
