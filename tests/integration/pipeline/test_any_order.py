"""Steps run in whatever order the graph allows, and beside other processes: tables and marks are the same."""

from __future__ import annotations

import shutil
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.data_version import DATA_VERSION_TAG
from dagster._core.execution.plan import active
from support.lab import Lab, ScriptedEngines
from support.sameness import assert_same_tables

from cot_assets.definitions import build_defs
from cot_assets.orchestration.assets import materializing, sampling
from cot_assets.orchestration.runs import execute
from cot_assets.orchestration.staleness import Unit
from cot_assets.study import DataHome

pytestmark = pytest.mark.heavy

MODELS = ("one", "other")
PAIRS = [(model, "sums") for model in MODELS]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A study of two models, of which the first is evaluated."""
    lab = Lab(tmp_path_factory.mktemp("orders"))
    lab.write_sums(n=1, protocol={"max_cuts": 3, "traces_per_problem": 2, "search_problems": 1})
    for model, tokenizer in zip(MODELS, ("bytes", "characters"), strict=True):
        lab.write_script(model, tokenizer=tokenizer)
    lab.bring_up_to_date(PAIRS[:1])
    return lab


def in_copy(lab: Lab, name: str) -> Lab:
    """The same study in a copy of its home."""
    copy = Lab(lab.root)
    copy.home = DataHome(lab.root / name)
    shutil.copytree(lab.home.root, copy.home.root)
    return copy


def test_tables_do_not_depend_on_the_order_of_steps(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that finds the pool taken is passed over, so that Dagster takes any other that is ready: here the newest."""
    usual, other = in_copy(lab, "usual"), in_copy(lab, "other")
    usual.bring_up_to_date(PAIRS)
    seen: dict[str, int] = {}
    monkeypatch.setattr(active, "_default_sort_key", lambda step: seen.setdefault(step.key, -len(seen)))
    other.bring_up_to_date(PAIRS)
    assert_same_tables(usual.home, other.home)


def test_a_writer_that_is_done_while_a_reader_samples_counts_as_not_read(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the pool has several slots, a model may be evaluated within one step of another."""
    copy = in_copy(lab, "late")
    late: dict[str, str] = {}
    done_models, sample = materializing.done_models, sampling.sample_audited

    def sampled(*args: Any) -> Any:
        late["late"] = "its mark"
        return sample(*args)

    monkeypatch.setattr(materializing, "done_models", lambda *args: {**done_models(*args), **late})
    monkeypatch.setattr(sampling, "sample_audited", sampled)
    with copy.instance() as instance:
        marks = [_mark(instance, "transfer_completions")]
        for asset in ("transfer_completions", "transfer_rollouts"):
            execute(
                build_defs(resource_overrides={"engines": ScriptedEngines()}),
                instance,
                Unit("measure_transfer", "sums", "one"),
                assets=[asset],
            )
            marks.append(_mark(instance, asset))
    assert late
    before, read, concluded = marks
    assert before == read != concluded


def _mark(instance: dg.DagsterInstance, asset: str) -> str:
    """What the newest materialization of an asset says that it was made of."""
    event = instance.get_latest_materialization_event(dg.AssetKey(asset))
    assert event is not None
    made = event.asset_materialization
    assert made is not None
    return (made.tags or {})[DATA_VERSION_TAG]
