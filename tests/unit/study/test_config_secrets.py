"""Keys belong into the environment: those in files are refused, and never repeated."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.configuration import refusal

from cot_assets.study import (
    ModelEntry,
)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://me:s3cret@x/v1",
        "http://s3cret@x/v1",
        "https://x/v1?key=s3cret",
        ["http://y/v1", "http://me:s3cret@x/v1"],
    ],
)
def test_an_endpoint_with_a_secret_is_refused_and_not_repeated(
    tmp_path: Path, endpoint: str | list[str]
) -> None:
    message = refusal(tmp_path, models=f"[mine]\nengine = 'openai'\npath = 'x'\nendpoint = {endpoint!r}\n")
    assert "api_key_variable" in message
    assert "s3cret" not in message


@pytest.mark.parametrize("field", ["api_key", "secret", "password"])
def test_a_secret_in_a_file_is_not_repeated(tmp_path: Path, field: str) -> None:
    message = refusal(tmp_path, models=f"[mine]\nengine = 'vllm'\npath = 'x'\n{field} = 'sk-verysecret'\n")
    assert field in message
    assert "verysecret" not in message


@pytest.mark.parametrize(
    "line",
    [
        'api_key = "{}"', 'key = "{}"', 'api_key_variable = "{}"', 'token = "{}"', 'dtyp = "{}"', 'add_bos = "{}"',
        'headers = {{ Authorization = "Bearer {}" }}', 'revision = ["{}"]', 'endpoint = "http://localhost/v1?key={}"',
        'problem_sets = "{}"',
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "key",
    [
        "sk-proj-AbCdEf0123456789",
        "hf_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789",
        "AKIAIOSFODNN7EXAMPLE",
        "0123456789abcdef" * 4,
    ],
)
def test_a_key_that_was_pasted_into_a_file_is_not_shown(tmp_path: Path, line: str, key: str) -> None:
    endpoint = "" if line.startswith("endpoint") else 'endpoint = "http://localhost/v1"\n'
    message = refusal(
        tmp_path, models=f'[mine]\nengine = "openai"\npath = "x"\n{endpoint}{line.format(key)}\n'
    )
    assert key not in message
    assert line.split(" ")[0] in message


@pytest.mark.parametrize("name", ["TINY_KEY", "MY_SERVICES_OPENAI_API_KEY_V2", "key", "_private"])
def test_the_name_of_a_variable_is_no_key(name: str) -> None:
    entry = {
        "name": "m",
        "engine": "openai",
        "endpoint": "http://h/v1",
        "path": "p",
        "api_key_variable": name,
    }
    assert ModelEntry.model_validate(entry).api_key_variable == name
