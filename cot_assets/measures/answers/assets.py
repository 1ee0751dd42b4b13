"""The asset ``answer_entropy``: how open the final answer of each prefix is."""

import polars as pl

from cot_assets.measures.answers import spread
from cot_assets.orchestration.assets import materializing as common
from cot_assets.orchestration.assets.defining import model_asset


def _entropy(scope: common.Scope) -> pl.DataFrame:
    return spread.answer_entropy(scope.read("answer_distribution"), scope.protocol)


answer_entropy = model_asset("answer_entropy", _entropy, deps=("rollouts",))
