"""The writer's text against its controls, and the shortest prefix that unlocks."""

import polars as pl
import pytest
from build import PROTOCOL
from support.views import shown, shown_estimates
from test_transfer import frame, row

from cot_assets.measures.transfer.controls import transfer_differences as rows_of
from cot_assets.measures.transfer.unlocks import judge_unlocks
from cot_assets.statistics.estimates import jeffreys_interval


def unlocks(*rows):
    return judge_unlocks(frame(*rows), PROTOCOL)


def shortest_unlocks(*rows):
    """The view over what the reader was given, its potentials there, and their verdicts."""
    given = frame(*rows).with_columns(pl.format("prefix {}", pl.int_range(pl.len())).alias("prefix_id"))
    stamp = {"protocol": pl.lit("p"), "sampling_hash": pl.lit("s")}
    low, high = jeffreys_interval(
        given["n_correct"].cast(pl.Float64).to_numpy(), given["n"].cast(pl.Float64).to_numpy()
    )
    tables = {
        "unlocks": unlocks(*rows),
        "given": given.select(
            "problem_set", "reader", "writer", "problem_id", "trace_id", "fraction", "control", "share",
            "n_tokens", "leaks_answer", "prefix_id", donor_trace_id="trace_id", cut_index=pl.lit(0, pl.Int32),
            char_end=pl.lit(0, pl.Int32), encoded_ids=pl.lit(None, pl.List(pl.Int32)), **stamp,
        ),
        "potentials": given.select(
            "problem_set", "problem_id", "prefix_id", "n", "n_correct", model="reader", origin=pl.lit("given"),
            n_truncated=pl.lit(0, pl.Int32), n_no_answer=pl.lit(0, pl.Int32), n_unscored=pl.lit(0, pl.Int32),
            potential=pl.col("n_correct") / pl.col("n"), ci_low=pl.Series(low), ci_high=pl.Series(high),
            is_n_approximate=pl.lit(False), **stamp,
        ),
    }  # fmt: skip
    return shown("shortest_unlocks", tables)


def transfer_differences(judged, protocol):
    return shown_estimates("transfer_differences", rows_of(judged, protocol))


def one(table, **where):
    base = {"control": "shuffled", "trace_filter": "all", "leaks": "kept", "measure": "potential"}
    found = table.filter(**{**base, **where})
    assert found.height == 1
    return found.row(0, named=True)


def test_the_difference_is_paired_by_trace_and_bootstrapped_by_problem():
    rows = []
    for problem, (real, control) in {"a": (32, 16), "b": (48, 16), "c": (64, 16), "d": (16, 0)}.items():
        rows += [
            row(0.0, 30, 64, trace=f"t{problem}", problem=problem),
            row(0.2, real, 64, trace=f"t{problem}", problem=problem),
            row(0.2, control, 64, trace=f"t{problem}", problem=problem, control="shuffled"),
        ]
    table = transfer_differences(unlocks(*rows), PROTOCOL)
    got = one(table)
    assert (got["value"], got["control_value"]) == (40 / 64, 12 / 64)
    assert got["difference"] == pytest.approx(28 / 64)
    # Four problems: the interval reaches beyond the values seen, as Student's would.
    assert 0 < got["value_low"] < 16 / 64
    assert 40 / 64 < got["value_high"] <= 1
    assert 0 <= got["control_low"] < 12 / 64 < got["control_high"] < 1
    assert got["ci_low"] < got["difference"] < got["ci_high"]
    assert (got["n_traces"], got["n_problems"], got["n_missing"]) == (4, 4, 0)
    # No problem here is unsolved at the start, so nothing can be unlocked.
    lifted = one(table, measure="lifted")
    assert (lifted["n_traces"], lifted["difference"], lifted["ci_low"]) == (0, None, None)
    assert (lifted["value_low"], lifted["control_high"]) == (None, None)


def test_a_missing_control_is_counted_and_never_zero():
    table = transfer_differences(
        unlocks(
            row(0.0, 0, 64, trace="t1", problem="a"),
            row(0.2, 40, 64, trace="t1", problem="a"),
            row(0.2, 20, 64, trace="t1", problem="a", control="wrong"),
            row(0.0, 0, 64, trace="t2", problem="b"),
            row(0.2, 64, 64, trace="t2", problem="b"),
            row(0.2, None, None, trace="t2", problem="b", control="shuffled"),
        ),
        PROTOCOL,
    )
    wrong = one(table, control="wrong")
    assert (wrong["n_traces"], wrong["n_missing"], wrong["difference"]) == (1, 1, 20 / 64)
    # Measured without rollouts is unknown as well; and a control that nobody has is listed all the same.
    for control in ("shuffled", "own"):
        got = one(table, control=control)
        assert (got["n_traces"], got["n_missing"], got["value"], got["difference"]) == (0, 2, None, None)


def test_lifted_is_the_expected_share_of_unlocked_traces():
    table = transfer_differences(
        unlocks(
            row(0.0, 0, 64, trace="t1", problem="a"),
            row(0.2, 40, 64, trace="t1", problem="a"),
            row(0.2, 0, 64, trace="t1", problem="a", control="own"),
            row(0.0, 0, 64, trace="t2", problem="b"),
            row(0.2, 6, 64, trace="t2", problem="b"),
            row(0.2, 0, 64, trace="t2", problem="b", control="own"),
            row(0.0, 40, 64, trace="t3", problem="c"),  # solved before: no part in it
            row(0.2, 40, 64, trace="t3", problem="c"),
            row(0.2, 40, 64, trace="t3", problem="c", control="own"),
        ),
        PROTOCOL,
    )
    got = one(table, control="own", measure="lifted")
    assert (got["n_traces"], got["n_unlocked"], got["n_control_unlocked"]) == (2, 1, 0)
    assert 0.5 < got["value"] < 1  # the undecided trace counts with its probability
    assert got["control_value"] < 0.01


def test_leaks_are_counted_on_both_sides_and_dropped_in_pairs():
    rows = []
    for problem, real, control in (("a", True, False), ("b", False, True), ("c", False, False)):
        rows += [
            row(0.0, 0, 64, trace=problem, problem=problem),
            row(0.2, 40, 64, trace=problem, problem=problem, leaks=real),
            row(0.2, 0, 64, trace=problem, problem=problem, control="shuffled", leaks=control),
        ]
    table = transfer_differences(unlocks(*rows), PROTOCOL)
    kept, dropped = one(table), one(table, leaks="dropped")
    assert (kept["n_traces"], kept["n_leaks"], kept["n_control_leaks"]) == (3, 1, 1)
    assert (dropped["n_traces"], dropped["n_leaks"], dropped["n_control_leaks"]) == (1, 0, 0)


def test_wrong_traces_are_left_out_of_the_correct_ones():
    table = transfer_differences(
        unlocks(
            row(0.0, 0, 64),
            row(0.2, 40, 64, verdict="incorrect"),
            row(0.2, 0, 64, verdict="incorrect", control="shuffled"),
        ),
        PROTOCOL,
    )
    assert one(table)["n_traces"] == 1
    correct = one(table, trace_filter="correct")
    assert (correct["n_traces"], correct["n_missing"], correct["difference"]) == (0, 0, None)


def test_without_controls_there_is_nothing_to_compare():
    assert transfer_differences(unlocks(row(0.0, 0, 64), row(0.2, 40, 64)), PROTOCOL).is_empty()


def test_the_shortest_prefix_is_the_one_with_the_fewest_tokens():
    table = shortest_unlocks(
        row(0.0, 0, 64, trace="t1"),
        row(0.2, 6, 64, trace="t1"),  # undecided
        row(0.4, 30, 64, trace="t1"),
        row(0.6, 2, 64, trace="t1"),
        row(0.8, 60, 64, trace="t1"),
        row(0.5, 50, 64, trace="t2", leaks=True),
        row(0.2, 60, 64, trace="t1", control="own"),
    )
    got = table.row(0, named=True)
    assert table.height == 1
    assert (got["trace_id"], got["n_tokens"], got["fraction"], got["leaks_answer"]) == ("t1", 40, 0.4, False)
    assert (got["n_longer"], got["n_longer_unlocked"]) == (2, 1)
    assert (got["n_traces"], got["n_prefixes"], got["n_undecided"], got["n0"]) == (2, 5, 1, 64)
    assert (got["v0_low"], got["v0_high"]) == tuple(map(float, jeffreys_interval(0, 64)))
    assert (got["ci_low"], got["ci_high"]) == tuple(map(float, jeffreys_interval(30, 64)))


def test_fractions_of_one_cut_are_one_prefix():
    same = {**row(0.3, 30, 64), "n_tokens": 20}
    table = shortest_unlocks(row(0.0, 0, 64), row(0.2, 30, 64), same)
    assert table.select("n_prefixes", "n_longer", "fraction").row(0) == (1, 0, 0.2)


def test_a_problem_that_nothing_unlocks_stays_and_a_solved_one_is_not_there():
    table = shortest_unlocks(
        row(0.0, 0, 64, problem="a", trace="ta"),
        row(0.2, 0, 64, problem="a", trace="ta"),
        row(0.0, 40, 64, problem="b", trace="tb"),
        row(0.2, 60, 64, problem="b", trace="tb"),
    )
    assert table["problem_id"].to_list() == ["a"]
    assert table.select("trace_id", "n_tokens", "potential", "ci_low", "n_longer").row(0) == (None,) * 5
