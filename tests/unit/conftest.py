"""A unit test that takes long is no unit test: it fails, and moves to another tier.

CPU time counts, so that a busy machine fails nothing (one that more programs share than it has cores is not asked: there
the same work takes more CPU); what a test's first import of a library takes does not, nor the
one reading of the schema.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator

import pytest

from cot_assets.warehouse.schema import tables

MOST_SECONDS = 1.0


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Run the test, then fail it if it took more CPU than a unit test may."""
    tables()
    modules, before = len(sys.modules), time.process_time()
    yield
    seconds = time.process_time() - before
    is_crowded = os.getloadavg()[0] > 1.5 * (os.cpu_count() or 1)
    if seconds > MOST_SECONDS and len(sys.modules) - modules < 50 and not is_crowded:
        pytest.fail(f"{item.nodeid} took {seconds:.1f} s of CPU; unit tests take at most {MOST_SECONDS:g} s")
