"""The TOML files: inheritance, refusals whose message shows the way out, overrides."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from support.configuration import toml, write_sections

from cot_assets.study import (
    AnalysisRules,
    Config,
    ConfigError,
    ModelEntry,
    MovedNameWarning,
    Protocol,
    SamplingRules,
    load_config,
)


@pytest.fixture(autouse=True)
def _no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COT_ASSETS_CONFIG", raising=False)


def load(folder: Path, **files: str) -> Config:
    """The configuration with the given files in the user's folder."""
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text)
    return load_config(folder)


def refusal(folder: Path, **files: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(folder, **files)
    return str(caught.value)


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


@pytest.mark.parametrize("name", ["a|b", "a,b", "a b", "[a]", "-a", ".a", "", "a/b", "ä", "a" * 101])
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
        ("protocols", "temprature = 1", ["temprature"]),
        ("models", "engine = 'gpt'", ["engine", "'gpt'", "openvino"]),
        ("models", "engine = 'openvino'", ["needs a path"]),
        ("models", "engine = 'vllm'", ["needs a path"]),
        ("models", "engine = 'openai'", ["needs an endpoint"]),
        ("models", "engine = 'openai'\nendpoint = 'http://x/v1'", ["needs a path", "tokenizer"]),
        ("models", "engine = 'openai'\nendpoint = 'here:8000'\npath = 'x'", ["endpoint", "http://localhost"]),
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


@pytest.mark.parametrize(
    "endpoint", ["http://me:s3cret@x/v1", "http://s3cret@x/v1", "https://x/v1?key=s3cret"]
)
def test_an_endpoint_with_a_secret_is_refused_and_not_repeated(tmp_path: Path, endpoint: str) -> None:
    message = refusal(tmp_path, models=f"[mine]\nengine = 'openai'\npath = 'x'\nendpoint = {endpoint!r}\n")
    assert "api_key_variable" in message
    assert "s3cret" not in message


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


def test_the_hash_of_a_protocol_sees_every_number_but_not_the_name() -> None:
    base = Protocol(name="a")
    assert base.protocol_hash == Protocol(name="b").protocol_hash
    other: dict[str, object] = {
        "n": 64, "max_tokens": 7, "temperature": 0.5, "top_p": 0.5, "cut_policy": "lines", "max_cuts": 3,
        "traces_per_problem": 2, "measured": "all", "measured_per_problem": 2, "insight_threshold": 0.5,
        "tangent_threshold": 0.5, "late_spike_threshold": 0.1, "guess_threshold": 0.1, "monotone_tolerance": 0.2,
        "solved_threshold": 0.9, "transfer_fractions": (0.0,), "control_fractions": (), "headline_fraction": 0.3,
        "controls": ("wrong",),
        "search_problems": 1, "search_candidates": 2, "search_chunk": 8, "search_n": 16,
        "search_fresh_n": 16, "search_budget": 9, "seed": 1, "top_k": 40, "min_p": 0.1,
    }  # fmt: skip
    fields = {*SamplingRules.model_fields, *AnalysisRules.model_fields}
    assert set(other) == fields - {"strategy", "adaptive", "audit_share"}
    hashes = {base.model_copy(update={field: value}).protocol_hash for field, value in other.items()}
    assert len(hashes | {base.protocol_hash}) == len(other) + 1


def test_entries_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Protocol(name="a").sampling = 32  # type: ignore[misc]


def test_only_a_recorded_model_needs_no_place() -> None:
    entry = ModelEntry(name="old", engine="recorded")
    assert entry.is_recorded
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


@pytest.mark.parametrize("greedy", [{"temperature": 0.0}, {"top_k": 1}, {"temperature": 0.0, "top_k": 40}])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, ["set n = 1, traces_per_problem = 1,"]),
        ({"n": 64, "traces_per_problem": 1}, ["set n = 1,"]),
        ({"n": 1}, ["set traces_per_problem = 1,"]),
        ({"n": 1, "traces_per_problem": 1, "search_problems": 3}, ["set search_problems = 0,"]),
        ({"n": 1, "traces_per_problem": 1, "sampling": "adaptive"}, ["set strategy = 'fixed',"]),
    ],
)
def test_a_greedy_protocol_asks_for_one_completion(
    greedy: dict[str, object], given: dict[str, object], said: list[str]
) -> None:
    with pytest.raises(ValidationError) as caught:
        Protocol.model_validate({"name": "p", **given, **greedy})
    assert all(part in str(caught.value) for part in [*said, "the same completion every time"])
    assert Protocol.model_validate(
        {"name": "p", "n": 1, "traces_per_problem": 1, **greedy}
    ).sampling.is_greedy


@pytest.mark.parametrize("n", [0, 1, 2, 15, 17, -16])
def test_n_is_a_multiple_of_a_block_where_rollouts_differ(n: int) -> None:
    with pytest.raises(ValidationError, match="16"):
        Protocol(name="p", n=n)


def test_what_is_switched_off_does_not_change_the_hash() -> None:
    assert Protocol(name="p", top_k=0, min_p=0.0).protocol_hash == Protocol(name="p").protocol_hash


FLAT = {
    "n": 32, "cut_policy": "lines", "insight_threshold": 0.5, "headline_fraction": 0.3, "seed": 9,
    "optimise_problems": 2, "optimise_n": 48, "sampling": "adaptive", "adaptive": {"most": 96},
}  # fmt: skip
NESTED = {
    "sampling": {
        "n": 32, "cut_policy": "lines", "seed": 9, "search_problems": 2, "search_n": 48,
        "strategy": "adaptive", "adaptive": {"most": 96},
    },
    "analysis": {"insight_threshold": 0.5, "headline_fraction": 0.3},
}  # fmt: skip


def test_files_with_names_at_the_top_are_read_with_one_warning(tmp_path: Path) -> None:
    write_sections(tmp_path / "protocols.toml", {"old": FLAT, "new": NESTED})
    with pytest.warns(MovedNameWarning) as caught:
        config = load_config(tmp_path)
    (message,) = [str(warning.message) for warning in caught]
    for part in [
        "protocols.toml", "n is now sampling.n", "optimise_n is now sampling.search_n",
        "sampling is now sampling.strategy", "insight_threshold is now analysis.insight_threshold",
    ]:  # fmt: skip
        assert part in message
    old, new = config.protocols["old"], config.protocols["new"]
    assert (old.sampling, old.analysis, old.protocol_hash) == (new.sampling, new.analysis, new.protocol_hash)


@pytest.mark.filterwarnings("error")
def test_names_in_their_parts_are_read_without_a_warning(tmp_path: Path) -> None:
    write_sections(tmp_path / "protocols.toml", {"new": NESTED})
    assert load_config(tmp_path).protocols["new"].sampling.n == 32


@pytest.mark.filterwarnings("ignore::cot_assets.study.MovedNameWarning")
@pytest.mark.parametrize(
    "entries",
    [
        {"mine": {"extends": "theirs", "n": 48}, "theirs": NESTED},
        {"mine": {"extends": "theirs", "sampling": {"n": 48}}, "theirs": FLAT},
    ],
    ids=["old extends new", "new extends old"],
)
def test_what_is_extended_is_merged_part_by_part(tmp_path: Path, entries: dict[str, Any]) -> None:
    write_sections(tmp_path / "protocols.toml", entries)
    protocols = load_config(tmp_path).protocols
    mine, theirs = protocols["mine"], protocols["theirs"]
    assert mine.sampling.n == 48
    assert mine.sampling == theirs.sampling.model_copy(update={"n": 48})
    assert mine.analysis == theirs.analysis


def test_a_name_given_in_both_places_is_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path, protocols="[mine]\nn = 16\n[mine.sampling]\nn = 32\n")
    assert "n is given twice" in message
    assert "[mine]" in message


def test_a_threshold_changes_the_hash_of_the_analysis_only() -> None:
    base = Protocol(name="p")
    for field in AnalysisRules.model_fields:
        changed = base.model_copy(update={field: 0.123})
        assert changed.analysis_hash != base.analysis_hash
        assert changed.sampling_hash == base.sampling_hash
    for changes in ({"n": 64}, {"seed": 1}, {"temperature": 0.9}):
        changed = base.model_copy(update=changes)
        assert changed.analysis_hash == base.analysis_hash
        assert changed.sampling_hash != base.sampling_hash


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


@pytest.mark.parametrize("field", ["api_key", "secret", "password"])
def test_a_secret_in_a_file_is_not_repeated(tmp_path: Path, field: str) -> None:
    message = refusal(tmp_path, models=f"[mine]\nengine = 'vllm'\npath = 'x'\n{field} = 'sk-verysecret'\n")
    assert field in message
    assert "verysecret" not in message


@pytest.mark.parametrize(
    "line",
    [
        'api_key = "{}"', 'key = "{}"', 'api_key_variable = "{}"', 'token = "{}"', 'dtyp = "{}"', 'add_bos = "{}"',
        'headers = {{ Authorization = "Bearer {}" }}', 'revision = ["{}"]', 'endpoint = "http://localhost/v1?key={}"',
        'problem_sets = "{}"',
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "key",
    [
        "sk-proj-AbCdEf0123456789",
        "hf_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789",
        "AKIAIOSFODNN7EXAMPLE",
        "0123456789abcdef" * 4,
    ],
)
def test_a_key_that_was_pasted_into_a_file_is_not_shown(tmp_path: Path, line: str, key: str) -> None:
    (tmp_path / "models.toml").write_text(
        f'[mine]\nengine = "openai"\npath = "x"\nendpoint = "http://localhost/v1"\n{line.format(key)}\n'
        if not line.startswith("endpoint")
        else f'[mine]\nengine = "openai"\npath = "x"\n{line.format(key)}\n'
    )
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path)
    assert key not in str(caught.value)
    assert line.split(" ")[0] in str(caught.value)


@pytest.mark.parametrize("name", ["TINY_KEY", "MY_SERVICES_OPENAI_API_KEY_V2", "key", "_private"])
def test_the_name_of_a_variable_is_no_key(name: str) -> None:
    entry = {
        "name": "m",
        "engine": "openai",
        "endpoint": "http://h/v1",
        "path": "p",
        "api_key_variable": name,
    }
    assert ModelEntry.model_validate(entry).api_key_variable == name
