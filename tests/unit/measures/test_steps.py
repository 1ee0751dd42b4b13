"""Changes of both models between the same cuts."""

import numpy as np
import polars as pl
import pytest
from build import PROTOCOL
from support.views import shown_estimates

from cot_assets.measures.transfer.steps import step_correlations as rows_of
from cot_assets.measures.transfer.steps import transfer_steps
from cot_assets.statistics.clusters import cluster_bootstrap_correlation
from cot_assets.warehouse.schema import polars_schema

SCHEMA = {
    **dict.fromkeys(("problem_set", "reader", "writer", "problem_id", "trace_id"), pl.String),
    **{"cut_index": pl.Int32, "leaks_answer": pl.Boolean},
    **dict.fromkeys(("n", "n_correct", "writer_n", "writer_n_correct"), pl.Int32),
}


def points(writer, reader, *, cuts=None, problem="p", leaks_from=99, n=64):
    """One trace from the right rollouts of 64 of both models at each cut; None: nothing known."""
    cuts = range(len(writer)) if cuts is None else cuts
    rows = [
        ("set", "weak", "strong", problem, f"t{problem}", cut, cut >= leaks_from,
         None if k is None else n, k, None if w is None else n, w)
        for cut, w, k in zip(cuts, writer, reader, strict=True)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def test_a_step_holds_both_models_changes():
    steps = transfer_steps(points([8, 40, 16], [0, 16, 16], cuts=[0, 2, 5], leaks_from=5), PROTOCOL)
    assert steps.schema == polars_schema("transfer_steps")
    assert steps.select("cut_from", "cut_to", "kind", "leaks_answer").rows() == [
        (0, 2, "insight", False),
        (2, 5, "tangent", True),
    ]
    assert steps["writer_change"].to_list() == [0.5, -0.375]
    assert steps["reader_change"].to_list() == [0.25, 0.0]


def test_an_unknown_point_is_not_bridged():
    for broken in (points([8, None, 8, 8], [0, 8, 8, 8]), points([8, 8, 8, 8], [0, None, 8, 8])):
        steps = transfer_steps(broken, PROTOCOL)
        assert steps.select("cut_from", "cut_to").rows() == [(2, 3)]


def test_a_change_of_exactly_the_threshold_is_no_event():
    protocol = PROTOCOL.model_copy(update={"insight_threshold": 0.5, "tangent_threshold": 0.25})
    steps = transfer_steps(points([8, 40, 24], [0, 0, 0]), protocol)
    assert steps["kind"].to_list() == ["other", "other"]


def test_traces_are_not_mixed_and_a_cut_stands_once():
    both = pl.concat([points([8, 16], [8, 8], problem="a"), points([0, 64], [0, 64], problem="b")])
    assert transfer_steps(both, PROTOCOL)["writer_change"].to_list() == [0.125, 1.0]
    with pytest.raises(ValueError, match="more than once"):
        transfer_steps(pl.concat([both, both]), PROTOCOL)


def step_correlations(frame, protocol):
    return shown_estimates("step_correlations", rows_of(frame, protocol))


def simulated(slope, problems=30, steps=6, seed=0):
    """Steps whose true changes go together with the slope; 64 rollouts of each model at each cut."""
    rng = np.random.default_rng(seed)
    frames = []
    for problem in range(problems):
        writer = np.clip(0.5 + np.cumsum(rng.normal(0, 0.25, steps + 1)), 0.02, 0.98)
        own = np.clip(0.5 + np.cumsum(rng.normal(0, 0.25, steps + 1)), 0.02, 0.98)
        reader = np.clip(slope * writer + (1 - slope) * own, 0, 1)
        frames.append(
            points(rng.binomial(64, writer).tolist(), rng.binomial(64, reader).tolist(), problem=str(problem))
        )
    return transfer_steps(pl.concat(frames), PROTOCOL)


def test_the_correlation_is_pearson_s_and_finds_what_goes_together():
    steps = simulated(1.0)
    table = step_correlations(steps, PROTOCOL)
    row = table.row(by_predicate=(pl.col("kind") == "all") & (pl.col("leaks") == "kept"), named=True)
    expected = np.corrcoef(steps["writer_change"].to_numpy(), steps["reader_change"].to_numpy())[0, 1]
    assert row["correlation"] == pytest.approx(expected)
    assert 0.5 < row["correlation_low"] < row["correlation"] < row["correlation_high"]
    assert (row["n_steps"], row["n_problems"]) == (180, 30)


def test_by_kind_the_readers_mean_change_has_the_writers_sign_where_steps_transfer():
    table = {
        r["kind"]: r for r in step_correlations(simulated(1.0), PROTOCOL).filter(leaks="kept").to_dicts()
    }
    assert table["insight"]["reader_change_low"] > 0
    assert table["tangent"]["reader_change_high"] < 0
    assert sum(table[kind]["n_steps"] for kind in ("insight", "tangent", "other")) == table["all"]["n_steps"]


def test_the_corrected_correlation_is_that_of_the_true_changes():
    """Reader = 0.8 writer + own part; few rollouts pull Pearson's correlation down, and it is put right."""
    rng = np.random.default_rng(4)
    true = rng.normal(0, 0.05, (2, 20, 100))
    writer, other = 0.5 + np.cumsum(true, axis=1)[:, :15]
    reader = 0.5 + 0.6 * (writer - 0.5) + 0.4 * (other - 0.5)
    frames = [
        points(rng.binomial(64, writer[:, i].clip(0.05, 0.95)).tolist(),
               rng.binomial(64, reader[:, i].clip(0.05, 0.95)).tolist(), problem=str(i))
        for i in range(100)
    ]  # fmt: skip
    table = step_correlations(transfer_steps(pl.concat(frames), PROTOCOL), PROTOCOL).filter(leaks="kept")
    row = table.row(by_predicate=pl.col("kind") == "all", named=True)
    truth = np.corrcoef(np.diff(writer, axis=0).ravel(), np.diff(reader, axis=0).ravel())[0, 1]
    assert row["correlation"] < truth - 0.3
    assert row["corrected_low"] < truth < row["corrected_high"]
    assert row["corrected"] == pytest.approx(truth, abs=0.15)
    assert table.filter(pl.col("kind") != "all")["corrected"].null_count() == 3


def test_nothing_beyond_noise_has_no_corrected_correlation():
    x = np.random.default_rng(2).normal(0, 1, 60)
    found = cluster_bootstrap_correlation(x, x[::-1], np.arange(60), 0, noise=(4.0, 0.0))
    assert np.isnan(found.mean)
    assert np.isnan(found.low)


def test_the_interval_of_unrelated_changes_holds_0():
    """12 problems of 6 steps whose sizes are the problem's own: in about 95 of 100 simulated studies."""
    held, clusters = 0, np.repeat(np.arange(12), 6)
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x, y = (rng.normal(0, 1, 72) * rng.uniform(0.2, 2, 12)[clusters] for _ in range(2))
        found = cluster_bootstrap_correlation(x, y, clusters, seed)
        held += found.low <= 0 <= found.high
    assert held >= 176  # 190 expected; fewer than 181 has probability below 0.3% at 95%


def test_too_few_problems_give_no_correlation_but_a_mean():
    table = step_correlations(transfer_steps(points([8, 40, 16], [0, 16, 16]), PROTOCOL), PROTOCOL)
    row = table.row(by_predicate=(pl.col("kind") == "all") & (pl.col("leaks") == "kept"), named=True)
    assert (row["correlation"], row["correlation_low"]) == (None, None)
    assert row["reader_change"] == 0.125
    assert row["reader_change_low"] < 0.125 < row["reader_change_high"]
    empty = table.row(by_predicate=(pl.col("kind") == "other") & (pl.col("leaks") == "kept"), named=True)
    assert (empty["n_steps"], empty["reader_change"], empty["correlation"]) == (0, None, None)
    none = transfer_steps(points([], []), PROTOCOL)
    assert step_correlations(none, PROTOCOL).is_empty()


def test_steps_after_which_the_answer_is_in_sight_can_be_dropped():
    steps = transfer_steps(points([8, 16, 24], [8, 16, 24], leaks_from=2), PROTOCOL)
    table = step_correlations(steps, PROTOCOL).filter(kind="all")
    assert dict(table.select("leaks", "n_steps").iter_rows()) == {"kept": 2, "dropped": 1}


def test_a_value_that_does_not_vary_has_no_correlation():
    found = cluster_bootstrap_correlation([1.0] * 9, range(9), list("aaabbbccc"), 0)
    assert np.isnan(found.mean)
    assert (found.n, found.n_clusters) == (9, 3)
    exact = cluster_bootstrap_correlation(
        range(12), [2 * i + 1e9 for i in range(12)], list("aabbccddeeff"), 0
    )
    assert exact.mean == pytest.approx(1.0)
    assert exact.high == pytest.approx(1.0)
