"""The embedded engine on the package's own weak model: the suite, and what it refuses."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.engine_suite import EngineSuite, block, completions

from cot_assets.engines.base import Engine, EngineError, Sampling
from cot_assets.engines.opening import open_engine
from cot_assets.engines.openvino.engine import OpenVINOEngine
from cot_assets.engines.openvino.sizing import Pace
from cot_assets.engines.revision import entry_revision, folder_revision
from cot_assets.engines.tokenizer import ModelTokenizer
from cot_assets.sampling.plan import block_key
from cot_assets.study import ModelEntry, load_config


def weak(**changes: object) -> ModelEntry:
    """The registry's entry, or one that differs from it."""
    return load_config().model("demo-weak").model_copy(update=changes)


def folder() -> Path:
    found = weak().local_path
    assert found is not None
    return found


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder(), tmp_path / "copied"))


class TestOpenVINO(EngineSuite):
    """The conformance suite, and what this engine promises beyond it."""

    eos_token_ids = ModelTokenizer(folder(), "{statement}").eos_token_ids

    @pytest.fixture(scope="class")
    def engine(self) -> Iterator[Engine]:
        engine = open_engine(weak())
        yield engine
        engine.close()
        engine.close()

    def test_it_claims_reproducibility(self, engine: Engine) -> None:
        assert engine.describe().is_reproducible
        assert not engine.describe().is_retokenized

    def test_another_instance_gives_the_same_tokens(self, engine: Engine, prompt: tuple[int, ...]) -> None:
        """Also with steps of another size and without what the cache holds."""
        blocks = [block(f"instance {i}", prompt, budget=80) for i in range(4)]
        other = OpenVINOEngine(weak(engine_args={"max_num_batched_tokens": 64, "max_num_seqs": 64}))
        try:
            assert completions(other, blocks) == completions(engine, blocks)
        finally:
            other.close()


def test_the_entry_says_what_was_loaded() -> None:
    engine = OpenVINOEngine(weak(revision="mine", quantization="int8"))
    info = engine.describe()
    engine.close()
    assert (info.engine, info.model_revision, info.quantization, info.dtype) == (
        "openvino",
        f"mine-{folder_revision(folder())}",
        "int8",
        "f32",
    )
    assert info.version.count(".") >= 2


def flipped(file: Path) -> None:
    """One bit of a number in the middle of a file."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def rewritten(file: Path, **changes: object) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


IDENTITIES: dict[str, tuple[Callable[[Path], object], dict[str, object]]] = {
    "weights": (lambda f: flipped(f / "openvino_model.bin"), {}),
    "weights behind a declared revision": (lambda f: flipped(f / "openvino_model.bin"), {"revision": "v1"}),
    "tokenizer": (lambda f: (f / "tokenizer.json").open("a").write("\n"), {}),
    "special tokens": (lambda f: rewritten(f / "tokenizer_config.json", unk_token="?"), {}),
    "end of a text": (lambda f: rewritten(f / "generation_config.json", eos_token_id=[2, 16]), {}),
    "chat template": (lambda f: (f / "chat_template.jinja").write_text("{{ messages }}"), {}),
    "dtype": (lambda f: None, {"dtype": "bf16"}),
    "quantization": (lambda f: None, {"quantization": "int8"}),
    "prefix cache": (lambda f: None, {"engine_args": {"enable_prefix_caching": True}}),
    "sparse attention": (lambda f: None, {"engine_args": {"use_sparse_attention": True}}),
    "cache eviction": (lambda f: None, {"engine_args": {"use_cache_eviction": True}}),
}


@pytest.fixture(scope="module")
def plain_key() -> str:
    return key_of(weak())


def key_of(entry: ModelEntry) -> str:
    engine = OpenVINOEngine(entry)
    info = engine.describe()
    engine.close()
    return block_key(info, "prefix", Sampling(1.0, 1.0), 9, 0, purpose="rollout", seed=0)


@pytest.mark.parametrize("name", IDENTITIES)
def test_whatever_can_change_a_probability_makes_another_block(
    copied: Path, name: str, plain_key: str
) -> None:
    change, fields = IDENTITIES[name]
    change(copied)
    assert key_of(weak(path=str(copied), **fields)) != plain_key


def test_where_a_folder_lies_and_how_fast_it_runs_makes_none(copied: Path, plain_key: str) -> None:
    assert key_of(weak(path=str(copied), engine_args={"num_kv_blocks": 700})) == plain_key


def test_the_revision_without_a_declaration_is_that_of_the_folder() -> None:
    engine = OpenVINOEngine(weak())
    assert engine.describe().model_revision == entry_revision(weak())
    engine.close()


@pytest.mark.parametrize(
    ("path", "way_out"),
    [
        ("absent/folder", "hf download absent/folder"),
        ("package:demo/models/absent", "check `path` in models.toml"),
    ],
)
def test_a_missing_folder_is_named_with_a_way_out(
    path: str, way_out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(EngineError) as caught:
        open_engine(weak(path=path))
    for part in ("'demo-weak'", repr(path), way_out):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"cache_sise": 1}, "cache_sise"),
        ({"cache_size": "big"}, "cache_size = 'big'"),
        ({"to_string": 1}, "to_string"),
        ({"__class__": 1}, "__class__"),
    ],
)
def test_bad_engine_args_are_named(args: dict[str, object], said: str) -> None:
    with pytest.raises(EngineError) as caught:
        OpenVINOEngine(weak(engine_args=args))
    assert "'demo-weak'" in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"), [({"dtype": "f99"}, "f99"), ({"device": "TPU"}, "TPU")], ids=["dtype", "device"]
)
def test_what_openvino_refuses_is_passed_on(changes: dict[str, object], said: str) -> None:
    with pytest.raises(EngineError, match="OpenVINO cannot load") as caught:
        OpenVINOEngine(weak(**changes))
    assert "'demo-weak'" in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize("file", ["openvino_model.xml", "openvino_model.bin", "tokenizer.json"])
def test_a_damaged_folder_is_named(copied: Path, file: str) -> None:
    content = (copied / file).read_bytes()
    (copied / file).write_bytes(content[: len(content) // 2])
    with pytest.raises(EngineError, match="copied"):
        OpenVINOEngine(weak(path=str(copied)))


def test_a_cache_that_is_too_small_is_named() -> None:
    """One block of the paged cache cannot hold 16 sequences."""
    entry = weak(engine_args={"cache_size": 0, "num_kv_blocks": 3})
    engine = OpenVINOEngine(entry)
    try:
        with pytest.raises(EngineError, match="cache_size"):
            completions(engine, [block("b", engine.render_prompt("What?"), budget=100)])
    finally:
        engine.close()


def test_the_cache_grows_with_what_is_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was drawn is what a cache of a fixed size gives, in a hundredth of the memory that it might take."""
    fixed = OpenVINOEngine(weak(engine_args={"num_kv_blocks": 4096}))
    growing = OpenVINOEngine(weak(engine_args={}))
    blocks = [block(f"b{i}", fixed.render_prompt("1 + 1"), budget=50) for i in range(12)]
    for engine in (fixed, growing):
        engine._pace = Pace(64, 5000.0)  # what is in flight together is the same
    found = completions(growing, blocks)
    assert found == completions(fixed, blocks)
    taken = growing._pipeline.get_metrics().cache_size_in_bytes
    assert 0 < taken < growing._kv_tokens * growing._growing / 50
    fixed.close()
    monkeypatch.setattr(growing, "_most_bytes", taken - 1)
    with pytest.raises(
        EngineError, match=r"too little memory: keys and values of what is in flight take 0\.0 GB"
    ):
        growing._used()
    growing.close()


@pytest.mark.parametrize(
    ("n_prefix", "budget", "left"), [(1020, 400, 4), (1023, 1, 1), (1024, 9, 0), (1100, 9, 0)]
)
def test_nothing_is_generated_beyond_the_context(n_prefix: int, budget: int, left: int) -> None:
    """A block whose prefix fills it has empty completions; the others are sampled."""
    engine = OpenVINOEngine(weak())
    ids = (engine.render_prompt("Find the number of positive divisors of 360.") * 100)[:n_prefix]
    blocks = [block("long", ids, budget=budget), *(block(f"b{i}", ids[:9], n=2, budget=2) for i in range(30))]
    found = completions(engine, blocks)
    engine.close()
    assert len(found) == 31
    assert engine.describe().context == 1024
    assert max(len(c.token_ids) for c in found["long"]) == left
    assert {c.finish_reason for c in found["long"] if len(c.token_ids) == left} == {"length"}
