"""Fixtures for problem sets: a data home, and the real files beside the repository."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.extras import shared_data

from cot_assets.study import DataHome


@pytest.fixture
def home(tmp_path: Path) -> DataHome:
    return DataHome(tmp_path / "home")


@pytest.fixture
def real_problems() -> Path:
    return shared_data("problems")
