"""Problem sets of the hub: fetched once, kept, and asked for again only on request."""

from __future__ import annotations

import polars as pl
import pytest
from support.problem_files import entry, write

from cot_assets.problems import ProblemSetError, load_problems, sources
from cot_assets.study import load_config

HUB = "hf://datasets/someone/something/data/test.jsonl"


@pytest.fixture
def unreachable(monkeypatch):
    """Every request of this process goes to a port where nothing listens, on any machine."""
    for variable in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    for variable in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def fake_hub(monkeypatch, tmp_path):
    """Serves hub paths from files, through the same lazy readers; counts the requests."""
    requests = []

    def scan(path):
        requests.append(path)
        return pl.scan_lines(tmp_path / "hub.jsonl", name=sources._LINE)

    monkeypatch.setattr(sources, "_HUB_SCANNERS", {".jsonl": scan})
    write(tmp_path / "hub.jsonl", [{"problem": "p", "answer": "1"}, {"problem": "q", "answer": "2"}])
    return requests


def test_an_unreachable_hub_says_what_to_do(home, unreachable):
    for name in ("aime24", "aime25", "math500", "gpqa-diamond"):
        with pytest.raises(ProblemSetError, match=r"could not be read.*HF_TOKEN.*download the file") as error:
            load_problems(load_config().problem_set(name), home)
        assert load_config().problem_set(name).source in str(error.value)
    assert not list(home.root.glob("**/*.parquet")), "a failed fetch must leave no copy"


def test_a_rerun_needs_no_network(home, fake_hub, monkeypatch):
    first = load_problems(entry(HUB), home)
    again = load_problems(entry(HUB), home)
    assert again.equals(first)
    assert len(fake_hub) == 1
    other = load_problems(entry(HUB, name="other", prompt="Q: {statement}", limit=1), home)
    assert other["prompt"].to_list() == ["Q: p"]
    assert len(fake_hub) == 1, "another prompt needs no other download"


def test_a_broken_copy_is_fetched_again(home, fake_hub):
    first = load_problems(entry(HUB), home)
    (copy,) = home.cache.glob("problems/*.parquet")
    copy.write_bytes(copy.read_bytes()[:50])
    assert load_problems(entry(HUB), home).equals(first)
    assert len(fake_hub) == 2
    assert [p.name for p in copy.parent.iterdir()] == [copy.name], "no temporary file may stay behind"


def test_a_declared_revision_pins_the_download(home, fake_hub):
    commit = "0123456789abcdef0123456789abcdef01234567"
    frame = load_problems(entry(HUB, revision=commit), home)
    assert fake_hub == [f"hf://datasets/someone/something@{commit}/data/test.jsonl"]
    assert frame["revision"].unique().to_list() == [commit]
    branch = load_problems(entry(HUB, revision="dev"), home)
    assert branch["revision"][0] not in ("dev", commit), "a branch moves, so it is not a revision"
    assert len(list(home.cache.glob("problems/*.parquet"))) == 2


@pytest.mark.parametrize(
    ("source", "revision", "message"),
    [
        ("hf://datasets/someone", None, "not a hub path"),
        ("hf://models/someone/something/x.jsonl", None, "not a hub path"),
        ("hf://datasets/a/b@dev/x.jsonl", "main", "contradicts the path"),
        (HUB, "../../etc", "not a commit, tag or branch"),
        ("hf://datasets/a/b/x.json", None, "cannot be read from the hub; known: .jsonl"),
    ],
)
def test_malformed_hub_paths(home, unreachable, source, revision, message):
    with pytest.raises(ProblemSetError, match=message):
        load_problems(entry(source, revision=revision), home)


def test_a_hostile_hub_path_stays_in_the_cache_folder(home, fake_hub):
    load_problems(entry("hf://datasets/a/b/../../../../x.jsonl"), home)
    (copy,) = home.root.glob("**/*.parquet")
    assert copy.parent == home.cache / "problems"


def test_numbers_of_the_hub_keep_their_text(home, fake_hub, tmp_path):
    (tmp_path / "hub.jsonl").write_text(
        '{"problem": "p", "answer": 9007199254740993}\n{"problem": "q", "answer": 0.50}\n'
    )
    for _ in range(2):  # from the hub, and from the copy
        assert load_problems(entry(HUB), home)["gold_answer"].to_list() == ["9007199254740993", "0.50"]
