"""What an entry is and lacks, said before anything is loaded or sampled; conversion with its libraries replaced."""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.ggufs import write_gguf

from cot_assets.cli.models import models
from cot_assets.cli.plan import plan
from cot_assets.engines.base import EngineError
from cot_assets.engines.opening import open_engine
from cot_assets.engines.survey import require, survey
from cot_assets.engines.weights import convert as conversion
from cot_assets.engines.weights.source import find_source
from cot_assets.study import ModelEntry, load_config

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for models, with data home and configuration beside it; no network, an empty cache of the hub."""
    for name in ("models", "home", "cache"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("COT_ASSETS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COT_ASSETS_CONFIG", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return tmp_path / "models"


def entry(path: Path | str, engine: str = "openvino", **changes: object) -> ModelEntry:
    return ModelEntry.model_validate({"name": "m", "engine": engine, "path": str(path), **changes})


def safetensors(folder: Path) -> Path:
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"\0" * 2000)
    (folder / "config.json").write_text(json.dumps({"max_position_embeddings": 4096}))
    return folder


def cached(cache: Path, name: str) -> Path:
    """The folder of a repository in the hub's cache."""
    repository = cache / f"models--{name.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(COMMIT)
    (repository / "snapshots" / COMMIT).mkdir(parents=True)
    return repository / "snapshots" / COMMIT


def test_what_each_entry_is(place: Path) -> None:
    weak = load_config().model("demo-weak").local_path
    assert weak is not None
    file = write_gguf(place / "tiny.gguf")
    found = {
        "folder": survey(entry(weak)),
        "gguf": survey(entry(file)),
        "other": survey(entry(write_gguf(place / "other.gguf", "Q5_0"), quantization="int4")),
        "safe": survey(entry(safetensors(place / "safe"), quantization="int8")),
        "hub": survey(entry("org/absent")),
        "gone": survey(entry(place / "gone")),
        "wrong": survey(entry(place / "safe", quantization="awq")),
        "served": survey(entry("org/absent", "openai", endpoint="http://x/v1")),
    }
    shown = {name: (s.kind, s.state, s.context) for name, s in found.items() if name != "wrong"}
    assert shown == {
        "folder": ("OpenVINO folder", "there", 1024),
        "gguf": ("GGUF Q8_0", "there", 256),
        "other": ("GGUF Q5_0, int4", "to be converted", 256),
        "safe": ("safetensors, int8", "to be converted", 4096),
        "hub": ("hub name", "not here", None),
        "gone": ("path", "not here", None),
        "served": ("served at http://x/v1", "at its server", None),
    }
    assert found["gguf"].size == file.stat().st_size
    assert "fp16, int8, int4, not to quantization = 'awq'" in found["wrong"].state


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"path": "safe", "engine": "vllm"}, r"vLLM is not installed; .*`uv sync --extra vllm`"),
        ({"path": "safe"}, r"holds safetensors; `cot-assets models convert m` makes a folder of it \(needs the extra"),
        ({"path": "org/absent"}, r"'org/absent' .* not in the hub's cache, .*`hf download org/absent`"),
        ({"path": "org/absent", "engine": "openai", "endpoint": "http://x/v1"}, r"`hf download org/absent`"),
        ({"path": "org/name/x.gguf"}, r"org/name holds no x\.gguf"),
        ({"path": "empty"}, r"holds no model weights \(.*\); it holds notes\.txt; check `path`"),
        ({"path": "two"}, r"holds 2 GGUF files \(a\.gguf, b\.gguf\); name one of them in `path`"),
        ({"path": "empty/notes.txt"}, r"notes\.txt is not a GGUF file"),
        ({"path": "weak", "memory": 1000}, r"too little memory: its weights take 0\.0 GB"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_by_plan_and_before_opening(
    place: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], said: str
) -> None:
    if "vllm" in changes.values():
        monkeypatch.setitem(sys.modules, "vllm", None)
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    safetensors(place / "safe")
    (place / "empty").mkdir()
    (place / "empty" / "notes.txt").write_text("x")
    (place / "two").mkdir()
    for name in ("a", "b"):
        write_gguf(place / "two" / f"{name}.gguf")
    (cached(place.parent / "cache", "org/name") / "y.gguf").write_text("x")
    weak = load_config().model("demo-weak").local_path
    assert weak is not None
    shutil.copytree(weak, place / "weak")
    changes = dict(changes)
    if memory := changes.pop("memory", None):
        monkeypatch.setattr("cot_assets.engines.survey.free_memory", lambda: memory)
    if (place / changes["path"]).exists():
        changes["path"] = str(place / changes["path"])
    fields = {"engine": "openvino", **changes}
    with pytest.raises(EngineError, match=said):
        open_engine(ModelEntry.model_validate({"name": "m", **fields}))
    lines = [f"{name} = {json.dumps(value)}" for name, value in fields.items()]
    (place.parent / "models.toml").write_text("\n".join(["[m]", *lines]))
    result = CliRunner().invoke(plan, ["--model", "m", "--problem-set", "demo"])
    assert isinstance(result.exception, EngineError)


NO_TEMPLATE = r"weak has no chat template; set `template` in models\.toml to a text with \{statement\}"
TEXT = {"template": "{statement}"}


@pytest.mark.parametrize(
    ("engine", "lost", "changes", "said"),
    [
        *((engine, "", {}, NO_TEMPLATE) for engine in ("openvino", "vllm", "openai")),
        ("openai", "tokenizer.json", TEXT, r"weak has no tokenizer\.json; save the model with its fast tokenizer"),
        ("openvino", "openvino_model.bin", TEXT, r"of the weights in .*weak a file is missing or cut short; copy the model"),
        ("openvino", "", {**TEXT, "add_bos": True}, r"add_bos is set, but tokenizer_config\.json names no bos_token"),
        ("openvino", "", {**TEXT, "engine_args": {"seed": 1}}, r"'m': engine_args has 'seed', no OpenVINO scheduler"),
        ("openvino", "", {**TEXT, "dtype": "float16"}, r"'float16': Wrong value float16 for .*; change that in models\.toml"),
        ("openvino", "", {**TEXT, "device": "XPU"}, r'dtype = \'f32\': Device with "XPU" name is not registered'),
        ("vllm", "", {**TEXT, "engine_args": {"seed": 1}}, r"engine_args has 'seed', .*: seeds follow from the blocks"),
        ("vllm", "", {**TEXT, "engine_args": {"lora": "/nowhere"}}, r"lora = '/nowhere', which holds no adapter_config"),
        ("openai", "", {**TEXT, "engine_args": {"prompts": "both"}}, r"prompts: .*; there are concurrency, timeout"),
        ("openai", "", {**TEXT, "api_key_variable": "NO_KEY"}, r"variable NO_KEY is to hold the API key, but is not set"),
    ],
)  # fmt: skip
def test_what_a_look_at_the_files_tells_is_said_before_anything_is_loaded(
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    engine: str,
    lost: str,
    changes: dict[str, object],
    said: str,
) -> None:
    weak = load_config().model("demo-weak").local_path
    assert weak is not None
    shutil.copytree(weak, place / "weak")
    (place / "weak" / lost).unlink() if lost else None
    config = place / "weak" / "tokenizer_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "bos_token": None}))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: "there")  # vLLM is not where this runs
    changes |= {"endpoint": "http://x/v1"} if engine == "openai" else {}
    with pytest.raises(EngineError, match=said):
        require(entry(place / "weak", engine, **changes))


@pytest.mark.parametrize("n_lost", [0, 1, 5000])
def test_weights_that_are_cut_short_are_not_loaded(
    place: Path, monkeypatch: pytest.MonkeyPatch, n_lost: int
) -> None:
    weak = load_config().model("demo-weak").local_path
    assert weak is not None
    (place / "cut").mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        shutil.copy(weak / name, place / "cut" / name)
    weights = (weak / "model.safetensors").read_bytes()
    (place / "cut" / "model.safetensors").write_bytes(weights[: len(weights) - n_lost])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: "there")
    with pytest.raises(EngineError, match="cut short") if n_lost else nullcontext():
        require(entry(place / "cut", "vllm", template="{statement}"))


def test_gguf_files_are_for_engines_that_take_them(place: Path) -> None:
    """A served model may name the file that its server runs: its tokenizer is in there."""
    file = write_gguf(place / "tiny.gguf")
    require(entry(file, "openai", endpoint="http://x/v1"))
    assert [f.name for f in (place.parent / "home" / "weights").glob("tiny-tokenizer-*/tokenizer.json")] == [
        "tokenizer.json"
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("importlib.util.find_spec", lambda name: "there")
        with pytest.raises(
            EngineError, match=r'vllm takes a model\'s folder .* GGUF files run with engine = "openvino"'
        ):
            require(entry(file, "vllm"))


@pytest.mark.parametrize("kind", ["openvino", "gguf", "file"])
def test_a_hub_name_runs_from_the_cache(place: Path, kind: str) -> None:
    weak = load_config().model("demo-weak").local_path
    assert weak is not None
    folder = cached(place.parent / "cache", "org/name")
    if kind == "openvino":
        shutil.copytree(weak, folder, dirs_exist_ok=True)
    else:
        write_gguf(folder / "tiny.gguf")
    path = "org/name/tiny.gguf" if kind == "file" else "org/name"
    engine = open_engine(entry(path, template="Q: {statement}\nA:"))
    assert engine.render_prompt("1 + 1")
    engine.close()


def test_a_conversion_is_whole_or_goes_on(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dequantizing is a step of its own: an export that fails leaves it, and the next try begins there."""
    weak, steps, said = load_config().model("demo-weak").local_path, [0, 0], list[str]()
    assert weak is not None

    def dequantized(source: Path, folder: Path) -> None:
        steps[0] += 1
        (folder / "model.safetensors").write_text("x")

    def run(entry: ModelEntry, command: list[str], folder: Path | None = None) -> None:
        if "optimum.commands.optimum_cli" not in command:
            dequantized(Path(command[-2]), Path(command[-1]))
            return
        steps[1] += 1
        assert command[command.index("--model") + 1].startswith("./other-safetensors-")
        assert command[command.index("--weight-format") + 1] == "int4"
        if steps[1] == 1:
            raise EngineError("killed")
        for name in ("openvino_model.xml", "openvino_model.bin", "tokenizer.json"):
            shutil.copy(weak / name, Path(command[-1]) / name)

    wanted = entry(write_gguf(place / "other.gguf", "Q5_0"), quantization="int4")
    source = find_source(wanted)
    with monkeypatch.context() as patch:
        patch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(
            EngineError, match=r"conversion needs the extra convert: `uv sync --extra convert`"
        ):
            conversion.convert(wanted, source, said.append)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: "there")
    monkeypatch.setattr(conversion, "_run", run)
    with pytest.raises(EngineError, match="killed"):
        conversion.convert(wanted, source, said.append)
    assert survey(wanted).state == "to be converted"
    folder = conversion.convert(wanted, source, said.append)
    assert folder is not None
    assert conversion.convert(wanted, source, said.append) == folder
    assert (steps, survey(wanted).state) == ([1, 2], "converted")
    ends = json.loads(
        next(
            (place.parent / "home" / "weights").glob("other-safetensors-*/generation_config.json")
        ).read_text()
    )
    assert ends == {"eos_token_id": [2, 0]}
    assert (
        conversion.convert(
            entry(write_gguf(place / "tiny.gguf")), find_source(entry(place / "tiny.gguf")), print
        )
        is None
    )


def test_the_commands(place: Path) -> None:
    write_gguf(place / "tiny.gguf", context=64)
    (place.parent / "models.toml").write_text('[tiny]\nengine = "openvino"\npath = "models/tiny.gguf"\n')
    listed = CliRunner().invoke(models, [])
    assert listed.exit_code == 0, listed.output
    assert any(
        line.split()[:4] == ["tiny", "openvino", "GGUF", "Q8_0"] for line in listed.output.splitlines()
    )
    checked = CliRunner().invoke(models, ["check", "tiny"])
    assert checked.exit_code == 0, checked.output
    assert "<|im_start|>user\\n" in checked.output
    assert "tokens/s" in checked.output
    told = CliRunner().invoke(models, ["convert", "tiny"])
    assert "OpenVINO takes its weights as they are" in told.output
