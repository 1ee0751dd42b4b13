"""Every asset check finds what it is for, and passes on right data."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from cot_assets.measures.curves.assets import martingale_finding
from cot_assets.measures.frames import CURVES
from cot_assets.orchestration.assets.check_rules import (
    Finding,
    blocks_agree,
    found,
    intervals_are_narrow,
    no_answer_share_is_small,
    no_duplicate_rollouts,
    of_rollouts,
    of_texts,
    potential_is_null_iff_unknown,
    schema_holds,
    truncated_share_is_small,
    unscored_share_is_small,
)
from cot_assets.statistics.estimates import add_potential
from cot_assets.study import Protocol
from cot_assets.warehouse.schema import polars_schema

N = 32


def rollouts(verdicts: list[str] | None = None) -> pl.DataFrame:
    """Two prefixes of 32 rollouts in blocks of 16, of the given verdicts."""
    verdicts = verdicts or ["correct", "incorrect"] * N
    rows = [
        {
            "problem_set": "s", "model": "m", "problem_id": "1", "prefix_id": f"prefix {i // N}",
            "sample_index": i % N, "block_key": f"block {i // 16}", "answer": "7", "verdict": verdict,
            "finish_reason": "stop", "n_tokens": 5, "shard": "x.parquet", "grader_version": "g", "protocol": "p",
            "sampling_hash": "h", "origin": "own",
        }
        for i, verdict in enumerate(verdicts)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=polars_schema("rollouts"))


def potentials(counts: list[tuple[int, int]]) -> pl.DataFrame:
    """One prefix per (n_correct, n), as the pipeline writes them."""
    rows = [
        {
            "problem_set": "s", "model": "m", "problem_id": "1", "prefix_id": f"prefix {i}", "n": n, "n_correct": k,
            "n_truncated": 0, "n_no_answer": 0, "n_unscored": 0, "n_effective": None, "is_n_approximate": False, "protocol": "p",
            "sampling_hash": "h", "origin": "own",
        }
        for i, (k, n) in enumerate(counts)
    ]  # fmt: skip
    return (
        add_potential(pl.DataFrame(rows))
        .select(polars_schema("potentials").keys())
        .cast(polars_schema("potentials"))
    )


def set_first(frame: pl.DataFrame, column: str, value: object) -> pl.DataFrame:
    """The frame with one value of its first row changed."""
    is_first = pl.int_range(pl.len()) == 0
    return frame.with_columns(
        pl.when(is_first).then(pl.lit(value, frame.schema[column])).otherwise(column).alias(column)
    )


OF_ROLLOUTS = of_rollouts("rollouts")
RIGHT = potentials([(0, 64), (32, 64), (64, 64), (0, 0)])


def test_right_rollouts_pass_every_check() -> None:
    findings = found(OF_ROLLOUTS, rollouts())
    assert set(findings) == set(OF_ROLLOUTS)
    assert all(finding.is_passed for finding in findings.values())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (rollouts().drop("answer"), "answer"),
        (rollouts().with_columns(extra=pl.lit(1)), "extra"),
        (rollouts().with_columns(pl.col("n_tokens").cast(pl.Int64)), "n_tokens"),
        (set_first(rollouts(), "verdict", None), "verdict"),
        (pl.concat([rollouts(), rollouts().head(1)]), "primary key"),
    ],
    ids=["missing", "extra", "type", "null", "key"],
)
def test_a_schema_that_is_broken_fails(wrong: pl.DataFrame, said: str) -> None:
    assert schema_holds("rollouts", rollouts()).is_passed
    finding = schema_holds("rollouts", wrong)
    assert not finding.is_passed
    assert said in finding.message
    assert finding.figures["violations"]


def test_a_number_that_is_not_finite_fails() -> None:
    assert not schema_holds("potentials", set_first(RIGHT, "potential", float("nan"))).is_passed


def test_a_sample_index_that_stands_twice_fails() -> None:
    assert no_duplicate_rollouts(rollouts()).is_passed
    finding = no_duplicate_rollouts(set_first(rollouts(), "sample_index", 1))
    assert not finding.is_passed
    assert finding.figures["duplicates"] == 1


@pytest.mark.parametrize(("later", "is_passed"), [(9, True), (16, False)])
def test_blocks_of_other_weights_are_told(later: int, is_passed: bool) -> None:
    """Eight prefixes: half of the first block is correct, and so many of the second."""
    rows = [
        {"prefix_id": f"p{i}", "block_key": f"{i} {b}", "verdict": "correct" if j < (8, later)[b] else "truncated"}
        for i in range(8) for b in range(2) for j in range(16)
    ]  # fmt: skip
    finding = blocks_agree(
        pl.DataFrame([*rows, {"prefix_id": "p0", "block_key": "x", "verdict": "unscored"}])
    )
    assert finding.is_passed == is_passed
    assert ("`revision`" in finding.message) != is_passed
    assert finding.figures["blocks"] == 16


def test_a_block_of_two_prefixes_fails() -> None:
    finding = no_duplicate_rollouts(set_first(rollouts(), "block_key", "block 3"))
    assert not finding.is_passed
    assert finding.figures["shared_blocks"] == 1


@pytest.mark.parametrize(
    ("rule", "verdict", "limit"),
    [
        (unscored_share_is_small, "unscored", 0.02),
        (truncated_share_is_small, "truncated", 0.10),
        (no_answer_share_is_small, "no_answer", 0.50),
    ],
)
def test_a_share_beyond_its_limit_fails(rule: Any, verdict: str, limit: float) -> None:
    for share, expected in ((0.0, True), (limit, True), (limit + 0.005, False), (1.0, False)):
        bad = round(share * 200)
        finding: Finding = rule(rollouts([verdict] * bad + ["correct"] * (200 - bad)))
        assert finding.is_passed == expected
        figures = {"share": bad / 200, "limit": limit, "count": bad}
        assert finding.figures.items() >= figures.items()


def test_the_check_says_by_which_rule_answers_were_found_and_how_many_have_none() -> None:
    frame = rollouts(["no_answer"] * 3 + ["truncated"] + ["correct"] * 6).with_columns(
        answer=pl.Series([None] * 4 + ["5"] * 6),
        answer_rule=pl.Series([None] * 4 + ["boxed"] * 3 + ["last_number"] * 2 + [None]),
    )
    finding = no_answer_share_is_small(frame)
    assert finding.message == (
        "3 of 9 finished rollouts are without an answer (33.3%; limit 50%); found by none 4, boxed 3, last_number 2, "
        "imported 1"
    )
    assert {name: n for name, n in finding.figures.items() if name.startswith("rule_")} == {
        "rule_none": 4, "rule_boxed": 3, "rule_last_number": 2, "rule_imported": 1,
    }  # fmt: skip


@pytest.mark.parametrize(("n_empty", "is_passed"), [(0, True), (100, True), (101, False), (200, False)])
def test_texts_that_are_mostly_empty_fail(n_empty: int, is_passed: bool) -> None:
    """Potential 0 of a server that writes nothing is not a measurement."""
    frame = rollouts(["no_answer"] * 200).with_columns(
        n_tokens=pl.Series([0] * n_empty + [5] * (200 - n_empty), dtype=pl.Int32)
    )
    for checks, what in ((OF_ROLLOUTS, "rollouts"), (of_texts("traces"), "traces")):
        findings = found(checks, frame)
        assert findings["empty_share"].is_passed == is_passed
        assert f"{n_empty} of 200 {what} are empty" in findings["empty_share"].message


def test_no_rollouts_fail_no_share() -> None:
    findings = found(OF_ROLLOUTS, rollouts().clear())
    assert all(finding.is_passed for finding in findings.values())


def test_potentials_as_the_pipeline_writes_them_pass() -> None:
    assert potential_is_null_iff_unknown(RIGHT).is_passed
    assert schema_holds("potentials", RIGHT).is_passed


@pytest.mark.parametrize(
    "wrong",
    [
        set_first(RIGHT, "potential", None),
        set_first(RIGHT, "ci_low", None),
        set_first(RIGHT, "ci_high", None),
        set_first(RIGHT, "n", 0),
        set_first(RIGHT, "n", None),
        set_first(RIGHT.reverse(), "potential", 0.0),  # no rollouts published as potential 0
        set_first(RIGHT.reverse(), "ci_high", 1.0),
        set_first(RIGHT, "potential", 0.9),
        set_first(RIGHT, "potential", 0.01),
        set_first(RIGHT, "ci_low", 0.5),
    ],
    ids=[
        "potential",
        "low",
        "high",
        "n 0",
        "n null",
        "0 for unknown",
        "interval of unknown",
        "above",
        "not k/n",
        "below",
    ],
)
def test_a_potential_that_is_not_what_n_says_fails(wrong: pl.DataFrame) -> None:
    finding = potential_is_null_iff_unknown(wrong)
    assert not finding.is_passed
    assert finding.figures["wrong"] == 1


def test_wide_intervals_fail() -> None:
    assert intervals_are_narrow(potentials([(32, 64)] * 3)).is_passed
    finding = intervals_are_narrow(potentials([(8, 16)] * 3))
    assert not finding.is_passed
    assert finding.figures["median_width"] > 0.4  # type: ignore[operator]
    assert not intervals_are_narrow(potentials([(0, 0)])).is_passed


# The martingale check, on 40 problems with one trace each: half of the problems turn at their first line
# to a potential of 0.9, half to 0.1, from a start of 0.5.
PROTOCOL = Protocol(name="p", n=64, cut_policy="lines", max_cuts=8, traces_per_problem=1)
TEXT = "first line\nlast line\n"


def curves(seed: int, *, drift: float = 0.0, kept: float = 1.0) -> pl.DataFrame:
    """Curves of a model; rollouts after the first line are right too often by ``drift`` of what is left.

    ``kept``: share of wrong traces that end as they should; the others are called right.
    """
    rng = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []
    for i in range(40):
        later = 0.9 if rng.random() < 0.5 else 0.1
        is_right = rng.random() < later or rng.random() > kept
        for cut, (value, end) in enumerate([(0.5, 0), (later + drift * (1 - later), 11), (None, len(TEXT))]):
            k = None if value is None else int(rng.binomial(64, value))
            rows.append(
                {
                    "problem_set": "s", "model": "m", "problem_id": f"{i}", "trace_id": f"t{i}", "cut_policy": "lines",
                    "cut_index": cut, "prefix_id": None if value is None else f"t{i} {cut}", "token_end": end,
                    "char_end": end, "fraction": end / len(TEXT), "is_end": value is None, "states_answer": False,
                    "leaks_answer": False, "protocol": "p", "protocol_hash": "h", "n": None if k is None else 64,
                    "n_correct": k, "potential": None if k is None else k / 64, "ci_low": None if k is None else 0.0,
                    "ci_high": None if k is None else 1.0, "text": TEXT,
                    "verdict": "correct" if is_right else "incorrect",
                }
            )  # fmt: skip
    return pl.DataFrame(rows, schema=dict(CURVES))


def finding_on(frame: pl.DataFrame, protocol: Protocol = PROTOCOL) -> Finding:
    traces = frame.unique("trace_id").select("problem_id", "trace_id", "verdict")
    read: Any = SimpleNamespace(read_table=lambda table, **where: traces)
    config = SimpleNamespace(problem_set=lambda _: SimpleNamespace(has_given_traces=False))
    scope: Any = SimpleNamespace(protocol=protocol, warehouse=read, where={}, config=config, problem_set="s")
    return martingale_finding(scope, frame)


def test_right_curves_pass_the_martingale_check() -> None:
    passed = [finding_on(curves(seed)).is_passed for seed in range(20)]
    assert sum(passed) >= 19  # 1% level


@pytest.mark.parametrize("wrong", [{"drift": 0.6}, {"kept": 0.3}], ids=["prompts differ", "verdicts differ"])
def test_curves_of_another_law_than_the_traces_fail(wrong: dict[str, float]) -> None:
    found = [finding_on(curves(seed, **wrong)) for seed in range(20)]
    assert sum(not finding.is_passed for finding in found) >= 15
    assert all(finding.figures["p_value"] < 0.01 for finding in found if not finding.is_passed)  # type: ignore[operator]


def test_chosen_traces_are_not_put_to_the_martingale_check() -> None:
    finding = finding_on(curves(0, drift=0.6), PROTOCOL.model_copy(update={"measured": "correct"}))
    assert finding.is_passed
    assert "not applicable" in finding.message


def test_no_traces_are_nothing_to_test() -> None:
    unscored = curves(0).with_columns(verdict=pl.lit("unscored"))
    for frame in (curves(0).clear(), unscored):
        finding = finding_on(frame)
        assert not finding.is_passed
        assert "nothing to test" in finding.message
