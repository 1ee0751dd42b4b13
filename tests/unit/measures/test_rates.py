"""Pattern rates."""

import numpy as np
import polars as pl
import pytest
from build import PROTOCOL, curve
from support.judged import judged_views
from support.views import shown_estimates

from cot_assets.measures.estimates import CHANGES
from cot_assets.measures.rates.fitted_rates import fitted_rates
from cot_assets.measures.rates.pattern_rates import decided_traces, pattern_rates
from cot_assets.statistics.estimates import jeffreys_interval

#: Views of which decided_traces is made.
DECIDING = ("tangents", "spikes", "lucky_guesses", "monotonicity")


def rates(*curves: pl.DataFrame) -> pl.DataFrame:
    frame = pl.concat(curves)
    views = judged_views(frame, PROTOCOL)
    decisions = decided_traces(*(views[name] for name in DECIDING))
    return shown_estimates("pattern_rates", pattern_rates(decisions, PROTOCOL))


def one(table: pl.DataFrame, pattern: str, trace_filter: str, rule: str = "threshold") -> dict:
    return table.row(
        by_predicate=(pl.col("pattern") == pattern)
        & (pl.col("trace_filter") == trace_filter)
        & (pl.col("rule") == rule),
        named=True,
    )


TRACES = (
    curve([(20, 64), (1, 64), (60, 64)], trace_id="a", problem_id="1"),  # insight, confirmed
    curve([(20, 64), (40, 64), (10, 64)], trace_id="b", problem_id="2", verdict="incorrect"),  # tangent
    curve([(64, 64), (64, 64)], trace_id="c", problem_id="3"),  # solved without CoT
    curve([(20, 64), (22, 64), (0, 64)], trace_id="d", problem_id="4"),  # tangent and guess
    curve([(20, 64), (20, 64)], trace_id="e", problem_id="5", verdict="no_answer"),
    curve([(0, 0), (20, 64)], trace_id="f", problem_id="6"),  # no pair, V0 unknown
)


def test_every_pattern_rule_and_filter_has_a_row():
    table = rates(*TRACES)
    assert table.height == (5 + 4) * 4  # without a confirmed rate of monotone traces
    assert table["protocol_hash"].unique().to_list() == [PROTOCOL.sampling_hash]


def test_counts_by_filter():
    table = rates(*TRACES)
    insight = {f: one(table, "insight", f) for f in ("paper", "correct", "incorrect", "all")}
    assert {f: (r["n_with"], r["n_traces"]) for f, r in insight.items()} == {
        "paper": (1, 2),  # a, d: c is solved without CoT, f has no known pair
        "correct": (1, 3),
        "incorrect": (0, 2),  # b and e: without an answer is not right either
        "all": (1, 5),
    }
    assert (one(table, "tangent", "all")["n_with"], one(table, "tangent", "paper")["n_with"]) == (2, 1)
    assert one(table, "monotone", "paper")["n_with"] == 0
    assert one(table, "monotone", "all")["n_with"] == 2
    assert one(table, "insight", "all", "confirmed")["n_with"] == 1


def test_guesses_are_decidable_for_correct_traces_only():
    table = rates(*TRACES)
    for pattern in ("late_spike", "lucky_guess"):
        assert (one(table, pattern, "all")["n_traces"], one(table, pattern, "correct")["n_traces"]) == (4, 4)
        assert one(table, pattern, "all")["n_with"] == 1
        wrong = one(table, pattern, "incorrect")
        assert wrong["n_traces"] == 0
        assert wrong["rate"] is wrong["ci_low"] is wrong["ci_high"] is wrong["n_eff"] is None


def test_interval_is_jeffreys_at_the_effective_size():
    same = [curve([(1, 64), (60, 64)], trace_id=f"x{i}", problem_id=f"{i // 4}") for i in range(8)]
    same += [curve([(20, 64), (20, 64)], trace_id=f"y{i}", problem_id=f"q{i // 4}") for i in range(8)]
    row = one(rates(*same), "insight", "all")
    assert (row["rate"], row["n_problems"], row["n_traces"]) == (0.5, 4, 16)
    assert row["n_eff"] == pytest.approx(4)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(map(float, jeffreys_interval(2, 4))))


def test_none_and_all_keep_one_end_and_a_width():
    table = rates(*(curve([(1, 64), (60, 64)], trace_id=f"{i}", problem_id=f"{i % 3}") for i in range(9)))
    every, none = one(table, "insight", "all"), one(table, "tangent", "all")
    assert (every["rate"], every["ci_high"], every["n_eff"]) == (1.0, 1.0, 3.0)
    assert every["ci_low"] < 0.6
    assert (none["rate"], none["ci_low"], none["n_eff"]) == (0.0, 0.0, 3.0)
    assert none["ci_high"] > 0.4


def test_models_are_kept_apart():
    table = rates(*TRACES, curve([(1, 64), (60, 64)], trace_id="z", model="other"))
    assert (
        table.filter(model="other", pattern="insight", rule="threshold", trace_filter="all")["rate"][0] == 1
    )


def test_no_traces_give_no_rows():
    assert rates(TRACES[0].clear()).height == 0


def fitted(*curves: pl.DataFrame) -> dict[tuple[str, str], dict]:
    views = judged_views(pl.concat(curves), PROTOCOL)
    found = fitted_rates(views["monotonicity"], views["changes"], PROTOCOL)
    table = shown_estimates("pattern_rates", found)
    return {(row["pattern"], row["trace_filter"]): row for row in table.iter_rows(named=True)}


def test_noise_on_flat_curves_is_neither_a_tangent_nor_a_fall():
    """In a small study too, where pseudo-pairs of the fit would show: over 11 pairs they add up to a fall."""
    rng = np.random.default_rng(5)
    counts = [rng.binomial(32, level, 12) for level in rng.uniform(0.1, 0.9, 24)]
    assert np.mean([(k[:-1] - k[1:]).max() > 3 for k in counts]) > 0.7  # by tolerance most fall
    curves = [
        curve([(int(c), 32) for c in k], trace_id=f"t{i:02}", problem_id=f"p{i}")
        for i, k in enumerate(counts)
    ]
    rows = fitted(*curves)
    assert rows["monotone", "all"]["rate"] > 0.95
    assert rows["tangent", "all"]["rate"] < 0.02
    assert rows["insight", "all"]["rate"] < 0.02


def test_clear_changes_are_expected_as_often_as_they_are_seen():
    rows = fitted(*(
        curve([(60, 64), (58, 64), (0 if i % 3 == 0 else 59, 64)], trace_id=f"t{i:02}", problem_id=f"p{i // 2}",
              verdict="incorrect" if i % 3 == 0 else "correct")
        for i in range(24)
    ))  # fmt: skip
    assert set(rows) == {(p, f) for p in CHANGES for f in ("paper", "correct", "incorrect", "all")}
    tangent, fall = rows["tangent", "all"], rows["monotone", "all"]
    assert (tangent["n_traces"], tangent["n_with"], tangent["n_problems"]) == (24, None, 12)
    assert tangent["rate"] == pytest.approx(1 / 3, abs=0.01)
    assert tangent["ci_low"] < 1 / 3 < tangent["ci_high"]
    assert fall["rate"] == pytest.approx(2 / 3, abs=0.02)
    assert rows["tangent", "incorrect"]["rate"] > 0.98
    assert rows["tangent", "incorrect"]["n_traces"] == 8
    assert rows["tangent", "correct"]["rate"] < 0.02


def test_a_filter_without_traces_has_no_expected_share():
    row = fitted(curve([(20, 64), (40, 64)]))["tangent", "incorrect"]
    assert row["n_traces"] == 0
    assert row["rate"] is row["ci_low"] is row["ci_high"] is row["n_eff"] is None
