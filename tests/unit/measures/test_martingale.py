"""The martingale check: exactly valid on sound data, and failing on planted defects."""

import itertools

import numpy as np
import polars as pl
import pytest
from build import PROTOCOL, curve
from markov import MarkovChain, stopping_values
from scipy import stats

from cot_assets.measures.curves.martingale import STAKES, martingale_test, stopping_frame
from cot_assets.sampling.cuts import absolute_cuts, cut_positions


def chain(problems: int, seed: int, **parameters: float) -> MarkovChain:
    starts = np.random.default_rng([seed, problems]).uniform(0.6, 0.95, problems)
    return MarkovChain(tuple(starts), **parameters)


def start_row(problem, is_correct, k, n, trace=0):
    return {
        "problem_id": problem,
        "trace_id": f"{problem}-{trace}",
        "is_correct": is_correct,
        "position": 0,
        "prefix_id": problem,
        "has_ended": False,
        "n": n,
        "n_correct": k,
    }


def test_one_problem_gives_fishers_exact_test():
    rows = [start_row("p", i < 5, 12, 64, i) for i in range(6)]
    got = martingale_test(pl.DataFrame(rows)).p_value
    less, greater = (stats.fisher_exact([[5, 1], [12, 52]], a).pvalue for a in ("less", "greater"))
    assert got == pytest.approx(min(1, 2 * min(less, greater)))


def test_several_problems_give_the_exact_cochran_mantel_haenszel_test():
    # Enumerated: every way to place the successes, weighed by its hypergeometric probability.
    cases = [(2, 3, 5, 16), (1, 2, 12, 16), (3, 4, 1, 16)]
    rows = [start_row(f"p{i}", t < y, k, n, t) for i, (y, m, k, n) in enumerate(cases) for t in range(m)]
    masses: dict[int, float] = {}
    for ys in itertools.product(*(range(m + 1) for _, m, _, _ in cases)):
        mass = np.prod(
            [stats.hypergeom.pmf(y, m + n, k + seen, m) for y, (seen, m, k, n) in zip(ys, cases, strict=True)]
        )
        masses[sum(ys)] = masses.get(sum(ys), 0) + float(mass)
    seen = sum(y for y, _, _, _ in cases)
    low = sum(p for y, p in masses.items() if y <= seen)
    high = sum(p for y, p in masses.items() if y >= seen)
    assert martingale_test(pl.DataFrame(rows)).p_value == pytest.approx(min(1, 2 * min(low, high)))


@pytest.mark.parametrize("v", [0.02, 0.3, 0.9, 1.0])
def test_the_exact_part_is_never_too_small_under_the_null(v):
    # All outcomes of 4 verdicts and 16 rollouts of one problem: P(p <= a) <= a for every a.
    p_values, masses = [], []
    for y, k in itertools.product(range(5), range(17)):
        rows = [start_row("p", t < y, k, 16, t) for t in range(4)]
        p_values.append(martingale_test(pl.DataFrame(rows)).p_value)
        masses.append(stats.binom.pmf(y, 4, v) * stats.binom.pmf(k, 16, v))
    for a in (0.01, 0.05, 0.2, 0.5):
        assert sum(m for m, p in zip(masses, p_values, strict=True) if p <= a) <= a + 1e-12


@pytest.mark.parametrize("v", [0.0, 0.01, 0.3, 0.97, 1.0])
def test_every_e_value_has_mean_at_most_one(v):
    # V is 0 or 1 (the widest law with mean v) or half-way; k0 of 16 at the start.
    k = np.arange(17)
    mass = stats.binom.pmf(k, 16, v)
    for value, chance in (([0, 1], [1 - v, v]), ([v], [1.0])):
        for stake in STAKES:
            up = (1 - stake) + stake * np.array(value)[:, None] * 17 / (k + 1)
            down = (1 - stake) + stake * (1 - np.array(value)[:, None]) * 17 / (16 - k + 1)
            for e in (up, down):
                assert (np.array(chance)[:, None] * mass * e).sum() <= 1 + 1e-12


def test_lopsided_values_pass():
    # V0 near 1 and every trace right: each drift is a small positive number, and nothing is wrong.
    rows = [start_row(f"p{i}", True, 61, 64) for i in range(24)]
    rows += [{**start_row(f"p{i}", True, 63, 64), "position": 1, "prefix_id": f"p{i}:1"} for i in range(24)]
    got = martingale_test(pl.DataFrame(rows))
    assert got.is_passed
    assert got.drift.mean > 0.03


def test_result_is_the_joint_p_value_and_the_drift():
    rng = np.random.default_rng(4)
    frame = stopping_values(chain(12, 4), rng, traces=2, max_tokens=8, positions=(1, 3))
    got = martingale_test(frame)
    assert (got.drift.n_clusters, got.n_traces) == (12, 24)
    assert got.drift.low < got.drift.mean < got.drift.high
    parts = [got.p_start_to_end, got.p_start_to_position, got.p_position_to_end]
    assert got.p_value == pytest.approx(min(1, 3 * min(part for part in parts if part is not None)))
    at_end = martingale_test(frame.filter(pl.col("position") == 0)).drift
    first = frame.filter(pl.col("position") == 0).with_columns(
        d=pl.col("is_correct").cast(pl.Float64) - pl.col("n_correct") / pl.col("n")
    )
    assert at_end.mean == pytest.approx(first.group_by("problem_id").agg(pl.col("d").mean())["d"].mean())


def test_more_positions_than_problems_are_no_trouble():
    frame = stopping_values(chain(2, 1), np.random.default_rng(1), positions=tuple(range(1, 9)))
    assert 0 < martingale_test(frame).p_value <= 1


def test_broken_frames_are_named():
    frame = stopping_values(chain(3, 1), np.random.default_rng(1), positions=(1, 2))
    gap = frame.filter(~((pl.col("trace_id") == "p1-0") & (pl.col("position") == 2)))
    with pytest.raises(ValueError, match="'p1-0' lacks a row"):
        martingale_test(gap)
    with pytest.raises(ValueError, match="no traces"):
        martingale_test(frame.clear())
    unknown = frame.with_columns(
        n=pl.when(pl.col("position") == 0).then(0).otherwise(pl.col("n")),
    )
    with pytest.raises(ValueError, match="no rollouts at position 0"):
        martingale_test(unknown)
    two = pl.concat([frame, pl.DataFrame([start_row("p0", True, 1, 2, 9)], schema=frame.schema)])
    with pytest.raises(ValueError, match="several counts"):
        martingale_test(two)


def lines(counts, trace_id, policy="lines", verdict="correct"):
    frame = curve(counts, trace_id=trace_id, problem_id=trace_id, verdict=verdict)
    return frame.with_columns(cut_policy=pl.lit(policy))


def positions(curves, max_cuts=8):
    frame = stopping_frame(pl.concat(curves), PROTOCOL.model_copy(update={"max_cuts": max_cuts}))
    return frame["position"].unique().sort().to_list()


@pytest.mark.parametrize("policy", ["lines", "sentences"])
def test_positions_are_cuts_that_every_trace_has_or_has_ended_before(policy):
    curves = [
        lines([(40, 64), (41, 64), (42, 64)], "a", policy),
        lines([(10, 64), (11, 64)], "b", policy, "incorrect"),
    ]
    frame = stopping_frame(pl.concat(curves), PROTOCOL)
    assert frame.select("trace_id", "position", "has_ended", "n_correct").rows() == [
        ("a", 0, False, 40),
        ("a", 1, False, 41),
        ("a", 2, False, 42),
        ("b", 0, False, 10),
        ("b", 1, False, 11),
        ("b", 2, True, None),
    ]


def test_a_position_where_a_trace_is_unknown_is_not_used():
    curves = [lines([(40, 64), (41, 64), (42, 64)], "a"), lines([(9, 64), (0, 0), (9, 64)], "b")]
    assert positions(curves) == [0, 2]


def test_cuts_whose_place_depends_on_the_length_of_the_trace_are_no_positions():
    assert positions([lines([(30, 64)] * 8, "a"), lines([(30, 64)] * 8, "b")]) == [0, 1, 2, 3]
    assert positions([lines([(30, 64)] * 7, "a")], max_cuts=7) == [0, 1, 2, 3]
    assert positions([lines([(30, 64)] * 8, "a", "tokens")]) == [0]
    assert positions([lines([(30, 64)] * 8, "a", "grid21")]) == [0]


@pytest.mark.parametrize("max_cuts", [1, 2, 7, 8, 20])
def test_the_cutter_keeps_the_cuts_that_are_positions(max_cuts):
    assert absolute_cuts(max_cuts) == (max_cuts + 1) // 2
    text = "".join(f"line {i}\n" for i in range(50))
    ends = [7 * (i + 1) + max(0, i - 9) for i in range(50)]
    kept = cut_positions("lines", text, ends, max_cuts)[: (max_cuts + 1) // 2]
    assert kept == list(range(len(kept)))


def test_verdicts_of_traces_without_a_curve_take_part_at_the_start():
    curves = curve([(40, 64), (41, 64)], trace_id="a", problem_id="1")
    others = pl.DataFrame(
        {
            "problem_id": ["1", "1", "1", "9"],
            "trace_id": ["a", "b", "c", "d"],
            "verdict": ["correct", "truncated", "unscored", "correct"],
        }
    )
    frame = stopping_frame(curves, PROTOCOL, others)
    assert frame.filter(position=0).select("trace_id", "is_correct").rows() == [("a", True), ("b", False)]
    assert martingale_test(frame).n_traces == 2


def test_traces_chosen_by_their_verdict_are_refused():
    chosen = PROTOCOL.model_copy(update={"measured": "correct"})
    with pytest.raises(ValueError, match="not chosen by their verdict"):
        stopping_frame(curve([(1, 2)]), chosen)
    mixed = pl.concat(
        [curve([(1, 2)]), curve([(1, 2)], trace_id="u").with_columns(cut_policy=pl.lit("tokens"))]
    )
    with pytest.raises(ValueError, match="mix the cut policies lines, tokens"):
        stopping_frame(mixed, PROTOCOL)
