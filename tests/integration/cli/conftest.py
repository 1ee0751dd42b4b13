"""The command line on data homes of its own: called in this process, as ``main`` calls it."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from unittest import mock

import pytest
from support.command_line import Cli, Ran
from support.extras import shared_data
from support.lab import Lab

from cot_assets.cli import main


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command: ``cli("sql", "events", home=lab.variables)``."""

    def run(*words: object, variables: Mapping[str, str]) -> Ran:
        capfd.readouterr()
        code = 0
        with (
            mock.patch.dict(os.environ, variables),
            mock.patch.object(sys, "argv", ["cot-assets", *map(str, words)]),
        ):
            try:
                main()
            except SystemExit as ended:
                code = int(ended.code or 0)
        out, err = capfd.readouterr()
        return Ran(code, out, err)

    return run


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


@pytest.fixture(scope="session")
def published() -> Path:
    return shared_data("recorded")


@pytest.fixture(scope="module")
def imported(published: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lab, dict[str, str]]:
    """All six traces imported, and what the two commands printed."""
    lab = Lab(tmp_path_factory.mktemp("imported"))
    printed: dict[str, str] = {}
    for source in ("thought-anchors", "cliff-token"):
        out = io.StringIO()
        with (
            lab.environment(),
            mock.patch.object(sys, "argv", ["cot-assets", "import", source, str(published / source)]),
            contextlib.redirect_stdout(out),
        ):
            main()
        printed[source] = out.getvalue()
    return lab, printed
