"""A server that misbehaves, and the engine that asks it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from served_models import OPENED, opened
from support.served import TinyServer
from support.vocabularies import write_tokenizer

from cot_assets.engines.openai import connection as served
from cot_assets.engines.openai.engine import OpenAIEngine


@pytest.fixture(autouse=True)
def _no_long_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(served, "LONGEST_DELAY", 0.05)
    monkeypatch.setattr("cot_assets.engines.openai.engine._HEARTBEAT", 0.05)


@pytest.fixture
def server() -> Iterator[TinyServer]:
    server = TinyServer()
    server.start()
    yield server
    while OPENED:
        engine = OPENED.pop()
        engine.close()
        engine.close()
    server.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tokenizer(tmp_path / "tokenizer", "byte_level")


@pytest.fixture
def engine(server: TinyServer, folder: Path) -> OpenAIEngine:
    return opened(server, folder)
