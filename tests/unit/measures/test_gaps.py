"""Reader against writer on the same text."""

import polars as pl
from build import PROTOCOL
from support.views import shown_estimates

from cot_assets.measures.transfer.unlocks import transfer_gaps

SCHEMA = {
    **dict.fromkeys(
        ("problem_set", "reader", "writer", "problem_id", "trace_id", "trace_verdict"), pl.String
    ),
    **{"fractions": pl.List(pl.Float64), "leaks_answer": pl.Boolean},
    **dict.fromkeys(("n", "n_correct", "writer_n", "writer_n_correct"), pl.Int32),
}


def points(*rows):
    """Of one trace per problem: problem, fractions, leak, then what was counted of reader and writer of 16 each."""
    return pl.DataFrame(
        [
            ("set", "small", "large", problem, f"t{problem}", "correct", fractions, leaks,
             None if k is None else 16, k, None if w is None else 16, w)
            for problem, fractions, leaks, k, w in rows
        ],
        schema=SCHEMA, orient="row",
    )  # fmt: skip


def gaps(frame, **where):
    shown = shown_estimates("transfer_gaps", transfer_gaps(frame, PROTOCOL))
    return shown.filter(**{"trace_filter": "all", "leaks": "kept", **where}).sort("fraction")


def test_both_models_are_compared_at_the_same_cut():
    found = gaps(
        points(
            ("a", [0.0], False, 4, 8),
            ("a", [0.2, 0.5], False, 16, 8),  # both shares end at one cut
            ("b", [0.0], False, 0, 8),
            ("b", [0.2], False, 8, 8),
        )
    )
    assert found["fraction"].to_list() == [0.0, 0.2, 0.5]
    assert found["n_traces"].to_list() == found["n_problems"].to_list() == [2, 2, 1]
    assert found["potential"].to_list() == [0.125, 0.75, 1.0]
    assert found["writer_potential"].to_list() == [0.5, 0.5, 0.5]
    assert found["difference"].to_list() == [-0.375, 0.25, 0.5]


def test_a_point_without_rollouts_of_either_takes_no_part():
    (row,) = gaps(
        points(("a", [0.2], False, 8, 4), ("b", [0.2], False, None, 16), ("c", [0.2], False, 16, None))
    ).iter_rows(named=True)
    assert (row["n_traces"], row["difference"]) == (1, 0.25)


def test_texts_that_state_the_answer_can_be_left_out():
    frame = points(("a", [0.9], True, 16, 0), ("b", [0.9], False, 4, 8))
    assert gaps(frame)["difference"].to_list() == [0.375]
    assert gaps(frame, leaks="dropped")["difference"].to_list() == [-0.25]


def test_the_interval_is_of_the_paired_difference():
    """Problems differ far more than models do: pairing takes that off."""
    frame = points(*((str(i), [0.2], False, i % 15 + (i % 2), i % 15) for i in range(30)))
    (row,) = gaps(frame).iter_rows(named=True)
    width = row["ci_high"] - row["ci_low"]
    assert 0 < width < 0.3 * (row["potential_high"] - row["potential_low"])
    assert row["ci_low"] < row["difference"] < row["ci_high"]
