"""The engine for served models against a real vLLM server, which is killed and started again."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.engine_suite import GREEDY, EngineSuite, block, completions
from work import SAMPLING, on_server, plan_for, some_problems, strong

from cot_assets.engines.base import Engine, EngineError
from cot_assets.engines.opening import open_engine
from cot_assets.engines.tokenizer import ModelTokenizer
from cot_assets.sampling.run import SamplingStatus, sample_missing
from cot_assets.sampling.shards import ShardStore
from cot_assets.sampling.tables import prompts


class VLLMServer:
    """A vLLM server on one port, in a process group of its own."""

    def __init__(self, log: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url, self.n_starts = f"http://127.0.0.1:{self.port}/v1", 0
        self._log, self._process = log, None

    def start(self) -> None:
        """Without waiting; with another seed each time, since requests bring none."""
        command = [
            sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(strong().local_path),
            "--dtype", "float32", "--enforce-eager", "--host", "127.0.0.1", "--port", str(self.port),
            "--seed", str(secrets.randbits(31)), "--served-model-name", "strong",
        ]  # fmt: skip
        environment = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1"}
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment, start_new_session=True
            )
        self.n_starts += 1

    def kill(self) -> None:
        """SIGKILL to the server and all its children."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VLLMServer]:
    server = VLLMServer(tmp_path_factory.mktemp("server") / "log")
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def served(server: VLLMServer) -> Iterator[Engine]:
    args = {"seeds": False, "wait": 300.0, "wait_at_start": 300.0, "concurrency": 16}
    engine = open_engine(on_server(server.url, engine_args=args))
    yield engine
    engine.close()


class TestServedVLLM(EngineSuite):
    """The conformance suite over HTTP."""

    audited_blocks = 200  # a request per completion

    eos_token_ids = ModelTokenizer(strong().local_path or Path(), "{statement}").eos_token_ids

    @pytest.fixture(scope="class")
    def engine(self, served: Engine) -> Engine:
        return served

    def test_it_says_what_the_server_said(self, engine: Engine, server: VLLMServer) -> None:
        info = engine.describe()
        assert (info.engine, info.device, info.dtype) == ("openai", server.url, "float32")
        assert info.version.startswith("vllm 0.32.")
        assert info.model_revision.startswith("unverified-")
        assert not info.is_retokenized, "vLLM takes and returns token ids"
        assert not info.is_reproducible


def test_a_run_survives_the_death_of_the_server(server: VLLMServer, tmp_path: Path) -> None:
    """Killed in mid-run and started again on its port: the run waits, goes on, and samples no block twice."""
    # A new engine checks its server with the first block; two at a time leave most of the plan for afterwards.
    args = {"seeds": False, "wait": 300.0, "wait_at_start": 300.0, "concurrency": 2}
    engine = open_engine(on_server(server.url, engine_args=args))
    plan = plan_for(engine, prompts(some_problems(tmp_path), engine))
    store, waits, blocks = ShardStore(tmp_path, "rollout", "m"), list[str](), list[int]()
    before = server.n_starts

    def report(status: SamplingStatus) -> None:
        blocks.append(status.n_blocks)
        if status.n_blocks and server.n_starts == before:
            server.kill()
            server.start()
        if status.waiting_for:
            waits.append(status.waiting_for)

    status = sample_missing(engine, plan, SAMPLING, store, report)
    assert server.n_starts == before + 1
    assert any("waiting until" in word for word in waits)
    assert 1 in blocks
    assert blocks == sorted(blocks)
    assert status.n_blocks == len(plan) > 16
    rows = store.read([p.block.key for p in plan])
    assert rows.height == len(plan) * 16
    assert not rows.select("prefix_id", "sample_index").is_duplicated().any()
    assert sum(1 for _ in store.folder.glob("*.parquet")) >= 1
    again = sample_missing(engine, plan, SAMPLING, store, report)
    assert (again.n_blocks, again.n_before) == (0, len(plan) * 16)
    engine.close()


def test_another_engine_may_use_the_server_as_text(server: VLLMServer, served: Engine) -> None:
    """As with a server that takes no token ids: it works, and says that tokens were made again."""
    args = {"seeds": False, "wait_at_start": 300.0, "prompts": "text"}
    engine = open_engine(on_server(server.url, engine_args=args))
    ids = engine.render_prompt("Find the number of positive divisors of 360.")
    as_text = completions(engine, [block("t", ids, n=1, budget=40)], GREEDY)["t"]
    as_ids = completions(served, [block("t", ids, n=1, budget=40)], GREEDY)["t"]
    assert engine.describe().is_retokenized
    engine.close()
    assert engine.decode(as_text[0].token_ids) == served.decode(as_ids[0].token_ids)


def test_the_server_says_where_its_tokenizer_is(server: VLLMServer, served: Engine) -> None:
    """Without a path in the entry it is that of the folder which the server has loaded."""
    args = {"seeds": False, "wait_at_start": 300.0}
    engine = open_engine(on_server(server.url, engine_args=args, path=None))
    assert engine.describe() == served.describe()
    engine.close()


def test_a_tokenizer_with_other_ids_is_refused(server: VLLMServer, tmp_path: Path) -> None:
    """All of its ids are the server's too, but two of them mean another digit there."""
    other = Path(shutil.copytree(strong().local_path or Path(), tmp_path / "other"))
    file = json.loads((other / "tokenizer.json").read_text())
    vocabulary = file["model"]["vocab"]
    vocabulary["1"], vocabulary["4"] = vocabulary["4"], vocabulary["1"]
    (other / "tokenizer.json").write_text(json.dumps(file))
    args = {"seeds": False, "wait_at_start": 300.0}
    with pytest.raises(EngineError, match="tokenizer is that of another model"):
        open_engine(on_server(server.url, engine_args=args, path=str(other)))
