"""A warehouse in an empty data home."""

from __future__ import annotations

from pathlib import Path

import pytest
from warehouse_study import fill

from cot_assets.study import DataHome
from cot_assets.warehouse.store import Warehouse


@pytest.fixture
def home(tmp_path: Path) -> DataHome:
    return DataHome(tmp_path / "home")


@pytest.fixture
def warehouse(home: DataHome) -> Warehouse:
    return Warehouse(home, lock_timeout_s=20)


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A small study with known numbers, published; for tests that read."""
    warehouse = Warehouse(DataHome(tmp_path_factory.mktemp("study")))
    with warehouse.together("fill it"):
        fill(warehouse)
    warehouse.publish()
    return warehouse
