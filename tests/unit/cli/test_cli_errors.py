"""Which errors become one line, and what the line blames: only what the error is of."""

from __future__ import annotations

import os
import sqlite3
import sys
import warnings
from pathlib import Path

import dagster as dg
import duckdb
import pytest
import yaml
from sqlalchemy.exc import OperationalError

from cot_assets.cli import _told, notes, raise_no_warnings
from cot_assets.orchestration.runs import PipelineError


def test_errors_of_the_package_speak_for_themselves() -> None:
    assert _told(PipelineError("it failed: do this")) == "it failed: do this"


def test_errors_of_the_operating_system_name_their_path() -> None:
    line = _told(PermissionError(13, "Permission denied", "/somewhere/file"))
    assert line is not None
    assert line.startswith("/somewhere/file: Permission denied; ")
    assert str(_told(OSError(28, "No space left on device"))).startswith(
        "the output, or the data home: No space"
    )


def test_a_full_disk_in_the_words_of_a_library_is_one_line_with_the_way_out() -> None:
    full = 'TransactionContext Error: Failed to commit: Could not write file "/home/x.wal": No space left on device'
    assert str(_told(duckdb.TransactionException(full))).startswith(f"{full}. Make room and start again")
    assert _told(duckdb.TransactionException("TransactionContext Error: another")) is None


@pytest.mark.parametrize("is_wrapped", [True, False])
def test_errors_of_databases_are_of_dagsters_records(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_wrapped: bool
) -> None:
    monkeypatch.setenv("COT_ASSETS_HOME", str(tmp_path))
    error = sqlite3.OperationalError("database is\nlocked")
    line = _told(OperationalError("SELECT 1", {}, error) if is_wrapped else error)
    assert line is not None
    assert line.startswith(
        f"{tmp_path / 'dagster'}: Dagster's records there cannot be used (database is locked)."
    )


@pytest.mark.parametrize(
    "error",
    [
        dg.DagsterInvariantViolationError("a job has no asset"),
        dg.DagsterInvalidConfigError("wrong", [], None),
        yaml.YAMLError("of any file"),
        KeyError("model"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_of_no_known_place_are_blamed_on_none(error: Exception) -> None:
    assert _told(error) is None


@pytest.mark.parametrize("options", [["error"], ["ignore::ImportWarning", "e"]])
def test_no_warning_of_a_library_ends_a_command(monkeypatch: pytest.MonkeyPatch, options: list[str]) -> None:
    kept = ",".join(options[:-1])
    monkeypatch.setattr(sys, "warnoptions", options)
    monkeypatch.setenv("PYTHONWARNINGS", ",".join(options))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        raise_no_warnings()
        warnings.warn("a library's", DeprecationWarning, stacklevel=1)
    assert os.environ["PYTHONWARNINGS"] == ",".join(sys.warnoptions) == kept


def test_a_note_is_said_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(warnings, "showwarning", notes())
    for said in ("left out: a", "left out: \x1b[2J\u202e", "left out: a", "x" * 99_999):
        with warnings.catch_warnings():  # as a run does, after which Python would say it again
            warnings.simplefilter("always")
            warnings.warn(said, stacklevel=1)
    assert (
        capsys.readouterr().err
        == f"Note: left out: a\nNote: left out: \\x1b[2J\\u202e\nNote: {'x' * 4000}…\n"
    )
