"""A pool of real workers, and the real responses beside the repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.extras import shared_data

from cot_assets.grading.pool import GraderPool


@pytest.fixture(scope="session")
def grader_pool() -> Iterator[GraderPool]:
    with GraderPool(2) as pool:
        yield pool


@pytest.fixture
def real_data() -> Path:
    return shared_data()
