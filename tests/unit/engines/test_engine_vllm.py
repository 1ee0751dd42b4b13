"""What the vLLM engine says of a process that ended; a real one is killed in ``tests/vllm``."""

from __future__ import annotations

import pytest

from cot_assets.engines.vllm.death import _how_ended


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("EngineCore", -9, "its process EngineCore was ended by signal 9 (Killed, as the system does where"),
        ("EngineCore", -11, "its process EngineCore was ended by signal 11 (Segmentation fault)"),
        ("EngineCore", -64, "its process EngineCore was ended by signal 64 ("),
        ("EngineCore_DP1", 1, "its process EngineCore_DP1 ended, and the lines that it wrote above tell why"),
        (None, None, "one of its processes ended, and"),
    ],
)
def test_the_end_of_a_process_is_named(name: str | None, code: int | None, said: str) -> None:
    assert _how_ended(name, code).startswith(said)
