"""Which words of a failed step a person is shown."""

from __future__ import annotations

import pytest

from cot_assets.orchestration.status.records import telling

OWN = "cot_assets.engines.base.EngineError: model 'm': vLLM is not installed; uv sync --extra vllm"
LIBRARY = "ModuleNotFoundError: No module named 'vllm'"
WRAPPING = "dagster._core.errors.DagsterExecutionStepExecutionError: Error occurred while executing op"
PLAIN = "no space: left"


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        ((WRAPPING, OWN, LIBRARY), "model 'm': vLLM is not installed; uv sync --extra vllm"),
        ((WRAPPING, OWN), "model 'm': vLLM is not installed; uv sync --extra vllm"),
        ((WRAPPING, LIBRARY), "No module named 'vllm'"),
        ((WRAPPING, LIBRARY, OWN), "model 'm': vLLM is not installed; uv sync --extra vllm"),
        ((WRAPPING,), "Error occurred while executing op"),
        ((PLAIN,), PLAIN),
        ((), "no message"),
    ],
)
def test_the_package_speaks_before_its_libraries(messages: tuple[str, ...], told: str) -> None:
    assert telling([f"{each}\n" for each in messages]) == told
