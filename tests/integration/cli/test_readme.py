"""Every fenced command of the README runs, and every fenced configuration is read, as they are written.

What differs: the demo has one problem of each kind and few rollouts; the model of the example is a demo model, on one
problem; the tests themselves are not run again.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from support.configuration import write_sections

import cot_assets
from cot_assets.study import load_config

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DEMO_MODEL = Path(cot_assets.__file__).parent / "demo" / "models" / "demo-weak"
_FEW = {"n": 16, "traces_per_problem": 1, "max_cuts": 2, "search_problems": 0}
_SMALL_DEMO = """
[demo]
source = "generated:demo"
protocol = "few"
answer_kind = "integer"
generator = { per_cell = [1, 0, 0, 0] }
"""


def fenced(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def commands() -> list[list[str]]:
    """The commands of the README, without what sets up and comments; more than the tests run themselves."""
    lines = [line for block in fenced("sh") for line in block.splitlines() if line.strip()]
    return [shlex.split(line.rpartition("&&")[2], comments=True)[2:] for line in lines]


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("readme")
    models, problem_sets = fenced("toml")
    config = root / "config"
    config.mkdir()
    (config / "models.toml").write_text(models)
    (config / "problem_sets.toml").write_text(problem_sets)
    assert not load_config(config).broken
    (config / "models.toml").write_text(
        models.replace("/models/qwen2.5-1.5b-ov", str(DEMO_MODEL)).replace(
            '"chat"', '"Problem: {statement}\\nSolution:\\n"'
        )
    )
    (config / "problem_sets.toml").write_text(problem_sets.replace('"paper"', '"few"') + _SMALL_DEMO)
    write_sections(config / "protocols.toml", {"few": {"extends": "quick", "sampling": _FEW}})
    (config / "algebra.jsonl").write_text(json.dumps({"problem": "Compute 2 + 3.", "answer": "5"}) + "\n")
    return {
        "COT_ASSETS_HOME": str(root / "home"),
        "COT_ASSETS_CONFIG": str(config),
        "PATH": "/usr/bin:/bin",
        "HOME": str(root),
    }


def test_there_are_commands_and_configurations() -> None:
    assert len(fenced("toml")) == 2
    assert {command[0] for command in commands()} == {"cot-assets", "pytest"}


def _tier(command: list[str]) -> pytest.MarkDecorator:
    """The demo is run by others as well, and the rest does not need its results."""
    return pytest.mark.long if command[1:] == ["demo"] else pytest.mark.heavy


@pytest.mark.parametrize(
    "command",
    [pytest.param(command, marks=_tier(command), id=" ".join(command)) for command in commands()],
)
def test_a_command_of_the_readme_runs(command: list[str], variables: dict[str, str], tmp_path: Path) -> None:
    if command[0] == "pytest":
        command = [
            sys.executable,
            "-m",
            "pytest",
            "--collect-only",
            "-q",
            str(ROOT / "tests/unit/test_layers.py"),
        ]
    else:
        command = [sys.executable, "-m", "cot_assets.cli", *command[1:]]
    done = subprocess.run(
        command, env=variables, cwd=tmp_path, capture_output=True, text=True, timeout=390, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert done.stdout.strip()
