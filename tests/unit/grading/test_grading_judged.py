"""Answers that verifiers and tests judge: how they are found in a text, and by what they are judged."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl
import pytest

from cot_assets.grading.judge import judge_rollouts
from cot_assets.grading.judgement import Judgement, Pair
from cot_assets.grading.tasks import ItemError, _is_harmless, packed
from cot_assets.grading.text.extract import extract_answer
from cot_assets.grading.text.spelling import MAX_JUDGED_CHARS
from cot_assets.grading.verify import quick_verdict
from cot_assets.study import AnswerRule, ProblemSetEntry

CODE: tuple[AnswerRule, ...] = ("block", "whole")
FENCE = "```"


@pytest.mark.parametrize(
    ("text", "answer", "rule"),
    [
        (f"So:\n{FENCE}python\ndef f(x):\n    return x\n{FENCE}\nDone.", "def f(x):\n    return x", "block"),
        (f"{FENCE}\nfirst\n{FENCE}\nno:\n{FENCE}py\nlast\n{FENCE}", "last", "block"),
        (f"{FENCE}python\ndef f():\n    return 1", "def f():\n    return 1", "block"),
        (f"~~~\na\n{FENCE}\nb\n~~~", f"a\n{FENCE}\nb", "block"),
        (f"  {FENCE}python\nx = 1\n  {FENCE}", "x = 1", "block"),
        ("    return x + 1\n", "    return x + 1", "whole"),
        (f"<think>{FENCE}\nno\n{FENCE}</think>\ndef f(): pass", "def f(): pass", "whole"),
        ("\n\n", None, None),
        (f"{FENCE}\n{FENCE}", f"{FENCE}\n{FENCE}", "whole"),
    ],
)
def test_programs(text: str, answer: str | None, rule: str | None) -> None:
    assert extract_answer(text, "code", CODE) == (answer, rule)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("\\boxed{Move disk 1 from Peg 1 to Peg 3\nMove disk 2 from Peg 1 to Peg 2}",
         "Move disk 1 from Peg 1 to Peg 3\nMove disk 2 from Peg 1 to Peg 2"),
        (r"\boxed{\text{bob}}", "bob"),
        (r"\boxed{ \text{Amelia is a hero} }", "Amelia is a hero"),
        (r"\boxed{\text{a} \text{b}}", r"\text{a} \text{b}"),
        ("\\boxed{\n_ Q\nQ _\n}", "_ Q\nQ _"),
        ("\\boxed{" + "x" * 10_000 + "}", "x" * 10_000),
        (r"\boxed{}", None),
        (r"no box", None),
    ],
)  # fmt: skip
def test_what_a_verifier_gets_keeps_its_lines(text: str, answer: str | None) -> None:
    assert extract_answer(text, "verifier").answer == answer


def test_what_is_compared_stays_in_one_line() -> None:
    assert extract_answer(f"{FENCE}\n1\n2\n{FENCE}", "expression", ("block",)).answer == "1 2"
    assert extract_answer("\\boxed{" + "x" * 10_000 + "}", "expression").answer is None


def test_too_long_is_unscored_and_kept_short() -> None:
    found = extract_answer("x" * 10**6, "code", CODE).answer
    assert found is not None
    assert len(found) == MAX_JUDGED_CHARS + 1
    judgement = quick_verdict(found, "{}", "code")
    assert judgement is not None
    assert judgement.verdict == "unscored"


class Pool:
    """In the place of a grader pool: remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Pair] = []

    def grade(self, pairs: Iterable[Pair]) -> dict[Pair, Judgement]:
        self.asked += pairs
        return dict.fromkeys(self.asked, Judgement("correct", "told"))


def test_what_judges_takes_the_place_of_the_gold_answer() -> None:
    frame = pl.DataFrame(
        {
            "text": [r"\boxed{a}", r"\boxed{5}"],
            "finish_reason": ["stop", "stop"],
            "gold_answer": ["b", "5"],
            "judged_by": ['{"task": "t"}', None],
            "answer_kind": ["verifier", "integer"],
        }
    )
    pool = Pool()
    assert judge_rollouts(frame, pool=pool).verdicts["verdict"].to_list() == ["correct", "correct"]  # type: ignore[arg-type]
    assert pool.asked == [("a", '{"task": "t"}', "verifier"), ("5", "5", "integer")]


@pytest.mark.parametrize(
    "answer", ["94*4 - 61 - 6", "x**2/2 + C", "_ _ Q", "[['_', 'Q'], ['Q', '_']]", "1.5*x", "0x1f"]
)
def test_values_are_handed_over(answer: str) -> None:
    assert _is_harmless(answer)


@pytest.mark.parametrize(
    "answer",
    ["().__class__", "(1).real", "1 .real", "[x for x in 'a']", "f('a')", "lambda: 1", "'a' 5!", "a.b", "__import__",
     "x[0]", "print(f'{1}')", "[open('a')]", "5!.real", "a\n.b"],
)  # fmt: skip
def test_what_would_reach_further_is_not(answer: str) -> None:
    assert not _is_harmless(answer)


def test_only_plain_values_travel() -> None:
    with pytest.raises(ItemError, match="holds a object"):
        packed("t", {}, {"answer": "1", "metadata": {"thing": object()}}, 1.0)


def test_a_source_brings_its_kind_and_an_entry_may_say_another() -> None:
    entry = {"name": "s", "protocol": "p", "source": "reasoning-gym:zebra_puzzles"}
    assert ProblemSetEntry.model_validate(entry).answer_kind == "verifier"
    assert ProblemSetEntry.model_validate({**entry, "answer_kind": "text"}).answer_kind == "text"
    assert ProblemSetEntry.model_validate({**entry, "source": "x.jsonl"}).answer_kind == "expression"
