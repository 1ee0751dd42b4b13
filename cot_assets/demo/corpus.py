"""The written solutions that the demo models learn from.

Belongs here: the ways to solve a problem of each family, and the training documents.
Does not belong here: the writer (:mod:`cot_assets.demo.writer`), the problems (:mod:`cot_assets.demo.families`), drills
(:mod:`cot_assets.demo.drills`), tokenization and training (:mod:`cot_assets.demo.train`).

The writer is built so that the curves of a model trained on it are worth looking at:

* every line holds one calculation and builds on an earlier one, so the answer follows from the steps;
* a line may hold a *slip*; some slips are noticed and mended at once (``Wait, check that again.``),
  others spoil everything after them; slips are commoner on a long way;
* every family has a usual way that is long and error-prone, and a short one (a cycle, a
  factorization, a symmetry) that a solution may choose at the start or find in the middle;
* a long solution may be given up with a guess, which is sometimes right.

A share of what the models read is drill: pages of single calculations, all right.

Only the standard library is used.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator

from cot_assets.demo.drills import drill
from cot_assets.demo.families import FAMILIES, LEVELS, Problem, factorize, make_problem
from cot_assets.demo.writer import GUESS, GivesUp, Habits, Writer

#: What demo-strong and demo-weak read. The weak writer knows the short ways but rarely thinks of them.
STRONG = Habits()
WEAK = Habits(short=0.08, switch=0.01, notice=0.12, slip=0.02, slip_long=0.1, mend=0.3, give_up=0.25)


def _power_short(w: Writer, p: Problem) -> int:
    a, b, m = p.params
    w.short_way("Look for a cycle.")
    powers, value = [1], a % m
    w.say(f"{a}^1 = {value}.")
    powers.append(value)
    while value != 1 and len(powers) < 9:
        value = w.reduce(f"{a}^{len(powers)}", f"{value}*{a}", value * a, m)
        powers.append(value)
    if value != 1:
        raise GivesUp
    period = len(powers) - 1
    w.say(f"{a}^{period} = 1, so the powers repeat every {period}.")
    rest = w.reduce("", "", b, period) if b >= period else b
    value = powers[rest % len(powers)]
    w.say(f"{a}^{rest} = {value}.")
    return value


def _power_long(w: Writer, p: Problem) -> int:
    a, b, m = p.params
    w.say("Square again and again.")
    squares, exponent = {1: a % m}, 1
    while exponent * 2 <= b:
        if w.turns():
            return _power_short(w, p)
        base = squares[exponent]
        exponent *= 2
        squares[exponent] = w.reduce(f"{a}^{exponent}", f"{base}*{base}", base * base, m)
    parts = [e for e in sorted(squares, reverse=True) if b & e]
    if len(parts) > 1:
        w.say(f"{b} = {'+'.join(map(str, parts))}.")
    value = squares[parts[0]]
    for done, part in enumerate(parts[1:]):
        w.tire(len(squares) + done)
        value = w.reduce("", f"{value}*{squares[part]}", value * squares[part], m)
    return value


def _recurrence_from(w: Writer, p: Problem, notice: float) -> int:
    c, d, m, start, index = p.params
    values = [start]
    while len(values) <= index:
        last, i = values[-1], len(values)
        if last == start and i > 1 and w.rng.random() < notice:
            period = i - 1
            w.say(f"x{period} = {start} = x0, so the terms repeat every {period}.")
            rest = w.reduce("", "", index, period)
            value = values[rest % len(values)]
            w.say(f"x{rest} = {value}.")
            return value
        w.tire(i - 1)
        values.append(w.reduce(f"x{i}", f"{c}*{last}+{d}", c * last + d, m))
    return values[index]


def _recurrence_short(w: Writer, p: Problem) -> int:
    w.short_way("Look for a cycle.")
    return _recurrence_from(w, p, notice=1.0)


def _recurrence_long(w: Writer, p: Problem) -> int:
    w.say("Go step by step.")
    return _recurrence_from(w, p, notice=w.habits.notice)


def _divisors_short(w: Writer, p: Problem) -> int:
    (n,) = p.params
    w.short_way("Factorize it.")
    rest, factors = n, list[int]()
    while rest > 1:
        prime = factorize(rest)[0]
        factors.append(prime)
        if rest == prime:
            break
        quotient = rest // prime
        rest = w.calculate(lambda v, r=rest, q=prime: f"{r} = {q}*{v}.", quotient)
        if rest < 2:
            raise GivesUp
    exponents = [factors.count(f) for f in sorted(set(factors))]
    w.say(
        f"{n} = " + "*".join(f"{f}^{e}" for f, e in zip(sorted(set(factors)), exponents, strict=True)) + "."
    )
    product = "*".join(f"({e}+1)" for e in exponents)
    return w.calculate(lambda v: f"{product} = {v}.", math.prod(e + 1 for e in exponents))


def _try_divisor(w: Writer, n: int, k: int, count: int) -> int:
    """Write ``n = k*q+r`` and, where nothing is left, the new count; a slip may see a rest or miss one."""

    def render(rest: int, count: int) -> str:
        return f"{n} = {k}*{n // k}+{rest}" + (f", so {count}." if rest == 0 else ".")

    def counted(rest: int) -> int:
        return count if rest else count + (1 if k * k == n else 2)

    rest = n % k
    if w.rng.random() >= w.slip:
        w.say(render(rest, counted(rest)))
        return counted(rest)
    wrong = 0 if rest else w.rng.randint(1, max(1, k - 1))
    w.say(render(wrong, counted(wrong)))
    return counted(rest if w.mends(render(rest, counted(rest))) else wrong)


def _divisors_long(w: Writer, p: Problem) -> int:
    (n,) = p.params
    w.say("Try the numbers one by one.")
    count, k = 0, 1
    while k * k <= n:
        if w.turns():
            return _divisors_short(w, p)
        w.tire(k - 1)
        count = _try_divisor(w, n, k, count)
        k += 1
    return count


def _sum_short(w: Writer, p: Problem) -> int:
    first, step, terms = p.params
    last = first + step * (terms - 1)
    w.short_way("Pair the ends.")
    pair = w.calculate(lambda v: f"{first}+{last} = {v}.", first + last)
    gap = w.calculate(lambda v: f"{last}-{first} = {v}.", last - first)
    steps = w.calculate(lambda v: f"{gap}/{step} = {v}.", gap // step)
    pairs = (steps + 1) // 2
    w.say(f"So {steps + 1} terms, {pairs} pairs.")
    return w.calculate(lambda v: f"{pairs}*{pair} = {v}.", pairs * pair)


def _sum_long(w: Writer, p: Problem) -> int:
    first, step, terms = p.params
    w.say("Add them one by one.")
    total, term = first, first
    for done in range(1, terms):
        if w.turns():
            return _sum_short(w, p)
        w.tire(done - 1)
        term += step
        total = w.calculate(lambda v, s=total, t=term: f"{s}+{t} = {v}.", total + term)
    return total


_WAYS: dict[str, tuple[Callable[[Writer, Problem], int], Callable[[Writer, Problem], int]]] = {
    "power": (_power_short, _power_long),
    "recurrence": (_recurrence_short, _recurrence_long),
    "divisors": (_divisors_short, _divisors_long),
    "sum": (_sum_short, _sum_long),
}


def _guess(p: Problem, rng: random.Random) -> int:
    """A plausible number for someone who has not calculated."""
    if p.family in ("power", "recurrence"):
        return rng.randrange(p.params[2])
    if p.family == "divisors":
        return rng.choice((4, 6, 6, 8, 8, 10, 12, 12, 16))
    _, step, _ = p.params
    return max(1, p.answer + rng.randint(-3, 3) * step + rng.choice((-5, 0, 0, 5)))


def write_solution(problem: Problem, rng: random.Random, habits: Habits) -> str:
    r"""One chain of thought, one calculation per line; the last line holds ``\boxed{n}``."""
    w = Writer(rng, habits)
    short, long = _WAYS[problem.family]
    try:
        value = (short if rng.random() < habits.short else long)(w, problem)
    except GivesUp:
        w.say(GUESS)
        value = _guess(problem, rng)
    w.say(f"The answer is \\boxed{{{value}}}.")
    return "\n".join(w.lines)


# --- documents ------------------------------------------------------------------------------------


def render_prompt(statement: str) -> str:
    """The text before the chain of thought; the demo's registry entries hold the same template."""
    return f"Problem: {statement}\nSolution:\n"


def documents(seed: int, habits: Habits, drills: float = 0.25) -> Iterator[str]:
    """Endless training documents: prompts with solutions from the training side of the split, and drills.

    Args:
        seed: Seed of the whole stream.
        habits: Of the writer.
        drills: Share of documents that are drills, in [0, 1].
    """
    rng = random.Random(seed)
    while True:
        if rng.random() < drills:
            yield drill(rng)
            continue
        problem = make_problem(rng.choice(FAMILIES), rng.choice(LEVELS), rng, held_out=False)
        yield render_prompt(problem.statement) + write_solution(problem, rng, habits)
