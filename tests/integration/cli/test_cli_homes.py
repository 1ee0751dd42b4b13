"""Data homes of every kind: odd names work, and what cannot work is one line with path and way out."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from support.command_line import Cli
from support.lab import Lab, write_counts
from support.privileges import without_privileges

ODD = "a home [x] with * # %20 {y}, ü 猫 'quotes'"


@pytest.fixture
def commands(tmp_path: Path) -> list[tuple[str, ...]]:
    pair = ("--model", "demo-weak", "--problem-set", "demo-quick")
    mine = (
        "import",
        "rollouts",
        str(write_counts(tmp_path / "mine.jsonl")),
        "--model",
        "theirs",
        "--problem-set",
        "theirs",
    )
    return [
        mine,
        ("run", *pair),
        ("plan", *pair),
        ("rebuild",),
        ("sql", "SELECT 1 AS one"),
        ("ui", "--port", "1"),
    ]


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_a_home_may_have_any_name(cli: Cli, tmp_path: Path, commands: list[tuple[str, ...]]) -> None:
    home = tmp_path / ODD
    variables = {**Lab(tmp_path / "lab").variables, "COT_ASSETS_HOME": str(home), "DAGSTER_HOME": ""}
    for command in (commands[0], ("rebuild",), commands[0]):
        ran = cli(*command, variables=variables)
        assert (ran.code, "Traceback" in ran.err) == (0, False), ran.err
    assert (home / "reports" / "theirs" / "index.html").is_file()
    ran = cli(
        "sql",
        "SELECT count(*) AS n FROM potentials, (SELECT count(*) FROM rollout_texts)",
        variables=variables,
    )
    assert ran.out.split() == ["n", "─", "3", "(1", "row)"]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([ODD, "lab", "mine.jsonl"])


def assert_one_line(code: int, err: str, *texts: str) -> None:
    assert code == 1, err
    assert "Traceback" not in err
    assert err.count("\n") == 1, err
    assert err.startswith("Error: ")
    for text in texts:
        assert text in err


@pytest.mark.parametrize(
    "kind", ["file", "below a file", "too long", "question mark", "backslash", "no text"]
)
def test_a_home_that_cannot_be_is_one_line(
    cli: Cli, tmp_path: Path, commands: list[tuple[str, ...]], kind: str
) -> None:
    (tmp_path / "file").write_text("a file")
    homes = {
        "file": tmp_path / "file", "below a file": tmp_path / "file" / "home", "too long": tmp_path / ("x" * 300),
        "no text": tmp_path / "\udcff", "question mark": tmp_path / "what?", "backslash": tmp_path / "C:\\home",
    }  # fmt: skip
    variables = {**Lab(tmp_path / "lab").variables, "COT_ASSETS_HOME": str(homes[kind]), "DAGSTER_HOME": ""}
    for command in (("status",), ("report",), *commands[:-1]):
        ran = cli(*command, variables=variables)
        assert_one_line(ran.code, ran.err)


def test_dagster_records_that_cannot_be_used_are_one_line(
    cli: Cli, tmp_path: Path, commands: list[tuple[str, ...]]
) -> None:
    lab = Lab(tmp_path / "lab")
    with lab.instance():
        pass
    variables = {**lab.variables, "DAGSTER_HOME": ""}
    file = lab.home.dagster / "dagster.yaml"
    good = file.read_bytes()
    for broken in (b"run_monitoring: [", b"nonsense: true\n", b"\x00\n", b"\xff\xfe\n"):
        file.write_bytes(broken)
        for command in commands[:2]:
            ran = cli(*command, variables=variables)
            assert_one_line(ran.code, ran.err, str(lab.home.dagster), "move the folder away")
    file.write_bytes(good)
    (lab.home.dagster / "history" / "runs" / "index.db").write_bytes(b"")
    ran = cli(*commands[1], variables=variables)
    assert_one_line(ran.code, ran.err, str(lab.home.dagster), "move the folder away")
    for database in lab.home.dagster.rglob("*.db"):
        database.write_bytes(b"no database" * 1000)
    for command in commands[:2]:
        ran = cli(*command, variables=variables)
        assert_one_line(ran.code, ran.err, str(lab.home.dagster), "move the folder away")


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_a_home_without_permission_is_one_line(tmp_path: Path, commands: list[tuple[str, ...]]) -> None:
    home = tmp_path / "home"
    home.mkdir()
    variables = {
        **os.environ,
        **Lab(tmp_path / "lab").variables,
        "COT_ASSETS_HOME": str(home),
        "DAGSTER_HOME": "",
    }
    home.chmod(0o500)
    for command in (*commands[:2], ("rebuild",)):
        ran = subprocess.run(
            [sys.executable, "-m", "cot_assets.cli", *command], env=variables, capture_output=True, text=True,
            preexec_fn=without_privileges,
        )  # fmt: skip
        assert_one_line(ran.returncode, ran.stderr, str(home))
    home.chmod(0o700)


def test_a_home_that_is_mounted_read_only_can_be_asked_on_a_terminal_of_any_encoding(
    cli: Cli, tmp_path: Path, commands: list[tuple[str, ...]]
) -> None:
    lab = Lab(tmp_path / "lab")
    assert cli(*commands[0], variables=lab.variables).code == 0
    places = [lab.home.root, *lab.home.root.rglob("*")]
    for place in places:
        place.chmod(0o555 if place.is_dir() else 0o444)
    for words, said in (
        (("status",), "no entry of models.toml"),
        (commands[2], "demo-quick: 4 problems"),
        (("sql", "SELECT count(*) AS n FROM potentials"), "n\n\\u2500\n3\n"),
    ):
        ran = subprocess.run(
            [sys.executable, "-m", "cot_assets.cli", *words], env={**os.environ, **lab.variables, "PYTHONIOENCODING": "latin-1"},
            capture_output=True, text=True, preexec_fn=without_privileges,
        )  # fmt: skip
        assert (ran.returncode, ran.stderr) == (0, "")
        assert said in ran.stdout
    for place in places:
        place.chmod(0o755)


@pytest.mark.parametrize("closed", ["stdin", "stdout", "stderr"])
def test_a_stream_may_be_closed(tmp_path: Path, closed: str) -> None:
    number = ("stdin", "stdout", "stderr").index(closed)
    ran = subprocess.run(
        [sys.executable, "-m", "cot_assets.cli", "sql"], env={**os.environ, **Lab(tmp_path).variables},
        capture_output=True, text=True, preexec_fn=partial(os.close, number),
    )  # fmt: skip
    assert (ran.returncode, ran.stderr, "pattern_table" in ran.stdout) == (0, "", closed != "stdout")
