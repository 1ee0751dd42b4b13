"""Fixtures for problem sets: a data home, and the real files beside the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cot_assets.study import DataHome

_DATA = Path(__file__).parents[4] / "shared" / "data" / "problems"


@pytest.fixture
def home(tmp_path: Path) -> DataHome:
    return DataHome(tmp_path / "home")


@pytest.fixture
def real_problems() -> Path:
    if not _DATA.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{_DATA} is absent")
        pytest.skip("the folder shared/data with real problem sets is not beside the repository")
    return _DATA
