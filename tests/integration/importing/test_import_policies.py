"""A fine curve and its grid pass through detection as two curves: neither changes what is said of the other."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from support.judged import judged_views

from cot_assets.importing import import_cliff_token, import_thought_anchors
from cot_assets.measures.curves.martingale import stopping_frame
from cot_assets.measures.rates.pattern_rates import decided_traces, pattern_rates
from cot_assets.measures.rates.sensitivity import rate_sensitivity
from cot_assets.study import DataHome, load_config
from cot_assets.warehouse.imported import store
from cot_assets.warehouse.store import Warehouse

pytestmark = pytest.mark.heavy

PROTOCOL = load_config().protocols["imported"]


@pytest.fixture(scope="module", params=["thought-anchors", "cliff-token"])
def curves(request, tmp_path_factory) -> pl.DataFrame:
    published = request.getfixturevalue("published")
    read = {"thought-anchors": import_thought_anchors, "cliff-token": import_cliff_token}[request.param]
    warehouse = Warehouse(DataHome(tmp_path_factory.mktemp("policies")))
    frames = []
    for each in read(published / request.param):
        store(warehouse, load_config(), each.model, each.problem_set, each.frames)
        where = {"model": each.model, "problem_set": each.problem_set}
        frames.append(warehouse.read_transform("curves", where))
    return pl.concat(frames)


def judged(curves: pl.DataFrame) -> dict[str, pl.DataFrame]:
    views = judged_views(curves, PROTOCOL)
    return {**views, "sensitivity": rate_sensitivity(curves, views["lucky_guesses"], PROTOCOL)}


def test_each_policy_is_judged_by_itself(curves: pl.DataFrame) -> None:
    together = judged(curves)
    policies = curves["cut_policy"].unique().sort()
    assert policies.len() == 2
    for policy in policies:
        is_own = pl.col("cut_policy") == policy
        for name, alone in judged(curves.filter(is_own)).items():
            assert_frame_equal(alone, together[name].filter(is_own), abs_tol=1e-12, rel_tol=0)


def test_rates_of_each_policy_come_from_its_own_curves(curves: pl.DataFrame) -> None:
    def rates(own: pl.DataFrame) -> pl.DataFrame:
        views = judged_views(own, PROTOCOL)
        decisions = decided_traces(
            **{name: views[name] for name in ("tangents", "spikes", "lucky_guesses", "monotonicity")}
        )
        return pattern_rates(decisions, PROTOCOL)

    key = ["model", "measure", "rule", "cut_policy", "trace_filter"]
    together = rates(curves).sort(key)
    for policy in curves["cut_policy"].unique().sort():
        is_own = pl.col("cut_policy") == policy
        assert_frame_equal(rates(curves.filter(is_own)).sort(key), together.filter(is_own), abs_tol=1e-12)


def test_the_martingale_check_refuses_a_mixture(curves: pl.DataFrame) -> None:
    model = curves["model"][0]
    with pytest.raises(ValueError, match="mix the cut policies grid21, "):
        stopping_frame(curves.filter(pl.col("model") == model), PROTOCOL)
