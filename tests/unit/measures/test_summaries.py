"""The numbers of figures: which rows each rests on, with an interval that is never left out in silence."""

import polars as pl
import pytest
from build import PROTOCOL, curve
from support.judged import judged_views
from support.views import shown_estimates

from cot_assets.measures.estimates import CHOSEN, withheld
from cot_assets.measures.rates.summaries import QUESTIONS, summaries
from cot_assets.statistics.clusters import clustered_share

#: Right rollouts of 64 by trace: a falls and comes back, b falls for good, c rises, d is flat.
COUNTS = {
    "a": ((32, 64), (4, 64), (40, 64), (60, 64)),
    "b": ((40, 64), (40, 64), (8, 64), (2, 64)),
    "c": ((8, 64), (8, 64), (50, 64), (60, 64)),
    "d": ((20, 64), (20, 64), (20, 64), (20, 64)),
}
VERDICTS = {"a": "correct", "b": "incorrect", "c": "correct", "d": "unscored"}


def tables(names="abcd"):
    parts = [
        curve(COUNTS[name], trace_id=f"t{name}", problem_id=name, verdict=VERDICTS[name], states_from=3)
        for name in names
    ]
    curves = pl.concat(parts) if parts else curve(COUNTS["a"]).clear()
    problems = pl.DataFrame(
        {"problem_set": "set", "problem_id": list("abcd"), "level": ["1", "1", "2", None], "subject": "s",
         "gold_answer": "7", "statement": "?", "answer_kind": "integer"}
    )  # fmt: skip
    traces = curves.filter("is_end").with_columns(n_tokens=pl.col("token_end"))
    return {
        "curves": curves,
        **judged_views(curves, PROTOCOL, problems),
        "traces": traces,
        "problems": problems,
    }


@pytest.fixture(scope="module")
def found():
    return shown_estimates("summaries", summaries(tables(), PROTOCOL))


def one(found, figure, measure, **where):
    base = {"trace_filter": "all", "split_by": "none"} | ({} if "part" in where else {"part": "all"})
    chosen = found.filter(figure=figure, measure=measure, **{**base, **where})
    assert chosen.height == 1, chosen
    return chosen.row(0, named=True)


def test_every_number_stands_once_and_has_an_interval_wherever_it_is_known(found):
    assert set(found["figure"]) == set(QUESTIONS)
    assert found.filter((pl.col("n") == 0) != pl.col("estimate").is_null()).is_empty()
    known = found.drop_nulls("estimate")
    is_quantile = pl.col("statistic").str.contains("median|quantile")
    assert known.filter(~is_quantile, pl.col("ci_low").is_null() | pl.col("ci_high").is_null()).is_empty()
    assert known.filter(pl.col("ci_low") > pl.col("estimate") + 1e-12).is_empty()
    assert known.filter(pl.col("ci_high") < pl.col("estimate") - 1e-12).is_empty()
    narrow = known.filter(pl.col("ci_high") - pl.col("ci_low") < 1e-9, ~is_quantile)
    assert narrow.is_empty(), "an interval of zero width"


def test_recovery_is_over_tangents_and_its_end_over_their_traces(found):
    recovered = one(found, "recovery", "recovered", rule="threshold")
    assert (recovered["n_with"], recovered["n"], recovered["n_of"]) == (1, 2, "tangents")
    expected = clustered_share([True, False], ["a", "b"])
    assert (recovered["ci_low"], recovered["ci_high"]) == (expected.low, expected.high)
    assert one(found, "recovery", "recovery_tokens_50", rule="threshold")["estimate"] == 3
    assert one(found, "recovery", "ends_correct", rule="threshold")["n_with"] == 1


def test_steps_are_insights_or_others(found):
    parts = [
        one(found, "jumps", "no_sign", rule="threshold", split_by="step", part=part)
        for part in ("insight", "other step")
    ]
    # a and c rise by more than 0.4 once each; there are 4 traces of 3 steps.
    assert [row["n"] for row in parts] == [2, 10]


def test_monotone_by_test_stands_beside_monotone_by_tolerance_on_the_same_traces(found):
    rows = [one(found, "monotone_tests", "monotone", rule=rule) for rule in ("test", "test_fdr", "tolerance")]
    assert [(row["n_with"], row["n"]) for row in rows] == [(2, 4)] * 3
    wrong = one(found, "monotone_tests", "monotone", rule="test", trace_filter="incorrect")
    assert (wrong["n_with"], wrong["n"]) == (0, 1), "an unscored trace is neither right nor wrong"


def test_the_fitted_law_expects_the_sum_of_its_probabilities(found):
    changes = tables()["changes"]
    for pattern in ("insight", "tangent"):
        fitted = one(found, "true_changes", "event", rule="fitted", split_by="pattern", part=pattern)
        assert fitted["estimate"] == pytest.approx(changes[f"{pattern}_fitted"].mean())
        assert 0 < fitted["ci_low"] < fitted["estimate"] < fitted["ci_high"] < 1
        confirmed = one(found, "true_changes", "event", rule="confirmed", split_by="pattern", part=pattern)
        assert confirmed["n_with"] == changes[f"is_{pattern}_confirmed"].sum()


def test_false_events_are_those_that_the_fitted_law_expects_among_the_called(found):
    of = tables()
    key = ["trace_id", "cut_index"]
    for pattern, events in (("insight", of["spikes"]), ("tangent", of["tangents"])):
        called = of["changes"].join(events.filter("by_threshold").select(key), on=key)
        row = one(found, "confirmed_events", "false_by_fitted_law", split_by="pattern", part=pattern)
        assert row["n"] == called.height > 0
        assert called[f"{pattern}_fitted"].is_between(0, 1).all()
        assert row["estimate"] == pytest.approx(1 - called[f"{pattern}_fitted"].mean())


def test_the_fitted_size_is_the_mean_of_what_changes_may_be_and_no_less_than_their_means(found):
    pairs = tables()["changes"]
    fitted = one(found, "true_changes", "size", rule="fitted")
    assert fitted["estimate"] > pairs["delta_fitted"].abs().mean()
    assert fitted["n"] == pairs.height


def test_spread_out_changes_are_summed_up_by_kind_and_filter(found):
    falls = one(
        found, "drawdown_rates", "beyond_threshold", rule="threshold", split_by="kind", part="drawdown"
    )
    assert (falls["n_with"], falls["n"]) == (2, 4)
    paper = one(
        found, "drawdown_rates", "beyond_threshold", rule="threshold", split_by="kind", part="run_up", trace_filter="paper"
    )  # fmt: skip
    assert (paper["n_with"], paper["n"]) == (2, 2)


def test_positions_and_stages_hold_every_known_cut(found):
    for figure in ("event_positions", "answer_leaks"):
        cuts = found.filter(figure=figure, measure="potential", trace_filter="all")
        assert cuts["n"].sum() == 16
    assert found.filter(figure="event_positions", measure="insight")["n_with"].sum() == 2


def test_difficulty_counts_every_problem_once(found):
    whole = one(found, "difficulty", "accuracy")
    assert (whole["estimate"], whole["n"]) == (pytest.approx(2 / 3), 3), "d is unscored"
    assert one(found, "difficulty", "v0", split_by="level", part="1")["n_problems"] == 2
    assert found.filter(figure="difficulty", split_by="level")["n"].sum() < 4 * 5, "d has no level"


def test_the_order_of_rows_does_not_matter(found):
    turned = {name: frame.reverse() for name, frame in tables().items()}
    again = summaries(turned, PROTOCOL)
    numbers = ["estimate", "ci_low", "ci_high"]
    again = shown_estimates("summaries", again)
    for a, b in zip(found.select(numbers).rows(), again.select(numbers).rows(), strict=True):
        assert a == pytest.approx(b)


def test_without_measured_traces_there_are_no_numbers():
    assert summaries(tables(""), PROTOCOL).is_empty()


def test_what_speaks_of_all_traces_is_withheld_where_they_may_have_been_chosen():
    whole = summaries(tables(), PROTOCOL)
    shown = withheld(whole, ["m"])
    is_hidden = pl.col("measure").is_in(["accuracy", "gain_over_v0", "truncated"])
    hidden = shown.filter(is_hidden)
    assert set(hidden["note"]) == {CHOSEN}
    assert (
        hidden.select("estimate", "ci_low", "ci_high", "n_eff", "k").null_count().sum_horizontal()[0]
        == 5 * hidden.height
    )
    assert whole.filter(is_hidden)["estimate"].drop_nulls().len()
    assert shown.filter(~is_hidden).equals(whole.filter(~is_hidden))
    assert withheld(whole, ["another"]).equals(whole)
