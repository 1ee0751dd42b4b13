"""Imports point down. Guards against a convenient import that makes the layers a knot.

The layers of the package, top to bottom; modules of one layer do not import one another, except that
assets may import automation and resources. Imports within a function count as well.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import cot_assets

PACKAGE = Path(cot_assets.__file__).parent
LAYERS = (
    ("cli", "rebuilding", "recorded", "pipeline", "definitions"),
    ("assets",),
    ("automation", "resources", "instance"),
    ("warehouse", "sampling", "importing", "reporting"),
    ("engines", "grading", "problems"),
    ("potential",),
    ("demo",),
    ("config",),
)
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}
#: The top layer has an order of its own: the command line runs the pipeline, which loads the definitions.
WITHIN_TOP = {(upper, lower) for i, upper in enumerate(LAYERS[0]) for lower in LAYERS[0][i + 1 :]}
WITH_DAGSTER = {part for layer in LAYERS[:3] for part in layer}
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))


def part_of(path: Path) -> str:
    """The part of the package that a module belongs to: the first name below ``cot_assets``."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Absolute names that a module imports, with line numbers; ``from a import b`` gives ``a.b``."""
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively; write the absolute name"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def violation(part: str, name: str) -> str | None:
    """What is wrong with a module of ``part`` importing ``name``, or None."""
    top, *rest = name.split(".")
    if top == "dagster" and part not in WITH_DAGSTER:
        return f"{part} imports dagster"
    if top != "cot_assets" or not rest or rest[0] not in LEVEL or rest[0] == part:
        return None
    other = rest[0]
    if LEVEL[other] < LEVEL[part]:
        return f"{part} imports {other}, which lies above it"
    if LEVEL[other] == LEVEL[part] and (part, other) not in WITHIN_TOP:
        return f"{part} imports {other}, its peer"
    return None


def test_every_part_of_the_package_has_a_layer() -> None:
    found = {part_of(path) for path in MODULES} - {"__init__"}
    assert found == set(LEVEL)


def test_imports_point_down() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)}:{line}: {problem}"
        for path in MODULES
        for name, line in imports(path)
        if (problem := violation(part_of(path), name))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("part", "name", "is_wrong"),
    [
        ("potential", "cot_assets.sampling.plan", True),
        ("sampling", "cot_assets.warehouse", True),
        ("automation", "cot_assets.resources", True),
        ("definitions", "cot_assets.cli", True),
        ("automation", "cot_assets.assets.common", True),
        ("grading", "dagster", True),
        ("grading", "dagster.Failure", True),
        ("assets", "cot_assets.automation.partitions", False),
        ("assets", "cot_assets.resources", False),
        ("sampling", "cot_assets.grading.statements", False),
        ("cli", "cot_assets.pipeline", False),
        ("sampling", "dagster_something", False),
    ],
)
def test_the_rule_finds_what_it_should(part: str, name: str, is_wrong: bool) -> None:
    assert (violation(part, name) is not None) == is_wrong


def test_the_corpus_needs_the_standard_library_only() -> None:
    for module in ("corpus", "families", "drills"):
        for name, _ in imports(PACKAGE / "demo" / f"{module}.py"):
            assert name.startswith("cot_assets.demo.") or name.split(".")[0] in sys.stdlib_module_names, name


def test_the_bottom_imports_nothing_of_the_package_but_itself() -> None:
    for path in (PACKAGE / "config").glob("*.py"):
        names = {".".join(name.split(".")[:2]) for name, _ in imports(path)}
        assert {n for n in names if n.startswith("cot_assets")} <= {"cot_assets.config"}, path


def test_importing_the_package_loads_nothing() -> None:
    """``python -m cot_assets.demo.train`` runs where only the training dependencies are installed."""
    assert list(imports(PACKAGE / "__init__.py")) == []
    assert list(imports(PACKAGE / "demo" / "__init__.py")) == []
