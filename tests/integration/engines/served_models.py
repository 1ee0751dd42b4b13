"""Entries and engines of a server that misbehaves, for tests of the engine for served models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from support.served import TinyServer

from cot_assets.engines.base import EngineError
from cot_assets.engines.openai.engine import OpenAIEngine
from cot_assets.engines.opening import open_engine
from cot_assets.study import ModelEntry


def entry(server: TinyServer | Sequence[TinyServer], folder: Path, **changes: Any) -> ModelEntry:
    args = {"wait": 30.0, "wait_at_start": 5.0, **changes.pop("engine_args", {})}
    endpoint = server.url if isinstance(server, TinyServer) else [each.url for each in server]
    return ModelEntry.model_validate(
        {"name": "m", "engine": "openai", "endpoint": endpoint, "path": str(folder), "template": "{statement}",
         "engine_args": args, **changes}
    )  # fmt: skip


OPENED: list[OpenAIEngine] = []  #: closed with the fixture ``server``


def opened(server: TinyServer | Sequence[TinyServer], folder: Path, **changes: Any) -> OpenAIEngine:
    """An engine that is closed when the test is over."""
    engine = open_engine(entry(server, folder, **changes))
    assert isinstance(engine, OpenAIEngine)
    OPENED.append(engine)
    for each in [server] if isinstance(server, TinyServer) else server:
        each.bodies.clear()
    return engine


def refusal(server: TinyServer | Sequence[TinyServer], folder: Path, **changes: Any) -> str:
    with pytest.raises(EngineError) as caught:
        OpenAIEngine(entry(server, folder, **changes))
    return str(caught.value)
