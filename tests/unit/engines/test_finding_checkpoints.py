"""Which checkpoints of a folder are complete, and of which step; a folder that cannot be read is not an empty one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cot_assets.engines.finding import look_for_models
from cot_assets.engines.finding.checkpoints import look_for_checkpoints, step_of
from cot_assets.study import DataHome, ModelEntry
from cot_assets.study.found import Found


def entry(folder: Path, marker: str | None = None) -> ModelEntry:
    return ModelEntry(name="mine", engine="openvino", checkpoints=str(folder), marker=marker)


def weights(file: Path, n: int = 16, *, missing: int = 0) -> None:
    header = json.dumps({"w": {"dtype": "U8", "shape": [n], "data_offsets": [0, n]}}).encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(len(header).to_bytes(8, "little") + header + bytes(n - missing))


def twice(given: ModelEntry) -> dict[str, object]:
    """What is found at the second of two looks."""
    _, seen, _ = look_for_checkpoints(given, {}, {})
    return {name: fields["step"] for name, fields in look_for_checkpoints(given, {}, seen)[0].items()}


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("step-1000", 1000), ("checkpoint-500", 500), ("global_step2000", 2000), ("step_1000-Q8_0", 1000),
        ("epoch-3-step-1200", 1200), ("0001200", 1200), ("final", None), ("step-" + "9" * 40, None),
    ],
)  # fmt: skip
def test_steps(name: str, step: int | None) -> None:
    assert step_of(name) == step


def test_a_checkpoint_is_taken_when_it_no_longer_changes(tmp_path: Path) -> None:
    weights(tmp_path / "step-10" / "model.safetensors")
    models, seen, _ = look_for_checkpoints(entry(tmp_path), {}, {})
    assert not models
    weights(tmp_path / "step-10" / "model.safetensors", 17)
    models, seen, _ = look_for_checkpoints(entry(tmp_path), {}, seen)
    assert not models
    models, _, _ = look_for_checkpoints(entry(tmp_path), {}, seen)
    assert models == {"mine.step-10": {"path": str(tmp_path / "step-10"), "step": 10}}


def test_weights_that_are_not_whole_are_not_taken(tmp_path: Path) -> None:
    weights(tmp_path / "step-1" / "model.safetensors", missing=1)
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    weights(tmp_path / "step-2" / "model-1.safetensors")
    (tmp_path / "step-2" / "model.safetensors.index.json").write_text(json.dumps(index))
    (tmp_path / "step-3").mkdir()
    (tmp_path / "step-3" / "config.json").write_text("{}")
    (tmp_path / "step-4").mkdir()
    (tmp_path / "step-4" / "openvino_model.xml").write_text("<net/>")
    (tmp_path / "step-5").mkdir()
    (tmp_path / "step-5" / "model.safetensors").write_bytes(b"\xff" * 9)
    assert twice(entry(tmp_path)) == {}
    weights(tmp_path / "step-2" / "model-2.safetensors")
    (tmp_path / "step-6.gguf").write_bytes(b"GGUF")
    assert twice(entry(tmp_path)) == {"mine.step-2": 2, "mine.step-6": 6}


def test_a_marker_decides_where_the_entry_names_one(tmp_path: Path) -> None:
    weights(tmp_path / "step-1" / "model.safetensors")
    assert twice(entry(tmp_path, "DONE")) == {}
    (tmp_path / "step-1" / "DONE").touch()
    assert look_for_checkpoints(entry(tmp_path, "DONE"), {}, {})[0].keys() == {"mine.step-1"}


@pytest.mark.parametrize("name", ["a|b", "a b", "ü", "x" * 120, "'; DROP"])
def test_names_that_no_model_can_have_are_left_out_with_a_word(tmp_path: Path, name: str) -> None:
    weights(tmp_path / name / "model.safetensors")
    models, _, problem = look_for_checkpoints(entry(tmp_path), {}, {})
    assert not models
    assert "names that no model can have" in problem


def test_a_folder_that_cannot_be_read_keeps_what_was_found(tmp_path: Path) -> None:
    home, folder = DataHome(tmp_path / "home"), tmp_path / "checkpoints"
    weights(folder / "step-1" / "model.safetensors")
    sources = {"mine": entry(folder)}
    assert look_for_models(sources, home) == []
    assert look_for_models(sources, home) == ["mine.step-1"]
    moved = folder.rename(tmp_path / "away")
    assert look_for_models(sources, home) == []
    found = Found.read(home)
    assert found.models["mine"].keys() == {"mine.step-1"}
    assert "No such file" in found.problems["mine"]
    moved.rename(folder)
    (folder / "step-1").rename(tmp_path / "gone")
    look_for_models(sources, home)
    found = Found.read(home)
    assert (found.models["mine"], found.problems) == ({}, {})
