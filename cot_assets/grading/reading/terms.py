r"""Expressions: a small grammar of LaTeX arithmetic.

Belongs here: sums, products, powers, roots, factorials, binomials and the usual functions, as a tree. Does not
belong here: the values of trees (:mod:`..comparing.values`). What is outside the grammar is not a term: nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any

_MOST_NODES = 800
Node = tuple[Any, ...]


class NotATermError(ValueError):
    """A form is not an expression that this grammar knows."""


_TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|[0-9]+(?:\.[0-9]*)?|[a-zA-Z]|\S")
_MIXED = re.compile(r"\\frac\{([0-9]+)\}\{([0-9]+)\}")
_GREEK = frozenset([
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda",
    "mu", "nu", "xi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega", "Gamma", "Delta", "Theta",
    "Lambda", "Xi", "Sigma", "Phi", "Psi", "Omega", "ell",
])  # fmt: skip
_FUNCTIONS = frozenset([
    "sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "arccot", "sinh", "cosh",
    "tanh", "ln", "exp", "cis",
])  # fmt: skip
_OPERATORS = {r"\cdot": "*", r"\times": "*", "*": "*", "/": "/", r"\div": "/"}
_CALLED = frozenset("fghFGHP")  #: a letter before a parenthesis that is a function rather than a factor
_STARTS_FACTOR = re.compile(
    r"[a-zA-Z(|]|\\(?!cdot|times|div|land|lor|right|rfloor|rceil|pm|mp|cup|cap|in\b|ldots|to\b|[%}])"
)


class _Parser:
    """Recursive descent over the tokens of a canonical form."""

    def __init__(self, form: str) -> None:
        self.tokens = _TOKEN.findall(form)
        self.at = 0
        self.names: set[str] = set()
        self.nodes = 0
        self.depth = 0
        self.open_bars = 0

    @property
    def next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, sign: str = "") -> str:
        found = self.next
        if not found or (sign and found != sign):
            raise NotATermError(f"{sign or 'more'} expected, found {found or 'the end'}")
        self.at += 1
        return found

    def make(self, *node: Any) -> Node:
        self.nodes += 1
        if self.nodes > _MOST_NODES:
            raise NotATermError("too long")
        return node

    def sum(self) -> Node:
        self.depth += 1
        if self.depth > 30:
            raise NotATermError("nested too deeply")
        node = self.product()
        while self.next in ("+", "-"):
            sign = self.take()
            other = self.product()
            node = self.make("+", node, other if sign == "+" else self.make("neg", other))
        self.depth -= 1
        return node

    def product(self, *, is_argument: bool = False) -> Node:
        if self.next in ("+", "-"):
            return self.signed(lambda: self.product(is_argument=is_argument))
        node = self.power()
        while True:
            sign = self.next
            if is_argument and self.ends_argument(sign):
                return node
            if sign in _OPERATORS:
                self.take()
                node = self.make(_OPERATORS[sign], node, self.signed(self.power))
            elif sign == r"\%":
                self.take()
                node = self.make("/", node, ("num", Fraction(100)))
            elif _STARTS_FACTOR.match(sign) and not (sign == "|" and self.open_bars):
                node = self.make("*", node, self.power())
            else:
                return node

    def ends_argument(self, sign: str) -> bool:
        r"""Whether a function's argument without parentheses ends before a sign: ``\sin x \cdot y``, ``\log 8/\log 2``."""
        after = self.tokens[self.at + 1] if sign == "/" and self.at + 1 < len(self.tokens) else sign
        return sign in ("(", r"\cdot", r"\times", "*") or after[1:] in _FUNCTIONS or after == r"\log"

    def signed(self, read: Callable[[], Node]) -> Node:
        sign = self.take() if self.next in ("+", "-") else "+"
        node = read()
        return self.make("neg", node) if sign == "-" else node

    def power(self) -> Node:
        node = self.postfix(self.primary())
        if self.next == "^":
            self.take()
            if self.next == r"\circ" or self.tokens[self.at : self.at + 3] == ["{", r"\circ", "}"]:
                self.at += 1 if self.next == r"\circ" else 3
                return self.make("*", node, ("degree",))
            node = self.make("^", node, self.argument())
        return self.postfix(node)

    def postfix(self, node: Node) -> Node:
        while self.next == "!":
            name = self.take() + (self.take() if self.next == "!" else "")
            node = self.make("fn", name, node)
        return node

    def argument(self) -> Node:
        """What a command or a power is applied to: a group in braces, or one sign of it."""
        if self.next == "{":
            return self.group("{", "}")
        if self.next[:1].isdigit() and len(self.next) > 1:  # x^23 is x^2 3 in LaTeX, and is meant by nobody
            raise NotATermError("several digits without braces")
        return self.signed(self.primary)

    def group(self, opening: str, closing: str) -> Node:
        self.take(opening)
        bars, self.open_bars = self.open_bars, 0
        node = self.sum()
        self.open_bars = bars
        self.take(closing)
        return node

    def primary(self) -> Node:
        sign = self.take()
        if sign[0].isdigit():
            return self.number(sign)
        if sign in ("(", "{"):
            self.at -= 1
            return self.group(sign, ")" if sign == "(" else "}")
        if sign == "|":
            self.open_bars += 1
            node = self.sum()
            self.open_bars -= 1
            self.take("|")
            return self.make("fn", "abs", node)
        if sign.isalpha():
            return self.letter(sign)
        return self.command(sign[1:]) if sign.startswith("\\") else self.refuse(sign)

    def refuse(self, sign: str) -> Node:
        raise NotATermError(f"unknown sign {sign}")

    def number(self, sign: str) -> Node:
        node = self.make("num", Fraction(sign.rstrip(".")))
        tail = self.tokens[self.at : self.at + 7]
        mixed = _MIXED.fullmatch("".join(tail)) if sign.isdigit() else None
        if mixed and int(mixed[2]):
            self.at += 7
            return self.make("+", node, ("num", Fraction(int(mixed[1]), int(mixed[2]))))
        return node

    def letter(self, sign: str) -> Node:
        name = sign
        if self.next == "_":
            self.take()
            name += "_" + self.subscript()
        elif self.next == "(" and sign in _CALLED:
            raise NotATermError(f"a function {sign}")
        elif self.next[:1].isdigit():
            raise NotATermError("a digit behind a letter")
        elif sign == "e":
            return self.make("e")
        elif sign == "i":
            return self.make("i")
        self.names.add(name)
        return self.make("var", name)

    def subscript(self) -> str:
        if self.next != "{":
            return self.take()
        start, depth = self.at + 1, 0
        while depth or self.at < start:
            depth += {"{": 1, "}": -1}.get(self.take(), 0)
        return "".join(self.tokens[start : self.at - 1])

    def command(self, name: str) -> Node:
        ahead = self.tokens[self.at : self.at + 6]
        if name == "frac" and ahead[:2] == ["{", "d"] and "d" in ahead[3:]:
            raise NotATermError("a derivative")
        if name in ("frac", "binom"):
            first = self.argument()
            return self.make("/" if name == "frac" else name, first, self.argument())
        if name == "sqrt":
            degree: Node = ("num", Fraction(2))
            if self.next == "[":
                degree = self.group("[", "]")
            return self.make("^", self.argument(), self.make("/", ("num", Fraction(1)), degree))
        if name in ("vec", "hat") and self.next == "{":
            self.names.add(name := rf"\{name}{{{self.subscript()}}}")
            return self.make("var", name)
        if name == "pi":
            return self.make("pi")
        if name in ("lfloor", "lceil"):
            node = self.sum()
            self.take("\\r" + name[1:])
            return self.make("fn", name[1:], node)
        if name == "text" and ahead[:1] == ["{"] and ahead[2:3] == ["}"]:
            self.take()  # one upright letter, such as e and i
            node = self.primary()
            self.take("}")
            return node
        if name in ("max", "min"):
            return self.extreme(name)
        if name == "log" or name in _FUNCTIONS:
            return self.call(name)
        if name in _GREEK:
            return self.letter("\\" + name)
        return self.refuse("\\" + name)

    def extreme(self, name: str) -> Node:
        r"""``\\max(a, b)``, which is (a + b + |a - b|) / 2."""
        closing = {"(": ")", "{": "}", r"\{": r"\}"}.get(self.take(), "")
        node = self.sum()
        while self.next == ",":
            self.take()
            other = self.sum()
            self.nodes *= 2  # what is made of them holds both twice
            apart = self.make("fn", "abs", self.make("+", node, ("neg", other)))
            apart = apart if name == "max" else ("neg", apart)
            node = self.make("/", self.make("+", self.make("+", node, other), apart), ("num", Fraction(2)))
        self.take(closing or "(")
        return node

    def call(self, name: str) -> Node:
        base = power = None
        if name == "log" and self.next == "_":
            self.take()
            base = self.argument()
        if self.next == "^":
            self.take()
            power = self.argument()
        node = self.postfix(self.group("(", ")")) if self.next == "(" else self.product(is_argument=True)
        if power == ("neg", ("num", Fraction(1))) and name in ("sin", "cos", "tan"):
            name, power = "arc" + name, None
        node = self.make("fn", "ln" if name == "log" else name, node)
        if base is not None:
            node = self.make("/", node, self.make("fn", "ln", base))
        return node if power is None else self.make("^", node, power)


@lru_cache(maxsize=4096)
def parse(form: str) -> tuple[Node, frozenset[str]]:
    """The tree of a canonical form, and the names of its variables.

    Raises:
        NotATermError: The form is outside the grammar.
    """
    parser = _Parser(form)
    node = parser.sum()
    if parser.next:
        raise NotATermError(f"{parser.next} is not expected")
    return node, frozenset(parser.names)


def is_term(form: str) -> bool:
    """Whether a form is an expression of this grammar."""
    try:
        parse(form)
    except NotATermError:
        return False
    return True
