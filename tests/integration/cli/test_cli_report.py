"""``report``: where reports are, and the browser that one is opened in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def report(home: Path, *arguments: str, browser: str = "") -> subprocess.CompletedProcess[str]:
    """What the command prints where there is no browser but a command."""
    environment = {"COT_ASSETS_HOME": str(home), "BROWSER": browser, "PATH": os.devnull}
    command = [sys.executable, "-m", "cot_assets.cli", "report", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home of an odd name with two reports, the second the later."""
    home = tmp_path / "a home [x] #1"
    for age, name in ((100, "first"), (50, "set 2")):
        page = home / "reports" / name / "index.html"
        page.parent.mkdir(parents=True)
        page.write_text(f"<title>{name}</title>")
        os.utime(page, (1_700_000_000 - age,) * 2)
    return home


def test_all_reports_are_listed_the_latest_first(home: Path) -> None:
    pages = [str(home / "reports" / name / "index.html") for name in ("set 2", "first")]
    assert report(home).stdout.splitlines() == pages
    assert report(home, "first").stdout.splitlines() == pages[1:]


def test_what_is_being_written_or_was_set_aside_is_no_report(home: Path) -> None:
    for name in (".first.new-1", "first.damaged", "first.damaged.damaged"):
        page = home / "reports" / name / "index.html"
        page.parent.mkdir()
        page.write_text("half")
    (home / "reports" / "third" / "index.html").mkdir(parents=True)
    assert [Path(line).parent.name for line in report(home).stdout.splitlines()] == ["set 2", "first"]


def test_the_page_is_what_the_browser_gets(home: Path, tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > "{tmp_path}/opened"\n')
    browser.chmod(0o755)
    done = report(home, "--open", browser=f"{browser} %s")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "opened").read_text() == (home / "reports" / "set 2" / "index.html").as_uri()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["third"], "no report of problem set 'third'; there are: first, set 2. `cot-assets run`"),
        (["first", "--open"], "no browser opens here; open "),
    ],
)
def test_what_cannot_be_shown_is_one_sentence_with_the_way_out(
    home: Path, arguments: list[str], said: str
) -> None:
    done = report(home, *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: {said}")


def test_a_home_without_reports_says_what_writes_one(tmp_path: Path) -> None:
    assert "no report is in" in report(tmp_path).stderr
    assert "cot-assets demo" in report(tmp_path).stderr
