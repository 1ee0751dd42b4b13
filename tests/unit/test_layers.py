"""Imports point down, and rooms meet in tables. Guards against a convenient import that ties the layers in a knot.

The layers of the package from top to bottom. Modules of one layer do not import one another, and a room of
``measures`` imports no other room. Imports within a function count as well.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import cot_assets

PACKAGE = Path(cot_assets.__file__).parent
LAYERS = (
    ("__init__",),
    ("cli",),
    ("definitions",),
    ("api",),
    ("measures",),
    ("orchestration",),
    ("importing", "exporting", "report"),
    ("sampling",),
    ("engines", "problems"),
    ("grading",),
    ("statistics",),
    ("warehouse",),
    ("demo",),
    ("study",),
)
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))
#: What still breaks the rule. Shorten this list; never add to it.
KNOWN: set[str] = set()


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """All statements below a node; what is within an expression imports nothing, and is most of the tree."""
    for part in ("body", "orelse", "finalbody", "handlers", "cases"):
        for child in getattr(node, part, ()) if not isinstance(node, ast.expr) else ():
            yield child
            yield from statements(child)


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Absolute names that a module imports, with line numbers; ``from a import b`` gives ``a.b``."""
    for node in statements(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively; write the absolute name"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def may_import_dagster(module: str) -> bool:
    """Whether a module, named below ``cot_assets``, belongs to the Dagster side."""
    part, *rest = module.split(".")
    return part in ("cli", "definitions", "orchestration") or (part == "measures" and rest[-1] == "assets")


def violation(module: str, name: str) -> str | None:
    """What is wrong with ``module`` (such as ``measures.rates.passk``) importing ``name``, or None."""
    part, *inside = module.split(".")
    top, *rest = name.split(".")
    if top == "dagster":
        return None if may_import_dagster(module) else f"{module} imports dagster"
    if top != "cot_assets" or not rest or rest[0] not in LEVEL:
        return None
    other = rest[0]
    if other == part:
        room = inside[0] if len(inside) > 1 else None
        is_foreign = part == "measures" and room and rest[1] != room and (PACKAGE / part / rest[1]).is_dir()
        return f"{module} imports {'.'.join(rest[:3])}, of another room" if is_foreign else None
    if LEVEL[other] < LEVEL[part]:
        return f"{module} imports {other}, which lies above it"
    return f"{module} imports {other}, its peer" if LEVEL[other] == LEVEL[part] else None


def module_of(path: Path) -> str:
    """Dotted name below ``cot_assets``."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def test_every_part_of_the_package_has_a_layer() -> None:
    assert {module_of(path).split(".")[0] for path in MODULES} == set(LEVEL)


def test_imports_point_down() -> None:
    wrong = {
        problem
        for path in MODULES
        for name, _ in imports(path)
        if (problem := violation(module_of(path), name))
    }
    assert not wrong - KNOWN, "\n".join(sorted(wrong - KNOWN))
    assert not KNOWN - wrong, f"mended, so take it from the list: {sorted(KNOWN - wrong)}"


@pytest.mark.parametrize(
    ("module", "name", "is_wrong"),
    [
        ("statistics.clusters", "cot_assets.sampling.plan", True),
        ("warehouse.store", "cot_assets.sampling", True),
        ("orchestration.jobs", "cot_assets.measures.rates.assets", True),
        ("definitions", "cot_assets.cli", True),
        ("importing.table", "cot_assets.report.pages", True),
        ("grading.verify", "dagster", True),
        ("grading.verify", "dagster.Failure", True),
        ("measures.rates.passk", "dagster", True),
        ("measures.rates.passk", "cot_assets.measures.patterns.guesses", True),
        ("measures.rates.passk", "cot_assets.measures.frames.EPSILON", False),
        ("measures.rates.assets", "dagster", False),
        ("measures.rates.assets", "cot_assets.orchestration.jobs", False),
        ("sampling.tables", "cot_assets.grading.text.statements", False),
        ("cli.updating", "cot_assets.definitions.build_defs", False),
        ("sampling.plan", "dagster_something", False),
    ],
)
def test_the_rule_finds_what_it_should(module: str, name: str, is_wrong: bool) -> None:
    assert (violation(module, name) is not None) == is_wrong


def test_the_corpus_needs_the_standard_library_only() -> None:
    for module in ("corpus", "writer", "families", "drills"):
        for name, _ in imports(PACKAGE / "demo" / f"{module}.py"):
            assert name.startswith("cot_assets.demo.") or name.split(".")[0] in sys.stdlib_module_names, name


def test_importing_the_package_loads_nothing() -> None:
    """``python -m cot_assets.demo.train`` runs where only the training dependencies are installed."""
    asked = "import sys; before = {*sys.modules}; import cot_assets.demo; print(*{*sys.modules} - before)"
    loaded = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout
    assert {*loaded.split()} <= {"cot_assets", "cot_assets.demo", "__future__"}
