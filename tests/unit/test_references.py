"""What docstrings and pages refer to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
MODULE = re.compile(r":mod:`~?([\w.]+)`")
PATH = re.compile(r"`([\w.-]+(?:/[\w.<>-]+)+/?)`")
#: Folders of the checkout and of the package that pages name paths in.
FOLDERS = ("cot_assets", "sql", "tests", "docs", "reports", ".ci")


def module_file(name: str, by: Path) -> Path:
    """The file or folder of a module that a docstring of ``by`` refers to."""
    package = by.parent
    if name.startswith("."):
        dots = len(name) - len(name.lstrip("."))
        for _ in range(dots - 1):
            package = package.parent
        return package.joinpath(*name.lstrip(".").split("."))
    return ROOT.joinpath(*name.split("."))


def test_modules_that_docstrings_name_exist() -> None:
    dead = []
    for path in sorted((ROOT / "cot_assets").rglob("*.py")):
        for name in MODULE.findall(path.read_text(encoding="utf-8")):
            target = module_file(name, path)
            if name.startswith((".", "cot_assets")) and not (
                target.is_dir() or target.with_suffix(".py").is_file()
            ):
                dead.append(f"{path.relative_to(ROOT)}: {name}")
    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_that_pages_name_exist(page: Path) -> None:
    rooms = {folder.name for folder in (ROOT / "cot_assets").iterdir() if folder.is_dir()}
    dead = []
    for name in PATH.findall(page.read_text(encoding="utf-8")):
        first = name.split("/")[0]
        if "<" in name or "NAME" in name or "NEW" in name or first not in {*FOLDERS, *rooms}:
            continue
        if not any((base / name).exists() for base in (ROOT, ROOT / "cot_assets", page.parent)):
            dead.append(name)
    assert dead == []
