"""A model's life: evaluated, shown, stale, broken, vanished, forgotten."""

from __future__ import annotations

import json
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner
from support.lab import Lab, ScriptedEngines
from support.scripted import ScriptedEngine

from cot_assets.cli import cli
from cot_assets.definitions import build_defs
from cot_assets.engines.base import EngineError
from cot_assets.orchestration.forgetting import ForgetError, forget_model
from cot_assets.orchestration.runs import PipelineError, bring_up_to_date, execute
from cot_assets.orchestration.staleness import Unit
from cot_assets.study import ModelEntry
from cot_assets.study.found import Found, recall
from cot_assets.warehouse.schema import tables
from cot_assets.warehouse.store import Warehouse

PAIRS = [("strong", "sums"), ("scriptling", "sums")]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("study"))
    lab.write_sums(n=1, protocol={"search_problems": 0, "traces_per_problem": 1, "max_cuts": 2})
    lab.write_script("strong", skill=0.9, problem_sets=["sums"])
    lab.write_script("scriptling", skill=0.6, problem_sets=["sums"])
    lab.bring_up_to_date(PAIRS)
    return lab


def status(lab: Lab) -> dict[tuple[str, str], tuple[str, str]]:
    with lab.environment():
        told = CliRunner().invoke(cli, ["status", "--format", "json"], catch_exceptions=False).output
    return {
        (row["model"], row["problem_set"]): (row["state"], row["reason"])
        for row in json.loads(told[told.index("[") :])
    }


@pytest.mark.long
def test_a_model_from_fresh_to_forgotten(lab: Lab) -> None:
    assert {state for state, _ in status(lab).values()} == {"fresh"}

    lab.write_script("scriptling", skill=0.7, weights="other", problem_sets=["sums"])
    rows = status(lab)
    assert rows["scriptling", "sums"][0] == "stale"
    assert "model revision changed" in rows["scriptling", "sums"][1]
    assert (
        rows["strong", "sums"] == ("stale", "writer scriptling is new")
        or "model revision" in rows["strong", "sums"][1]
    )

    lab.write(models={"scriptling": {"engine": "openvino", "problem_sets": ["sums"]}})
    assert "needs a path" in status(lab)["scriptling", ""][1]
    assert status(lab)["strong", "sums"][0] == "fresh"  # a broken entry is no news for others

    text = (lab.folder / "models.toml").read_text()
    (lab.folder / "models.toml").write_text(text.partition("[scriptling]")[0])
    assert status(lab)["scriptling", "sums"][0] == "vanished"

    shards = sorted(lab.home.shards.rglob("scriptling/*.parquet"))
    with lab.instance() as instance:
        warehouse = Warehouse(lab.home)
        n_rows, others = forget_model(instance, warehouse, lab.config(), "scriptling", with_shards=False)
        assert n_rows > 0
        assert others == [("strong", "sums")]
        assert instance.get_dynamic_partitions("models") == ["strong"]
        with pytest.raises(ForgetError, match="strong"):
            forget_model(instance, warehouse, lab.config(), "scripling", with_shards=False)
    lab.bring_up_to_date([("strong", "sums")])
    for name, schema in tables().items():
        for column in {"model", "other", "reader", "writer"} & {c.name for c in schema.columns}:
            assert lab.table(name, **{column: "scriptling"}).is_empty(), f"{name}.{column}"
    assert not [page for page in lab.home.reports.rglob("*.html") if "scriptling" in page.read_text()]
    assert status(lab).keys() == {("", "sums"), ("strong", "sums")}
    assert shards
    assert sorted(lab.home.shards.rglob("scriptling/*.parquet")) == shards

    with lab.instance() as instance:
        forget_model(instance, Warehouse(lab.home), lab.config(), "strong", with_shards=True)
    assert not list(lab.home.shards.rglob("strong/*"))
    assert not (lab.home.reports / "sums").exists()
    assert status(lab).get(("strong", "sums")) is None  # its entry is there, and automation leaves it alone
    recall(lab.home, ["strong"])
    assert Found.read(lab.home).forgotten == ["scriptling"]
    assert status(lab)["strong", "sums"][0] == "never run"


@pytest.mark.heavy
def test_an_analysis_without_rollouts_fails_with_one_sentence(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.write_sums(n=1)
    lab.write_script("strong")
    with lab.instance() as instance:
        instance.add_dynamic_partitions("models", ["strong"])
        instance.add_dynamic_partitions("problem_sets", ["sums"])
        with pytest.raises(PipelineError, match="'strong' has no rollouts on 'sums'"):
            execute(build_defs(), instance, Unit("evaluate_model", "sums", "strong"), assets=["drawdowns"])


@pytest.mark.heavy
def test_a_study_of_correct_traces_without_any_ends_in_order_and_says_so(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.write_sums(n=2, protocol={"measured": "correct", "search_problems": 0})
    lab.write_script("strong", skill=0.0, mend=0.0)
    definitions = build_defs(resource_overrides={"engines": ScriptedEngines()})
    with lab.instance() as instance:
        outcome = bring_up_to_date(definitions, instance, lab.config(), [("strong", "sums")])
    assert lab.table("traces").height == 4
    assert lab.table("prefixes").is_empty()
    assert any('none of 4 traces is correct, as `measured = "correct"`' in line for line in outcome.remarks)


def _asked(definitions: dg.Definitions, instance: dg.DagsterInstance) -> list[str]:
    """What the sensor asks for in four ticks, each of which is followed by the runs that it asked for."""
    sensor = definitions.get_sensor_def("registry")
    asked: list[str] = []
    for _ in range(4):
        result = sensor(dg.build_sensor_context(instance=instance))
        assert isinstance(result, dg.SensorResult)
        for request in result.dynamic_partitions_requests or ():
            instance.add_dynamic_partitions(request.partitions_def_name, list(request.partition_keys))
        for request in result.run_requests or ():
            asked.append(f"{request.job_name} {request.partition_key}")
            definitions.resolve_job_def(str(request.job_name)).execute_in_process(
                instance=instance,
                partition_key=request.partition_key,
                tags={**request.tags, "dagster/run_key": str(request.run_key)},
                asset_selection=request.asset_selection,
                raise_on_error=False,
            )
    return asked


@pytest.mark.heavy
def test_weights_that_are_not_there_are_not_tried_again(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.write_sums(n=1)
    lab.write(models={"lost": {"engine": "openvino", "path": "/nowhere/model", "problem_sets": ["sums"]}})
    with lab.instance() as instance:
        asked = _asked(build_defs(), instance)
    assert asked == ["load_problems sums", "evaluate_model lost|sums"]
    state, reason = status(lab)["lost", "sums"]
    assert state == "failed"
    assert "/nowhere/model" in reason


class _Gone(ScriptedEngines):
    """Models that were opened before, where their engine was still installed."""

    def open(self, entry: ModelEntry) -> ScriptedEngine:
        raise EngineError(f"model {entry.name!r}: vLLM is not installed")


@pytest.mark.heavy
def test_an_engine_that_is_missing_when_the_first_block_needs_it_is_not_tried_again(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.write_sums(n=1)
    lab.write_script("known", problem_sets=["sums"])
    with lab.instance() as instance:
        ScriptedEngines().load(lab.config().model("known"))
        asked = _asked(build_defs(resource_overrides={"engines": _Gone()}), instance)
    assert asked == ["load_problems sums", "evaluate_model known|sums"]
    assert status(lab)["known", "sums"] == ("failed", "model 'known': vLLM is not installed")
