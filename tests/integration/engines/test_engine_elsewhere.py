"""Models whose engine is not installed here: what another machine sampled is analyzed all the same."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cot_assets.engines.base import CannotOpenError, Engine, EngineError, EngineInfo
from cot_assets.engines.remembered import RememberedEngine, remember
from cot_assets.engines.revision import entry_revision
from cot_assets.orchestration.assets.resources import Engines
from cot_assets.sampling.shards import ShardStore
from cot_assets.study import DataHome, ModelEntry, load_config


class _NotInstalled(Engines):
    def open(self, entry: ModelEntry) -> Engine:
        raise EngineError(f"model {entry.name!r}: vLLM is not installed")


@pytest.fixture
def entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelEntry:
    monkeypatch.setenv("COT_ASSETS_HOME", str(tmp_path / "home"))
    weak = load_config().model("demo-weak")
    shutil.copytree(weak.local_path, tmp_path / "weights")
    return weak.model_copy(update={"path": str(tmp_path / "weights"), "engine": "vllm"})


def _known(entry: ModelEntry, tmp_path: Path, name: str, context: int) -> EngineInfo:
    """An identity as another release kept it, which this one's key does not name."""
    info = EngineInfo("vllm", "0.24.0", entry_revision(entry), "bfloat16", "none", "a GPU", context=context)
    models = DataHome(tmp_path / "home").models
    remember(models, entry, RememberedEngine(info, None, lambda: pytest.fail("opened")))  # pyright: ignore[reportArgumentType]
    (newest,) = (f for f in (models / entry.name).iterdir() if not f.name.startswith(("of-", ".")))
    newest.rename(newest.with_name(f"of-{name}"))
    return info


def test_what_an_earlier_release_kept_of_the_same_weights_will_do(entry: ModelEntry, tmp_path: Path) -> None:
    info = _known(entry, tmp_path, "another-release", 512)
    engine = _NotInstalled().load(entry)
    assert engine.describe() == info
    assert engine.decode(engine.encode("1+1").token_ids) == "1+1"


def test_other_weights_are_another_model(entry: ModelEntry, tmp_path: Path) -> None:
    _known(entry, tmp_path, "other-weights", 512)
    weights = next((tmp_path / "weights").glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    with pytest.raises(EngineError, match="vLLM is not installed"):
        _NotInstalled().load(entry)


def test_of_two_weights_under_one_name_those_that_are_here_count(entry: ModelEntry, tmp_path: Path) -> None:
    mine = _known(entry, tmp_path, "mine", 512)
    weights = next((tmp_path / "weights").glob("*.safetensors"))
    kept = weights.read_bytes()
    weights.write_bytes(kept[:-1] + b"\x01")
    _known(entry, tmp_path, "later", 1024)
    weights.write_bytes(kept)
    assert _NotInstalled().load(entry).describe() == mine


def test_shards_alone_say_what_sampled_them(entry: ModelEntry, tmp_path: Path) -> None:
    """As the page says: copy the shards, and nothing else of the home that they are of."""
    tokens = Engines().tokens(entry, tmp_path / "weights")
    info = EngineInfo("vllm", "0.26.0", entry_revision(entry), "bfloat16", "none", "a GPU", is_reproducible=False,
                      settings='{"mode": 0, "sizes": [1, 8]}', tokenizer=tokens.revision, context=512)  # fmt: skip
    store = ShardStore(DataHome(tmp_path / "home").shards, "trace", entry.name)
    for said in (replace(info, model_revision="other"), info):
        store.sampled_with = said.sampled_with()
        store.write([{"block_key": said.model_revision, "sample_index": 0, "prefix_id": "p", "finish_reason": "stop",
                      "n_tokens": 1, "token_ids": (7,), "text": "1"}])  # fmt: skip
    engine = _NotInstalled().load(entry)
    assert engine.describe() == info
    assert engine.decode(engine.encode("1+1").token_ids) == "1+1"
    (tmp_path / "weights" / "tokenizer.json").write_text("{}")
    with pytest.raises(EngineError, match="vLLM is not installed"):
        _NotInstalled().load(entry)


@pytest.mark.parametrize(("engine", "kind"), [("vllm", CannotOpenError), ("openai", EngineError)])
def test_only_a_server_may_come_back(entry: ModelEntry, engine: str, kind: type[EngineError]) -> None:
    with pytest.raises(EngineError, match="is not installed") as caught:
        _NotInstalled().load(entry.model_copy(update={"engine": engine}))
    assert type(caught.value) is kind


def _letter(file: Path) -> None:
    """Another letter in the vocabulary: still a tokenizer, of other texts."""
    text = file.read_text()
    assert '"7":' in text
    file.write_text(text.replace('"7":', '"8":', 1))


HARMS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "identity emptied": ("engine.json", lambda file: file.write_bytes(b"")),
    "tokenizer gone": ("tokenizer.json", Path.unlink),
    "tokenizer cut": ("tokenizer.json", lambda file: file.write_bytes(file.read_bytes()[:1000])),
    "another letter": ("tokenizer.json", _letter),
}


@pytest.mark.parametrize("harm", HARMS)
def test_what_was_kept_and_is_damaged_is_kept_anew(entry: ModelEntry, tmp_path: Path, harm: str) -> None:
    tokens = Engines().tokens(entry, tmp_path / "weights")
    info = EngineInfo("vllm", "1", entry_revision(entry), "float32", "none", "CPU", tokenizer=tokens.revision)
    models = DataHome(tmp_path / "home").models
    engine = RememberedEngine(info, tokens, lambda: pytest.fail("opened"))
    remember(models, entry, engine)
    assert Engines().remembered(entry) is not None
    name, damage = HARMS[harm]
    damage(next(models.rglob(name)))
    assert Engines().remembered(entry) is None
    remember(models, entry, engine)
    assert Engines().remembered(entry) is not None
