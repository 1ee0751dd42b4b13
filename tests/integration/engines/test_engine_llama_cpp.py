"""The engine for served models against llama.cpp's own server, which has four slots and is killed in mid-run."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.engine_suite import block, completions
from support.extras import needs
from support.ggufs import write_gguf
from support.sums import PROTOCOL

from cot_assets.engines.base import EngineError
from cot_assets.engines.openai.engine import OpenAIEngine
from cot_assets.engines.weights.gguf import write_tokenizer
from cot_assets.sampling.plan import PlannedBlock, Prefix, plan_rollouts, sampling_of
from cot_assets.sampling.run import SamplingStatus, sample_missing
from cot_assets.sampling.shards import ShardStore
from cot_assets.study import ModelEntry

needs("xllamacpp", "served")
pytestmark = pytest.mark.heavy

SLOTS = 4


class LlamaServer:
    """llama.cpp's server on a port of its own, as a process that can be killed and started again."""

    def __init__(self, model: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url, self._model = f"http://127.0.0.1:{self.port}/v1", model
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Return when it answers."""
        command = [
            sys.executable, str(Path(__file__).with_name("llama_child.py")), str(self._model), str(self.port), str(SLOTS),
        ]  # fmt: skip
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline().startswith("http://")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    (folder / "tokenizer").mkdir()
    write_tokenizer(write_gguf(folder / "tiny.gguf"), folder / "tokenizer")
    return folder


@pytest.fixture(scope="module")
def servers(model: Path) -> Iterator[list[LlamaServer]]:
    servers = [LlamaServer(model / "tiny.gguf") for _ in range(2)]
    for server in servers:
        server.start()
    yield servers
    for server in servers:
        server.kill()


def opened(servers: list[LlamaServer], tokenizer: Path | None) -> OpenAIEngine:
    return OpenAIEngine(
        ModelEntry(
            name="tiny",
            engine="openai",
            endpoint=tuple(server.url for server in servers),
            path=None if tokenizer is None else str(tokenizer),
            engine_args={"concurrency": 4},
        )
    )


def plan_of(engine: OpenAIEngine, n: int) -> list[PlannedBlock]:
    prompt = engine.render_prompt("1 + 1 = ?")
    prefixes = [Prefix(str(i), (*prompt, 10 + i), len(prompt)) for i in range(n)]
    return plan_rollouts(prefixes, PROTOCOL.model_copy(update={"max_tokens": 60}), engine.describe())


def test_a_server_of_four_slots_gives_sixteen_completions(servers: list[LlamaServer], model: Path) -> None:
    """It answers n = 2 at the trial, and n = 16 with HTTP 400."""
    engine = opened(servers[:1], model / "tokenizer")
    prompt = engine.render_prompt("1 + 1 = ?")
    found = completions(engine, [block(f"b{i}", (*prompt, 10 + i)) for i in range(6)])
    engine.close()
    assert {key: len(several) for key, several in found.items()} == {f"b{i}": 16 for i in range(6)}
    assert all(len({c.token_ids for c in several}) > 12 for several in found.values())


def test_one_of_two_is_killed_and_comes_back(servers: list[LlamaServer], model: Path, tmp_path: Path) -> None:
    engine = opened(servers, model / "tokenizer")
    plan = plan_of(engine, 50)
    store, said, killed = ShardStore(tmp_path, "rollout", "m"), list[str](), list[int]()

    def report(status: SamplingStatus) -> None:
        if status.n_blocks >= 20 and not killed:
            servers[1].kill()
            killed.append(status.n_blocks)
        if status.n_blocks >= 40 and len(killed) == 1:
            servers[1].start()
            killed.append(status.n_blocks)
        if status.waiting_for and status.waiting_for not in said[-1:]:
            said.append(status.waiting_for)

    status = sample_missing(engine, plan, sampling_of(PROTOCOL), store, report)
    engine.close()
    assert status.n_blocks == len(plan) == 100
    assert all(
        f"{servers[1].url} is {what}" in line for what, line in zip(("left out", "back"), said, strict=True)
    )
    rows = store.read([p.block.key for p in plan])
    assert rows.height == 100 * 16
    assert not rows.select("block_key", "sample_index").is_duplicated().any()


def test_no_path_is_needed_where_the_server_names_its_file(
    servers: list[LlamaServer], model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tokens are the server's own, with exact offsets."""
    monkeypatch.setenv("COT_ASSETS_HOME", str(tmp_path))
    engine, named = opened(servers[:1], None), opened(servers[:1], model / "tokenizer")
    text = "the  12 times 345 = x\n\n  y, Größe, 角度 ≤ 90°"
    found = engine.encode(text)
    told = httpx.post(
        f"{servers[0].url.removesuffix('/v1')}/tokenize", json={"content": text, "add_special": False}
    ).json()
    assert list(found.token_ids) == told["tokens"]
    assert found == named.encode(text)
    assert engine.render_prompt("1 + 1") == named.render_prompt("1 + 1")
    assert [p.block.key for p in plan_of(engine, 2)] == [p.block.key for p in plan_of(named, 2)]
    engine.close()
    named.close()


def test_a_tokenizer_with_other_ids_is_refused(
    servers: list[LlamaServer], model: Path, tmp_path: Path
) -> None:
    """All of its ids are the server's too, but two of them mean another digit there."""
    other = Path(shutil.copytree(model / "tokenizer", tmp_path / "other"))
    file = json.loads((other / "tokenizer.json").read_text())
    vocabulary = file["model"]["vocab"]
    vocabulary["1"], vocabulary["4"] = vocabulary["4"], vocabulary["1"]
    (other / "tokenizer.json").write_text(json.dumps(file))
    with pytest.raises(EngineError, match="tokenizer is that of another model"):
        opened(servers[:1], other)
