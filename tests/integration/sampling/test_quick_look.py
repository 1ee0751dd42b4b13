"""A quick look: what it shows, what it leaves alone, and what a measurement finds of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from support.lab import Lab, ScriptedEngines

from cot_assets.definitions import build_defs
from cot_assets.orchestration.state import ensure_partitions
from cot_assets.warehouse import schema


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    lab = Lab(tmp_path)
    lab.write_sums(protocol={"n": 32, "max_cuts": 3, "traces_per_problem": 1})
    lab.write_script("alpha")
    return lab


def _run(lab: Lab, assets: list[str], config: dict[str, Any] | None = None, **more: Any) -> Any:
    definitions = build_defs(resource_overrides={"engines": ScriptedEngines()})
    with lab.instance() as instance:
        ensure_partitions(instance, ["alpha"], ["sums"])
        return definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance,
            run_config={"ops": {"quick_look": {"config": config}}} if config else None,
            asset_selection=[dg.AssetKey(name) for name in assets],
            raise_on_error=False,
            **more,
        )


def _look(lab: Lab, **config: Any) -> Any:
    return _run(lab, ["quick_look"], {"model": "alpha", "problem_set": "sums", **config})


def _shown(result: Any) -> dict[str, Any]:
    (event,) = result.asset_materializations_for_node("quick_look")
    return {name: value.value for name, value in event.metadata.items()}


@pytest.mark.heavy
def test_a_look_shows_curves_fills_no_table_and_is_not_sampled_twice(lab: Lab) -> None:
    first = _shown(_look(lab, problems=2))
    assert next(iter(first)) == "picture"
    assert "data:image/png" in first["picture"]
    assert first["protocol"] == "sums, n = 16"
    assert first["looked_at"] == "alpha on 2 of 3 problems of sums"
    assert first["rollouts_sampled"] > 0
    filled = {name for name in schema.tables() if lab.table(name).height}
    assert filled <= {"models", "grades", "sampling_runs"}

    again = _shown(_look(lab, problems=2))
    assert again["rollouts_sampled"] == 0
    assert again["picture"] == first["picture"]

    _run(lab, ["problems"], partition_key="sums")
    measured = _run(
        lab, ["traces"], partition_key=dg.MultiPartitionKey({"model": "alpha", "problem_set": "sums"})
    )
    (event,) = measured.asset_materializations_for_node("traces")
    assert event.metadata["rollouts_found_in_shards"].value == 2
    assert event.metadata["rollouts_sampled"].value == 1


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"n": 20}, "n = 20 is not a multiple of 16"),
        ({"protocol": "nothing"}, "no protocol named 'nothing'"),
        ({"model": "nobody"}, "no model named 'nobody'"),
    ],
)
def test_what_cannot_be_looked_at_is_a_sentence(lab: Lab, config: dict[str, Any], words: str) -> None:
    result = _look(lab, **config)
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    data = failed.step_failure_data
    assert words in data.user_failure_data.description
    assert "Traceback" not in data.error.to_string()
