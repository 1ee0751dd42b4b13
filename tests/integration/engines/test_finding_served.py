"""Ids of a server as models; a server that gives no sound answer is not one that serves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.served import TinyServer

from cot_assets.engines.finding import look_for_models
from cot_assets.engines.finding.served import look_for_served
from cot_assets.study import DataHome, ModelEntry
from cot_assets.study.found import Found


def source(server: TinyServer) -> ModelEntry:
    return ModelEntry(name="lab", engine="openai", endpoint=server.url, path="org/tokenizer", discover=True)


def serve(server: TinyServer, *ids: object) -> None:
    server.models = [{"id": each} for each in ids]


def test_every_id_becomes_a_model(server: TinyServer) -> None:
    serve(server, "base", "Qwen/Qwen3-8B", "Qwen-Qwen3-8B", "base:step-100")
    models, problem = look_for_served(source(server))
    assert [fields["served_name"] for fields in models.values()] == [
        "base", "Qwen/Qwen3-8B", "Qwen-Qwen3-8B", "base:step-100",
    ]  # fmt: skip
    assert {"lab.base", "lab.Qwen-Qwen3-8B"} < models.keys()
    assert not problem


@pytest.mark.parametrize(
    "hostile",
    ["../../etc", "a|b", "a\x1b[2J", "a b", "", "x" * 300, "a/../b", "/etc/passwd", "ü", 7, None, ["a"]],
)
def test_hostile_ids_are_refused(server: TinyServer, hostile: object) -> None:
    serve(server, hostile, "good")
    models, problem = look_for_served(source(server))
    assert models.keys() == {"lab.good"}
    assert "1 ids" in problem


def test_many_ids_are_bounded(server: TinyServer) -> None:
    serve(server, *(f"m{i}" for i in range(1000)))
    assert len(look_for_served(source(server))[0]) == 100


def test_a_failed_answer_keeps_what_was_found_and_an_empty_one_does_not(
    server: TinyServer, tmp_path: Path
) -> None:
    home, sources = DataHome(tmp_path / "home"), {"lab": source(server)}
    serve(server, "base")
    assert look_for_models(sources, home) == ["lab.base"]
    server.stop()
    look_for_models(sources, home)
    found = Found.read(home)
    assert (list(found.models["lab"]), list(found.problems)) == (["lab.base"], ["lab"])
    server.start()
    serve(server)
    look_for_models(sources, home)
    found = Found.read(home)
    assert (found.models["lab"], found.problems) == ({}, {})


@pytest.mark.parametrize("models", [{"a": 1}, [1], [{"name": "x"}]])
def test_an_answer_of_another_shape_is_a_failed_one(server: TinyServer, models: object) -> None:
    server.models = models
    with pytest.raises(OSError, match="does not say which models"):
        look_for_served(source(server))
