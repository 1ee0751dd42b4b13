"""Whether two equations or inequalities say the same.

Belongs here: relations as multiples of one another, swapped, or solved for a variable. Does not belong here:
inequalities as intervals (:mod:`.regions`).
"""

from __future__ import annotations

from fractions import Fraction

from cot_assets.grading.comparing.scalars import Algebra, form_of, is_same_value
from cot_assets.grading.comparing.values import UndecidedError, is_same, is_zero, values
from cot_assets.grading.reading.kinds import Reading
from cot_assets.grading.reading.terms import parse
from cot_assets.grading.text.splitting import TOKEN

_SWAPPED = {
    "<": ">", ">": "<", "<=": ">=", ">=": "<=", "sub": "sup", "sup": "sub", "sub=": "sup=", "sup=": "sub=",
}  # fmt: skip
_DIRECTED = frozenset(("->", "=>", "in"))  #: what these say is not said by the sides swapped
_ORDERING = frozenset(("=", "!=", "<", ">", "<=", ">="))


def is_same_relation(given: Reading, gold: Reading, algebra: Algebra) -> bool:
    """Whether a relation is another one, swapped, multiplied by a constant, or solved for a variable."""
    if {side.unit for side in given.items} != {side.unit for side in gold.items}:
        return False
    ways = [(given.signs, given.items)]
    if _DIRECTED.isdisjoint(given.signs):
        ways.append((tuple(_SWAPPED.get(s, s) for s in given.signs[::-1]), given.items[::-1]))
    ways = [(signs, sides) for signs, sides in ways if signs == gold.signs]
    if any([side.form for side in sides] == [side.form for side in gold.items] for _, sides in ways):
        return True
    if len(gold.signs) != 1 or gold.signs[0] not in _ORDERING or not _has_names(gold):
        return any(
            all(is_same_value(a, b, algebra) for a, b in zip(sides, gold.items, strict=True))
            for _, sides in ways
        )
    if len(given.signs) != 1 or given.signs[0] not in _ORDERING:
        return False
    sign, wanted = given.signs[0], gold.signs[0]
    ratio = _ratio_of(_difference(given), _difference(gold))
    if ratio is None:
        return sign == wanted == "=" and (_solves(gold, given) or _solves(given, gold))
    return (_SWAPPED.get(sign, sign) if ratio < 0 else sign) == wanted


def _has_names(relation: Reading) -> bool:
    """Whether a relation is on something: of figures, any that is true would be a multiple of any other."""
    return any(parse(form_of(side))[1] for side in relation.items)


def _difference(relation: Reading) -> str:
    left, right = (form_of(side) for side in relation.items)
    return f"({left})-({right})"


def _ratio_of(a: str, b: str) -> int | None:
    """The sign of the constant by which one expression is a multiple of another; None where it is none."""
    names = parse(a)[1]
    if names != parse(b)[1]:
        return None
    pairs = [
        (x, y) for x, y in zip(values(a, names), values(b, names), strict=True) if x and y and x[0] and y[0]
    ]
    if len(pairs) < min(3, 1 + len(names)):
        raise UndecidedError
    (x0, y0), *rest = pairs
    for x, y in rest:
        # x / y = x0 / y0, to both precisions
        crossed = tuple(x[k] * y0[k] - x0[k] * y[k] for k in (0, 1))
        if not is_zero((crossed[0], crossed[1]), x[0] * y0[0]):
            return None
    ratio = x0[0] / y0[0]
    if isinstance(ratio, Fraction):
        return 1 if ratio > 0 else -1
    return (1 if ratio.real > 0 else -1) if not ratio.imag else None


def _solves(solved: Reading, other: Reading) -> bool:
    """Whether ``y = h(x)`` is what an equation that is linear in y says: ``xy = 6`` and ``y = 6/x``."""
    name, right = solved.items[0].form, solved.items[1].form
    if len(name) != 1 or name in parse(right)[1]:
        return False
    sides = [side.form for side in other.items]
    if any("\\text" in side or "_" in side for side in sides):
        return False
    at = {}
    for label, put in (("root", right), ("0", "0"), ("1", "1"), ("2", "2")):
        left, end = (
            "".join(f"({put})" if token == name else token for token in TOKEN.findall(side)) for side in sides
        )
        at[label] = f"({left})-({end})"
    # f = s y + c with c constant and not 0: where s is 0 nothing solves it, so y = h(x) is all that does.
    rest = values(at["0"], parse(at["1"])[1] | parse(at["root"])[1])
    constants = {value[0] for value in rest if value}
    return (
        len(constants) == 1
        and constants != {0}
        and is_same(at["root"], "0")
        and is_same(f"{at['2']}-2({at['1']})+{at['0']}", "0")
    )
