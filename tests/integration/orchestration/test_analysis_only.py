"""What was sampled is enough: conclusions, a second run and a rebuild open no engine."""

from __future__ import annotations

import shutil
from pathlib import Path

import dagster as dg
import pytest
from support.lab import Lab, ScriptedEngines
from support.scripted import ScriptedEngine

from cot_assets.definitions import build_defs
from cot_assets.orchestration.rebuild import rebuild, shards_only
from cot_assets.study import ModelEntry

pytestmark = pytest.mark.heavy

PAIRS = [("strong", "sums"), ("weak", "sums")]


class NoEngines(ScriptedEngines):
    """Opening an engine is an error."""

    def open(self, entry: ModelEntry) -> ScriptedEngine:
        raise AssertionError(f"{entry.name} was opened")


def conclusions(lab: Lab) -> dict[str, list[tuple[object, ...]]]:
    tables = ("potentials", "unlocks", "pattern_rates", "search_steps")
    return {
        name: sorted(lab.table(name).drop("protocol_hash", strict=False).rows(), key=str) for name in tables
    }


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("study"))
    lab.write_sums(
        n=1, protocol={"search_problems": 1, "search_n": 16, "search_fresh_n": 16, "search_chunk": 30}
    )
    lab.write_script("strong", skill=0.9)
    lab.write_script("weak", skill=0.6)
    lab.bring_up_to_date(PAIRS)
    return lab


def test_conclusions_and_rebuilds_open_no_engine(lab: Lab) -> None:
    sampled = list(ScriptedEngine.sampled)
    no_engines = {"engines": NoEngines()}
    assert lab.bring_up_to_date(PAIRS, overrides=no_engines) == []

    before = conclusions(lab)
    lab.write_sums(
        n=1,
        protocol={
            "search_problems": 1, "search_n": 16, "search_fresh_n": 16, "search_chunk": 30,
            "insight_threshold": 0.2, "tangent_threshold": 0.2, "headline_fraction": 0.0,
        },
    )  # fmt: skip
    done = lab.bring_up_to_date(PAIRS, overrides=no_engines)
    assert {want.unit.job for want in done} == {"evaluate_model", "measure_transfer", "compare_models"}
    assert not any("sampling" in want.parts for want in done)
    after = conclusions(lab)
    assert after["potentials"] == before["potentials"]
    assert after["pattern_rates"] != before["pattern_rates"]

    for name, _ in PAIRS:  # the models are gone
        shutil.rmtree(lab.root / "models" / name)
    definitions = build_defs(resource_overrides={"engines": shards_only(NoEngines)})
    with lab.instance() as instance:
        rebuild(definitions, instance, lab.config(), lab.home)
    assert conclusions(lab) == after
    assert ScriptedEngine.sampled == sampled


def test_stale_conclusions_are_asked_for_by_their_condition_only(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.write_sums(n=1)
    lab.write_script("one", problem_sets=["sums"])
    lab.bring_up_to_date([("one", "sums")])
    definitions = build_defs()
    with lab.instance() as instance:
        assert dg.evaluate_automation_conditions(definitions, instance).total_requested == 0
        lab.write_sums(n=1, protocol={"insight_threshold": 0.2})
        requested = dg.evaluate_automation_conditions(definitions, instance)
        assert requested.get_num_requested(dg.AssetKey("spikes")) == 1
        assert requested.get_num_requested(dg.AssetKey("traces")) == 0
        sensor = definitions.get_sensor_def("registry")
        asked = sensor(dg.build_sensor_context(instance=instance))
        # The search concludes as it goes and may have to sample: it is the sensor's.
        assert [request.asset_selection for request in asked.run_requests or ()] == [
            [dg.AssetKey("search_traces")]
        ]
