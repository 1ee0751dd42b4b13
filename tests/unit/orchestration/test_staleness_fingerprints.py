"""What makes a partition stale, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.configuration import changed
from support.scripted import scripted_folder

from cot_assets.orchestration.staleness import (
    comparison_fingerprint,
    concluded_fingerprint,
    problem_set_fingerprint,
    sampled_fingerprint,
    transfer_fingerprint,
)
from cot_assets.study import AnalysisRules, Config, ModelEntry, ProblemSetEntry, load_config


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "p.jsonl").write_text('{"problem": "x", "answer": 1}\n')
    base = load_config()
    entry = ModelEntry(
        name="m", engine="openvino", path=str(scripted_folder(tmp_path / "m")), template="{statement}"
    )
    problems = ProblemSetEntry(name="s", source=str(tmp_path / "p.jsonl"), protocol="demo")
    return base.model_copy(update={"models": {"m": entry}, "problem_sets": {"s": problems}})


def of(config: Config) -> str:
    return sampled_fingerprint(config, "m", "s")


@pytest.mark.parametrize(
    ("kind", "name", "changes"),
    [
        ("models", "m", {"revision": "declared"}),
        ("models", "m", {"template": "Q: {statement}"}),
        ("models", "m", {"add_bos": True}),
        ("models", "m", {"dtype": "bf16"}),
        ("models", "m", {"quantization": "int8"}),
        ("models", "m", {"engine": "vllm"}),
        ("problem_sets", "s", {"prompt": "Solve: {statement}"}),
        ("problem_sets", "s", {"limit": 1}),
        ("problem_sets", "s", {"protocol": "quick"}),
        ("protocols", "demo", {"n": 128}),
        ("protocols", "demo", {"seed": 1}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else str(value),
)
def test_what_was_sampled_is_stale_after_a_change_of(
    config: Config, kind: str, name: str, changes: dict[str, object]
) -> None:
    assert of(changed(config, kind, name, **changes)) != of(config)


@pytest.mark.parametrize(
    "changes", [{"device": "GPU"}, {"engine_args": {"cache_size": 2}}, {"problem_sets": ("demo",)}], ids=str
)
def test_what_was_sampled_is_not_stale_after_a_change_of(config: Config, changes: dict[str, object]) -> None:
    assert of(changed(config, "models", "m", **changes)) == of(config)


def test_other_weights_in_the_same_folder_make_it_stale(config: Config, tmp_path: Path) -> None:
    before = of(config)
    scripted_folder(tmp_path / "m", weights="second")
    assert of(config) != before


def test_other_problems_in_the_same_file_make_everything_stale(config: Config, tmp_path: Path) -> None:
    before = problem_set_fingerprint(config, "s"), of(config)
    (tmp_path / "p.jsonl").write_text('{"problem": "x", "answer": 2}\n')
    after = problem_set_fingerprint(config, "s"), of(config)
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_problems_are_not_stale_after_a_change_of_the_protocol(config: Config) -> None:
    other = changed(config, "problem_sets", "s", protocol="quick")
    assert problem_set_fingerprint(other, "s") == problem_set_fingerprint(config, "s")


def test_a_comparison_is_of_names_and_fingerprints_in_any_order() -> None:
    assert transfer_fingerprint("r", {"a": "1", "b": "2"}) == transfer_fingerprint("r", {"b": "2", "a": "1"})
    assert comparison_fingerprint({"a": "1", "b": "2"}) == comparison_fingerprint({"b": "2", "a": "1"})
    assert len({transfer_fingerprint("r", w) for w in ({}, {"a": "1"}, {"a": "2"}, {"b": "1"})}) == 4
    assert transfer_fingerprint("r", {}) != transfer_fingerprint("q", {})


@pytest.mark.parametrize("field", AnalysisRules.model_fields)
def test_a_change_of_the_analysis_makes_conclusions_stale_and_nothing_else(
    config: Config, field: str
) -> None:
    newer = changed(config, "protocols", "demo", **{field: 0.123})
    assert of(newer) == of(config)
    assert concluded_fingerprint(newer, "s", of(newer)) != concluded_fingerprint(config, "s", of(config))


def test_conclusions_follow_what_was_sampled(config: Config) -> None:
    assert concluded_fingerprint(config, "s", "1") != concluded_fingerprint(config, "s", "2")


def test_a_problem_file_may_be_moved(config: Config, tmp_path: Path) -> None:
    (tmp_path / "moved.jsonl").write_bytes((tmp_path / "p.jsonl").read_bytes())
    newer = changed(config, "problem_sets", "s", source=str(tmp_path / "moved.jsonl"))
    assert of(newer) == of(config)
