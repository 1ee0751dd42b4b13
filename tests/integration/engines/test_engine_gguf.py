"""A GGUF file as a model of the embedded engine: read by OpenVINO itself, its tokenizer from its metadata."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openvino_genai as genai
import pytest
from support.engine_suite import block
from support.ggufs import write_gguf
from tokenizers import Tokenizer

from cot_assets.engines.base import BlockResult, Engine, EngineError, Sampling
from cot_assets.engines.opening import open_engine
from cot_assets.engines.remembered import recall, remember
from cot_assets.engines.revision import entry_revision
from cot_assets.engines.weights.gguf import read_gguf, write_tokenizer
from cot_assets.statistics.surprise import judge
from cot_assets.study import DataHome, ModelEntry

SAMPLE = Sampling(1.0, 0.95)
TEXTS = [
    "the  12 times 345 = x\n\n  y", "Größe, 角度 ≤ 90° 🙂", "a\r\n\r\nb \t c   12 34", "don't I'LL 3.14 $\\boxed{4}$",
    "<|im_start|>user\nhi<|im_end|>\n", "",
]  # fmt: skip


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


def entry(path: Path, **changes: object) -> ModelEntry:
    return ModelEntry.model_validate({"name": "tiny", "engine": "openvino", "path": str(path), **changes})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("home")
        patch.setenv("COT_ASSETS_HOME", str(home))
        yield home


@pytest.fixture(scope="module")
def engine(file: Path, home: Path) -> Iterator[Engine]:
    engine = open_engine(entry(file))
    yield engine
    engine.close()


def test_it_says_what_it_holds(engine: Engine, file: Path) -> None:
    info = engine.describe()
    assert (info.quantization, info.context, info.model_revision) == (
        "Q8_0",
        256,
        entry_revision(entry(file)),
    )


def test_the_prompt_is_that_of_its_template(engine: Engine) -> None:
    ids = engine.render_prompt("1 + 1 = ?")
    assert ids[0] == 1  # <|im_start|>, one token
    assert engine.decode(ids) == "user\n1 + 1 = ?\nassistant\n"


def test_what_it_writes_passes_the_audit(engine: Engine) -> None:
    prompt = engine.render_prompt("1 + 1 = ?")
    blocks = [block(f"audit {i}", (*prompt, *prompt[:i]), budget=40) for i in range(12)]
    results = [r for r in engine.sample(blocks, SAMPLE) if isinstance(r, BlockResult)]
    assert {len(r.completions) for r in results} == {16}
    judgment = judge(list(engine.score(((r.block, r.completions) for r in results), SAMPLE)), len(results))
    assert judgment.failed == ()
    assert not judgment.is_shifted
    moved = [(a.block, b.completions) for a, b in zip(results, [*results[3:], *results[:3]], strict=True)]
    assert judge(list(engine.score(moved, SAMPLE)), len(moved)).log_e > judgment.log_e


def test_it_is_read_once(engine: Engine, file: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And under the same revision wherever the file lies; identity and tokenizer are remembered without it."""
    assert [f.name.startswith("tiny-") for f in (home / "weights").glob("[!.]*")] == [True]
    moved = entry(Path(shutil.copy(file, home / "tiny.gguf")))
    assert entry_revision(moved) == entry_revision(entry(file))
    remember(DataHome(home).models, moved, engine)
    found = recall(DataHome(home).models, entry(file))
    assert found is not None
    assert found[0] == engine.describe()
    assert Tokenizer.from_file(str(found[1] / "tokenizer.json")).token_to_id("<|im_end|>") == 2


@pytest.mark.parametrize("pre", ["smollm", "qwen2", "gpt-2", "llama-bpe"])
def test_its_tokens_are_those_of_openvino(tmp_path: Path, pre: str) -> None:
    """OpenVINO GenAI reads the same metadata with code of its own; offsets cover the text without gaps."""
    file = write_gguf(tmp_path / f"{pre}.gguf", pre=pre)
    write_tokenizer(file, tmp_path)
    ours, theirs = Tokenizer.from_file(str(tmp_path / "tokenizer.json")), genai.Tokenizer(file)
    for text in TEXTS:
        encoding = ours.encode(text, add_special_tokens=False)
        if text:
            assert (
                encoding.ids
                == np.ravel(theirs.encode(text, add_special_tokens=False).input_ids.data).tolist()
            ), text
        assert ours.decode(encoding.ids, skip_special_tokens=False) == text
        ends = [end for _, end in encoding.offsets]
        assert ends == sorted(ends)
        assert not text or (encoding.offsets[0][0], ends[-1]) == (0, len(text))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tensors": "Q5_0"}, r"holds Q5_0 tensors, which OpenVINO's reader does not take; `cot-assets models convert tiny`"),
        ({"tensors": "Q5_1"}, r"holds Q5_1 tensors"),
        ({"architecture": "gemma3"}, r"is of the architecture 'gemma3', which .* does not know; `cot-assets models convert"),
        ({"pre": "tekken"}, r"a tokenizer of the kind 'gpt2', 'tekken', which is not known here"),
        ({"model": "llama"}, r"a tokenizer of the kind 'llama'"),
        ({"template": None}, r"has no chat template; set `template`"),
        ({"eos": None}, None),  # the end of a turn is known by its name
    ],
)  # fmt: skip
def test_what_cannot_be_loaded_is_said_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], said: str | None
) -> None:
    monkeypatch.setenv("COT_ASSETS_HOME", str(tmp_path / "home"))
    file = write_gguf(tmp_path / "other.gguf", **changes)
    if said is None:
        open_engine(entry(file)).close()
        return
    with pytest.raises(EngineError, match=said):
        open_engine(entry(file)).render_prompt("x")
    assert not list((tmp_path / "home").glob("weights/*.part"))


def test_a_damaged_file_is_said_to_be_one(tmp_path: Path, file: Path) -> None:
    damaged = tmp_path / "damaged.gguf"
    for content in (b"", b"GGUF", file.read_bytes()[:4000], b"\0" * 5000):
        damaged.write_bytes(content)
        with pytest.raises(
            EngineError, match=r"damaged\.gguf is not a sound GGUF file .* copy or download it again"
        ):
            read_gguf(damaged)
