"""Answers that reasoning-gym's own verifiers judge: right, wrong and hostile ones, and what the verifiers do."""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.extras import needs

from cot_assets.grading.pool import GraderError, GraderPool
from cot_assets.grading.sandbox import bubblewrap
from cot_assets.grading.tasks import EVALUATING, packed
from cot_assets.problems import ProblemSetError, load_problems
from cot_assets.study import DataHome, ProblemSetEntry

pytestmark = pytest.mark.heavy
needs("reasoning_gym", "reasoning-gym")

TASKS = (
    "gsm_symbolic", "leg_counting", "chain_sum", "simple_equations", "time_intervals", "knights_knaves", "countdown",
    "tower_of_hanoi", "n_queens", "zebra_puzzles",
)  # fmt: skip
HOSTILE = (
    "", "\x00", "é" * 1000, "(" * 5000, "x" * 4000, "-" * 4000 + "1", "1/0", "1e999999999", "9**9**9**9",
    "__import__('os').system('touch escaped')", "[].__class__.__base__.__subclasses__()", "exit()", "open(4)",
    "(lambda: 1)()", "'a'*10**10", "[[1]*10**9]*10**9", "factorial(10**7)", "[0," * 1000, "while True: pass",
    "__import__('os').write(4, b'[\"verdict\", 1, \"correct\", \"\", null, false]\\n')",
    "__import__('time').sleep(1000)",
)  # fmt: skip


@pytest.fixture(scope="module")
def pool() -> Iterator[GraderPool]:
    with GraderPool(1, seconds=1) as found:
        yield found


def items(task: str, n: int) -> list[dict[str, Any]]:
    from reasoning_gym import create_dataset

    dataset = create_dataset(task, seed=11, size=n)
    return [dataset[i] for i in range(n)]


def wrong(answer: str) -> Iterator[str]:
    """Answers like a right one that it is not: a digit, a word, a line or a letter is another one."""
    for place, character in enumerate(answer):
        if character.isdigit():
            yield answer[:place] + str((int(character) + 1) % 10) + answer[place + 1 :]
    lines = answer.splitlines()
    yield from ("\n".join(lines[:i] + lines[i + 1 :]) for i in range(len(lines)) if len(lines) > 1)
    yield from (answer.replace(a, b) for a, b in (("Q", "_"), ("_", "Q"), ("Peg 1", "Peg 2")) if a in answer)
    yield from (f"{letter}{answer[1:]}" for letter in "zxqwvkjyhg" if answer[:1].isalpha())
    yield from (
        "",
        " ",
        "none",
        "I do not know",
        "?",
        "-",
        "0/0",
        "nan",
        "inf",
        "True",
        "[]",
        "{}",
        "()",
        "None",
    )
    yield from (f"{k}{answer}" if answer[:1].isdigit() else f"{answer}{k}" for k in range(1, 10))


@pytest.mark.parametrize("task", TASKS)
def test_right_wrong_and_hostile_answers(pool: GraderPool, task: str) -> None:
    made = items(task, 10)
    right = [(item["answer"].strip(), packed(task, {}, item, 1.0), "verifier") for item in made]
    assert {grade.verdict for grade in pool.grade(right).values()} == {"correct"}

    answer, judged_by, _ = right[0]
    others = list(dict.fromkeys(each for each in wrong(answer) if each.strip() != answer))[:20]
    assert len(others) == 20
    grades = [*pool.grade([(each, judged_by, "verifier") for each in others]).values()]
    assert {grade.verdict for grade in grades} == {"incorrect"}, grades

    hostile = [*pool.grade([(each, judged_by, "verifier") for each in HOSTILE]).values()]
    assert {grade.verdict for grade in hostile} <= {"incorrect", "unscored"}
    again = [*pool.grade([*((each, judged_by, "verifier") for each in others), right[0]]).values()]
    assert again[:-1] == grades
    assert again[-1].verdict == "correct"


def test_points_short_of_all_are_correct_from_the_threshold_on(pool: GraderPool) -> None:
    """A tower that is moved with a detour earns a share of the points, one that is not moved nearly none."""
    (item,) = items("tower_of_hanoi", 1)
    there = re.sub(r"from Peg (\d) to Peg (\d)", r"from Peg \2 to Peg \1", item["answer"].splitlines()[0])
    detour = "\n".join([item["answer"].splitlines()[0], there, item["answer"]])
    for threshold, expected in ((1.0, "incorrect"), (0.1, "correct")):
        judged_by = packed("tower_of_hanoi", {}, item, threshold)
        assert next(iter(pool.grade([(detour, judged_by, "verifier")]).values())).verdict == expected
        assert next(iter(pool.grade([(there, judged_by, "verifier")]).values())).verdict == "incorrect"


def test_without_a_sandbox_nothing_is_evaluated(
    pool: GraderPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = DataHome(tmp_path)
    monkeypatch.setattr(bubblewrap, "_problem", lambda: "there is no bubblewrap (bwrap) on this machine")
    (item,) = items("countdown", 1)
    with pytest.raises(GraderError, match=r"no bubblewrap.*apt-get install bubblewrap"):
        pool.grade([(item["answer"], packed("countdown", {}, item, 1.0), "verifier")])
    entry = ProblemSetEntry(name="set", protocol="paper", source="reasoning-gym:countdown", size=2)
    with pytest.raises(ProblemSetError, match=r"\[set\].*no bubblewrap"):
        load_problems(entry, home)
    plain = entry.model_copy(update={"source": "reasoning-gym:zebra_puzzles"})
    assert load_problems(plain, home)["answer_kind"].to_list() == ["verifier"] * 2


# --- what the verifiers of the package do -------------------------------------------------------

_EVALUATES = {
    "eval",
    "exec",
    "compile",
    "parse_expr",
    "sympify",
    "nsimplify",
    "parse_latex",
    "lambdify",
    "__import__",
}


def reached(cls: type) -> Iterator[Callable[..., Any]]:
    """The package's functions that ``score_answer`` may call, itself among them."""
    seen, waiting = set(), [cls.score_answer]
    while waiting:
        function = inspect.unwrap(waiting.pop())
        if (
            function in seen
            or not inspect.isfunction(function)
            or function.__qualname__.startswith("__create_fn__")
        ):
            continue
        seen.add(function)
        yield function
        module = sys.modules[function.__module__]
        for node in ast.walk(tree_of(function)):
            if isinstance(node, ast.Name):
                found = getattr(module, node.id, None)
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                owner = cls if node.value.id in ("self", "cls") else getattr(module, node.value.id, None)
                found = getattr(owner, node.attr, None)
            else:
                continue
            if str(getattr(found, "__module__", "")).startswith("reasoning_gym"):
                methods = vars(found).values() if inspect.isclass(found) else [found]
                waiting += [each for each in methods if inspect.isfunction(each)]


def tree_of(function: Callable[..., Any]) -> ast.AST:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function)))
    except OSError:  # made by dataclasses
        return ast.Module([], [])


def test_verifiers_that_evaluate_are_known() -> None:
    """Read again when the package moves on: what evaluates and is not listed would run outside of the sandbox."""
    from reasoning_gym.factory import DATASETS

    found = set()
    for task, (cls, _) in DATASETS.items():
        for function in reached(cls):
            own = vars(sys.modules[function.__module__])
            for node in ast.walk(tree_of(function)):
                if not isinstance(node, ast.Call):
                    continue
                name = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
                is_own = str(getattr(own.get(str(name)), "__module__", "")).startswith("reasoning_gym")
                if name in _EVALUATES and not is_own:
                    found.add(task)
    assert found == EVALUATING


def test_a_verifier_that_evaluates_unannounced_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the package had moved on and the list had not."""
    from cot_assets.grading import pool as pool_module

    (item,) = items("countdown", 1)
    monkeypatch.setattr(pool_module, "is_evaluating", lambda _: False)
    with GraderPool(1) as pool:
        (grade,) = pool.grade([(item["answer"], packed("countdown", {}, item, 1.0), "verifier")]).values()
    assert (grade.verdict, grade.reason) == (
        "unscored", "the comparison asked for evaluating text, which is refused",
    )  # fmt: skip
