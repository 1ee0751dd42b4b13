"""Reports rendered once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from synthetic_report import Rows, demo_tables, imported_tables, source_of

from cot_assets.measures.sections import SECTIONS
from cot_assets.report.pages import render_report


@pytest.fixture(scope="session")
def small() -> dict[str, Rows]:
    """Eight problems, two models, transfer."""
    return demo_tables((0, 0, 1, 1))


@pytest.fixture(scope="session")
def small_report(small: dict[str, Rows], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports") / "demo"
    render_report(source_of(small), SECTIONS, folder)
    return folder


@pytest.fixture(scope="session")
def imported_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports") / "imported"
    render_report(source_of(imported_tables(), "imported", is_imported=True), SECTIONS, folder)
    return folder
