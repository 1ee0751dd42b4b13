"""Protocols: their hashes, their two parts, and what a greedy one may ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from support.configuration import refusal, write_sections

from cot_assets.study import (
    AnalysisRules,
    MovedNameWarning,
    Protocol,
    SamplingRules,
    load_config,
)


def test_the_hash_of_a_protocol_sees_every_number_but_not_the_name() -> None:
    base = Protocol(name="a")
    assert base.protocol_hash == Protocol(name="b").protocol_hash
    other: dict[str, object] = {
        "n": 64, "max_tokens": 7, "temperature": 0.5, "top_p": 0.5, "cut_policy": "lines", "max_cuts": 3,
        "traces_per_problem": 2, "measured": "all", "measured_per_problem": 2, "insight_threshold": 0.5,
        "tangent_threshold": 0.5, "late_spike_threshold": 0.1, "guess_threshold": 0.1, "monotone_tolerance": 0.2,
        "solved_threshold": 0.9, "transfer_fractions": (0.0,), "control_fractions": (), "headline_fraction": 0.3,
        "controls": ("wrong",),
        "search_problems": 1, "search_candidates": 2, "search_chunk": 8, "search_n": 16,
        "search_fresh_n": 16, "search_budget": 9, "seed": 1, "bare_n": 64, "top_k": 40, "min_p": 0.1,
    }  # fmt: skip
    fields = {*SamplingRules.model_fields, *AnalysisRules.model_fields}
    assert set(other) == fields - {"strategy", "adaptive", "audit_share"}
    hashes = {base.model_copy(update={field: value}).protocol_hash for field, value in other.items()}
    assert len(hashes | {base.protocol_hash}) == len(other) + 1


@pytest.mark.parametrize("greedy", [{"temperature": 0.0}, {"top_k": 1}, {"temperature": 0.0, "top_k": 40}])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, ["set n = 1, traces_per_problem = 1,"]),
        ({"n": 64, "traces_per_problem": 1}, ["set n = 1,"]),
        ({"n": 1}, ["set traces_per_problem = 1,"]),
        ({"n": 1, "traces_per_problem": 1, "bare_n": 48}, ["set bare_n = 0,"]),
        ({"n": 1, "traces_per_problem": 1, "search_problems": 3}, ["set search_problems = 0,"]),
        ({"n": 1, "traces_per_problem": 1, "sampling": "adaptive"}, ["set strategy = 'fixed',"]),
    ],
)
def test_a_greedy_protocol_asks_for_one_completion(
    greedy: dict[str, object], given: dict[str, object], said: list[str]
) -> None:
    with pytest.raises(ValidationError) as caught:
        Protocol.model_validate({"name": "p", **given, **greedy})
    assert all(part in str(caught.value) for part in [*said, "the same completion every time"])
    assert Protocol.model_validate(
        {"name": "p", "n": 1, "traces_per_problem": 1, **greedy}
    ).sampling.is_greedy


@pytest.mark.parametrize("n", [0, 1, 2, 15, 17, -16])
def test_n_is_a_multiple_of_a_block_where_rollouts_differ(n: int) -> None:
    with pytest.raises(ValidationError, match="16"):
        Protocol(name="p", n=n)
    if n > 0:
        with pytest.raises(ValidationError, match="bare_n"):
            Protocol(name="p", bare_n=n)


def test_what_is_switched_off_does_not_change_the_hash() -> None:
    assert Protocol(name="p", bare_n=0, top_k=0, min_p=0.0).protocol_hash == Protocol(name="p").protocol_hash


FLAT = {
    "n": 32, "cut_policy": "lines", "insight_threshold": 0.5, "headline_fraction": 0.3, "seed": 9,
    "optimise_problems": 2, "optimise_n": 48, "sampling": "adaptive", "adaptive": {"most": 96},
}  # fmt: skip


NESTED = {
    "sampling": {
        "n": 32, "cut_policy": "lines", "seed": 9, "search_problems": 2, "search_n": 48,
        "strategy": "adaptive", "adaptive": {"most": 96},
    },
    "analysis": {"insight_threshold": 0.5, "headline_fraction": 0.3},
}  # fmt: skip


def test_files_with_names_at_the_top_are_read_with_one_warning(tmp_path: Path) -> None:
    write_sections(tmp_path / "protocols.toml", {"old": FLAT, "new": NESTED})
    with pytest.warns(MovedNameWarning) as caught:
        config = load_config(tmp_path)
    (message,) = [str(warning.message) for warning in caught]
    for part in [
        "protocols.toml", "n is now sampling.n", "optimise_n is now sampling.search_n",
        "sampling is now sampling.strategy", "insight_threshold is now analysis.insight_threshold",
    ]:  # fmt: skip
        assert part in message
    old, new = config.protocols["old"], config.protocols["new"]
    assert (old.sampling, old.analysis, old.protocol_hash) == (new.sampling, new.analysis, new.protocol_hash)


@pytest.mark.filterwarnings("error")
def test_names_in_their_parts_are_read_without_a_warning(tmp_path: Path) -> None:
    write_sections(tmp_path / "protocols.toml", {"new": NESTED})
    assert load_config(tmp_path).protocols["new"].sampling.n == 32


@pytest.mark.filterwarnings("ignore::cot_assets.study.MovedNameWarning")
@pytest.mark.parametrize(
    "entries",
    [
        {"mine": {"extends": "theirs", "n": 48}, "theirs": NESTED},
        {"mine": {"extends": "theirs", "sampling": {"n": 48}}, "theirs": FLAT},
    ],
    ids=["old extends new", "new extends old"],
)
def test_what_is_extended_is_merged_part_by_part(tmp_path: Path, entries: dict[str, Any]) -> None:
    write_sections(tmp_path / "protocols.toml", entries)
    protocols = load_config(tmp_path).protocols
    mine, theirs = protocols["mine"], protocols["theirs"]
    assert mine.sampling.n == 48
    assert mine.sampling == theirs.sampling.model_copy(update={"n": 48})
    assert mine.analysis == theirs.analysis


def test_a_name_given_in_both_places_is_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path, protocols="[mine]\nn = 16\n[mine.sampling]\nn = 32\n")
    assert "n is given twice" in message
    assert "[mine]" in message


def test_a_threshold_changes_the_hash_of_the_analysis_only() -> None:
    base = Protocol(name="p")
    for field in AnalysisRules.model_fields:
        changed = base.model_copy(update={field: 0.123})
        assert changed.analysis_hash != base.analysis_hash
        assert changed.sampling_hash == base.sampling_hash
    for changes in ({"n": 64}, {"seed": 1}, {"temperature": 0.9}):
        changed = base.model_copy(update=changes)
        assert changed.analysis_hash == base.analysis_hash
        assert changed.sampling_hash != base.sampling_hash
