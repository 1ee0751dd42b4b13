"""Agreement with labels that others gave, and with the gold answers of real problem sets.

Guards against a change of the rules, or a release of math-verify, sympy or latex2sympy2, that moves
verdicts. Every difference is listed, with the side that is wrong, in ``disagreements.toml``.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from cot_assets.grading.judgement import Pair
from cot_assets.grading.pool import GraderPool
from cot_assets.grading.reading.numbers import read_number
from cot_assets.grading.reading.quantities import split_unit
from cot_assets.grading.text.extract import extract_answer
from cot_assets.grading.text.spelling import canonical

_LISTED = tomllib.loads((Path(__file__).parent / "disagreements.toml").read_text())


def _verdicts(pool: GraderPool, pairs: list[Pair]) -> list[str]:
    judged = pool.grade(pairs)
    return [judged[pair].verdict for pair in pairs]


def _lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_real_responses(real_data: Path, grader_pool: GraderPool) -> None:
    """240 responses to 30 problems, graded upstream by Qwen2.5-Math's own grader."""
    places, labels, pairs = [], [], []
    for row, record in enumerate(_lines(real_data / "grading" / "qwen25_math_responses_30.jsonl")):
        for index, (text, label) in enumerate(zip(record["code"], record["score"], strict=True)):
            answer = extract_answer(text, "expression").answer
            assert answer is not None, f"row {row}, response {index}: no answer found"
            places.append((row, index))
            labels.append("correct" if label else "incorrect")
            pairs.append((answer, record["answer"], "expression"))
    assert len(pairs) == 240
    verdicts = _verdicts(grader_pool, pairs)
    differing = {
        place: (ours, label)
        for place, ours, label in zip(places, verdicts, labels, strict=True)
        if ours != label
    }
    explained = {
        (entry["row"], index): (entry["ours"], entry["label"])
        for entry in _LISTED["responses"]
        for index in entry["responses"]
    }
    assert differing == explained
    upstream_errors = {
        (entry["row"], i)
        for entry in _LISTED["responses"]
        if entry["wrong"] == "label"
        for i in entry["responses"]
    }
    # Where the label itself is wrong, agreeing with it would be the error.
    right = sum(place not in differing or place in upstream_errors for place in places)
    assert right / len(places) >= 0.99


def test_inspect_cases(real_data: Path, grader_pool: GraderPool) -> None:
    """33 cases of inspect_ai's grader; an output without box or "answer is" is the answer itself."""
    cases = json.loads((real_data / "grading" / "inspect_ai_math_cases.json").read_text())
    pairs = []
    for case in cases:
        answer = extract_answer(case["output"], "expression", ("boxed", "statement")).answer or case["output"]
        pairs.append((answer, case["target"], "expression"))
    labels = ["correct" if case["expected"] == "C" else "incorrect" for case in cases]
    verdicts = _verdicts(grader_pool, pairs)
    differing = {
        row: (ours, label)
        for row, (ours, label) in enumerate(zip(verdicts, labels, strict=True))
        if ours != label
    }
    assert differing == {entry["row"]: (entry["ours"], entry["label"]) for entry in _LISTED["cases"]}
    assert len(cases) - len(differing) >= 31


@pytest.mark.parametrize(("name", "n"), [("aime24", 30), ("math500", 500)])
def test_gold_answers_are_read_and_equal_themselves(
    name: str, n: int, real_data: Path, grader_pool: GraderPool
) -> None:
    golds = [record["answer"] for record in _lines(real_data / "problems" / f"{name}.jsonl")]
    assert len(golds) == n
    pairs = [(rf"{gold}", gold, "expression") for gold in golds]
    assert set(_verdicts(grader_pool, pairs)) == {"correct"}
    # The same text would be right without being read. "1 + gold" against "gold + 1" is right only if it is
    # read; sets, tuples, words and numbers that are decided exactly are read in another way below.
    sums = {
        gold: (rf"1+({form})", rf"({form})+1", "expression")
        for gold in golds
        if read_number(split_unit(form := canonical(gold))[0]) is None and _is_scalar(form)
    }
    unread = [
        gold
        for gold, verdict in zip(sums, _verdicts(grader_pool, [*sums.values()]), strict=True)
        if verdict != "correct"
    ]
    assert unread == []
    # And none of them equals a number that it is not.
    strangers = [("987654321.5", gold, "expression") for gold in golds]
    assert set(_verdicts(grader_pool, strangers)) == {"incorrect"}


def _is_scalar(form: str) -> bool:
    return not any(mark in form for mark in (",", "=", r"\text", r"\begin", r"\in", r"\pm", r"\{", "_"))


def test_other_spellings_of_real_gold_answers(real_data: Path, grader_pool: GraderPool) -> None:
    r"""Gold answers as models write them: in dollars, with \dfrac, \left and \right, units dropped."""
    golds = [record["answer"] for record in _lines(real_data / "problems" / "math500.jsonl")]
    for respell in (
        lambda gold: f"${gold}$",
        lambda gold: gold.replace(r"\frac", r"\dfrac"),
        lambda gold: gold.replace("(", r"\left(").replace(")", r"\right)") if r"\left" not in gold else gold,
        lambda gold: rf"\text{{{gold}}}" if gold.isdigit() else gold,
        lambda gold: f" {gold} .",
    ):
        pairs = [(respell(gold), gold, "expression") for gold in golds]
        wrong = [
            pair
            for pair, verdict in zip(pairs, _verdicts(grader_pool, pairs), strict=True)
            if verdict != "correct"
        ]
        assert wrong == []
