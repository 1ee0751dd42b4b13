"""The revision of a model folder: it changes with whatever changes completions, and with nothing else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from cot_assets.engines.base import EngineError
from cot_assets.engines.hub import tokenizer_folder
from cot_assets.engines.opening import ImportedModelError, open_engine, same_tokenizer
from cot_assets.engines.revision import altering, canonical, entry_revision, folder_revision
from cot_assets.study import ModelEntry, load_config


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the package's weak model."""
    source = load_config().model("demo-weak").local_path
    assert source is not None
    return Path(shutil.copytree(source, tmp_path / "model"))


def entry(path: Path | str, **changes: object) -> ModelEntry:
    return ModelEntry.model_validate({"name": "m", "engine": "openvino", "path": str(path), **changes})


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    "name",
    ["model.safetensors", "openvino_model.bin", "openvino_model.xml", "config.json", "generation_config.json",
     "tokenizer.json", "tokenizer_config.json"],
)  # fmt: skip
def test_one_bit_of_a_file_makes_another_revision(folder: Path, name: str) -> None:
    before = folder_revision(folder)
    flip(folder / name)
    assert folder_revision(folder) != before
    flip(folder / name)
    assert folder_revision(folder) == before


def test_a_new_chat_template_makes_another_revision(folder: Path) -> None:
    before = folder_revision(folder)
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    assert folder_revision(folder) != before


def test_place_time_and_notes_make_no_difference(folder: Path, tmp_path: Path) -> None:
    before = folder_revision(folder)
    moved = folder.rename(tmp_path / "elsewhere")
    (moved / "README.md").write_text("notes")
    (moved / "training.json").write_text("{}")
    os.utime(moved / "config.json", (1, 1))
    assert folder_revision(moved) == before


def test_a_file_under_another_name_makes_another_revision(folder: Path) -> None:
    before = folder_revision(folder)
    (folder / "model.safetensors").rename(folder / "model-00001-of-00001.safetensors")
    assert folder_revision(folder) != before


def test_a_folder_without_weights_is_refused_but_can_be_asked_about(tmp_path: Path) -> None:
    """A checkpoint that is being written must not stop automation for all other models."""
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(EngineError, match=r"holds no model weights; check `path` in models\.toml"):
        folder_revision(tmp_path)
    assert entry_revision(entry(tmp_path)) == "unverified"


def test_which_revision_an_entry_has(folder: Path) -> None:
    assert entry_revision(entry(folder)) == folder_revision(folder)
    assert entry_revision(entry(folder, revision="mine")) == f"mine-{folder_revision(folder)}"
    assert entry_revision(entry("org/on-the-hub", engine="vllm")) == "unverified"


def test_the_revision_of_a_served_model_is_not_that_of_its_tokenizer(folder: Path) -> None:
    served = {"engine": "openai", "endpoint": "http://x"}
    assert entry_revision(entry(folder, **served)) == "unverified"
    assert entry_revision(entry(folder, **served, revision="mine")) == "mine"


def test_arguments_of_vllm_that_change_probabilities_make_another_revision(
    folder: Path, tmp_path: Path
) -> None:
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_model.safetensors").write_text("first")

    def revision(**args: object) -> str:
        return entry_revision(entry(folder, engine="vllm", engine_args=args))

    plain = revision()
    assert revision(max_num_seqs=8, tensor_parallel_size=2) == plain
    found = {
        plain,
        revision(kv_cache_dtype="fp8"),
        revision(hf_overrides={"x": 1}),
        revision(lora=str(adapter)),
    }
    (adapter / "adapter_model.safetensors").write_text("second")
    found.add(revision(lora=str(adapter)))
    assert len(found) == 5
    assert all(name.startswith(plain) for name in found)
    assert entry_revision(entry(folder, engine="vllm", revision="v1", engine_args={"lora": "x"})).startswith(
        f"v1-{folder_revision(folder)}+"
    )


@pytest.mark.parametrize(
    ("engine", "args", "counts"),
    [
        ("openvino", {"use_sparse_attention": True}, True),
        ("openvino", {"use_cache_eviction": True}, True),
        ("openvino", {"enable_prefix_caching": True}, True),
        ("openvino", {"num_kv_blocks": 9, "max_num_seqs": 2}, False),
        ("vllm", {"kv_cache_dtype": "fp8"}, True),
        ("vllm", {"hf_overrides": {"x": 1}}, True),
        ("vllm", {"load_format": "dummy"}, True),
        ("vllm", {"an_argument_of_a_later_version": 1}, True),
        ("vllm", {"max_num_seqs": 8, "gpu_memory_utilization": 0.5}, False),
        ("openai", {"concurrency": 4}, False),
    ],
    ids=str,
)
def test_arguments_count_unless_they_are_known_to_change_nothing(
    folder: Path, engine: str, args: dict[str, object], counts: bool
) -> None:
    endpoint = {"endpoint": "http://x"} if engine == "openai" else {}
    found = altering(entry(folder, engine=engine, engine_args=args, **endpoint))
    assert found == (args if counts else {})
    assert bool(canonical(found)) == counts


def test_a_declared_revision_does_not_hide_other_weights(folder: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(folder, tmp_path / "elsewhere" / folder.name))
    one, same = (entry_revision(entry(path, revision="v1")) for path in (folder, other))
    assert one == same
    (other / "model.safetensors").write_text("others")
    assert entry_revision(entry(other, revision="v1")) != one


def test_a_hub_name_is_found_in_the_cache_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine without network, whose cache was filled before."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "models--org--name"
    (repository / "snapshots" / commit).mkdir(parents=True)
    (repository / "snapshots" / commit / "tokenizer.json").write_text("{}")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    found = tokenizer_folder(entry("org/name", engine="vllm"))
    assert (found.name, (found / "tokenizer.json").exists()) == (commit, True)
    with pytest.raises(
        EngineError, match=r"'org/absent' is not a folder .* not in the hub's cache, .*hf download org/absent"
    ):
        tokenizer_folder(entry("org/absent", engine="vllm"))
    with pytest.raises(EngineError, match=r"'\./absent' is not a folder on this machine; check `path`"):
        tokenizer_folder(entry("./absent", engine="vllm"))


def test_which_tokenizers_are_the_same(folder: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    assert same_tokenizer(entry(folder), entry(other))
    assert not same_tokenizer(entry(folder), None)
    assert not same_tokenizer(entry(folder), entry("org/on-the-hub"))
    flip(other / "tokenizer.json")
    assert not same_tokenizer(entry(folder), entry(other))
    (other / "tokenizer.json").unlink()
    assert not same_tokenizer(entry(folder), entry(other))


def test_an_imported_model_is_refused_with_a_way_out() -> None:
    with pytest.raises(ImportedModelError, match=r"'old' is imported.*choose a model with an engine"):
        open_engine(ModelEntry(name="old", engine="imported"))
