"""A unit test that takes long is not a unit test: it fails, and moves to another tier.

CPU time counts. On a busy machine the same work takes more of it, so there a test may (and where more programs share it
than it has cores, no test is asked); what a test's first import of a library takes does not, nor the
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
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    most = MOST_SECONDS * max(1.0, 2.0 * load)
    if seconds > most and len(sys.modules) - modules < 50 and load <= 1.5:
        pytest.fail(f"{item.nodeid} took {seconds:.1f} s of CPU; unit tests take at most {MOST_SECONDS:g} s")
