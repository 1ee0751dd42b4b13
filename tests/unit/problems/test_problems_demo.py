"""The demo's problem set: exact answers, determinism, levels, and the split from the training text."""

from __future__ import annotations

import itertools
import random
import re

import pytest
import sympy

from cot_assets.demo import corpus, drills, families
from cot_assets.demo.families import FAMILIES, LEVELS
from cot_assets.problems import ProblemSetError
from cot_assets.problems.demo import demo_problems

ALL = {"per_cell": [3, 6, 5, 5]}


def answer_by_sympy(statement: str) -> int:
    """Read the numbers from the statement alone and solve it another way than the corpus does."""
    if match := re.fullmatch(r"Find the remainder of (\d+)\^(\d+) divided by (\d+)\.", statement):
        a, b, m = map(int, match.groups())
        return int(sympy.Mod(sympy.Integer(a) ** b, m))
    if match := re.fullmatch(r"How many divisors does (\d+) have\?", statement):
        return int(sympy.divisor_count(int(match[1])))
    if match := re.fullmatch(r"Find the sum (\d+) \+ (\d+) \+ (\d+) \+ \.\.\. \+ (\d+)\.", statement):
        first, second, third, last = map(int, match.groups())
        step = second - first
        assert third - second == step
        k = sympy.Symbol("k")
        return int(sympy.summation(first + k * step, (k, 0, sympy.Rational(last - first, step))))
    match = re.fullmatch(
        r"A sequence starts with x0 = (\d+)\. Each next term is (\d+) times the last term plus (\d+), "
        r"modulo (\d+)\. Find x(\d+)\.",
        statement,
    )
    assert match, statement
    start, c, d, m, index = map(int, match.groups())
    power = sympy.Matrix([[c, d], [0, 1]]) ** index  # exact; reduced once, at the end
    return int(sympy.Mod((power * sympy.Matrix([start, 1]))[0], m))


@pytest.mark.parametrize("seed", [0, 7, 2024])
def test_gold_answers_agree_with_sympy(seed):
    for problem_id, problem in demo_problems(ALL, seed):
        assert answer_by_sympy(problem.statement) == problem.answer, problem_id


def test_every_family_and_level_has_its_share_and_its_ids():
    problems = demo_problems(ALL, 7)
    assert [i for i, _ in problems] == [
        f"{family}-{level}-{number}"
        for family in FAMILIES
        for level, count in zip(LEVELS, ALL["per_cell"], strict=True)
        for number in range(1, count + 1)
    ]
    assert all(problem_id == f"{p.family}-{p.level}-{problem_id.split('-')[2]}" for problem_id, p in problems)


def test_statements_are_distinct_even_where_levels_overlap():
    """Regression: the ranges of levels overlap, so one statement stood at level 3 and at level 4."""
    for seed in range(20):
        statements = [p.statement for _, p in demo_problems({"per_cell": [3, 6, 5, 5]}, seed)]
        assert len(set(statements)) == len(statements)


def test_same_seed_same_problems_other_seed_other_problems():
    assert demo_problems(ALL, 7) == demo_problems(ALL, 7)
    assert demo_problems(ALL, 7) != demo_problems(ALL, 8)


def test_more_problems_keep_those_that_were_there():
    few, more = dict(demo_problems({"per_cell": [1, 1, 1, 1]}, 7)), dict(demo_problems(ALL, 7))
    kept = [i for i in few if few[i] == more.get(i)]
    assert len(kept) >= len(few) - 2  # a shared statement may go to the lower level


def test_no_demo_problem_is_in_the_training_text():
    held_out = {p.statement for seed in range(5) for _, p in demo_problems(ALL, seed)}
    texts = itertools.islice(corpus.documents(1, corpus.STRONG), 5000)
    trained = {text.split("\n")[0].removeprefix("Problem: ") for text in texts if text.startswith("Problem:")}
    assert len(trained) > 500
    assert not held_out & trained


def test_training_documents_repeat_for_a_seed():
    def texts(seed: int) -> list[str]:
        return list(itertools.islice(corpus.documents(seed, corpus.WEAK), 50))

    assert texts(3) == texts(3)
    assert texts(3) != texts(4)


@pytest.mark.parametrize("family", FAMILIES)
def test_higher_levels_have_larger_numbers(family):
    size = {"power": 1, "recurrence": 4, "divisors": 0, "sum": 2}[family]  # the number that makes it long
    rng = random.Random(1)
    means = [
        sum(families.make_problem(family, level, rng, held_out=False).params[size] for _ in range(60)) / 60
        for level in LEVELS
    ]
    assert means == sorted(means)
    assert means[3] > 1.5 * means[0]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("level", LEVELS)
def test_faultless_writers_reach_the_gold_answer(family, level):
    """Both ways through a problem end at its answer when no slip happens: the lines really calculate."""
    for short in (0.0, 1.0):
        habits = corpus.Habits(short=short, switch=0, notice=0.5, slip=0, slip_long=0, mend=0, give_up=0)
        rng = random.Random(level)
        for _ in range(20):
            problem = families.make_problem(family, level, rng, held_out=True)
            text = corpus.write_solution(problem, rng, habits)
            assert text.endswith(f"The answer is \\boxed{{{problem.answer}}}."), text


@pytest.mark.parametrize(
    "generator",
    [
        {},
        {"per_cell": [1, 2, 3]},
        {"per_cell": [1, 2, 3, -1]},
        {"per_cell": [1, 2, 3, True]},
        {"per_cell": [1, 2, 3, "4"]},
        {"per_cell": [0, 0, 0, 0]},
        {"per_cell": [1, 1, 1, 1], "families": ["sum"]},
    ],
)
def test_a_malformed_generator_is_named(generator):
    with pytest.raises(ProblemSetError, match="per_cell = \\[1, 1, 2, 2\\]"):
        demo_problems(generator, 0)


def test_an_exhausted_cell_ends_with_an_error_not_a_loop():
    with pytest.raises(ProblemSetError, match=r"'power' has only about .* level 1.* 10000 were asked for"):
        demo_problems({"per_cell": [10_000, 0, 0, 0]}, 0)


def test_every_line_of_a_drill_is_true():
    rng = random.Random(5)
    for _ in range(80):
        title, *lines = drills.drill(rng).split("\n")
        assert title.startswith("Practice")
        for line in lines:
            sides = [sympy.sympify(side) for side in line.removesuffix(".").split(" = ")]
            assert len(set(sides)) == 1, line
