r"""Sums that are written with an omission: ``1+2+\ldots+n``.

Belongs here: the rule of their terms. Does not belong here: the value of a sum (:mod:`.algebra`).
"""

from __future__ import annotations

import re

from cot_assets.grading.comparing.values import UndecidedError, is_same
from cot_assets.grading.reading.terms import NotATermError, parse
from cot_assets.grading.text.splitting import TOKEN, split


def as_sum(form: str) -> str | None:
    r"""``1+3+\ldots+(2n-1)`` as ``\sum_{k=1}^{n}(2k-1)``; None where the last term, as one of n, does not give two others."""
    terms, _ = split(form, ("+",))
    if terms[-2:-1] != [r"\ldots"] or len(terms) < 4 or "" in terms:
        return None
    *first, _, last = terms

    def term(k: str, name: str) -> str:
        return "".join(f"({k})" if token == name else token for token in TOKEN.findall(last))

    try:
        for name in sorted(parse(last)[1] & set("mn")):
            for start in (1, 0, 2):
                if all(is_same(term(str(k), name), given) for k, given in enumerate(first, start)):
                    return rf"\sum_{{k={start}}}^{{{name}}}({term('k', name)})"
    except (NotATermError, UndecidedError):
        pass
    return None


def with_index(form: str) -> str:
    r"""A sum or a product over i or j as one over q: elsewhere, both are the imaginary unit."""
    match = re.search(r"\\(?:sum|prod)_\{([ij])=", form)
    return "".join("q" if match and token == match[1] else token for token in TOKEN.findall(form))
