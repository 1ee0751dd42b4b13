"""The command line knows its commands without importing them."""

from __future__ import annotations

import importlib
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from cot_assets.cli import COMMANDS, cli
from cot_assets.cli.plan import _hours


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_found_by_its_name(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.name == name


@pytest.mark.parametrize("name", ["", "models", "import"])
def test_the_help_of_a_group_has_whole_sentences(name: str) -> None:
    group = cli.get_command(click.Context(cli), name) if name else cli
    assert isinstance(group, click.Group)
    context = click.Context(group)
    told = " ".join(group.get_help(context).split())
    assert "..." not in told.partition("Commands:")[2]
    for each in (group.get_command(context, name) for name in group.list_commands(context)):
        assert each is not None
        assert " ".join((each.help or "").split("\n\n")[0].split()) in told


@pytest.mark.parametrize(
    ("hours", "told"),
    [(None, "unknown"), (0.0, "under a GPU-minute"), (0.5, "30 GPU-minutes"), (12.34, "12.3 GPU-hours"), (1234.5, "1,234 GPU-hours")],
)  # fmt: skip
def test_times_are_told_as_people_would(hours: float | None, told: str) -> None:
    assert _hours(hours, "GPU-") == told


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("cot_assets.cli", {"duckdb", "numpy", "polars", "pydantic", "rich"}),
        # A question to the results opens DuckDB and writes a table; a data frame would take longer than both.
        (
            "cot_assets.cli.sql, cot_assets.warehouse.queries",
            {"polars", "pydantic"},
        ),
    ],
)
def test_a_command_loads_what_it_needs(module: str, heavy: set[str]) -> None:
    loaded = f"import sys, {module}; print(*sys.modules)"
    command = [sys.executable, "-c", loaded]
    modules = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert not (heavy | {"dagster", "openvino_genai", "sympy", "matplotlib", "pyarrow"}) & set(modules)


def test_unknown_commands_are_refused() -> None:
    assert cli.get_command(click.Context(cli), "absent") is None
    assert importlib.import_module("cot_assets.cli.run").run.name == "run"


@pytest.mark.parametrize("words", [["sql", "trace", "--help"], ["sql", "-h", "Trace"]])
def test_the_help_of_a_query_has_its_question_and_parameters(words: list[str]) -> None:
    told = CliRunner().invoke(cli, words).output
    assert "What does one trace look like" in told
    assert "-p trace_id=...  the trace with the largest single change" in told
    assert "-p trace_id" not in CliRunner().invoke(cli, ["sql", "--help"]).output
