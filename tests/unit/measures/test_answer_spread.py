"""From rollouts to how open the answer is."""

from __future__ import annotations

import polars as pl

from cot_assets.measures.answers.spread import answer_entropy
from cot_assets.study import Protocol
from cot_assets.warehouse.schema import check_frame, polars_schema

PROTOCOL = Protocol(name="p")


def distribution(*rows: tuple[str, str | None, bool, int]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=["prefix_id", "answer", "is_correct", "n_rollouts"], orient="row")
    return frame.with_columns(
        problem_set=pl.lit("s"),
        model=pl.lit("m"),
        problem_id=pl.lit("q"),
        n=pl.col("n_rollouts").sum().over("prefix_id"),
    ).with_columns(pl.col("n", "n_rollouts").cast(pl.Int32))


def test_each_prefix_gets_its_top_answer_and_entropy() -> None:
    found = answer_entropy(
        distribution(
            ("b", "7", True, 16), ("b", "9", False, 16), ("a", "9", False, 30), ("a", None, False, 2)
        ),
        PROTOCOL,
    )
    assert check_frame("answer_entropy", found) == []
    sure, open_ = found.rows(named=True)
    assert (sure["prefix_id"], sure["top_answer"], sure["top_rollouts"], sure["is_top_correct"]) == (
        "a",
        "9",
        30,
        False,
    )
    assert (open_["top_answer"], open_["is_top_correct"], open_["n"], open_["n_answers"]) == (
        "7",
        True,
        32,
        2,
    )
    assert 1 < open_["entropy"] < 1.05
    assert sure["entropy"] < open_["entropy"]


def test_no_answer_can_be_the_most_frequent_one() -> None:
    row = answer_entropy(distribution(("a", None, False, 31), ("a", "7", True, 1)), PROTOCOL).row(
        0, named=True
    )
    assert (row["top_answer"], row["top_rollouts"], row["is_top_correct"]) == (None, 31, False)


def test_without_rollouts_there_are_no_rows() -> None:
    assert answer_entropy(distribution().clear(), PROTOCOL).schema == polars_schema("answer_entropy")
