"""Tests with a real vLLM: ``.ci/vllm`` makes an environment for them and runs them.

An ordinary ``pytest`` deselects them by their marker. Where they are selected they fail, not skip, if vLLM
cannot be imported. Everything here is as small as it can be: vLLM takes half a minute to load on a CPU.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder, and with nothing else: ``-m heavy`` is for machines without vLLM."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.own_markers = [marker for marker in item.own_markers if marker.name != "heavy"]
            item.add_marker(pytest.mark.vllm)
