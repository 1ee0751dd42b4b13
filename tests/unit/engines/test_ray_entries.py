"""What an entry with ``ray`` needs and means, without Ray."""

from __future__ import annotations

import importlib.util

import pytest

from cot_assets.engines.base import EngineError
from cot_assets.engines.opening import open_engine
from cot_assets.engines.ray.work import Work
from cot_assets.study import ModelEntry, load_config
from cot_assets.study.models import RayActors


def test_the_extra_is_named_where_ray_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ray" else find(name))
    entry = load_config().model("demo-weak").model_copy(update={"ray": RayActors()})
    with pytest.raises(EngineError, match=r"'demo-weak': .* needs the extra ray: `uv sync --extra ray`"):
        open_engine(entry)


@pytest.mark.parametrize(
    "fields",
    [
        {"engine": "openai", "endpoint": "http://localhost:1/v1", "ray": {}},
        {"engine": "imported", "ray": {}},
        {"engine": "openvino", "path": "p", "ray": {"actors": 0}},
        {"engine": "openvino", "path": "p", "ray": {"gpus": -1}},
        {"engine": "openvino", "path": "p", "ray": {"actor": 2}},
        {"engine": "openvino", "path": "p", "ray": 2},
    ],
)
def test_entries_that_make_no_sense(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"ray|Ray"):
        ModelEntry.model_validate({"name": "m", **fields})


@pytest.mark.parametrize(
    ("engine", "arguments", "gpus"),
    [
        ("openvino", {}, 0),
        ("vllm", {}, 1),
        ("vllm", {"tensor_parallel_size": 4}, 4),
        ("vllm", {"tensor_parallel_size": 4, "pipeline_parallel_size": 2}, 8),
    ],
)
def test_gpus_follow_from_what_a_model_is_spread_over(
    engine: str, arguments: dict[str, int], gpus: float
) -> None:
    entry = {"name": "m", "engine": engine, "path": "p", "engine_args": arguments, "ray": {}}
    assert ModelEntry.model_validate(entry).gpus_per_actor == gpus
    entry["ray"] = {"gpus": 0.5}
    assert ModelEntry.model_validate(entry).gpus_per_actor == 0.5


def work_on(items: str) -> Work[str]:
    return Work(ModelEntry(name="m", engine="openvino", path="p"), items, str)


def test_work_of_the_dead_comes_first_and_once() -> None:
    work = work_on("abcdef")
    assert (work.take(2), work.take()) == (["a", "b"], ["c"])
    work.give_back(["b"])
    assert work.take(3) == ["b", "d", "e"]
    assert work.is_left
    assert (work.take(2), work.take()) == (["f"], [])
    assert not work.is_left
    work.give_back(["c"])
    assert work.is_left
    assert (work.take(), work.is_left) == (["c"], False)


def test_an_item_that_is_with_every_death_ends_the_work() -> None:
    work = work_on("abcdefgh")
    for other in "bcd":
        work.give_back([other])  # that others die beside them says nothing of these
    work.give_back("a")
    work.give_back("a")
    with pytest.raises(EngineError, match="'m': 3 actors died one after the other while they had block a;"):
        work.give_back("ea")
