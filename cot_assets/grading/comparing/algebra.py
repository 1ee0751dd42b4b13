r"""The last resort: expressions and relations that need computer algebra.

Belongs here: what latex2sympy2, sympy and math-verify are asked, and how far their answers are trusted. Does
not belong here: bounds of time and memory. Everything here may run for hours on a hostile answer: only a
worker (:mod:`..worker`) calls it.

Text is parsed by the grammar of latex2sympy2, never by ``eval``, ``sympify`` or ``parse_expr``; math-verify's
own ``parse`` is not used, since it searches for answers and hands plain text to ``parse_expr``. Its time-outs
(``signal.alarm``) are off. What one of the libraries cannot do is undecided: no exception becomes a verdict.
"""

from __future__ import annotations

import random
import re
from fractions import Fraction
from typing import Any

from cot_assets.grading.comparing.scalars import UndecidableError
from cot_assets.grading.comparing.series import with_index
from cot_assets.grading.text.splitting import depths

_DIGITS = 40
#: What latex2sympy2 reads as if it were not there: primes, a second power, and what is below a number.
_UNSEEN = re.compile(r"'|(?<![\^0-9])[0-9]+_|\^\w\^")


def decide(given: str, gold: str, what: str) -> bool:
    """Whether two canonical forms are equal: values, or ``relation`` (also regions against inequalities).

    Raises:
        UndecidableError: A library does not read one of them, or gives up.
        MemoryError: The worker's bound was reached.
    """
    open_brackets = depths(given, "({[", ")}]")
    if min(open_brackets) < 0 or open_brackets[-1] or _UNSEEN.search(given) or _UNSEEN.search(gold):
        return False
    right, left = parsed(gold), parsed(given)
    try:
        if what == "relation":
            return _is_same_relation(left, right)
        return _is_same_value(left, right) or _is_same_value(*map(_with_imaginary_unit, (left, right)))
    except (MemoryError, UndecidableError):
        raise
    except RecursionError:
        raise UndecidableError("nested too deeply") from None
    except Exception as error:
        raise UndecidableError(f"sympy failed ({type(error).__name__})") from error


def parsed(form: str) -> Any:
    """The sympy object of a canonical form."""
    from latex2sympy2_extended.latex2sympy2 import NormalizationConfig, latex2sympy, normalize_latex
    from math_verify.grader import should_treat_as_complex

    config = NormalizationConfig(units=False, malformed_operators=True, nits=True, boxed="none")
    try:
        text = normalize_latex(with_index(form).replace(r"\lor", ",").replace(r"\land", ","), config)
        return latex2sympy(
            text,
            is_real=not should_treat_as_complex(text),
            convert_degrees=r"\circ" in text,
            normalization_config=None,
        )
    except MemoryError:
        raise
    except RecursionError:
        raise UndecidableError("nested too deeply") from None
    except Exception as error:
        raise UndecidableError(f"latex2sympy2 does not read {form[:60]!r}") from error


def _is_same_relation(left: Any, right: Any) -> bool:
    """Whether both hold for the same numbers, as far as sympy solves them; else as math-verify compares them."""
    import math_verify

    solved = _solutions(left), _solutions(right)
    if all(side is not None for side in solved):
        return bool(solved[0].symmetric_difference(solved[1]).is_empty)

    how = {"allow_set_relation_comp": True, "timeout_seconds": None, "raise_on_error": True}
    return math_verify.verify(right, left, **how)


def _solutions(side: Any) -> Any:
    """The real solutions of an inequality in one variable, or a set as it is; None where there are none to tell."""
    from sympy import Interval, Tuple, Union, solve_univariate_inequality
    from sympy.core.relational import Relational

    if isinstance(side, (Interval, Union)):
        return side
    if isinstance(side, (tuple, Tuple)) and len(side) == 2 and all(end.is_number for end in side):
        return Interval.open(*side)
    if isinstance(side, Relational) and len(side.free_symbols) == 1:
        (name,) = side.free_symbols
        return solve_univariate_inequality(side, name, relational=False)
    return None


def _is_same_value(left: Any, right: Any) -> bool:
    """Equal as sympy writes them, or at two points to 40 significant digits: nothing absolute."""
    from sympy import Expr, Float, Rational

    if not (isinstance(left, Expr) and isinstance(right, Expr)):
        return bool(left == right)
    left, right = left.doit(), right.doit()
    if left == right and left.is_finite is not False:
        return True
    if left.is_Rational and right.is_Rational:
        return False
    names = sorted((left.free_symbols | right.free_symbols), key=str)
    agreed = 0
    for number in range(4 if names else 1):
        rng = random.Random(number)  # noqa: S311 - fixed points, not secrets
        point = {name: Rational(rng.randint(40, 400), 97) for name in names}
        a, b = (side.subs(point).evalf(_DIGITS + 15, maxn=2000) for side in (left, right))
        if not (a.is_number and b.is_number) or a.has(Float) is b.has(Float) is False:
            raise UndecidableError("sympy finds no value")
        if not a.is_finite or not b.is_finite:
            continue
        if abs(a - b) > abs(b) * Fraction(1, 10**_DIGITS):
            return False
        agreed += 1
    if not agreed:
        raise UndecidableError("sympy finds no value")
    return True


def _with_imaginary_unit(expression: Any) -> Any:
    """With the imaginary unit where the grammar has left a symbol i."""
    from sympy import I

    return expression.subs({symbol: I for symbol in expression.free_symbols if symbol.name == "i"})
