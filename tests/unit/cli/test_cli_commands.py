"""The command line knows its commands without importing them."""

from __future__ import annotations

import importlib
import subprocess
import sys

import click
import pytest

from cot_assets.cli import COMMANDS, cli


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_of_help_is_the_command_s_own(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.name == name
    assert " ".join((command.help or "").split("\n\n")[0].split()) == COMMANDS[name][1]


def test_no_command_is_imported_for_help() -> None:
    loaded = "import sys, cot_assets.cli; print(*sys.modules)"
    modules = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {
        "dagster",
        "openvino_genai",
        "polars",
        "duckdb",
        "sympy",
        "pydantic",
        "numpy",
        "matplotlib",
        "rich",
    }
    assert not heavy & set(modules)


def test_unknown_commands_are_refused() -> None:
    assert cli.get_command(click.Context(cli), "absent") is None
    assert importlib.import_module("cot_assets.cli.run").run.name == "run"
