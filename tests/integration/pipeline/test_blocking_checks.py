"""A blocking check that fails ends its run: nothing is built on data that cannot be right."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from support.lab import Lab, ScriptedEngines
from support.scripted import ScriptedEngine

from cot_assets.definitions import build_defs
from cot_assets.engines.base import Block, Completion
from cot_assets.orchestration.runs import PipelineError
from cot_assets.orchestration.status.asking import status
from cot_assets.study import ModelEntry


class UngradeableEngine(ScriptedEngine):
    """Answers with a number that no grader can work out within its bounds."""

    def _complete(self, block: Block, index: int) -> Completion:
        return Completion(tuple(rb"The answer is \boxed{100000000!}."), "stop")


class UngradeableEngines(ScriptedEngines):
    """The resource ``engines`` with such an engine."""

    def open(self, entry: ModelEntry) -> ScriptedEngine:
        return UngradeableEngine(entry)


@pytest.mark.heavy
def test_unscored_rollouts_stop_the_run_before_potentials(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.write_sums(n=1)
    lab.write_script("strong")
    said = r"unscored_share(?s:.*)failed: rollouts of strong\|sums, unscored_share: \d+ of \d+ rollouts are unscored"
    with pytest.raises(PipelineError, match=said):
        lab.bring_up_to_date([("strong", "sums")], overrides={"engines": UngradeableEngines()})
    (failed,) = (row for row in status(lab.home, lab.config(), build_defs) if row.state == "failed")
    assert failed.reason.endswith("severity: rollouts: unscored_share")
    with lab.instance() as instance:
        made = {
            key.to_user_string()
            for key in instance.get_asset_keys()
            if instance.get_latest_materialization_event(key)
        }
        checks = instance.event_log_storage.get_asset_check_execution_history(
            dg.AssetCheckKey(dg.AssetKey("rollouts"), "unscored_share"), limit=1
        )
    assert {"traces", "prefixes", "completions", "rollouts"} <= made
    assert not made & {"potentials", "tangents", "pattern_rates", "results", "report"}
    evaluation = checks[0].event.dagster_event.event_specific_data  # type: ignore[union-attr]
    assert not evaluation.passed  # type: ignore[union-attr]
    assert set(lab.table("rollouts")["verdict"]) == {"unscored"}, "what was sampled and judged is kept"
    assert lab.table("potentials").is_empty()
