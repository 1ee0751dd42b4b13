"""Reports rendered once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from synthetic_report import demo_data, recorded_data

from cot_assets.report import ReportData, render_report


@pytest.fixture(scope="session")
def small() -> ReportData:
    """Eight problems, two models, transfer, costs."""
    return demo_data((0, 0, 1, 1))


@pytest.fixture(scope="session")
def small_report(small: ReportData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports") / "demo"
    render_report(small, folder)
    return folder


@pytest.fixture(scope="session")
def recorded_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports") / "recorded"
    render_report(recorded_data(), folder)
    return folder
