r"""Whether an answer says what the gold answer says: like is compared with like.

Belongs here: the rule of every kind, and the rules for units. Does not belong here: readings
(:mod:`..reading.answer`), and what no rule here can decide (:class:`NeedsAlgebraError`; :mod:`.algebra` in a worker).

The rules that are not equality:

- A decimal means a number whose decimals have no end if it is that number rounded, or cut off, with six
  significant digits or more. Both ways; nothing else is approximate.
- A bare number against the same number with a unit is correct where the problem statement names the unit,
  whichever side has it. Without a statement, a unit of the table counts as named and any other word does not.
  The condition is part of the decision (``unit``), so that a pair is compared once for all statements.
- ``x = 5`` is 5, and ``x = 5`` is ``5 = x``; equations are the same if one is a constant multiple of the other.
- Lists and sets have no order, tuples have one. ``{5}`` is 5. ``(1,2)`` is a tuple and an open interval.
- A numeral without its base is one in the base that the other has, where the statement names it.
- ``\sqrt{2} \approx 1.414`` is either of the two, if the second is the first one rounded.
- ``5 \pmod 7`` is ``12 \pmod 7``; a bare number is the value that is written there, or the least one.
- ``x = 1, y = 2`` is the tuple of its values in the order of the names.
- What is of another kind than the gold answer is incorrect.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cot_assets.grading.comparing import recast
from cot_assets.grading.comparing.amounts import (
    SCALARS,
    Decision,
    base_left_out,
    compare_scalars,
    decided,
    is_same_numeral,
    is_same_residue,
    other_kind,
)
from cot_assets.grading.comparing.regions import region_of, spans
from cot_assets.grading.comparing.relations import is_same_relation
from cot_assets.grading.comparing.scalars import (
    Algebra,
    NeedsAlgebraError,
    no_algebra,
)
from cot_assets.grading.comparing.values import UndecidedError
from cot_assets.grading.reading.kinds import Reading
from cot_assets.grading.reading.matrices import ROWS, is_rows, of_rows
from cot_assets.grading.reading.residues import progression
from cot_assets.grading.reading.terms import NotATermError
from cot_assets.grading.text.splitting import is_name
from cot_assets.grading.text.words import is_same_text

_SOLVED = frozenset(("<", ">", "<=", ">=", "!="))  #: relations that algebra can bring to one form


def compare(given: Reading, gold: Reading, algebra: Algebra = no_algebra) -> Decision:
    """Compare an answer with the gold answer.

    Raises:
        NeedsAlgebraError: From ``no_algebra``.
        UndecidableError: From other algebra, where it gives up.
    """
    if recast.are_other_names(given.name, gold.name):
        return Decision(False, "another name")  # A = (1, 2) is not B = (1, 2)
    if given == gold:
        return Decision(True, f"same {gold.kind}")
    given, gold = recast.without_braces(given, gold), recast.without_braces(gold, given)
    given = recast.with_letter(given, gold)
    given, gold = recast.as_row(given, gold), recast.as_row(gold, given)
    if "time" in (given.kind, gold.kind):
        given, gold = recast.as_duration(given, gold), recast.as_duration(gold, given)
    given, gold = recast.without_domain(given, gold), recast.without_domain(gold, given)
    if "residue" in (given.kind, gold.kind):
        other, residue = (given, gold) if gold.kind == "residue" else (gold, given)
        if other.kind == "relation":
            other = recast.value_of(other) or other
        other = progression(other.form) or other
        return decided("residue", is_same=is_same_residue(other, residue))
    if (recast.by_name(given) is given) != (recast.by_name(gold) is gold):
        given, gold = recast.as_tuple(recast.by_name(given)), recast.as_tuple(recast.by_name(gold))
    if "numeral" in (gold.kind, given.kind):
        return decided("numeral", base_left_out(given, gold), is_same=is_same_numeral(given, gold))
    if gold.form == r"\infty" and given.kind == "text":
        return decided("text", is_same=is_same_text(given.form, gold.form))
    if gold.kind in SCALARS:
        if given.kind == "list" and set(given.signs) == {r"\lor"}:  # 1/2 or 0.5
            found = [compare_scalars(item, gold, algebra) for item in given.items]
            return min(found, key=lambda decision: (decision.is_same, decision.unit is None))
        return compare_scalars(given, gold, algebra)
    if gold.kind == "relation":
        return _relation(given, gold, algebra)
    if gold.kind in ("region", "pair"):
        return _region(given, gold, algebra)
    if gold.kind in ("list", "set"):
        return _unordered(given, gold, algebra)
    if gold.kind in ("tuple", "matrix", "ratio"):
        return _ordered(given, gold, algebra)
    if gold.kind != given.kind and not (gold.kind == "text" and given.form):
        return other_kind(given, gold)
    same = given.form == gold.form
    if gold.kind == "text":
        same = same or is_same_text(given.form, gold.form)
    elif gold.kind == "time" and "~" in given.form + gold.form:
        same = given.form[:8] == gold.form[:8]  # 07:45 is 7:45, and 7:45 AM
    return decided(gold.kind, is_same=same)


# --- relations and regions ----------------------------------------------------------------------


def _relation(given: Reading, gold: Reading, algebra: Algebra) -> Decision:
    if gold.kind == "relation" and (value := recast.rounded_of(gold, given) or recast.value_of(gold)):
        if given.kind != "relation":
            return compare(given, value, algebra)
        alike = recast.called_alike(given, gold)
        if alike is not None:
            return compare(given.items[-1], value, algebra) if alike else Decision(False, "another name")
    ours, theirs = region_of(given), region_of(gold)
    if ours and theirs:
        return _region(ours, theirs, algebra)
    if given.kind not in ("relation", "region", "pair"):
        return other_kind(given, gold)
    if given.kind == gold.kind == "relation":
        try:
            same = is_same_relation(given, gold, algebra)
        except (NotATermError, UndecidedError):
            same = algebra(given.form, gold.form, "relation")
        if same or not (set(given.signs) | set(gold.signs)) & _SOLVED:
            return decided("relation", is_same=same)
    return decided("relation", is_same=algebra((ours or given).form, (theirs or gold).form, "relation"))


def _region(given: Reading, gold: Reading, algebra: Algebra) -> Decision:
    if given.kind == "list" and (said := region_of(given)):
        given = said
    if gold.kind == "pair" and (given := recast.as_tuple(given)).kind == "tuple":
        same = _all_same(given.items, gold.items, algebra)
        return decided("pair", same.unit, is_same=same.is_same)
    ours, theirs = region_of(given), region_of(gold)
    if ours and theirs:
        return _is_same_region(ours, theirs, algebra)
    if given.kind != "relation" or set(given.signs) <= {"="}:
        return other_kind(given, gold)
    return decided("region", is_same=algebra(given.form, gold.form, "relation"))


def _is_same_region(ours: Reading, theirs: Reading, algebra: Algebra) -> Decision:
    if recast.are_other_names(ours.name, theirs.name):
        return Decision(False, "another name")  # nor is x > 3 z > 3
    if (mine := spans(ours)) and mine == spans(theirs):
        return decided("region", is_same=True)
    if len(ours.signs) != len(theirs.signs):
        return decided("region", is_same=False)
    left, wanted = (
        [Reading("tuple", sign, items=region.items[2 * i : 2 * i + 2]) for i, sign in enumerate(region.signs)]
        for region in (ours, theirs)
    )

    def same(a: Reading, b: Reading) -> Decision:
        return _all_same(a.items, b.items, algebra) if a.form == b.form else Decision(False, "other brackets")

    return _matched("region", left, wanted, same)


# --- collections --------------------------------------------------------------------------------


def _item(given: Reading, gold: Reading, algebra: Algebra) -> Decision:
    """As :func:`compare`, but for items: the set of 2 within a set is not 2."""
    if (given.kind == "set") != (gold.kind == "set"):
        return other_kind(given, gold)
    return compare(given, gold, algebra)


def _all_same(given: Sequence[Reading], gold: Sequence[Reading], algebra: Algebra) -> Decision:
    if len(given) != len(gold):
        return Decision(False, "another number of items")
    unit = None
    for a, b in zip(given, gold, strict=True):
        decision = _item(a, b, algebra)
        unit = unit or decision.unit
        if not decision.is_same:
            return decision
    return Decision(True, "same items", unit)


def _unordered(given: Reading, gold: Reading, algebra: Algebra) -> Decision:
    ours, theirs = region_of(given), region_of(gold)
    if ours and theirs:  # x < 1 or x > 2
        return _is_same_region(ours, theirs, algebra)
    if given.kind == "relation" and (value := recast.value_of(given)):
        given = value
    if given.kind in SCALARS and len(gold.items) == 1:
        return compare(given, gold.items[0], algebra)
    if given.kind in ("pair", "tuple") and (row := recast.as_tuple(gold)).kind == "tuple":
        return _ordered(given, row, algebra)
    if given.kind not in ("list", "set"):
        return other_kind(given, gold)
    joined = set(given.signs) | set(gold.signs)
    if {r"\land", r"\lor"} <= joined and all(
        is_name(item.form) or item.kind == "relation" for item in gold.items
    ):
        return Decision(False, "joined in another way")  # p and q is not p or q; 1 and 2 are 1 or 2
    for one, other in ((given, gold), (gold, given)):
        named = (item.items[0].form[:1] for item in one.items if item.kind == "relation")
        if any(recast.are_other_names(name, other.name[:1]) for name in named):  # x_1 is x
            return Decision(False, "another name")
    left, wanted = list(given.items), list(gold.items)
    if "set" in (given.kind, gold.kind):  # in a set, repeats do not count
        left, wanted = _distinct(left, algebra), _distinct(wanted, algebra)
    return _matched(gold.kind, left, wanted, lambda a, b: _item(a, b, algebra))


def _matched(
    what: str, left: list[Reading], wanted: list[Reading], same: Callable[[Reading, Reading], Decision]
) -> Decision:
    """Whether every part has its like, in any order."""
    if len(left) != len(wanted):
        return Decision(False, "another number of items")
    unit, undecided = None, None
    for item in wanted:
        found = None
        for candidate in left:
            try:
                decision = same(candidate, item)
            except NeedsAlgebraError as error:
                undecided = error
                continue
            if decision.is_same:
                found, unit = candidate, unit or decision.unit
                break
        if found is None:
            if undecided:
                raise undecided
            return Decision(False, f"no item is {item}")
        left.remove(found)
    return Decision(True, f"same {what}", unit)


def _distinct(items: list[Reading], algebra: Algebra) -> list[Reading]:
    kept: list[Reading] = []
    for item in items:
        if not any(other == item or compare(other, item, algebra).is_same for other in kept):
            kept.append(item)
    return kept


def _ordered(given: Reading, gold: Reading, algebra: Algebra) -> Decision:
    if gold.kind == "matrix" and given.kind in ROWS and is_rows(given.items):
        given = of_rows(given)
    elif "tuple" in (gold.kind, given.kind) or given.kind in ("pair", "list"):
        given, gold = recast.as_tuple(given), recast.as_tuple(gold)
    if gold.kind == "ratio" and given.kind == "number" and (quotient := recast.quotient_of(gold)):
        return compare_scalars(given, quotient, algebra)
    if given.kind != gold.kind:
        return other_kind(given, gold)
    if gold.kind == "ratio" and (same := recast.is_same_ratio(given, gold)) is not None:
        return decided("ratio", is_same=same)
    same = _all_same(given.items, gold.items, algebra)
    return decided(gold.kind, same.unit, is_same=same.is_same)
