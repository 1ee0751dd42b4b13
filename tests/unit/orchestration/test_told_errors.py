"""Which words of a failed step a person is shown."""

from __future__ import annotations

import pytest
from dagster._utils.error import SerializableErrorInfo

from cot_assets.orchestration.runs import _telling

OWN = "cot_assets.engines.base.EngineError: model 'm': vLLM is not installed; uv sync --extra vllm"
LIBRARY = "ModuleNotFoundError: No module named 'vllm'"
WRAPPING = "dagster._core.errors.DagsterExecutionStepExecutionError: Error occurred while executing op"


def chain(*messages: str) -> SerializableErrorInfo:
    error: SerializableErrorInfo | None = None
    for message in reversed(messages):
        error = SerializableErrorInfo(f"{message}\n", [], message.partition(":")[0], cause=error)
    assert error is not None
    return error


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        ((WRAPPING, OWN, LIBRARY), OWN),
        ((WRAPPING, OWN), OWN),
        ((WRAPPING, LIBRARY), LIBRARY),
        ((WRAPPING, LIBRARY, OWN), OWN),
        ((WRAPPING,), WRAPPING),
    ],
)
def test_the_package_speaks_before_its_libraries(messages: tuple[str, ...], told: str) -> None:
    found = _telling(chain(*messages))
    assert found is not None
    assert found.message.strip() == told


def test_without_an_error_nothing_is_told() -> None:
    assert _telling(None) is None
