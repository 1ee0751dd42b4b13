"""Verdicts of frames: verdict rules, order, what is remembered, when no process starts."""

import polars as pl
import pytest

from cot_assets.grading import pool as pool_module
from cot_assets.grading.judge import GRADES_SCHEMA, judge_rollouts
from cot_assets.grading.pool import GraderPool
from cot_assets.grading.verify import GRADER_VERSION


def frame(*rows: tuple[str, str, str, str]) -> pl.DataFrame:
    return pl.DataFrame(rows, ["text", "finish_reason", "gold_answer", "answer_kind"], orient="row")


def known(verdict: str, version: str = GRADER_VERSION) -> pl.DataFrame:
    return pl.DataFrame(
        [("5", "7", "integer", version, verdict, "told", None, None)], GRADES_SCHEMA, orient="row"
    )


@pytest.fixture
def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a worker was started")

    monkeypatch.setattr(pool_module, "Worker", refuse)


@pytest.mark.usefixtures("no_processes")
def test_verdicts() -> None:
    rows = frame(
        (r"\boxed{7}", "stop", "7", "integer"),
        (r"\boxed{8}", "stop", "7", "integer"),
        (r"\boxed{7} and on", "length", "7", "integer"),
        (r"\boxed{7", "length", "7", "integer"),
        ("nothing", "stop", "7", "integer"),
        (r"\boxed{(B)}", "stop", "B", "multiple_choice"),
        (r"\boxed{8}", "stop", "7", "integer"),
    )
    verdicts, grades = judge_rollouts(rows)
    assert verdicts["verdict"].to_list() == [
        "correct", "incorrect", "correct", "truncated", "no_answer", "correct", "incorrect",
    ]  # fmt: skip
    assert verdicts["answer"].to_list() == ["7", "8", "7", None, None, "B", "8"]
    assert verdicts["answer_rule"].to_list() == ["boxed", "boxed", "boxed", None, None, "boxed", "boxed"]
    assert grades.schema == GRADES_SCHEMA
    assert grades.select("answer", "gold_answer", "verdict").rows() == [
        ("7", "7", "correct"), ("8", "7", "incorrect"), ("B", "B", "correct"),
    ]  # fmt: skip
    assert set(grades["grader_version"]) == {GRADER_VERSION}


@pytest.mark.usefixtures("no_processes")
def test_known_grades_are_used_as_they_are() -> None:
    """The remembered verdict is deliberately wrong: only so is it seen to be used."""
    rows = frame((r"\boxed{5}", "stop", "7", "integer"))
    remembered = judge_rollouts(rows, known=known("correct"))
    assert remembered.verdicts["verdict"].to_list() == ["correct"]
    assert remembered.grades.is_empty()


@pytest.mark.usefixtures("no_processes")
@pytest.mark.parametrize("grades", [known("unscored"), known("correct", "an-older-grader")])
def test_unscored_and_outdated_grades_are_made_again(grades: pl.DataFrame) -> None:
    again = judge_rollouts(frame((r"\boxed{5}", "stop", "7", "integer")), known=grades)
    assert again.verdicts["verdict"].to_list() == ["incorrect"]
    assert again.grades["verdict"].to_list() == ["incorrect"]


def test_empty_frame() -> None:
    verdicts, grades = judge_rollouts(frame().cast(pl.String))
    assert verdicts.is_empty()
    assert verdicts.columns == ["answer", "answer_rule", "verdict"]
    assert grades.is_empty()


def test_bad_frames_are_named() -> None:
    with pytest.raises(ValueError, match=r"no column gold_answer"):
        judge_rollouts(frame().cast(pl.String).drop("gold_answer"))
    with pytest.raises(ValueError, match=r"NULL in text"):
        judge_rollouts(frame(("a", "stop", "7", "integer")).with_columns(text=pl.lit(None, pl.String)))
    with pytest.raises(ValueError, match="'essay' is not known"):
        judge_rollouts(frame((r"\boxed{5}", "stop", "7", "essay")))


def test_pool_arguments() -> None:
    with pytest.raises(ValueError, match="must be positive"):
        GraderPool(0)
    with pytest.raises(ValueError, match="must be positive"):
        GraderPool(seconds=0)


@pytest.mark.usefixtures("no_processes")
def test_distinct_pairs_once_and_in_order() -> None:
    with GraderPool() as pool:
        judged = pool.grade([("2", "1", "integer"), ("1", "1", "integer"), ("2", "1", "integer")])
        assert [(pair[0], found.verdict) for pair, found in judged.items()] == [
            ("2", "incorrect"),
            ("1", "correct"),
        ]
