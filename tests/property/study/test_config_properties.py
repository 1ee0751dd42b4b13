"""Whatever a person writes into the three files is read, or refused in one message that names file and way out."""

from __future__ import annotations

import json
import tomllib
import warnings
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cot_assets.study import (
    ConfigError,
    ModelEntry,
    MovedNameWarning,
    ProblemSetEntry,
    Protocol,
    SamplingRules,
    load_config,
)
from cot_assets.study.protocols import Adaptive, AnalysisRules

KINDS = {"models": ModelEntry, "problem_sets": ProblemSetEntry, "protocols": Protocol}
FIELDS = sorted(
    {name for kind in (*KINDS.values(), SamplingRules, AnalysisRules, Adaptive) for name in kind.model_fields}
    | {"extends", "imported", "optimise_n"}
)
ENTRIES = ("demo-strong", "demo", "quick", "mine", "other", "a.b")

text = st.one_of(
    st.sampled_from(["", "mine", "demo", "openvino", "openai", "http://[::1", "https://u:p@h/v1", "hf://x", "~nobody/x",
                     "generated:demo", "imported:x", "{statement}", "../..", "x\0y", "sk-abcdefghij0123456789"]),
    st.text(max_size=12),
)  # fmt: skip
number = st.one_of(
    st.sampled_from([0, 1, 16, -1, 7.5, 10**9, 2**63, 10**400, float("inf"), float("-inf"), float("nan"), 1e-320, True]),
    st.integers(),
    st.floats(),
)  # fmt: skip
value = st.recursive(
    text | number | st.dates() | st.datetimes(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS) | text, inner, max_size=3)
    ),
    max_leaves=6,
)
entry = st.dictionaries(st.sampled_from(FIELDS), value, max_size=5)
sections = st.dictionaries(st.sampled_from(ENTRIES), entry | value, max_size=3)


def toml(value: Any) -> str:
    """A value as TOML writes it, of every kind that it has."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{toml(str(key))} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, date):  # and moments
        return value.isoformat()
    return str(value).lower() if isinstance(value, bool) else repr(value)


def file_of(sections: dict[str, Any]) -> bytes:
    """A file of sections."""
    lines = (f"{toml(name)} = {toml(entry)}\n" for name, entry in sections.items())
    return "".join(lines).encode("utf-8", "replace")


def outcome(folder: Path, contents: dict[str, bytes]) -> str:
    """Empty where the configuration is read, else what the error says; any other error is a failure."""
    for name in KINDS:
        file = folder / f"{name}.toml"
        file.unlink(missing_ok=True)
        if name in contents:
            file.write_bytes(contents[name])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MovedNameWarning)
        try:
            load_config(folder)
        except ConfigError as error:
            return str(error)
    return ""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("config")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(written=st.dictionaries(st.sampled_from(sorted(KINDS)), sections, min_size=1))
def test_entries_of_any_shape_are_read_or_refused(folder: Path, written: dict[str, Any]) -> None:
    said = outcome(folder, {name: file_of(found) for name, found in written.items()})
    assert not said or said.startswith(str(folder)) or "is configured; known: " in said, said
    assert len(said) < 5_000
    assert "sk-abcdefghij0123456789" not in said


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(sorted(KINDS)), content=st.binary(max_size=60))
def test_bytes_of_any_kind_are_read_or_refused(folder: Path, name: str, content: bytes) -> None:
    said = outcome(folder, {name: content})
    assert not said or said.startswith(f"{folder / name}.toml: "), said


def test_the_writer_of_these_tests_writes_toml() -> None:
    entry = {"extends": "é\x7f\n", "n": [1, float("inf"), True], "x y": {"day": date(2024, 2, 3)}}
    assert tomllib.loads(file_of({"mine": entry}).decode()) == {"mine": entry}
