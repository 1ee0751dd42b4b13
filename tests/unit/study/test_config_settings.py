"""The three files: what they may say, and how a mistake is named."""

from __future__ import annotations

import os
import re
import time
import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError
from support.configuration import load, refusal, toml, write_sections

from cot_assets.study import (
    ConfigError,
    ModelEntry,
    Protocol,
    load_config,
)


def test_the_package_files_are_valid() -> None:
    config = load_config()
    assert {"demo-strong", "demo-weak"} <= set(config.models)
    assert config.protocol_of("demo").name == "demo"
    assert config.protocol_of("aime24").sampling.n == 128


def test_a_local_model_of_the_package_lies_in_it() -> None:
    folder = load_config().model("demo-weak").local_path
    assert folder is not None
    assert (folder / "tokenizer.json").is_file()


def test_extends_takes_over_what_is_not_said() -> None:
    config = load_config()
    assert config.model("demo-weak").template == config.model("demo-strong").template
    assert config.model("demo-weak").path != config.model("demo-strong").path
    assert config.protocols["quick"].sampling.temperature == config.protocols["demo"].sampling.temperature
    assert config.problem_sets["aime25"].prompt == config.problem_sets["aime24"].prompt


def test_extends_goes_over_several_entries_and_files(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        protocols="[mine]\nextends = 'quick'\nsampling.seed = 5\n[yours]\nextends = 'mine'\nsampling.n = 48\n",
    )
    yours = config.protocols["yours"].sampling
    assert (yours.n, yours.seed, yours.max_cuts, yours.cut_policy) == (48, 5, 8, "lines")


def test_an_override_of_an_entry_reaches_what_extends_it(tmp_path: Path) -> None:
    config = load(tmp_path, protocols="[demo.sampling]\nn = 160\nmax_tokens = 9\n")
    assert config.protocols["demo"].sampling.n == 160
    assert config.protocols["quick"].sampling.max_tokens == 9
    assert config.protocols["paper"] == load_config().protocols["paper"]


def test_the_environment_variable_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "protocols.toml").write_text("[mine.sampling]\nn = 32\n")
    monkeypatch.setenv("COT_ASSETS_CONFIG", str(tmp_path))
    assert load_config().protocols["mine"].sampling.n == 32


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COT_ASSETS_CONFIG", str(tmp_path / "absent"))
    with pytest.raises(ConfigError, match=r"absent.*create it or unset it"):
        load_config()


@pytest.mark.parametrize(
    "name", ["a|b", "a,b", "a b", "[a]", "-a", ".a", "", "a/b", "ä", "a" * 101, "a.damaged"]
)
def test_names_that_cannot_be_partition_keys_are_refused(tmp_path: Path, name: str) -> None:
    message = refusal(tmp_path, protocols=f"[{toml(name)}]\nsampling.n = 16\n")
    assert "protocols.toml" in message
    assert repr(name) in message
    assert "may hold only letters" in message


@pytest.mark.parametrize("name", ["a", "Qwen2.5-7B", "a_b", "7", "a" * 100])
def test_other_names_are_taken(tmp_path: Path, name: str) -> None:
    assert load(tmp_path, protocols=f"[{toml(name)}]\nsampling.n = 16\n").protocols[name].name == name


@pytest.mark.parametrize(
    ("file", "entry", "said"),
    [
        ("protocols", "sampling.n = 20", ["n = 20", "multiple of 16"]),
        ("protocols", "sampling.n = 0", ["n: ", "16", "got 0"]),
        ("protocols", "sampling.top_p = 0", ["top_p", "got 0"]),
        ("protocols", "sampling.top_p = 1.01", ["top_p", "1.01"]),
        ("protocols", "sampling.temperature = -1", ["temperature", "-1"]),
        ("protocols", "sampling.temperature = 'hot'", ["temperature", "'hot'"]),
        ("protocols", "sampling.max_tokens = 0", ["max_tokens"]),
        ("protocols", "sampling.cut_policy = 'words'", ["cut_policy", "'words'", "lines"]),
        ("protocols", "sampling.measured = 'best'", ["measured", "'best'", "first"]),
        ("protocols", "sampling.transfer_fractions = [0.0, 1.0]", ["less than 1", "shares of a writer's trace"]),
        ("protocols", "sampling.control_fractions = [-0.1]", ["greater than or equal to 0", "got -0.1"]),
        ("protocols", "sampling.controls = ['random']", ["controls", "'random'", "shuffled"]),
        ("protocols", "sampling.transfer_fractions = 0.5", ["transfer_fractions", "0.5"]),
        ("protocols", "sampling.measured_per_problem = 5", ["measured_per_problem = 5", "traces_per_problem = 4"]),
        ("protocols", "sampling.max_cuts = 1\nsampling.transfer_fractions = [0.0, 0.2]", ["max_cuts = 1", "[0.0, 0.2]"]),
        ("protocols", "temprature = 1", ["temprature"]),
        ("models", "engine = 'gpt'", ["engine", "'gpt'", "openvino"]),
        ("models", "engine = 'openvino'", ["needs a path"]),
        ("models", "engine = 'vllm'", ["needs a path"]),
        ("models", "engine = 'openai'", ["needs an endpoint"]),
        ("models", "engine = 'openai'\nendpoint = 'here:8000'\npath = 'x'", ["endpoint", "http://localhost"]),
        ("models", "engine = 'openai'\nendpoint = ['http://x', 'y:8000']\npath = 'x'", ["endpoint", "http://localhost"]),
        ("models", "engine = 'openai'\nendpoint = ['http://x', 'http://x/v1/']\npath = 'x'", ["endpoint", "twice"]),
        *(("models", f"engine = 'openai'\nendpoint = 'http://{odd}/v1'\npath = 'x'", ["endpoint", "http://localhost"])
          for odd in ("h:99999", "h:0", "h:x", "[::1", "a..b", "a b", "a\tb", "xn--", "h" * 64)),
        ("models", "engine = 'openai'\nendpoint = []\npath = 'x'", ["needs an endpoint"]),
        ("models", "path = 'x'", ["engine"]),
        ("models", "engine = 'vllm'\npath = 'x'\ntemplate = 'hi'", ["{statement}"]),
        ("models", "engine = 'vllm'\npath = 'x'\nproblem_sets = 'demo'", ["problem_sets"]),
        ("problem_sets", "source = 'x.jsonl'", ["protocol"]),
        ("problem_sets", "protocol = 'demo'", ["source"]),
        ("problem_sets", "source = 'x'\nprotocol = 'demo'\nanswer_kind = 'essay'", ["answer_kind", "'essay'"]),
        ("problem_sets", "source = 'x'\nprotocol = 'demo'\nlimit = 0", ["limit"]),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_file_and_entry(
    tmp_path: Path, file: str, entry: str, said: list[str]
) -> None:
    message = refusal(tmp_path, **{file: f"[mine]\n{entry}\n"})
    for part in [f"{file}.toml", "[mine]", *said]:
        assert part in message


def test_every_wrong_value_of_an_entry_is_named(tmp_path: Path) -> None:
    message = refusal(tmp_path, protocols="[mine.sampling]\nmax_cuts = 0\ntop_p = 2\n")
    assert "max_cuts" in message
    assert "top_p" in message


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"protocols": "[mine\n"}, ["protocols.toml", "not valid TOML"]),
        ({"protocols": "n = 16\n"}, ["protocols.toml", "'n'", "[section]"]),
        ({"protocols": "[a]\nextends = 'b'\n[b]\nextends = 'a'\n"}, ["a -> b -> a", "extend one another"]),
        ({"protocols": "[a]\nextends = 'a'\n"}, ["a -> a"]),
        ({"protocols": "[a]\nextends = 'absent'\n"}, ["'a' extends 'absent'", "does not exist"]),
        ({"models": "[a]\nextends = 'demo-wek'\n"}, ["does not exist; did you mean 'demo-weak'?"]),
        (
            {"models": "[a]\nextends = 'demo-weak'\nproblem_set = ['demo']\n"},
            ["problem_set: no such field (got ['demo']); did you mean 'problem_sets'?"],
        ),
        (
            {"protocols": "[a]\nextends = 'quick'\nsampling.max_cut = 3\n"},
            ["sampling.max_cut: no such field (got 3); did you mean 'sampling.max_cuts'?"],
        ),
        ({"protocols": "[a]\nextends = 'quick'\ncolor = 3\n"}, ["color: no such field (got 3)"]),
        ({"models": "[qwen-0.5b]\nengine = 'vllm'\n"}, ["[qwen-0.5b]", "in quotes", '["qwen-0.5b"]']),
        ({"problem_sets": "[v1.2]\nsource = 'a.csv'\n"}, ['["v1.2"]']),
        ({"protocols": "[a]\nextends = 7\n"}, ["[a] extends = 7", "name one entry"]),
        ({"problem_sets": "[mine]\nsource = 'x'\nprotocol = 'absent'\n"}, ["'absent'", "known:", "paper"]),
        (
            {"models": "[mine]\nengine = 'vllm'\npath = 'x'\nproblem_sets = ['absent']\n"},
            ["'absent'", "known:", "demo-quick"],
        ),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, files: dict[str, str], said: list[str]) -> None:
    message = refusal(tmp_path, **files)
    for part in said:
        assert part in message


@pytest.mark.parametrize(
    "entry",
    [
        f"path = {'x' * 200_000!r}", f"engine = {'x' * 200_000!r}", f"{'k' * 200_000} = 1", f"batch = 0x{'f' * 9_000}",
        "\n".join(f"k{i} = 1" for i in range(20_000)), ".".join("k" * 5_000) + " = 1", f"path = {'[' * 980}{']' * 980}",
    ],
    ids=["path", "value", "key", "digits", "keys", "dots", "lists"],
)  # fmt: skip
def test_values_of_any_size_and_depth_are_told_at_once(tmp_path: Path, entry: str) -> None:
    start = time.process_time()
    assert f"{tmp_path / 'models.toml'}: " in refusal(
        tmp_path, models=f"[mine]\nextends = 'demo-weak'\nproblem_sets = 3\n{entry}\n"
    )
    assert time.process_time() - start < 1


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "protocols.toml").write_bytes(b"[mine]\nn = \xff\n")
    assert "protocols.toml" in refusal(tmp_path)


def test_text_is_utf_8_whatever_the_locale(tmp_path: Path) -> None:
    entry = {"engine": "vllm", "path": "x", "template": "Frage: {statement} →"}
    write_sections(tmp_path / "models.toml", {"mine": entry})
    assert load_config(tmp_path).model("mine").template == "Frage: {statement} →"


@pytest.mark.parametrize(
    ("look", "name"), [("model", "gpt"), ("problem_set", "absent"), ("protocol_of", "absent")]
)
def test_unknown_names_come_with_the_known_ones(look: str, name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}.*known: .*demo"):
        getattr(load_config(), look)(name)


def test_entries_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Protocol(name="a").sampling = 32  # type: ignore[misc]


def test_only_a_imported_model_needs_no_place() -> None:
    entry = ModelEntry(name="old", engine="imported")
    assert entry.is_imported
    assert entry.local_path is None


def test_a_hub_name_is_no_local_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    models = "[m]\nengine = 'vllm'\npath = 'org/model'\n"
    assert load(tmp_path, models=models).model("m").local_path is None
    (tmp_path / "org" / "model").mkdir(parents=True)
    assert load(tmp_path, models=models).model("m").local_path == tmp_path / "org" / "model"


@pytest.mark.parametrize("page", ["README.md", "docs/own-models.md"])
def test_the_examples_of_the_documentation_are_valid(tmp_path: Path, page: str) -> None:
    text = (Path(__file__).parents[3] / page).read_text()
    for example in re.findall(r"```toml\n(.*?)```", text, re.S):
        fields = tomllib.loads(example)
        entry = next(iter(fields.values()))
        kind = "models" if "engine" in entry else "problem_sets" if "source" in entry else "protocols"
        with (tmp_path / f"{kind}.toml").open("a") as file:
            file.write(example)
    known = load_config(tmp_path)
    assert {*known.models, *known.problem_sets} > {*load_config().models, *load_config().problem_sets}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("sampling.n = 1000000000", "rollouts per prefix"),
        ("sampling.max_cuts = 1000000000", "most measured cuts"),
        ("sampling.temperature = inf", "finite"),
        ("sampling.temperature = nan", "finite"),
        ("sampling.transfer_fractions = []", "at least 1"),
        ("sampling.transfer_fractions = [0.2, 0.2]", "named twice"),
        ("sampling.transfer_fractions = [nan]", "finite"),
        ("sampling.control_fractions = [7.5]", "less than 1"),
        ("analysis.headline_fraction = -1", "greater than or equal to 0"),
        ("extends = ['demo']", "name one entry"),
        ("extends = { a = 1 }", "name one entry"),
        ("sampling = [1]", "sampling"),
        ("analysis = 3", "analysis"),
        ("sampling.seed = -1", "seed"),
    ],
)
def test_numbers_have_bounds_with_a_reason(tmp_path: Path, entry: str, said: str) -> None:
    message = refusal(tmp_path, protocols=f"[mine]\n{entry}\n")
    assert "protocols.toml" in message
    assert "[mine]" in message
    assert said in message


def test_long_chains_and_cycles_of_entries_end(tmp_path: Path) -> None:
    chain = "".join(f"[a{i}]\nextends = 'a{i + 1}'\n" for i in range(3000))
    assert load(tmp_path, protocols=chain + "[a3000.sampling]\nn = 48\n").protocols["a0"].sampling.n == 48
    assert "extend one another" in refusal(tmp_path, protocols=chain + "[a3000]\nextends = 'a7'\n")


@pytest.mark.parametrize("kind", ["folder", "fifo", "dangling link", "too large", "too deep", "digits"])
def test_what_is_no_configuration_file_is_refused(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "models.toml"
    if kind == "folder":
        file.mkdir()
    elif kind == "fifo":
        os.mkfifo(file)
    elif kind == "dangling link":
        file.symlink_to(tmp_path / "absent")
    elif kind == "too large":
        file.write_text("#" * 10_000_001)
    elif kind == "too deep":
        file.write_text("[a]\nx = " + "[" * 20_000 + "]" * 20_000)
    else:
        file.write_text("[a]\nx = " + "1" * 10_000)
    with pytest.raises(ConfigError, match=r"models\.toml"):
        load_config(tmp_path)


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "protocols.toml").write_text("[mine.sampling]\nn = 48\n", encoding="utf-8-sig")
    assert load_config(tmp_path).protocols["mine"].sampling.n == 48


def test_paths_are_relative_to_the_file_that_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, elsewhere = tmp_path / "config", tmp_path / "elsewhere"
    (folder / "weights").mkdir(parents=True)
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    config = load(
        folder,
        models="[a]\nengine = 'vllm'\npath = 'weights'\n[b]\nextends = 'a'\npath = './absent'\n"
        "[c]\nextends = 'a'\npath = 'org/name'\n",
        problem_sets="[s]\nsource = '../s.jsonl'\nprotocol = 'demo'\n[t]\nextends = 's'\nlimit = 1\n",
    )
    assert config.model("a").local_path == folder / "weights"
    assert config.model("b").path == str(folder / "absent")
    assert config.model("c").path == "org/name"
    assert {config.problem_set(name).source for name in "st"} == {str(tmp_path / "s.jsonl")}
    assert config.problem_set("demo").source == "generated:demo"
